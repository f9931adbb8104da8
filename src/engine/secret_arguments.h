// Which arguments of a call must not be shown: passwords and the like (kSensitive, CommandSpec::is_secret).
#pragma once

#include <span>
#include <string_view>

#include "engine/engine.h"

namespace kvick {

inline constexpr std::string_view kRedacted = "(redacted)";

bool IsSecretArgument(const Engine& engine, const Command& command, std::span<const std::string_view> arguments,
                      size_t index);

}  // namespace kvick

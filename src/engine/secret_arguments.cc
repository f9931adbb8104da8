#include "engine/secret_arguments.h"

namespace kvick {

bool IsSecretArgument(const Engine& engine, const Command& command, std::span<const std::string_view> arguments,
                      size_t index) {
  if (!command.has(kSensitive)) return false;
  const CommandSpec& spec = *command.spec;
  if (spec.is_secret != nullptr) return spec.is_secret(engine, arguments, index);
  const size_t name_words = command.parent != nullptr ? 2 : 1;
  return index >= name_words;
}

}  // namespace kvick

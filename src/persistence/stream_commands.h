// The commands that make a stream again, with its groups and what its producers added under names.
#pragma once

#include <string>
#include <string_view>

#include "types/stream_value.h"

namespace kvick {

void AppendStreamCommands(std::string_view key, const StreamValue& stream, std::string* out);

}  // namespace kvick

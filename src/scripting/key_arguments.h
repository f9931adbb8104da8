// What EVAL and FCALL have in common, and what makes scripts.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/status.h"
#include "scripting/script.h"

namespace kvick {

class CommandContext;

// The number of keys, which argument 2 gives.
Result<size_t> KeyCountArgument(CommandContext& context, const Status& not_a_number);

// Refuses a script that says what it does, and not that it may run without memory (ScriptFlags), when there is none.
Status CheckRoomFor(uint32_t script_flags, CommandContext& context);

// A script from its text, not yet compiled.
Result<std::shared_ptr<Script>> MakeScript(std::string_view text);

}  // namespace kvick

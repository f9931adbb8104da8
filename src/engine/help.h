// The replies of "CONTAINER HELP".
#pragma once

#include <initializer_list>
#include <string_view>

#include "engine/command_context.h"

namespace kvick {

// Answers the customary first line, `lines` ("SUBCOMMAND <argument>", then its explanation indented by four blanks)
// and what HELP itself does.
Status ReplyHelp(CommandContext& context, std::initializer_list<std::string_view> lines);

}  // namespace kvick

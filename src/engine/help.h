// The HELP subcommand of every container, made from the rows of its subcommands: their syntax and their summary.
//
//   {.name = "CLIENT HELP", ..., .handler = ReplyHelp},
#pragma once

#include "base/status.h"

namespace kvick {

class CommandContext;

Status ReplyHelp(CommandContext& context);

}  // namespace kvick

#include "engine/help.h"

#include <string>

#include "base/bytes.h"

namespace kvick {

Status ReplyHelp(CommandContext& context, std::initializer_list<std::string_view> lines) {
  ReplyWriter& reply = context.Reply();
  const std::string_view full_name = context.command().name;
  reply.Array(lines.size() + 3);
  reply.Simple(ToUpper(full_name.substr(0, full_name.find('|'))) +
               " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
  for (const std::string_view line : lines) reply.Simple(line);
  reply.Simple("HELP");
  reply.Simple("    Prints this help.");
  return Status::Ok();
}

}  // namespace kvick

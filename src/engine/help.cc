#include "engine/help.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "engine/command_context.h"

namespace kvick {

Status ReplyHelp(CommandContext& context) {
  const Command& container = *context.command().parent;
  std::vector<const Command*> subcommands;
  for (const auto& subcommand : container.subcommands) {
    if (subcommand.get() != &context.command()) subcommands.push_back(subcommand.get());
  }
  std::sort(subcommands.begin(), subcommands.end(),
            [](const Command* a, const Command* b) { return a->name < b->name; });
  subcommands.push_back(&context.command());  // HELP comes last

  ReplyWriter& reply = context.Reply();
  reply.Array(1 + 2 * subcommands.size());
  reply.Simple(ToUpper(container.name) + " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
  for (const Command* subcommand : subcommands) {
    std::string line(subcommand->spec->name.substr(container.name.size() + 1));
    if (!subcommand->spec->syntax.empty()) line += " " + std::string(subcommand->spec->syntax);
    reply.Simple(line);
    reply.Simple("    " + std::string(subcommand->spec->summary));
  }
  return Status::Ok();
}

}  // namespace kvick

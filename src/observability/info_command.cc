// INFO: the text of the sections that the client asks for.
#include <string>
#include <vector>

#include "base/bytes.h"
#include "engine/command_context.h"
#include "observability/features.h"

namespace kvick {
namespace {

Status Info(CommandContext& context) {
  std::vector<std::string> names;
  for (const std::string_view name : context.arguments().subspan(1)) names.push_back(ToLower(name));
  context.Reply().Verbatim(context.engine().info().Text(names));
  return Status::Ok();
}

constexpr CommandSpec kCommands[] = {
    {
        .name = "INFO",
        .syntax = "[section [section ...]]",
        .summary = "Returns information and statistics about the server.",
        .since = "1.0.0",
        .group = "server",
        .complexity = "O(1)",
        .flags = kLoading | kStale,
        .categories = kAclDangerous,
        .tips = {"nondeterministic_output", "request_policy:all_shards", "response_policy:special"},
        .handler = Info,
    },
};

}  // namespace

std::span<const CommandSpec> InfoCommands() { return kCommands; }

}  // namespace kvick

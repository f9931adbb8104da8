// Commands on the process around the data: time, role, shutdown.
#include <string>
#include <vector>

#include "base/version.h"
#include "commands/families.h"
#include "commands/lolwut_art.h"
#include "engine/command_context.h"
#include "engine/help.h"

namespace kvick {
namespace {

Status Time(CommandContext& context) {
  const int64_t now_us = context.engine().clock().NowUs();
  context.Reply().Array(2);
  context.Reply().BulkInteger(now_us / 1'000'000);
  context.Reply().BulkInteger(now_us % 1'000'000);
  return Status::Ok();
}

Status Role(CommandContext& context) {
  ReplyWriter& reply = context.Reply();
  reply.Array(3);
  reply.Bulk("master");
  reply.Integer(static_cast<int64_t>(context.engine().log().end_position()));
  reply.Array(0);  // replicas
  return Status::Ok();
}

Result<ShutdownRequest> ParseShutdown(const CommandContext& context) {
  ShutdownRequest request;
  for (size_t i = 1; i < context.argument_count(); ++i) {
    if (context.ArgIs(i, "NOSAVE")) {
      request.no_save = true;
    } else if (context.ArgIs(i, "SAVE")) {
      request.save = true;
    } else if (context.ArgIs(i, "NOW")) {
      request.now = true;
    } else if (context.ArgIs(i, "FORCE")) {
      request.force = true;
    } else if (context.ArgIs(i, "ABORT")) {
      request.abort = true;
    } else {
      return errors::Syntax();
    }
  }
  const bool has_others = request.save || request.no_save || request.now || request.force;
  if ((request.save && request.no_save) || (request.abort && has_others)) return errors::Syntax();
  return request;
}

// A shutdown that goes well has no reply: the connection ends.
Status Shutdown(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const ShutdownRequest request, ParseShutdown(context));
  ProcessControl* process = context.engine().hooks.process;
  if (process == nullptr) {
    return errors::Generic(request.abort ? "No shutdown in progress." : "Errors trying to SHUTDOWN. Check logs.");
  }
  KVICK_RETURN_IF_ERROR(process->Shutdown(request));
  if (request.abort) context.Reply().Ok();
  return Status::Ok();
}

Status LolWut(CommandContext& context) {
  if (context.argument_count() > 2 && context.ArgIs(1, "VERSION")) {
    KVICK_RETURN_IF_ERROR(context.IntegerArg(2).status());  // there is one piece, whatever the version
  }
  context.Reply().Verbatim(DrawRipples(context.executor().random()) + "\nkvick " + kKvickVersion + ", Redis ver. " +
                           kCompatibleVersion + "\n");
  return Status::Ok();
}

constexpr CommandSpec kCommands[] = {
    {
        .name = "LOLWUT",
        .syntax = "[VERSION version]",
        .summary = "Displays computer art and the version.",
        .since = "5.0.0",
        .group = "server",
        .flags = kReadonly | kFast,
        .handler = LolWut,
    },
    {
        .name = "ROLE",
        .summary = "Returns the replication role.",
        .since = "2.8.12",
        .group = "server",
        .complexity = "O(1)",
        .flags = kNoScript | kLoading | kStale | kFast,
        .categories = kAclAdmin | kAclDangerous,
        .handler = Role,
    },
    {
        .name = "SHUTDOWN",
        .syntax = "[NOSAVE | SAVE] [NOW] [FORCE] [ABORT]",
        .argument_notes = "nosave=save-selector now@7.0.0 force@7.0.0 abort@7.0.0",
        .summary = "Saves the data set, if asked to or configured to, and ends the server.",
        .since = "1.0.0",
        .group = "server",
        .complexity = "O(N) when saving, where N is the total number of keys in all databases when saving data, "
                      "otherwise O(1)",
        .flags = kAdmin | kNoScript | kLoading | kStale | kNoMulti | kAllowBusy | kExclusive,
        .handler = Shutdown,
    },
    {
        .name = "TIME",
        .summary = "Returns the server's time.",
        .since = "2.6.0",
        .group = "server",
        .complexity = "O(1)",
        .flags = kLoading | kStale | kFast,
        .tips = {"nondeterministic_output"},
        .handler = Time,
    },
};

}  // namespace

std::span<const CommandSpec> ServerCommands() { return kCommands; }

}  // namespace kvick

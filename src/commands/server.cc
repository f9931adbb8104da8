// Commands on the process and the machine around the data: time, memory, role, shutdown.
#include <string>
#include <vector>

#include "base/memory_usage.h"
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

// The entry, what hangs from it, and its share of the table. Nothing is estimated, so SAMPLES changes nothing.
KVICK_NO_THREAD_SAFETY_ANALYSIS Status MemoryUsage(CommandContext& context) {
  for (size_t i = 3; i < context.argument_count(); i += 2) {
    if (!context.ArgIs(i, "SAMPLES") || i + 1 >= context.argument_count()) return errors::Syntax();
    KVICK_ASSIGN_OR_RETURN(const int64_t samples, context.IntegerArg(i + 1));
    if (samples < 0) return errors::Syntax();
  }
  const KeyTable::Slot slot = context.Peek(0);
  if (slot.entry == nullptr) {
    context.Reply().Null();
    return Status::Ok();
  }
  const KeyTable& table = context.key(0).database->StripeOf(context.key(0).key).table;
  context.Reply().Integer(
      static_cast<int64_t>(slot.entry->memory_bytes() + table.memory_bytes() / table.entry_count()));
  return Status::Ok();
}

Status MemoryPurge(CommandContext& context) {
  ReleaseFreeMemory();
  context.Reply().Ok();
  return Status::Ok();
}

Status MemoryMallocStats(CommandContext& context) {
  std::string report = AllocatorReport();
  if (report.empty()) report = "Stats not supported for the current allocator";
  context.Reply().Verbatim(report);
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
        .name = "MEMORY",
        .summary = "A container for memory diagnostics commands.",
        .since = "4.0.0",
        .group = "server",
        .complexity = "Depends on subcommand.",
        .arity = -2,
    },
    {
        .name = "MEMORY HELP",
        .summary = "Returns helpful text about the subcommands.",
        .since = "4.0.0",
        .group = "server",
        .complexity = "O(1)",
        .flags = kLoading | kStale,
        .handler = ReplyHelp,
    },
    {
        .name = "MEMORY MALLOC-STATS",
        .summary = "Returns the allocator's statistics.",
        .since = "4.0.0",
        .group = "server",
        .complexity = "Depends on how much memory is allocated, could be slow",
        .tips = {"nondeterministic_output", "request_policy:all_shards", "response_policy:special"},
        .handler = MemoryMallocStats,
    },
    {
        .name = "MEMORY PURGE",
        .summary = "Asks the allocator to release memory.",
        .since = "4.0.0",
        .group = "server",
        .complexity = "Depends on how much memory is allocated, could be slow",
        .tips = {"request_policy:all_shards", "response_policy:all_succeeded"},
        .handler = MemoryPurge,
    },
    {
        .name = "MEMORY USAGE",
        .syntax = "key [SAMPLES count]",
        .summary = "Returns the memory that a key and its value occupy.",
        .since = "4.0.0",
        .group = "server",
        .complexity = "O(N) where N is the number of samples.",
        .flags = kReadonly,
        .keys = {OneKey(2, kKeyReadOnly)},
        .handler = MemoryUsage,
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

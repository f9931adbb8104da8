// SLOWLOG and COMMANDLOG: the calls that stood out.
#include <string>
#include <vector>

#include "base/numbers.h"
#include "engine/command_context.h"
#include "engine/help.h"
#include "observability/call_logs.h"
#include "observability/features.h"

namespace kvick {
namespace {

constexpr int64_t kDefaultCount = 10;

CallLogs& LogsOf(CommandContext& context) { return *context.engine().hooks.call_logs; }

Status ReplyLatest(CommandContext& context, CallLogKind kind, int64_t count) {
  const std::vector<LoggedCall> calls = LogsOf(context).Latest(kind, count);
  ReplyWriter& reply = context.Reply();
  reply.Array(calls.size());
  for (const LoggedCall& call : calls) {
    reply.Array(7);
    reply.Integer(call.id);
    reply.Integer(call.finished_s);
    reply.Integer(call.amount);
    reply.Array(call.arguments.size());
    for (const std::string& argument : call.arguments) reply.Bulk(argument);
    reply.Bulk(call.address);
    reply.Bulk(call.client_name);
    reply.Integer(static_cast<int64_t>(call.argument_count));
  }
  return Status::Ok();
}

Result<int64_t> CountArg(CommandContext& context) {
  const std::optional<int64_t> count = ParseInt64(context.Arg(2));
  if (!count || *count < -1) return errors::Generic("count should be greater than or equal to -1");
  return *count;
}

Status SlowLogGet(CommandContext& context) {
  int64_t count = kDefaultCount;
  if (context.argument_count() > 3) return errors::SubcommandArguments(context.Arg(1), "SLOWLOG");
  if (context.argument_count() == 3) {
    KVICK_ASSIGN_OR_RETURN(count, CountArg(context));
  }
  return ReplyLatest(context, CallLogKind::kSlow, count);
}

Status SlowLogLen(CommandContext& context) {
  context.Reply().Integer(static_cast<int64_t>(LogsOf(context).size(CallLogKind::kSlow)));
  return Status::Ok();
}

Status SlowLogReset(CommandContext& context) {
  LogsOf(context).Clear(CallLogKind::kSlow);
  context.Reply().Ok();
  return Status::Ok();
}

// The last argument of each COMMANDLOG.
Result<CallLogKind> KindArg(CommandContext& context) {
  const size_t index = context.argument_count() - 1;
  if (context.ArgIs(index, "slow")) return CallLogKind::kSlow;
  if (context.ArgIs(index, "large-request")) return CallLogKind::kLargeRequest;
  if (context.ArgIs(index, "large-reply")) return CallLogKind::kLargeReply;
  return errors::Generic("type should be one of the following: slow, large-request, large-reply");
}

Status CommandLogGet(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const int64_t count, CountArg(context));
  KVICK_ASSIGN_OR_RETURN(const CallLogKind kind, KindArg(context));
  return ReplyLatest(context, kind, count);
}

Status CommandLogLen(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const CallLogKind kind, KindArg(context));
  context.Reply().Integer(static_cast<int64_t>(LogsOf(context).size(kind)));
  return Status::Ok();
}

Status CommandLogReset(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const CallLogKind kind, KindArg(context));
  LogsOf(context).Clear(kind);
  context.Reply().Ok();
  return Status::Ok();
}

constexpr uint64_t kCallLogFlags = kAdmin | kLoading | kStale;

constexpr CommandSpec kCommands[] = {
    {
        .name = "COMMANDLOG",
        .summary = "A container for command log commands.",
        .since = "8.1.0",
        .group = "server",
        .complexity = "Depends on subcommand.",
        .arity = -2,
    },
    {
        .name = "COMMANDLOG GET",
        .syntax = "count <slow | large-request | large-reply>",
        .summary = "Returns the latest entries of a command log.",
        .since = "8.1.0",
        .group = "server",
        .complexity = "O(N) where N is the number of entries returned",
        .flags = kCallLogFlags,
        .tips = {"request_policy:all_nodes", "nondeterministic_output"},
        .handler = CommandLogGet,
    },
    {
        .name = "COMMANDLOG HELP",
        .summary = "Returns helpful text about the subcommands.",
        .since = "8.1.0",
        .group = "server",
        .complexity = "O(1)",
        .flags = kLoading | kStale,
        .handler = ReplyHelp,
    },
    {
        .name = "COMMANDLOG LEN",
        .syntax = "<slow | large-request | large-reply>",
        .summary = "Returns the number of entries in a command log.",
        .since = "8.1.0",
        .group = "server",
        .complexity = "O(1)",
        .flags = kCallLogFlags,
        .tips = {"request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"},
        .handler = CommandLogLen,
    },
    {
        .name = "COMMANDLOG RESET",
        .syntax = "<slow | large-request | large-reply>",
        .summary = "Clears all entries of a command log.",
        .since = "8.1.0",
        .group = "server",
        .complexity = "O(N) where N is the number of entries in the log",
        .flags = kCallLogFlags,
        .tips = {"request_policy:all_nodes", "response_policy:all_succeeded"},
        .handler = CommandLogReset,
    },
    {
        .name = "SLOWLOG",
        .summary = "A container for slow log commands.",
        .since = "2.2.12",
        .group = "server",
        .complexity = "Depends on subcommand.",
        .arity = -2,
    },
    {
        .name = "SLOWLOG GET",
        .syntax = "[count]",
        .summary = "Returns the slow log's latest entries.",
        .since = "2.2.12",
        .group = "server",
        .complexity = "O(N) where N is the number of entries returned",
        .flags = kCallLogFlags,
        .tips = {"request_policy:all_nodes", "nondeterministic_output"},
        .handler = SlowLogGet,
    },
    {
        .name = "SLOWLOG HELP",
        .summary = "Returns helpful text about the subcommands.",
        .since = "6.2.0",
        .group = "server",
        .complexity = "O(1)",
        .flags = kLoading | kStale,
        .handler = ReplyHelp,
    },
    {
        .name = "SLOWLOG LEN",
        .summary = "Returns the number of entries in the slow log.",
        .since = "2.2.12",
        .group = "server",
        .complexity = "O(1)",
        .flags = kCallLogFlags,
        .tips = {"request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"},
        .handler = SlowLogLen,
    },
    {
        .name = "SLOWLOG RESET",
        .summary = "Clears all entries from the slow log.",
        .since = "2.2.12",
        .group = "server",
        .complexity = "O(N) where N is the number of entries in the slowlog",
        .flags = kCallLogFlags,
        .tips = {"request_policy:all_nodes", "response_policy:all_succeeded"},
        .handler = SlowLogReset,
    },
};

}  // namespace

std::span<const CommandSpec> CallLogCommands() { return kCommands; }

void AttachCallLogs(Engine& engine) {
  CallLogs& logs = engine.Attach<CallLogs>(engine);
  engine.hooks.call_observers.push_back(&logs);
  engine.hooks.call_logs = &logs;
  engine.options().OnChange({"slowlog-max-len", "commandlog-large-request-max-len", "commandlog-large-reply-max-len"},
                            [&logs] {
                              logs.Trim();
                              return Status::Ok();
                            });
}

}  // namespace kvick

// SLOWLOG: the commands on the slow log.
#include <string>
#include <vector>

#include "base/numbers.h"
#include "engine/command_context.h"
#include "engine/help.h"
#include "observability/features.h"
#include "observability/slow_log.h"

namespace kvick {
namespace {

constexpr int64_t kDefaultCount = 10;

SlowLog& LogOf(CommandContext& context) { return *context.engine().hooks.slow_log; }

Status SlowLogGet(CommandContext& context) {
  int64_t count = kDefaultCount;
  if (context.argument_count() > 3) return errors::SubcommandArguments(context.Arg(1), "SLOWLOG");
  if (context.argument_count() == 3) {
    const std::optional<int64_t> given = ParseInt64(context.Arg(2));
    if (!given || *given < -1) return errors::Generic("count should be greater than or equal to -1");
    count = *given;
  }
  const std::vector<SlowCall> calls = LogOf(context).Latest(count);
  ReplyWriter& reply = context.Reply();
  reply.Array(calls.size());
  for (const SlowCall& call : calls) {
    reply.Array(7);
    reply.Integer(call.id);
    reply.Integer(call.finished_s);
    reply.Integer(call.duration_us);
    reply.Array(call.arguments.size());
    for (const std::string& argument : call.arguments) reply.Bulk(argument);
    reply.Bulk(call.address);
    reply.Bulk(call.client_name);
    reply.Integer(static_cast<int64_t>(call.argument_count));
  }
  return Status::Ok();
}

Status SlowLogLen(CommandContext& context) {
  context.Reply().Integer(static_cast<int64_t>(LogOf(context).size()));
  return Status::Ok();
}

Status SlowLogReset(CommandContext& context) {
  LogOf(context).Clear();
  context.Reply().Ok();
  return Status::Ok();
}

constexpr uint64_t kSlowLogFlags = kAdmin | kLoading | kStale;

constexpr CommandSpec kCommands[] = {
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
        .flags = kSlowLogFlags,
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
        .flags = kSlowLogFlags,
        .tips = {"request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"},
        .handler = SlowLogLen,
    },
    {
        .name = "SLOWLOG RESET",
        .summary = "Clears all entries from the slow log.",
        .since = "2.2.12",
        .group = "server",
        .complexity = "O(N) where N is the number of entries in the slowlog",
        .flags = kSlowLogFlags,
        .tips = {"request_policy:all_nodes", "response_policy:all_succeeded"},
        .handler = SlowLogReset,
    },
};

}  // namespace

std::span<const CommandSpec> SlowLogCommands() { return kCommands; }

void AttachSlowLog(Engine& engine) {
  SlowLog& log = engine.Attach<SlowLog>(engine);
  engine.hooks.call_observers.push_back(&log);
  engine.hooks.slow_log = &log;
  engine.options().OnChange({"slowlog-max-len"}, [&log] {
    log.Trim();
    return Status::Ok();
  });
}

}  // namespace kvick

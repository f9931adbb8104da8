// LATENCY: what took longer than latency-monitor-threshold, and how long each command takes.
#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "engine/command_context.h"
#include "engine/help.h"
#include "engine/latency_monitor.h"
#include "observability/command_totals.h"
#include "observability/features.h"
#include "observability/latency_report.h"

namespace kvick {
namespace {

using Series = LatencyMonitor::Series;

LatencyMonitor& MonitorOf(CommandContext& context) { return *context.engine().hooks.latency_monitor; }

std::optional<Series> FindSeries(CommandContext& context, std::string_view name) {
  for (Series& series : MonitorOf(context).All()) {
    if (LatencyEventName(series.event) == name) return std::move(series);
  }
  return std::nullopt;
}

Status LatencyLatest(CommandContext& context) {
  const std::vector<Series> all = MonitorOf(context).All();
  ReplyWriter& reply = context.Reply();
  reply.Array(all.size());
  for (const Series& series : all) {
    reply.Array(4);
    reply.Bulk(LatencyEventName(series.event));
    reply.Integer(series.samples.back().at_s);
    reply.Integer(series.samples.back().latency_ms);
    reply.Integer(series.highest_ms);
  }
  return Status::Ok();
}

Status LatencyHistory(CommandContext& context) {
  const std::optional<Series> series = FindSeries(context, context.Arg(2));
  ReplyWriter& reply = context.Reply();
  reply.Array(series ? series->samples.size() : 0);
  if (!series) return Status::Ok();
  for (const LatencySample& sample : series->samples) {
    reply.Array(2);
    reply.Integer(sample.at_s);
    reply.Integer(sample.latency_ms);
  }
  return Status::Ok();
}

Status LatencyGraph(CommandContext& context) {
  const std::optional<Series> series = FindSeries(context, context.Arg(2));
  if (!series) return errors::Generic("No samples available for event '" + std::string(context.Arg(2)) + "'");
  context.Reply().Verbatim(DrawLatency(*series, context.wall_ms() / 1000));
  return Status::Ok();
}

Status LatencyDoctor(CommandContext& context) {
  const LatencyMonitor& monitor = MonitorOf(context);
  context.Reply().Verbatim(
      DiagnoseLatency(monitor.All(), monitor.threshold_ms(), context.wall_ms() / 1000, context.settings()));
  return Status::Ok();
}

Status LatencyReset(CommandContext& context) {
  const std::span<const std::string_view> names = context.arguments().subspan(2);
  int64_t count = 0;
  for (size_t i = 0; i < kLatencyEventCount; ++i) {
    const auto event = static_cast<LatencyEvent>(i);
    const bool is_named = std::find(names.begin(), names.end(), LatencyEventName(event)) != names.end();
    if ((names.empty() || is_named) && MonitorOf(context).Reset(event)) ++count;
  }
  context.Reply().Integer(count);
  return Status::Ok();
}

// "config" or "config|get"; null when there is no such command.
const Command* FindNamed(const CommandTable& commands, std::string_view name) {
  const size_t bar = name.find('|');
  const Command* command = commands.Find(name.substr(0, bar));
  if (command == nullptr || bar == std::string_view::npos) return command;
  return command->FindSubcommand(name.substr(bar + 1));
}

// The command itself and its subcommands. What is named twice is shown twice.
void Select(const Command& command, std::vector<const Command*>* selected) {
  selected->push_back(&command);
  for (const auto& subcommand : command.subcommands) Select(*subcommand, selected);
}

Status LatencyHistogram(CommandContext& context) {
  const CommandTable& commands = context.engine().commands();
  std::vector<const Command*> selected;
  if (context.argument_count() == 2) {
    for (const auto& command : commands.commands()) Select(*command, &selected);
  } else {
    for (const std::string_view name : context.arguments().subspan(2)) {
      const Command* command = FindNamed(commands, name);
      if (command != nullptr) Select(*command, &selected);
    }
  }
  struct Shown {
    const Command* command;
    LatencyDistribution distribution;
  };
  std::vector<Shown> shown;
  for (const Command* command : selected) {
    LatencyDistribution distribution = DistributionOf(context.engine(), command->index);
    if (distribution.call_count != 0) shown.push_back({command, std::move(distribution)});
  }
  ReplyWriter& reply = context.Reply();
  reply.Map(shown.size());
  for (const auto& [command, distribution] : shown) {
    reply.Bulk(command->name);
    reply.Map(2);
    reply.Bulk("calls");
    reply.Integer(static_cast<int64_t>(distribution.call_count));
    reply.Bulk("histogram_usec");
    reply.Map(distribution.steps.size());
    for (const LatencyDistribution::Step& step : distribution.steps) {
      reply.Integer(static_cast<int64_t>(step.up_to_us));
      reply.Integer(static_cast<int64_t>(step.call_count));
    }
  }
  return Status::Ok();
}

// Tells the monitor of commands.
class CommandLatencies final : public CallObserver {
 public:
  explicit CommandLatencies(LatencyMonitor& monitor) : monitor_(monitor) {}
  void OnNotableCall(const CallRecord& call) override {
    const bool is_fast = call.command->has(kFast);
    monitor_.Note(is_fast ? LatencyEvent::kFastCommand : LatencyEvent::kCommand, call.duration_us);
  }

 private:
  LatencyMonitor& monitor_;
};

constexpr uint64_t kLatencyFlags = kAdmin | kNoScript | kLoading | kStale;

constexpr CommandSpec kCommands[] = {
    {
        .name = "LATENCY",
        .summary = "A container for latency diagnostics commands.",
        .since = "2.8.13",
        .group = "server",
        .complexity = "Depends on subcommand.",
        .arity = -2,
    },
    {
        .name = "LATENCY DOCTOR",
        .summary = "Returns a human-readable latency analysis report.",
        .since = "2.8.13",
        .group = "server",
        .complexity = "O(1)",
        .flags = kLatencyFlags,
        .tips = {"nondeterministic_output", "request_policy:all_nodes", "response_policy:special"},
        .handler = LatencyDoctor,
    },
    {
        .name = "LATENCY GRAPH",
        .syntax = "event",
        .summary = "Returns a latency graph for an event.",
        .since = "2.8.13",
        .group = "server",
        .complexity = "O(1)",
        .flags = kLatencyFlags,
        .tips = {"nondeterministic_output", "request_policy:all_nodes", "response_policy:special"},
        .handler = LatencyGraph,
    },
    {
        .name = "LATENCY HELP",
        .summary = "Returns helpful text about the subcommands.",
        .since = "2.8.13",
        .group = "server",
        .complexity = "O(1)",
        .flags = kLoading | kStale,
        .handler = ReplyHelp,
    },
    {
        .name = "LATENCY HISTOGRAM",
        .syntax = "[command [command ...]]",
        .summary = "Returns the cumulative distribution of latencies of a subset or all commands.",
        .since = "7.0.0",
        .group = "server",
        .complexity = "O(N) where N is the number of commands with latency information being retrieved.",
        .flags = kLatencyFlags,
        .tips = {"nondeterministic_output", "request_policy:all_nodes", "response_policy:special"},
        .handler = LatencyHistogram,
    },
    {
        .name = "LATENCY HISTORY",
        .syntax = "event",
        .summary = "Returns timestamp-latency samples for an event.",
        .since = "2.8.13",
        .group = "server",
        .complexity = "O(1)",
        .flags = kLatencyFlags,
        .tips = {"nondeterministic_output", "request_policy:all_nodes", "response_policy:special"},
        .handler = LatencyHistory,
    },
    {
        .name = "LATENCY LATEST",
        .summary = "Returns the latest latency samples for all events.",
        .since = "2.8.13",
        .group = "server",
        .complexity = "O(1)",
        .flags = kLatencyFlags,
        .tips = {"nondeterministic_output", "request_policy:all_nodes", "response_policy:special"},
        .handler = LatencyLatest,
    },
    {
        .name = "LATENCY RESET",
        .syntax = "[event [event ...]]",
        .summary = "Resets the latency data for one or more events.",
        .since = "2.8.13",
        .group = "server",
        .complexity = "O(1)",
        .flags = kLatencyFlags,
        .tips = {"request_policy:all_nodes", "response_policy:agg_sum"},
        .handler = LatencyReset,
    },
};

}  // namespace

std::span<const CommandSpec> LatencyCommands() { return kCommands; }

void AttachLatencyMonitor(Engine& engine) {
  LatencyMonitor& monitor = engine.Attach<LatencyMonitor>(engine.clock());
  const auto follow = [&engine, &monitor] {
    monitor.set_threshold_ms(engine.settings().latency_monitor_threshold_ms);
    return Status::Ok();
  };
  static_cast<void>(follow());
  engine.options().OnChange({"latency-monitor-threshold"}, follow);
  engine.hooks.latency_monitor = &monitor;
  engine.hooks.call_observers.push_back(&engine.Attach<CommandLatencies>(monitor));
}

}  // namespace kvick

// HOTKEYS: which keys the time of the processor and the bytes of the network go to.
#include <optional>
#include <string>

#include "base/numbers.h"
#include "engine/command_context.h"
#include "engine/help.h"
#include "observability/features.h"
#include "observability/hot_keys.h"

namespace kvick {
namespace {

constexpr int64_t kMetricCountMax = 2;
constexpr int64_t kKeyCountMax = 64;
// What times in milliseconds can hold, with room for the present.
constexpr int64_t kDurationMax = INT64_MAX / 2000;

HotKeys& HotKeysOf(CommandContext& context) { return *context.engine().hooks.hot_keys; }

// Reads METRICS count name [name ...]; `*index` is behind it afterwards. Names that are not known are tolerated beside
// one that is.
Status ReadMetrics(CommandContext& context, size_t* index, HotKeys::Request* request) {
  if (!context.ArgIs(*index, "METRICS")) return errors::Generic("METRICS parameter is required");
  if (*index + 1 >= context.argument_count()) return errors::Generic("METRICS parameter is required");
  const std::optional<int64_t> count = ParseInt64(context.Arg(*index + 1));
  if (!count || *count < 1 || *count > kMetricCountMax) {
    return errors::Generic("METRICS count must be between 1 and " + std::to_string(kMetricCountMax));
  }
  *index += 2;
  const size_t end = *index + static_cast<size_t>(*count);
  if (end > context.argument_count()) {
    return errors::Generic("METRICS count does not match number of metric types provided");
  }
  for (; *index < end; ++*index) {
    for (const auto& [word, is_wanted] : {std::pair{"CPU", &request->counts_time}, {"NET", &request->counts_network}}) {
      if (!context.ArgIs(*index, word)) continue;
      if (*is_wanted) return errors::Generic("METRICS " + std::string(word) + " defined more than once");
      *is_wanted = true;
    }
  }
  if (!request->counts_time && !request->counts_network) {
    return errors::Generic("METRICS no valid metrics passed. Supported: CPU|NET");
  }
  return Status::Ok();
}

// The number behind an option's word.
Result<int64_t> OptionNumber(CommandContext& context, size_t index) { return context.IntegerArg(index + 1); }

Status HotKeysStart(CommandContext& context) {
  HotKeys::Request request;
  size_t index = 2;
  if (context.argument_count() <= index) return errors::Generic("METRICS parameter is required");
  KVICK_RETURN_IF_ERROR(ReadMetrics(context, &index, &request));
  while (index < context.argument_count()) {
    const bool has_more = index + 1 < context.argument_count();
    if (context.ArgIs(index, "COUNT") && has_more) {
      KVICK_ASSIGN_OR_RETURN(const int64_t count, OptionNumber(context, index));
      if (count < 1 || count > kKeyCountMax) {
        return errors::Generic("COUNT must be between 1 and " + std::to_string(kKeyCountMax));
      }
      request.key_count_max = static_cast<size_t>(count);
    } else if (context.ArgIs(index, "DURATION") && has_more) {
      KVICK_ASSIGN_OR_RETURN(const int64_t duration_s, OptionNumber(context, index));
      if (duration_s < 1 || duration_s > kDurationMax) return errors::Generic("DURATION must be positive");
      request.duration_s = duration_s;
    } else if (context.ArgIs(index, "SAMPLE") && has_more) {
      KVICK_ASSIGN_OR_RETURN(const int64_t ratio, OptionNumber(context, index));
      if (ratio < 1) return errors::Generic("SAMPLE ratio must be positive");
      request.sample_ratio = static_cast<uint64_t>(ratio);
    } else if (context.ArgIs(index, "SLOTS") && has_more) {
      return errors::Generic("SLOTS parameter cannot be used in non-cluster mode");
    } else {
      return errors::Syntax();
    }
    index += 2;
  }
  if (HotKeysOf(context).is_active()) return errors::Generic("hotkey tracking session already in progress");
  HotKeysOf(context).Start(request);
  context.Reply().Ok();
  return Status::Ok();
}

Status HotKeysStop(CommandContext& context) {
  if (!HotKeysOf(context).Stop()) return errors::Generic("no hotkey tracking session in progress");
  context.Reply().Ok();
  return Status::Ok();
}

Status HotKeysReset(CommandContext& context) {
  if (HotKeysOf(context).is_active()) {
    return errors::Generic("hotkey tracking session in progress, stop tracking first");
  }
  HotKeysOf(context).Reset();
  context.Reply().Ok();
  return Status::Ok();
}

// In descending order, which a map would not keep: an array in either protocol.
void ReplyAmounts(ReplyWriter& reply, std::string_view name, const std::vector<HotKeys::Amount>& amounts) {
  reply.Bulk(name);
  reply.Array(2 * amounts.size());
  for (const HotKeys::Amount& amount : amounts) {
    reply.Bulk(amount.name);
    reply.Integer(static_cast<int64_t>(amount.amount));
  }
}

Status HotKeysGet(CommandContext& context) {
  constexpr int64_t kSlotMax = 16'383;
  const std::optional<HotKeys::Report> report = HotKeysOf(context).MakeReport();
  ReplyWriter& reply = context.Reply();
  if (!report) {
    reply.NullArray();
    return Status::Ok();
  }
  const KeyTracking& tracking = *report->tracking;
  const auto number = [&reply](std::string_view name, int64_t value) {
    reply.Bulk(name);
    reply.Integer(value);
  };
  reply.Array(1);
  reply.Map(7 + (tracking.counts_time ? 3 : 0) + (tracking.counts_network ? 2 : 0));
  number("tracking-active", report->is_active ? 1 : 0);
  number("sample-ratio", static_cast<int64_t>(tracking.sample_ratio));
  reply.Bulk("selected-slots");
  reply.Array(1);
  reply.Array(2);
  reply.Integer(0);
  reply.Integer(kSlotMax);
  number("all-commands-all-slots-us", static_cast<int64_t>(report->all_calls_us));
  number("net-bytes-all-commands-all-slots", static_cast<int64_t>(report->all_calls_bytes));
  number("collection-start-time-unix-ms", tracking.started_ms);
  number("collection-duration-ms", report->duration_ms);
  if (tracking.counts_time) {
    number("total-cpu-time-user-ms", report->user_ms);
    number("total-cpu-time-sys-ms", report->system_ms);
  }
  if (tracking.counts_network) number("total-net-bytes", static_cast<int64_t>(report->all_calls_bytes));
  if (tracking.counts_time) ReplyAmounts(reply, "by-cpu-time-us", report->by_time_us);
  if (tracking.counts_network) ReplyAmounts(reply, "by-net-bytes", report->by_network_bytes);
  return Status::Ok();
}

constexpr CommandSpec kCommands[] = {
    {
        .name = "HOTKEYS",
        .summary = "A container for hotkeys tracking commands.",
        .since = "8.6.0",
        .group = "server",
        .complexity = "Depends on subcommand.",
        .arity = -2,
    },
    {
        .name = "HOTKEYS GET",
        .summary = "Returns lists of top K hotkeys depending on metrics chosen in HOTKEYS START command.",
        .since = "8.6.0",
        .group = "server",
        .complexity = "O(K) where K is the number of hotkeys returned.",
        .flags = kAdmin | kNoScript,
        .tips = {"nondeterministic_output", "request_policy:special", "response_policy:special"},
        .handler = HotKeysGet,
    },
    {
        .name = "HOTKEYS HELP",
        .summary = "Returns helpful text about the subcommands.",
        .since = "8.6.1",
        .group = "server",
        .complexity = "O(1)",
        .flags = kLoading | kStale,
        .handler = ReplyHelp,
    },
    {
        .name = "HOTKEYS RESET",
        .summary = "Release the resources used for hotkey tracking.",
        .since = "8.6.0",
        .group = "server",
        .complexity = "O(1)",
        .flags = kAdmin | kNoScript | kExclusive,
        .tips = {"request_policy:special"},
        .handler = HotKeysReset,
    },
    {
        .name = "HOTKEYS START",
        .syntax =
            "<METRICS count [CPU] [NET]> [COUNT k] [DURATION seconds] [SAMPLE ratio] [SLOTS count slot [slot ...]]",
        .argument_notes = "count!=metrics COUNT(integer) DURATION(integer) SAMPLE(integer) SLOTS.slot(integer)",
        .summary = "Starts hotkeys tracking.",
        .since = "8.6.0",
        .group = "server",
        .complexity = "O(1)",
        .flags = kAdmin | kNoScript | kExclusive,
        .arity = -2,
        .tips = {"request_policy:special"},
        .handler = HotKeysStart,
    },
    {
        .name = "HOTKEYS STOP",
        .summary = "Stops hotkeys tracking.",
        .since = "8.6.0",
        .group = "server",
        .complexity = "O(1)",
        .flags = kAdmin | kNoScript,
        .tips = {"request_policy:special"},
        .handler = HotKeysStop,
    },
};

}  // namespace

std::span<const CommandSpec> HotKeysCommands() { return kCommands; }

void AttachHotKeys(Engine& engine) {
  HotKeys& hot_keys = engine.Attach<HotKeys>(engine);
  engine.hooks.hot_keys = &hot_keys;
  engine.AddPeriodicWork([&hot_keys] { hot_keys.NoteEnd(); });
  // Its used_memory is not the server's.
  engine.info().Add({"hotkeys", "Hotkeys", InfoShown::kOnlyByName, [&hot_keys](InfoWriter& out) {
                       out.Field("tracking_active", hot_keys.is_active());
                       out.Field("used_memory", uint64_t{hot_keys.memory_bytes()});
                     }});
}

}  // namespace kvick

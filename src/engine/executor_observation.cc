// Who looks at a call when it is done: the slow log and the latency monitor by their thresholds, MONITOR, the keys in
// use, and the clients that track what they have read.
#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>

#include "engine/command_context.h"
#include "engine/executor.h"

namespace kvick {
namespace {

// What an argument that is not in memory of its own occupies in a request at most (Prepared::large_arguments).
constexpr size_t kSmallArgumentMax = size_t{32} * 1024 + 16;

// As the protocol sends it.
uint64_t RequestBytes(std::span<const std::string_view> arguments) {
  const auto digits = [](size_t value) {
    uint64_t count = 1;
    for (; value >= 10; value /= 10) ++count;
    return count;
  };
  uint64_t size = 1 + digits(arguments.size()) + 2;
  for (const std::string_view argument : arguments) size += 1 + digits(argument.size()) + 2 + argument.size() + 2;
  return size;
}

}  // namespace

void Executor::FollowThresholds() {
  const Settings& settings = engine_.settings();
  const Thresholds thresholds{settings.slowlog_log_slower_than_us, settings.latency_monitor_threshold_ms,
                              settings.large_request_bytes_min, settings.large_reply_bytes_min,
                              is_replaying_ ? 0 : settings.top_keys_sample_ratio};
  if (thresholds == thresholds_) return;
  if (thresholds.top_keys_sample_ratio != thresholds_.top_keys_sample_ratio) {
    key_usage_.SampleTopKeys(thresholds.top_keys_sample_ratio);
    calls_to_key_look_ = 1;
  }
  thresholds_ = thresholds;
  // Longer than the counter runs is never: thresholds may be any number of microseconds or milliseconds.
  const auto cycles = [this](double us) {
    const double count = cycles_per_us_ * us;
    return count < 0x1p63 ? static_cast<uint64_t>(count) : UINT64_MAX;
  };
  notable_cycles_ = thresholds.slow_us < 0 ? UINT64_MAX : cycles(static_cast<double>(thresholds.slow_us));
  if (thresholds.latency_ms > 0) {
    notable_cycles_ = std::min(notable_cycles_, cycles(static_cast<double>(thresholds.latency_ms) * 1000.0));
  }
  notable_reply_bytes_ =
      thresholds.reply_bytes < 0 ? UINT64_MAX : std::max<uint64_t>(1, static_cast<uint64_t>(thresholds.reply_bytes));
  notable_argument_count_ =
      thresholds.request_bytes < 0 ? SIZE_MAX : static_cast<size_t>(thresholds.request_bytes) / kSmallArgumentMax;
}

void Executor::FollowKeyTracking() {
  if (is_replaying_) return;
  key_usage_.Follow(engine_.key_tracking);
  script_inner_ = transaction_inner_ = {};
  calls_to_key_look_ = 1;
}

// A call that makes others, EXEC or a script, answers for what it spent itself.
void Executor::ObserveKeys(const Prepared& prepared, std::span<const DeclaredKey> keys, uint64_t cycles,
                           uint64_t reply_bytes) {
  CallCost cost;
  if (key_usage_.is_tracking(mutation_.now_ms)) {
    InnerCost inner;
    if (prepared.command->has(kScriptRunner)) inner = std::exchange(script_inner_, {});
    if (prepared.command->has(kRunsTransaction)) inner = std::exchange(transaction_inner_, {});
    cost.cycles = cycles - std::min(cycles, inner.cycles);
    // Of what a script calls, nothing came from a client or goes to one.
    if (is_in_script_) {
      script_inner_.cycles += cycles;
    } else {
      cost.network_bytes = RequestBytes(prepared.arguments) + reply_bytes - std::min(reply_bytes, inner.reply_bytes);
      if (holds_places_) {
        transaction_inner_.cycles += cycles;
        transaction_inner_.reply_bytes += reply_bytes;
      }
    }
  }
  calls_to_key_look_ = key_usage_.Observe(keys, cost, mutation_.now_ms, random_);
}

void Executor::ShowCall(const Session& session, const Prepared& prepared) {
  if (prepared.command->has(kAdmin)) return;
  for (CallObserver* observer : engine_.hooks.call_observers) {
    observer->OnCall(session, *prepared.command, prepared.arguments, is_in_script_);
  }
}

void Executor::RememberReads(const Session& session, const Command& command, std::span<const DeclaredKey> keys) {
  TrackingState& state = *session.tracking;
  if (command.has(kReadonly) && state.RemembersReads()) {
    const auto key_count_max = static_cast<size_t>(engine_.settings().tracking_table_keys_max);
    for (const DeclaredKey& key : keys) engine_.tracking().Remember(session, key.key.name, key_count_max);
  }
  // CLIENT CACHING is about the command, or the transaction, behind it.
  const bool is_about_clients = command.parent != nullptr && command.parent->spec->name == "CLIENT";
  const bool goes_on = holds_places_ || (session.restrictions & Session::kInTransaction) != 0;
  if (!is_about_clients && !goes_on) state.is_caching_chosen = false;
}

void Executor::OnModified(Database& /*database*/, std::string_view key) {
  const uint64_t writer_id = running_call_.session != nullptr ? running_call_.session->id : 0;
  engine_.tracking().Invalidate(key, writer_id);
  if (!engine_.tracking().has_broadcasts()) return;
  changed_keys_.emplace(key);
  changer_id_ = writer_id;
}

// Without a lock of any stripe, but before the client is answered.
void Executor::BroadcastChanges() {
  engine_.tracking().Broadcast(changed_keys_, changer_id_, engine_.hooks.authorizer);
  changed_keys_.clear();
}

void Executor::ReportNotableCall(const Session& session, const Prepared& prepared, uint64_t cycles,
                                 uint64_t reply_bytes) {
  const auto duration_us = static_cast<uint64_t>(static_cast<double>(cycles) / cycles_per_us_);
  const bool is_slow = thresholds_.slow_us >= 0 && duration_us >= static_cast<uint64_t>(thresholds_.slow_us);
  if (is_slow && !prepared.command->has(kSkipSlowlog)) {
    CommandStats& counters = stats_.commands[prepared.command->index];
    counters.slow_calls.Add(1);
    counters.slow_us.Add(duration_us);
    counters.slow_us_max.Set(std::max(counters.slow_us_max.Load(), duration_us));
  }
  CallRecord record{&session, prepared.command, prepared.arguments, static_cast<int64_t>(duration_us)};
  // Of what a script runs, nothing came from a client or goes to one.
  if (!is_in_script_) {
    record.request_bytes = RequestBytes(prepared.arguments);
    record.reply_bytes = reply_bytes;
  }
  const auto reaches = [](uint64_t amount, int64_t threshold) {
    return threshold >= 0 && amount >= static_cast<uint64_t>(threshold);
  };
  // Many arguments, or a large one, are not yet a large request.
  if (cycles < notable_cycles_ && !reaches(record.request_bytes, thresholds_.request_bytes) &&
      !reaches(record.reply_bytes, thresholds_.reply_bytes)) {
    return;
  }
  record.finished_us = engine_.clock().NowUs();
  for (CallObserver* observer : engine_.hooks.call_observers) observer->OnNotableCall(record);
}

}  // namespace kvick

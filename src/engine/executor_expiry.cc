// What is due goes: the keys and fields of a worker's share of the stripes, and what an expiry tells the log, the
// clients and the clock.
#include <algorithm>
#include <atomic>
#include <string>
#include <string_view>
#include <vector>

#include "engine/executor.h"
#include "engine/latency_monitor.h"

namespace kvick {
namespace {

// How many due items are taken under one lock: some tens of microseconds.
constexpr size_t kExpireItemsPerLock = 32;

}  // namespace

void Executor::PassExpiryHorizon() {
  if (is_replaying_) return;
  RefreshClock();
  // Still behind: the clock was set back.
  if (mutation_.now_ms < engine_.expiry_horizon_ms.load(std::memory_order_relaxed)) {
    engine_.expiry_horizon_ms.store(mutation_.now_ms, std::memory_order_relaxed);
  }
}

void Executor::OnExpired(Database& database, std::string_view key) {
  stats_.expired_keys.Add(1);
  stats_.change_count.Add(1);
  std::atomic<int64_t>& horizon_ms = engine_.expiry_horizon_ms;
  int64_t known_ms = horizon_ms.load(std::memory_order_relaxed);
  while (known_ms < mutation_.now_ms &&
         !horizon_ms.compare_exchange_weak(known_ms, mutation_.now_ms, std::memory_order_relaxed)) {
  }
  const std::string_view effect[] = {engine_.settings().lazy_free_on_expire ? "UNLINK" : "DEL", key};
  Record(database.index(), effect);
  if (ChangeSink* sink = change_sink()) {
    sink->OnKeyEvent(database.index(), KeyEventClass::kExpired, "expired", key);
  }
}

void Executor::OnPartsExpired(Database& database, std::string_view key, ValueType type,
                              std::span<const std::string> parts, bool is_emptied) {
  const bool is_set = type == ValueType::kSet;
  stats_.expired_fields.Add(parts.size());
  stats_.change_count.Add(parts.size());
  for (const std::string& part : parts) {
    const std::string_view effect[] = {is_set ? "SREM" : "HDEL", key, part};
    Record(database.index(), effect);
  }
  ChangeSink* sink = change_sink();
  if (sink == nullptr) return;
  sink->OnKeyEvent(database.index(), is_set ? KeyEventClass::kSet : KeyEventClass::kHash, is_set ? "srem" : "hexpired",
                   key);
  if (!is_set) {
    const std::vector<std::string_view> names(parts.begin(), parts.end());
    sink->OnPartsEvent(database.index(), KeyEventClass::kHash, "hexpired", key, names);
  }
  if (is_emptied) sink->OnKeyEvent(database.index(), KeyEventClass::kGeneric, "del", key);
}

// Nothing changes in a pause, so that a replica can catch up with all there is.
bool Executor::MayRemoveExpired() const {
  return !engine_.is_loading && engine_.active_expire_enabled &&
         !(engine_.pause.until_ms != 0 && engine_.pause.IsActive(engine_.clock().MonotonicMs()));
}

bool Executor::RemoveExpired(size_t part, size_t part_count, int64_t budget_us) {
  const LatencyMonitor::Timer timer(engine_.hooks.latency_monitor, LatencyEvent::kExpireCycle, engine_.clock());
  BeginBatch();
  const uint64_t start_cycles = CycleClock::Now();
  const uint64_t deadline = start_cycles + static_cast<uint64_t>(cycles_per_us_ * static_cast<double>(budget_us));
  bool goes_on = MayRemoveExpired();
  // Our places are part, part + part_count, ...: counted from where the last call ran out of time, so that late
  // stripes are not starved by early ones.
  const size_t stripe_count = Stripe::kCount * static_cast<size_t>(engine_.database_count());
  const size_t place_count = (stripe_count - part + part_count - 1) / part_count;
  for (size_t step = 0; step < place_count && goes_on; ++step) {
    const size_t turn = (expire_cursor_ + step) % place_count;
    const size_t place = turn * part_count + part;
    Database& database = engine_.database(static_cast<int>(place / Stripe::kCount));
    if (!database.may_hold_expiring()) {
      // On to our first place in the next one.
      const size_t next_place = (place / Stripe::kCount + 1) * Stripe::kCount;
      const size_t next_turn = (next_place - part + part_count - 1) / part_count;
      step += std::min(next_turn, place_count) - turn - 1;
      continue;
    }
    const size_t stripe_index = place % Stripe::kCount;
    const auto is_due = [&] {
      const int64_t due_ms = database.StripeAt(stripe_index).next_due_ms.load(std::memory_order_relaxed);
      return due_ms != 0 && due_ms <= mutation_.now_ms;
    };
    while (goes_on && is_due()) {
      {
        // A stripe that a script holds for long is visited another time.
        Stripe& stripe = database.StripeAt(stripe_index);
        if (NeedsLocks() && !TryHold(stripe, stripe_index)) break;
        database.RemoveExpired(stripe_index, kExpireItemsPerLock, mutation_);
        if (NeedsLocks()) LetGo(stripe);
      }
      if (!ready_keys_.empty()) ServeUnlocked();
      if (!changed_keys_.empty()) BroadcastChanges();
      // Whoever is alone here may give the database other stripes, or begin a pause: nothing is kept across it.
      engine_.gate().CheckIn(gate_slot_);
      goes_on = MayRemoveExpired() && CycleClock::Now() < deadline;
    }
    if (!goes_on) expire_cursor_ = turn;
  }
  EndBatch();
  stats_.expiry_duration_us.Add(
      static_cast<uint64_t>(static_cast<double>(CycleClock::Now() - start_cycles) / cycles_per_us_));
  if (!goes_on && CycleClock::Now() >= deadline) stats_.expiry_cut_count.Add(1);
  return !goes_on;
}

}  // namespace kvick

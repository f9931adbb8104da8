// The part of Executor that keeps `maxmemory`: keys are evicted by whoever needs room, before its command takes a lock.
//
// Between two victims nothing is held and others may be alone, so a command that makes room delays nobody but its own
// client. It goes on for some time (maxmemory-eviction-tenacity); then the command runs although the limit is exceeded,
// and workers evict the rest between their turns. Only when nothing may be evicted, commands that take memory are
// refused.

#include <chrono>
#include <cmath>
#include <thread>
#include <utility>

#include "base/memory_meter.h"
#include "engine/errors.h"
#include "engine/executor.h"
#include "engine/latency_monitor.h"
#include "keyspace/victim_search.h"

namespace kvick {
namespace {

// Memory is looked at before one of so many commands, and sooner when one brings more arguments than that or this
// thread has allocated much. What all threads together may add in between is a small part of a mebibyte.
constexpr int kCommandsPerLook = 8;
constexpr size_t kArgumentsPerLook = 16;
constexpr int64_t kBytesPerLook = 16 * 1024;

// What tenacity means for how long a command may evict: 50 microseconds a point up to ten points, 15 percent more for
// each point from there on, and no limit at a hundred.
int64_t EvictionBudgetUs(int tenacity) {
  constexpr int kLinearMax = 10;
  constexpr int64_t kPointUs = 50;
  if (tenacity <= kLinearMax) return kPointUs * tenacity;
  if (tenacity >= 100) return INT64_MAX;
  return static_cast<int64_t>(static_cast<double>(kPointUs * kLinearMax) * std::pow(1.15, tenacity - kLinearMax));
}

}  // namespace

bool Executor::MayEvict() const {
  // Nothing changes in a pause, so that a replica can catch up with all there is.
  const bool is_paused = engine_.pause.until_ms != 0 && engine_.pause.IsActive(engine_.clock().MonotonicMs());
  return !is_replaying_ && !engine_.is_loading && !is_paused;
}

bool Executor::MustLookAtMemory(const Prepared& prepared) {
  const int64_t added_bytes = MemoryMeter::Instance().Count();
  if (--commands_until_look_ > 0 && added_bytes < kBytesPerLook && prepared.arguments.size() < kArgumentsPerLook &&
      engine_.memory_limit().state() == MemoryLimit::State::kKept) {
    return false;
  }
  commands_until_look_ = kCommandsPerLook;
  return true;
}

void Executor::MakeRoom(const Prepared& prepared) {
  if (!MayEvict() || !MustLookAtMemory(prepared)) return;
  MemoryLimit& memory = engine_.memory_limit();
  const Settings& settings = engine_.settings();
  const uint64_t limit_bytes = settings.max_memory_bytes;
  Room room = Room::kEnough;
  if (memory.IsExceeded(limit_bytes)) {
    room = Evict(EvictionBudgetUs(settings.max_memory_eviction_tenacity));
    if (room == Room::kNone && WaitForLazyFree(limit_bytes)) room = Room::kEnough;
  }
  lacks_room_ = room == Room::kNone;
  memory.Note(room == Room::kEnough
                  ? MemoryLimit::State::kKept
                  : (room == Room::kSome ? MemoryLimit::State::kEvicting : MemoryLimit::State::kExceeded));
}

void Executor::EvictExcess(int64_t budget_us) {
  BeginBatch();
  const uint64_t limit_bytes = engine_.settings().max_memory_bytes;
  MemoryLimit& memory = engine_.memory_limit();
  MemoryMeter::Instance().Count();
  if (limit_bytes == 0 || !memory.IsExceeded(limit_bytes)) {
    memory.Note(MemoryLimit::State::kKept);
  } else if (MayEvict()) {
    switch (Evict(budget_us)) {
      case Room::kEnough: memory.Note(MemoryLimit::State::kKept); break;
      case Room::kSome: break;
      case Room::kNone: memory.Note(MemoryLimit::State::kExceeded); break;
    }
  }
  EndBatch();
}

Executor::Room Executor::Evict(int64_t budget_us) {
  const LatencyMonitor::Timer timer(engine_.hooks.latency_monitor, LatencyEvent::kEvictionCycle, engine_.clock());
  MemoryLimit& memory = engine_.memory_limit();
  const uint64_t start = CycleClock::Now();
  const double budget_cycles = cycles_per_us_ * static_cast<double>(budget_us);
  while (MayEvict() && !engine_.is_ended) {
    if (!EvictOne(engine_.settings().lazy_free_on_eviction)) return Room::kNone;
    if (!ready_keys_.empty()) ServeUnlocked();
    if (!changed_keys_.empty()) BroadcastChanges();
    // Whoever is alone here may change the limit, or give databases other stripes: nothing is kept across it.
    engine_.gate().CheckIn(gate_slot_);
    MemoryMeter::Instance().Count();
    const uint64_t limit_bytes = engine_.settings().max_memory_bytes;
    if (limit_bytes == 0 || !memory.IsExceeded(limit_bytes)) return Room::kEnough;
    if (static_cast<double>(CycleClock::Now() - start) > budget_cycles) break;
  }
  return Room::kSome;
}

bool Executor::EvictOne(bool frees_later) {
  if (victim_search_ == nullptr) {
    std::vector<Database*> databases;
    for (int i = 0; i < engine_.database_count(); ++i) databases.push_back(&engine_.database(i));
    victim_search_ = std::make_unique<VictimSearch>(std::move(databases));
  }
  const Settings& settings = engine_.settings();
  const EvictionRules rules{settings.max_memory_policy,
                            settings.max_memory_samples,
                            mutation_.now_ms,
                            {settings.lfu_log_factor, settings.lfu_decay_time_min}};
  VictimSearch::Victim victim;
  const VictimSearch::Outcome outcome = victim_search_->Find(rules, NeedsLocks(), random_, &victim);
  if (outcome != VictimSearch::Outcome::kFound) return outcome == VictimSearch::Outcome::kNotFound;

  Database& database = *victim.database;
  const KeyRef key = victim.key();
  // A stripe that a script holds for long keeps its keys for now.
  if (NeedsLocks() && !TryHold(database.StripeOf(key), key.stripe_index())) return true;
  std::function<void(Entry*)> keep = [this](Entry* entry) { removed_entries_.push_back(entry); };
  std::function<void(Entry*)>* const free_later = std::exchange(mutation_.free_later, &keep);
  const KeyTable::Slot slot = database.Peek(key, mutation_);
  // It may have been used since it was seen.
  if (slot.entry != nullptr && rules.MayEvict(*slot.entry) && rules.Score(*slot.entry) >= victim.score) {
    database.Erase(key, slot, mutation_);
    stats_.evicted_keys.Add(1);
    stats_.change_count.Add(1);
    if (ChangeSink* sink = change_sink()) {
      sink->OnKeyEvent(database.index(), KeyEventClass::kEvicted, "evicted", victim.name);
    }
    const std::string_view effect[] = {frees_later ? "UNLINK" : "DEL", victim.name};
    Record(database.index(), effect);
  }
  mutation_.free_later = free_later;
  if (NeedsLocks()) LetGo(database.StripeOf(key));

  const LatencyMonitor::Timer timer(engine_.hooks.latency_monitor, LatencyEvent::kEvictionDelete, engine_.clock());
  for (Entry* entry : removed_entries_) {
    if (!frees_later) {
      EntryStore::Free(entry);
      continue;
    }
    // Counts as free already: it would be strange to evict more keys because a thread has not come to it.
    const auto bytes = static_cast<int64_t>(entry->memory_bytes());
    MemoryLimit& memory = engine_.memory_limit();
    memory.AddLeaving(bytes);
    engine_.lazy_free().Add(1, [entry, bytes, &memory] {
      EntryStore::Free(entry);
      MemoryMeter::Instance().Count();
      memory.AddLeaving(-bytes);
    });
  }
  removed_entries_.clear();
  return true;
}

// What is about to be freed may be enough. Outside of the gate, and for a moment.
bool Executor::WaitForLazyFree(uint64_t limit_bytes) {
  constexpr int kNapCount = 5;
  constexpr auto kNap = std::chrono::microseconds(100);
  for (int i = 0; i < kNapCount && engine_.lazy_free().pending_objects() != 0; ++i) {
    engine_.gate().Leave(gate_slot_);
    std::this_thread::sleep_for(kNap);
    engine_.gate().Enter(gate_slot_);
    if (!engine_.memory_limit().IsExceeded(limit_bytes)) return true;
  }
  return false;
}

Status Executor::CheckRoom(const Session& session, const Command& command) const {
  uint64_t flags = command.flags;
  if (command.has(kRunsTransaction) && session.transaction != nullptr) flags |= session.transaction->queued_flags;
  // A queue takes memory too, whatever it is made of.
  const bool is_queued = (session.restrictions & Session::kInTransaction) != 0 && !command.has(kEndsTransaction);
  return is_queued || (flags & kDenyOom) != 0 ? errors::OutOfMemory() : Status::Ok();
}

}  // namespace kvick

// KeyMemory: how many collections occupy how much memory, in powers of two, for INFO keysizes while
// key-memory-histograms is on.
//
// What a value occupies is not known from one change to the next, so all keys are looked at again and again, some in
// each turn of the periodic work, beside the workers. What is told is what the latest finished round has found: as old
// as a round takes, a second while there are few keys, and up to a minute for every ten million.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/sync.h"
#include "engine/engine.h"
#include "keyspace/key_sizes.h"

namespace kvick {

class KeyMemory {
 public:
  using Histogram = std::array<uint64_t, KeySizes::kBinCount>;
  using ByType = std::array<Histogram, KeySizes::kRowCount>;

  explicit KeyMemory(Engine& engine);
  ~KeyMemory();
  KeyMemory(const KeyMemory&) = delete;
  KeyMemory& operator=(const KeyMemory&) = delete;

  // About ten times a second, by one thread outside of the gate.
  void RunPeriodicWork();
  // By database; empty before the first round has ended, and while it is off. Any thread.
  [[nodiscard]] std::vector<ByType> Latest() const KVICK_EXCLUDES(mutex_);

 private:
  enum class Progress { kGoesOn, kRests, kOff };
  // Looks at some keys, inside the gate or alone.
  Progress LookAtSome();
  void VisitBucket(Stripe& stripe);
  void Publish(std::vector<ByType> counts) KVICK_EXCLUDES(mutex_);

  Engine& engine_;
  ExclusiveGate::Slot gate_slot_;

  // Of the thread that does the periodic work.
  std::vector<ByType> counts_;  // of the round that is under way
  int database_index_ = 0;
  size_t stripe_index_ = 0;
  uint64_t position_ = 0;
  int turns_to_rest_ = 0;

  mutable Mutex mutex_;
  std::vector<ByType> latest_ KVICK_GUARDED_BY(mutex_);
};

}  // namespace kvick

// Rates keeps a short history of growing counters, for INFO's instantaneous_ fields: what happened in about the last
// 1.6 seconds, per second. Its samples also feed the MemoryHistory.
//
// One thread samples; any thread may read.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/sync.h"
#include "engine/engine.h"

namespace kvick {

class Rates {
 public:
  enum Counter : size_t { kCommands, kInputBytes, kOutputBytes, kLoops, kLoopDurationUs, kCounterCount };

  explicit Rates(Engine& engine) : engine_(engine) {}

  // About ten times a second.
  void Sample() KVICK_EXCLUDES(mutex_);
  void Reset() KVICK_EXCLUDES(mutex_);
  [[nodiscard]] double PerSecond(Counter counter) const KVICK_EXCLUDES(mutex_);

 private:
  static constexpr size_t kSampleCount = 17;  // sixteen intervals
  struct Moment {
    int64_t at_us = 0;
    std::array<uint64_t, kCounterCount> totals{};
  };

  Engine& engine_;
  mutable Mutex mutex_;
  std::array<Moment, kSampleCount> moments_ KVICK_GUARDED_BY(mutex_);
  size_t count_ KVICK_GUARDED_BY(mutex_) = 0;  // moments taken, ever
};

// Bytes that the data set and the server use: of the allocator and of the keyspace's own pages.
uint64_t UsedMemoryBytes();

}  // namespace kvick

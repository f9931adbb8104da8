// KeyUsage: which keys the commands of one executor use, and what these cost. Two things are kept:
//
//   top keys    always, from a sample of the calls: what is used most, and was lately (the past counts half every
//               minute); the share of each in all uses
//   a tracking  while HOTKEYS asks for one: time and network bytes of keys, and of all commands
//
// The executor counts down to the next call to be looked at, and calls Observe for that one only. While a tracking
// runs this is every call: its sums are of all commands.
//
// The executor's thread observes; any thread may read.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/random.h"
#include "base/sync.h"
#include "containers/heavy_hitters.h"
#include "engine/declared_key.h"

namespace kvick {

// What HOTKEYS START asked for. All executors share it.
struct KeyTracking {
  bool counts_time = false;
  bool counts_network = false;
  size_t key_count_max = 0;
  uint64_t sample_ratio = 1;  // the keys of one of so many commands are recorded
  int64_t started_ms = 0;
  std::atomic<int64_t> ends_ms{INT64_MAX};
  std::atomic<bool> is_stopped{false};

  [[nodiscard]] bool IsActive(int64_t now_ms) const {
    return !is_stopped.load(std::memory_order_relaxed) && now_ms < ends_ms.load(std::memory_order_relaxed);
  }
};

// What a call spent itself, without the calls that it made.
struct CallCost {
  uint64_t cycles = 0;
  uint64_t network_bytes = 0;
};

class KeyUsage {
 public:
  // What one use counts in the sums of the top keys: more than one, so that halving leaves something.
  static constexpr uint64_t kTopKeyUnit = 256;
  // The past counts half after so long.
  static constexpr int64_t kHalfLifeMs = 60'000;

  // Looks at a call; how many calls from here the next one to be looked at is.
  uint64_t Observe(std::span<const DeclaredKey> keys, const CallCost& cost, int64_t now_ms, Random& random)
      KVICK_EXCLUDES(mutex_);

  // One of so many calls counts for the top keys; 0: none does. The executor's thread, as all that follows in pairs:
  // the next call is to be looked at.
  void SampleTopKeys(uint64_t ratio) KVICK_EXCLUDES(mutex_);
  // A tracking begins, and what was counted by another is forgotten; null: only the latter. Exclusive.
  void Follow(std::shared_ptr<const KeyTracking> tracking) KVICK_EXCLUDES(mutex_);

  // Whether calls must be told apart from those that they make.
  [[nodiscard]] bool is_tracking(int64_t now_ms) const { return tracking_ != nullptr && tracking_->IsActive(now_ms); }

  struct TopKeys {
    std::vector<HeavyHitters::Item> items;
    uint64_t total = 0;
  };
  // Uses of keys in the sample; those of a call with many keys count for the first few.
  [[nodiscard]] TopKeys SampledTopKeys(int64_t now_ms) KVICK_EXCLUDES(mutex_);

  struct Tracked {
    CallCost all_calls;
    std::vector<HeavyHitters::Item> by_cycles;
    std::vector<HeavyHitters::Item> by_network_bytes;
    size_t memory_bytes = 0;
  };
  [[nodiscard]] Tracked tracked() const KVICK_EXCLUDES(mutex_);

 private:
  void Decay(int64_t now_ms) KVICK_REQUIRES(mutex_);
  void CountTopKeys(std::span<const DeclaredKey> keys, int64_t now_ms) KVICK_EXCLUDES(mutex_);
  uint64_t DrawDistance(Random& random) const;

  static constexpr size_t kTopItemsMax = 256;

  // The executor's own; `tracking_` changes in exclusive moments.
  std::shared_ptr<const KeyTracking> tracking_;
  uint64_t top_ratio_ = 0;
  uint64_t calls_to_top_sample_ = 1;  // while a tracking looks at all calls

  mutable Mutex mutex_;
  HeavyHitters top_ KVICK_GUARDED_BY(mutex_){kTopItemsMax};
  int64_t decayed_ms_ KVICK_GUARDED_BY(mutex_) = 0;
  CallCost all_calls_ KVICK_GUARDED_BY(mutex_);
  HeavyHitters by_cycles_ KVICK_GUARDED_BY(mutex_){0};
  HeavyHitters by_network_bytes_ KVICK_GUARDED_BY(mutex_){0};
};

}  // namespace kvick

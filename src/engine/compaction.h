// Compaction gives memory back after many keys were deleted: it decides when what lies scattered is to be moved
// together, and hands the work out.
//
// A pass chooses the pages to be emptied (BlockPool::BeginEmptying) and has every stripe walked once
// (keyspace/stripe_compaction.h), by executors between their batches (executor_compaction.cc). Ten times a second it is
// asked whether one has come to its end, or is to begin:
//   - by itself, when what lies between blocks comes to a quarter of what is in them, and to 16 MiB; passes follow each
//     other then until it is next to nothing, or they no longer gain much;
//   - with `activedefrag`, instead, when the active-defrag-* directives say so;
//   - once, when somebody asks (MEMORY PURGE).
// Each executor spends a share of its time on it, the larger the more there is to gain.
//
// A pass that gains little, because what lies in the pages is not in any table (it waits to be freed, a snapshot keeps
// it), is not repeated at once: the next one waits twice as long as the last.
//
// Any thread may call any method unless it says otherwise.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/clock.h"
#include "base/sync.h"
#include "config/settings.h"
#include "keyspace/stripe_compaction.h"

namespace kvick {

class Compaction {
 public:
  // What a pass is worth.
  struct Rules {
    uint64_t waste_bytes_min = 0;
    // In percent of the bytes in blocks: where it begins, and where it is done with all diligence.
    int waste_min = 0;
    int waste_high = 0;
    // The first two once more, for the next of passes that follow each other.
    uint64_t waste_bytes_goal = 0;
    int waste_goal = 0;
    // Of an executor's time, in percent, at these two.
    int share_min = 0;
    int share_max = 0;

    static Rules Of(const Settings& settings);
    // 0: no pass.
    [[nodiscard]] int ShareFor(uint64_t page_bytes, uint64_t block_bytes, bool follows) const;
  };

  Compaction(const Clock& clock, size_t stripe_count) : clock_(clock), stripe_count_(stripe_count) {}
  ~Compaction();
  Compaction(const Compaction&) = delete;
  Compaction& operator=(const Compaction&) = delete;

  // Before executors run, and in exclusive moments.
  void Follow(const Settings& settings);

  // Ends a pass of which all is done, or begins one if it is due. About ten times a second, by a thread that executes
  // no commands: it takes some milliseconds for every ten thousand pages.
  void Tend();
  // Begins a pass now, whatever there is to gain, unless one is going on. Likewise.
  void Begin();

  // Whether there is something to do for executors, and the percentage of their time for it; 0: nothing.
  [[nodiscard]] int share() const { return share_.load(std::memory_order_relaxed); }
  [[nodiscard]] size_t parts_max() const { return parts_max_.load(std::memory_order_relaxed); }

  // The next stripe of the pass, counted over all databases; false when all have been taken.
  bool TakeStripe(size_t* place);
  // It has been walked, or nobody will.
  void FinishStripe(const StripeCompaction& done);
  void FinishStripe() { FinishStripe(StripeCompaction(0)); }

  struct Totals {
    uint64_t moved_blocks = 0;
    uint64_t left_blocks = 0;
    uint64_t moved_keys = 0;
    uint64_t left_keys = 0;
    int64_t total_ms = 0;    // while passes went on
    int64_t current_ms = 0;  // of the one that does
  };
  [[nodiscard]] Totals totals() const KVICK_EXCLUDES(mutex_);
  void ResetStats() KVICK_EXCLUDES(mutex_);

 private:
  // Unless it could empty less than so much.
  void BeginPass(int share, uint64_t bytes_min) KVICK_REQUIRES(mutex_);
  void EndPass() KVICK_REQUIRES(mutex_);
  bool IsWalked() const { return finished_stripes_.load(std::memory_order_acquire) == stripe_count_; }

  const Clock& clock_;
  const size_t stripe_count_;  // of all databases
  std::atomic<int> share_{0};
  std::atomic<size_t> parts_max_{1000};
  std::atomic<size_t> next_stripe_{SIZE_MAX};  // SIZE_MAX: none; counts on when all have been taken
  std::atomic<size_t> finished_stripes_{0};

  mutable Mutex mutex_;  // a leaf, but for the locks of pools
  Rules rules_ KVICK_GUARDED_BY(mutex_);
  bool is_walking_ KVICK_GUARDED_BY(mutex_) = false;
  uint64_t chosen_bytes_ KVICK_GUARDED_BY(mutex_) = 0;
  int64_t began_us_ KVICK_GUARDED_BY(mutex_) = 0;
  int64_t next_us_ KVICK_GUARDED_BY(mutex_) = 0;     // not before
  int64_t release_us_ KVICK_GUARDED_BY(mutex_) = 0;  // when free memory is given back; 0: not
  int64_t pause_us_ KVICK_GUARDED_BY(mutex_) = 0;
  bool follows_ KVICK_GUARDED_BY(mutex_) = false;  // the latest pass gained much, and there may be more to gain
  int64_t total_us_ KVICK_GUARDED_BY(mutex_) = 0;
  Totals totals_ KVICK_GUARDED_BY(mutex_);
};

}  // namespace kvick

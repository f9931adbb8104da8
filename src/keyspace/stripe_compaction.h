// StripeCompaction moves what a stripe holds in pages that are to be emptied (BlockPool::BeginEmptying): the buckets of
// its table, its entries, and the blocks of its large collections.
//
//   StripeCompaction compaction(rules);
//   ... the stripe is locked; 50 microseconds from now ...
//   const bool is_done = compaction.Step(stripe, deadline_cycles);
//   ... unlocked; and again, until it is done ...
//
// An entry may move whenever its stripe's lock is held. This is who points to entries, and why none of them minds:
//   - the stripe's table, whose slots are mended here;
//   - slots and entries that a command found (OpenValue, MSET, SORT, ...): their stripes are locked until it is done;
//   - large values on their way to be freed (Executor::removed_entries_, LazyFree): they are in no table any more.
// The expiry index, watchers, waiters, trackers, scan cursors and the search for keys to evict know hashes and names;
// a snapshot knows positions and collections, which stay where they are: only their blocks move.
//
// A large collection is left for later, and then walked some parts at a time; between two steps it is known by its key.
// Requires that the stripe is the same one in all steps. No thread rule of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/block_mover.h"
#include "keyspace/stripe.h"

namespace kvick {

class StripeCompaction {
 public:
  // Collections of more parts than `parts_max` are left for later, and so many are looked at without asking the clock.
  explicit StripeCompaction(size_t parts_max) : parts_max_(parts_max) {}

  // Goes on until the CycleClock has come to `deadline`, but does something in any case. True when all is done.
  bool Step(Stripe& stripe, uint64_t deadline) KVICK_REQUIRES(stripe.lock);

  // Blocks that were moved and left, and keys of which something, or nothing, was moved.
  const BlockMover& blocks() const { return mover_; }
  uint64_t moved_key_count() const { return moved_key_count_; }
  uint64_t left_key_count() const { return left_key_count_; }

 private:
  Entry* Follow(Entry* entry);
  // True when the collection has been walked to its end.
  bool StepInCollection(Stripe& stripe, uint64_t deadline) KVICK_REQUIRES(stripe.lock);

  const size_t parts_max_;
  BlockMover mover_;
  uint64_t moved_key_count_ = 0;
  uint64_t left_key_count_ = 0;
  size_t bucket_ = 0;
  std::vector<std::string> large_keys_;  // to be walked when all buckets have been; the last one is
  uint64_t position_ = 0;                // in its collection
};

}  // namespace kvick

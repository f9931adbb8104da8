// The part of Executor that moves entries out of sparse pages, so that these can be given back (engine/compaction.h).
//
// A stripe is held for some fifty microseconds at a time, and only if nobody else holds it. In between others may be
// alone: a stripe of the pass is known by its place, and looked up each time.

#include <algorithm>
#include <memory>

#include "base/clock.h"
#include "engine/compaction.h"
#include "engine/executor.h"
#include "keyspace/stripe_compaction.h"

namespace kvick {
namespace {

constexpr double kHoldUs = 50;

}  // namespace

void Executor::Compact(int64_t budget_us) {
  BeginBatch();
  CompactInside(budget_us);
  EndBatch();
}

void Executor::CompactAfterCommand(int64_t budget_us) {
  engine_.gate().Enter(gate_slot_);
  CompactInside(budget_us);
  engine_.gate().Leave(gate_slot_);
}

void Executor::CompactInside(int64_t budget_us) {
  Compaction& compaction = engine_.compaction();
  const uint64_t end = CycleClock::Now() + static_cast<uint64_t>(cycles_per_us_ * static_cast<double>(budget_us));
  const auto hold_cycles = static_cast<uint64_t>(cycles_per_us_ * kHoldUs);
  // What is being loaded belongs to the loaders.
  while (!engine_.is_loading && !engine_.is_ended) {
    if (compaction_ == nullptr) {
      if (!compaction.TakeStripe(&compaction_place_)) return;
      compaction_ = std::make_unique<StripeCompaction>(compaction.parts_max());
    }
    const uint64_t now = CycleClock::Now();
    if (!StepInCompaction(std::min(end, now + hold_cycles))) return;
    engine_.gate().CheckIn(gate_slot_);
    if (CycleClock::Now() >= end) return;
  }
}

// False when somebody else holds the stripe, perhaps for long: it is visited another time.
KVICK_NO_THREAD_SAFETY_ANALYSIS bool Executor::StepInCompaction(uint64_t deadline) {
  Database& database = engine_.database(static_cast<int>(compaction_place_ / Stripe::kCount));
  Stripe& stripe = database.StripeAt(compaction_place_ % Stripe::kCount);
  bool is_done = true;
  if (stripe.entry_count.load(std::memory_order_relaxed) != 0) {
    if (NeedsLocks() && !stripe.lock.TryLock()) return false;
    is_done = compaction_->Step(stripe, deadline);
    if (NeedsLocks()) LetGo(stripe);
  }
  if (is_done) {
    engine_.compaction().FinishStripe(*compaction_);
    compaction_.reset();
  }
  return true;
}

}  // namespace kvick

#include "observability/key_memory.h"

#include <utility>

#include "base/clock.h"

namespace kvick {
namespace {

// Of each tenth of a second: with workers beside it, and when nobody else may run meanwhile.
constexpr int64_t kSharedBudgetUs = 5'000;
constexpr int64_t kAloneBudgetUs = 1'000;
// Until others get a turn.
constexpr int64_t kPieceUs = 150;
// Between two rounds.
constexpr int kRestTurns = 10;

}  // namespace

KeyMemory::KeyMemory(Engine& engine) : engine_(engine) { engine_.gate().Register(&gate_slot_); }

KeyMemory::~KeyMemory() { engine_.gate().Unregister(&gate_slot_); }

void KeyMemory::RunPeriodicWork() {
  if (turns_to_rest_ > 0) {
    --turns_to_rest_;
    return;
  }
  const Clock& clock = SystemClock::Instance();
  const bool is_shared = engine_.is_concurrent();
  const int64_t deadline_us = clock.MonotonicUs() + (is_shared ? kSharedBudgetUs : kAloneBudgetUs);
  Progress progress = Progress::kGoesOn;
  while (progress == Progress::kGoesOn && clock.MonotonicUs() < deadline_us) {
    if (is_shared) {
      // Whoever is alone may wait for this thread to end.
      if (!engine_.gate().TryEnter(gate_slot_)) return;
      progress = LookAtSome();
      engine_.gate().Leave(gate_slot_);
    } else {
      const ScriptRunner* scripts = engine_.hooks.script_runner;
      const bool was_alone =
          engine_.gate().RunExclusiveUnless([scripts] { return scripts != nullptr && scripts->IsBusy(); },
                                            [&] {
                                              progress = LookAtSome();
                                              return true;
                                            });
      if (!was_alone) return;
    }
  }
  if (progress != Progress::kGoesOn) turns_to_rest_ = kRestTurns;
}

KVICK_NO_THREAD_SAFETY_ANALYSIS void KeyMemory::VisitBucket(Stripe& stripe) {
  ByType& counts = counts_[static_cast<size_t>(database_index_)];
  position_ = stripe.table.ScanBucket(position_, &counts, [](void* context, Entry* entry) {
    if (entry->type() == ValueType::kString || !KeySizes::Counts(entry->type())) return;
    ++(*static_cast<ByType*>(context))[KeySizes::RowOf(entry->type())][KeySizes::BinOf(entry->memory_bytes())];
  });
}

KVICK_NO_THREAD_SAFETY_ANALYSIS KeyMemory::Progress KeyMemory::LookAtSome() {
  if (!engine_.settings().key_memory_histograms) {
    counts_.clear();
    Publish({});
    return Progress::kOff;
  }
  if (counts_.empty()) {
    counts_.resize(static_cast<size_t>(engine_.database_count()));
    database_index_ = 0;
    stripe_index_ = position_ = 0;
  }
  const Clock& clock = SystemClock::Instance();
  const int64_t deadline_us = clock.MonotonicUs() + kPieceUs;
  for (; database_index_ < engine_.database_count(); ++database_index_, stripe_index_ = 0) {
    Database& database = engine_.database(database_index_);
    if (database.EntryCount() == 0) continue;
    for (; stripe_index_ < Stripe::kCount; ++stripe_index_, position_ = 0) {
      Stripe& stripe = database.StripeAt(stripe_index_);
      if (stripe.entry_count.load(std::memory_order_relaxed) == 0) continue;
      if (!stripe.lock.TryLock()) return Progress::kGoesOn;  // again in a moment
      bool has_more = true;
      bool has_time = true;
      while (has_more && has_time) {
        VisitBucket(stripe);
        has_more = position_ != 0;
        has_time = clock.MonotonicUs() < deadline_us;
      }
      stripe.lock.Unlock();
      if (has_more) return Progress::kGoesOn;
      if (!has_time) {
        ++stripe_index_;
        return Progress::kGoesOn;
      }
    }
  }
  Publish(std::exchange(counts_, {}));
  return Progress::kRests;
}

void KeyMemory::Publish(std::vector<ByType> counts) {
  MutexLock lock(mutex_);
  latest_ = std::move(counts);
}

std::vector<KeyMemory::ByType> KeyMemory::Latest() const {
  MutexLock lock(mutex_);
  return latest_;
}

}  // namespace kvick

#include "keyspace/stripe_compaction.h"

#include "base/clock.h"
#include "keyspace/key_hash.h"

namespace kvick {

bool StripeCompaction::Step(Stripe& stripe, uint64_t deadline) {
  // The table may have shrunk since the last step.
  while (bucket_ < stripe.table.bucket_count()) {
    stripe.table.MoveBucket(bucket_++, mover_, [this](Entry* entry) { return Follow(entry); });
    if (CycleClock::Now() >= deadline) return false;
  }
  while (!large_keys_.empty()) {
    if (StepInCollection(stripe, deadline)) {
      large_keys_.pop_back();
      position_ = 0;
    }
    if (CycleClock::Now() >= deadline) return large_keys_.empty();
  }
  return true;
}

Entry* StripeCompaction::Follow(Entry* entry) {
  const uint64_t moved_before = mover_.moved_count();
  entry = mover_.Follow(entry, entry->block_bytes());
  if (entry->form() == ValueForm::kObject) {
    const ValueOperations& operations = OperationsOf(entry->type());
    if (operations.move_blocks != nullptr) {
      if (operations.free_effort(entry->object()) > parts_max_) {
        large_keys_.emplace_back(entry->key());
      } else {
        uint64_t position = 0;
        do position = operations.move_blocks(entry->object(), position, mover_);
        while (position != 0);
      }
    }
  }
  ++(mover_.moved_count() != moved_before ? moved_key_count_ : left_key_count_);
  return entry;
}

bool StripeCompaction::StepInCollection(Stripe& stripe, uint64_t deadline) {
  // It may be gone, or be something else by now: then its position means nothing, and does no harm.
  const std::string& key = large_keys_.back();
  const Entry* entry = stripe.table.Find(key, HashKey(key)).entry;
  if (entry == nullptr || entry->form() != ValueForm::kObject) return true;
  const ValueOperations& operations = OperationsOf(entry->type());
  if (operations.move_blocks == nullptr) return true;
  do {
    position_ = operations.move_blocks(entry->object(), position_, mover_);
    if (position_ == 0) return true;
  } while (CycleClock::Now() < deadline);
  return false;
}

}  // namespace kvick

#include "engine/compaction.h"

#include <algorithm>

#include "base/block_pool.h"
#include "base/memory_usage.h"
#include "base/program_pages.h"

namespace kvick {
namespace {

// Without activedefrag.
constexpr Compaction::Rules kOwnRules = {.waste_bytes_min = uint64_t{16} << 20,
                                         .waste_min = 25,
                                         .waste_high = 100,
                                         .waste_bytes_goal = uint64_t{256} << 10,
                                         .waste_goal = 1,
                                         .share_min = 5,
                                         .share_max = 20};
// For who asks for a pass and waits.
constexpr int kRequestedShare = 50;
constexpr int64_t kPauseMinUs = 1'000'000;
constexpr int64_t kPauseMaxUs = 60'000'000;
constexpr int64_t kReleaseAfterUs = 1'000'000;

}  // namespace

Compaction::Rules Compaction::Rules::Of(const Settings& settings) {
  if (!settings.active_defrag) return kOwnRules;
  return {.waste_bytes_min = settings.active_defrag_ignore_bytes,
          .waste_min = settings.active_defrag_threshold_lower,
          .waste_high = settings.active_defrag_threshold_upper,
          .waste_bytes_goal = settings.active_defrag_ignore_bytes,
          .waste_goal = settings.active_defrag_threshold_lower,
          .share_min = settings.active_defrag_cycle_min,
          .share_max = settings.active_defrag_cycle_max};
}

int Compaction::Rules::ShareFor(uint64_t page_bytes, uint64_t block_bytes, bool follows) const {
  if (page_bytes < block_bytes + std::max<uint64_t>(follows ? waste_bytes_goal : waste_bytes_min, 1)) return 0;
  const auto waste = static_cast<int64_t>((page_bytes - block_bytes) * 100 / std::max<uint64_t>(block_bytes, 1));
  if (waste < (follows ? waste_goal : waste_min)) return 0;
  if (waste >= waste_high || waste_high <= waste_min) return std::max(share_min, share_max);
  const int64_t above = std::max<int64_t>(waste - waste_min, 0);
  return std::max(share_min, static_cast<int>(share_min + above * (share_max - share_min) / (waste_high - waste_min)));
}

Compaction::~Compaction() {
  if (is_walking_) BlockPool::EndEmptying();
}

void Compaction::Follow(const Settings& settings) {
  const MutexLock lock(mutex_);
  rules_ = Rules::Of(settings);
  parts_max_.store(settings.active_defrag_scan_fields_max, std::memory_order_relaxed);
}

void Compaction::Tend() {
  const MutexLock lock(mutex_);
  const bool was_at_work = is_walking_ || follows_;
  if (is_walking_ && IsWalked()) EndPass();
  const uint64_t page_bytes = BlockPool::PageBytes();
  const uint64_t block_bytes = BlockPool::BlockBytes();
  const int share = rules_.ShareFor(page_bytes, block_bytes, follows_);
  if (is_walking_) {
    // What is being deleted meanwhile makes it more urgent.
    if (share > this->share() && this->share() != 0) share_.store(share, std::memory_order_relaxed);
    return;
  }
  follows_ = follows_ && share > 0;
  if (share > 0 && clock_.MonotonicUs() >= next_us_) BeginPass(share, (page_bytes - block_bytes) / 8);
  // Many keys are gone, and what has become free is not kept for the next ones. What surrounds them (buffers of those
  // who deleted, caches) becomes free a little later.
  if (was_at_work && !is_walking_ && !follows_) {
    BlockPool::ReleasePages();
    release_us_ = clock_.MonotonicUs() + kReleaseAfterUs;
  }
  if (release_us_ != 0 && clock_.MonotonicUs() >= release_us_) {
    release_us_ = 0;
    ReleaseFreeMemory();
    ReleaseProgramPages();
  }
}

void Compaction::Begin() {
  const MutexLock lock(mutex_);
  if (is_walking_ && IsWalked()) EndPass();
  if (!is_walking_) return BeginPass(kRequestedShare, 0);
  share_.store(std::max(share(), kRequestedShare), std::memory_order_relaxed);
}

void Compaction::BeginPass(int share, uint64_t bytes_min) {
  began_us_ = clock_.MonotonicUs();
  chosen_bytes_ = BlockPool::BeginEmptying();
  if (chosen_bytes_ == 0 || chosen_bytes_ < bytes_min) {
    // What lies between blocks is in the last page of each size, or in pages that are nearly full.
    BlockPool::EndEmptying();
    follows_ = false;
    next_us_ = began_us_ + kPauseMinUs;
    return;
  }
  is_walking_ = true;
  finished_stripes_.store(0, std::memory_order_relaxed);
  // Releases: who takes a stripe sees what was set before.
  next_stripe_.store(0, std::memory_order_release);
  share_.store(share, std::memory_order_release);
}

bool Compaction::TakeStripe(size_t* place) {
  if (next_stripe_.load(std::memory_order_relaxed) >= stripe_count_) return false;
  *place = next_stripe_.fetch_add(1, std::memory_order_acquire);
  return *place < stripe_count_;
}

void Compaction::FinishStripe(const StripeCompaction& done) {
  if (done.moved_key_count() + done.left_key_count() + done.blocks().moved_count() + done.blocks().left_count() != 0) {
    const MutexLock lock(mutex_);
    totals_.moved_blocks += done.blocks().moved_count();
    totals_.left_blocks += done.blocks().left_count();
    totals_.moved_keys += done.moved_key_count();
    totals_.left_keys += done.left_key_count();
  }
  if (finished_stripes_.fetch_add(1, std::memory_order_acq_rel) + 1 == stripe_count_) {
    share_.store(0, std::memory_order_relaxed);
  }
}

void Compaction::EndPass() {
  share_.store(0, std::memory_order_relaxed);
  const uint64_t left_bytes = BlockPool::EndEmptying();
  is_walking_ = false;
  const int64_t now_us = clock_.MonotonicUs();
  total_us_ += now_us - began_us_;
  follows_ = left_bytes <= chosen_bytes_ / 2;
  pause_us_ = follows_ ? 0 : std::clamp(2 * pause_us_, kPauseMinUs, kPauseMaxUs);
  next_us_ = now_us + pause_us_;
}

Compaction::Totals Compaction::totals() const {
  const MutexLock lock(mutex_);
  Totals totals = totals_;
  const int64_t current_us = is_walking_ ? clock_.MonotonicUs() - began_us_ : 0;
  totals.current_ms = current_us / 1000;
  totals.total_ms = (total_us_ + current_us) / 1000;
  return totals;
}

void Compaction::ResetStats() {
  const MutexLock lock(mutex_);
  totals_ = {};
  total_us_ = 0;
}

}  // namespace kvick

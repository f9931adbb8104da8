#include "engine/memory_limit.h"

#include <algorithm>

#include "base/memory_meter.h"

namespace kvick {
namespace {

// How old the allocator's word may be: in general, and before anything is evicted or refused.
constexpr int64_t kCorrectionAgeUs = 10'000;
constexpr int64_t kFreshCorrectionAgeUs = 1'000;

}  // namespace

uint64_t MemoryLimit::CountedBytes() const {
  const uint64_t used = measure_ ? measure_() : MemoryMeter::Instance().UsedBytes();
  const auto leaving = static_cast<uint64_t>(std::max<int64_t>(leaving_bytes_.load(std::memory_order_relaxed), 0));
  return used - std::min(used, not_counted_bytes() + leaving);
}

bool MemoryLimit::IsExceeded(uint64_t limit_bytes) {
  MemoryMeter& meter = MemoryMeter::Instance();
  if (!measure_) meter.CorrectIfOlderThan(kCorrectionAgeUs);
  if (CountedBytes() <= limit_bytes) return false;
  if (measure_) return true;
  meter.CorrectIfOlderThan(kFreshCorrectionAgeUs);
  return CountedBytes() > limit_bytes;
}

void MemoryLimit::Note(State state) {
  if (state_.load(std::memory_order_relaxed) != state) state_.store(state, std::memory_order_relaxed);
  int64_t since_us = exceeded_since_us_.load(std::memory_order_relaxed);
  if (state == State::kKept) {
    if (since_us == 0 || !exceeded_since_us_.compare_exchange_strong(since_us, 0, std::memory_order_relaxed)) return;
    exceeded_before_us_.fetch_add(clock_.MonotonicUs() - since_us, std::memory_order_relaxed);
  } else if (since_us == 0) {
    exceeded_since_us_.compare_exchange_strong(since_us, std::max<int64_t>(clock_.MonotonicUs(), 1),
                                               std::memory_order_relaxed);
  }
}

int64_t MemoryLimit::exceeded_ms() const {
  const int64_t since_us = exceeded_since_us_.load(std::memory_order_relaxed);
  return since_us == 0 ? 0 : (clock_.MonotonicUs() - since_us) / 1000;
}

int64_t MemoryLimit::total_exceeded_ms() const {
  return exceeded_before_us_.load(std::memory_order_relaxed) / 1000 + exceeded_ms();
}

void MemoryLimit::ResetStats() {
  exceeded_before_us_.store(0, std::memory_order_relaxed);
  exceeded_since_us_.store(0, std::memory_order_relaxed);
}

}  // namespace kvick

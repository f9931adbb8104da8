#include "base/memory_meter.h"

#include <algorithm>

#include "base/block_pool.h"
#include "base/clock.h"
#include "base/memory_usage.h"

namespace kvick {

MemoryMeter& MemoryMeter::Instance() {
  static MemoryMeter meter;
  return meter;
}

MemoryMeter::MemoryMeter()
    : allocated_bytes_(static_cast<int64_t>(MeasureAllocator().allocated_bytes)),
      corrected_us_(SystemClock::Instance().MonotonicUs()) {}

int64_t MemoryMeter::Count() {
  // What came before the first call is in the figure that the allocator told.
  thread_local int64_t counted_bytes = ThreadAllocatedBytes();
  const int64_t bytes = ThreadAllocatedBytes();
  const int64_t added_bytes = bytes - counted_bytes;
  if (added_bytes != 0) allocated_bytes_.fetch_add(added_bytes, std::memory_order_relaxed);
  counted_bytes = bytes;
  return added_bytes;
}

uint64_t MemoryMeter::UsedBytes() const {
  const int64_t allocated_bytes = allocated_bytes_.load(std::memory_order_relaxed);
  return static_cast<uint64_t>(std::max<int64_t>(allocated_bytes, 0)) + BlockPool::BlockBytes();
}

void MemoryMeter::CorrectIfOlderThan(int64_t age_us) {
  const int64_t now_us = SystemClock::Instance().MonotonicUs();
  int64_t corrected_us = corrected_us_.load(std::memory_order_relaxed);
  if (now_us - corrected_us < age_us) return;
  // One of those who find it old measures.
  if (!corrected_us_.compare_exchange_strong(corrected_us, now_us, std::memory_order_relaxed)) return;
  // What others allocate between these two lines, and have not counted yet, is added twice: until the next correction.
  Count();
  allocated_bytes_.store(static_cast<int64_t>(MeasureAllocator().allocated_bytes), std::memory_order_relaxed);
}

}  // namespace kvick

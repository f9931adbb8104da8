// MemoryMeter knows how many bytes of memory the process uses, cheaply enough to be asked between any two commands.
//
//   MemoryMeter& meter = MemoryMeter::Instance();
//   meter.Count();                      // once a command, by each thread that allocates much
//   if (meter.UsedBytes() > limit) ...  // now and then
//
// The exact figure is the allocator's (base/memory_usage.h), to which small blocks come (BlockPool). Asking the
// allocator costs some 15 microseconds, so that is done now and then (CorrectIfOlderThan), and in between threads add
// what they themselves have allocated. What a thread does that never calls Count is seen with the next correction.
//
// Any thread may call any method.
#pragma once

#include <atomic>
#include <cstdint>

namespace kvick {

class MemoryMeter {
 public:
  // There is one allocator, so there is one meter.
  static MemoryMeter& Instance();
  MemoryMeter(const MemoryMeter&) = delete;
  MemoryMeter& operator=(const MemoryMeter&) = delete;

  // Adds what the calling thread has allocated and freed since it last called. Returns that. Some nanoseconds.
  int64_t Count();
  // Reads a cache line for each shard of BlockPool.
  [[nodiscard]] uint64_t UsedBytes() const;
  // Asks the allocator, unless somebody did within so long.
  void CorrectIfOlderThan(int64_t age_us);

 private:
  MemoryMeter();

  std::atomic<int64_t> allocated_bytes_{0};  // outside of BlockPool
  std::atomic<int64_t> corrected_us_{0};     // monotonic
};

}  // namespace kvick

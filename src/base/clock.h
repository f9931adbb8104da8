// Clock: where time comes from. The engine is given one; tests give it a ManualClock.
#pragma once

#include <atomic>
#include <cstdint>

namespace kvick {

class Clock {
 public:
  virtual ~Clock() = default;
  // Wall clock, microseconds since 1970.
  [[nodiscard]] virtual int64_t NowUs() const = 0;
  // Never goes back; microseconds since some moment.
  [[nodiscard]] virtual int64_t MonotonicUs() const = 0;
  [[nodiscard]] int64_t NowMs() const { return NowUs() / 1000; }
  [[nodiscard]] int64_t MonotonicMs() const { return MonotonicUs() / 1000; }
};

// The machine's clocks. Any thread.
class SystemClock final : public Clock {
 public:
  [[nodiscard]] int64_t NowUs() const override;
  [[nodiscard]] int64_t MonotonicUs() const override;
  static const SystemClock& Instance();
};

// Another clock, moved forward: a server under test runs on one, so that conversations need not wait. Any thread.
class OffsetClock final : public Clock {
 public:
  // `base` outlives it.
  explicit OffsetClock(const Clock& base) : base_(base) {}
  [[nodiscard]] int64_t NowUs() const override { return base_.NowUs() + offset_us_.load(std::memory_order_relaxed); }
  [[nodiscard]] int64_t MonotonicUs() const override {
    return base_.MonotonicUs() + offset_us_.load(std::memory_order_relaxed);
  }
  void AdvanceMs(int64_t amount_ms) { offset_us_.fetch_add(amount_ms * 1000, std::memory_order_relaxed); }

 private:
  const Clock& base_;
  std::atomic<int64_t> offset_us_{0};
};

// Stands still until told otherwise. Any thread.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(int64_t now_ms = 1'700'000'000'000) : now_us_(now_ms * 1000) {}
  [[nodiscard]] int64_t NowUs() const override { return now_us_.load(std::memory_order_relaxed); }
  [[nodiscard]] int64_t MonotonicUs() const override { return now_us_.load(std::memory_order_relaxed); }
  void AdvanceMs(int64_t amount_ms) { now_us_.fetch_add(amount_ms * 1000, std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> now_us_;
};

// The processor's cycle counter, for durations of single commands: a few nanoseconds a reading where
// clock_gettime costs 25.
class CycleClock {
 public:
  static uint64_t Now() {
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
    uint64_t value;
    asm volatile("mrs %0, cntvct_el0" : "=r"(value));
    return value;
#endif
  }
  // Measured against the monotonic clock once, at the first call (about 2 ms).
  static double CyclesPerMicrosecond();
};

}  // namespace kvick

// LatencyMonitor remembers what took longer than latency-monitor-threshold: for each kind of event its latest samples,
// at most one a second, the worst of that second.
//
//   const LatencyMonitor::Timer timer(engine.hooks.latency_monitor, LatencyEvent::kExpireCycle, engine.clock());
//
// Any thread may call any method. Off, which is the default, a timer reads one atomic.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/sync.h"

namespace kvick {

// What is watched. There is no fork, so the stock server's events of that kind are none of ours; files are written by a
// thread of their own, so no write waits for a sync.
enum class LatencyEvent : uint8_t {
  kCommand,
  kFastCommand,
  kExpireCycle,
  kEvictionCycle,
  kEvictionDelete,
  kAofWrite,
  kAofSyncAlways,
  kRdbUnlink,
};
inline constexpr size_t kLatencyEventCount = 8;
// As clients know it: "fast-command".
std::string_view LatencyEventName(LatencyEvent event);

struct LatencySample {
  int64_t at_s = 0;
  int64_t latency_ms = 0;
};

class LatencyMonitor {
 public:
  static constexpr size_t kSampleCountMax = 160;

  struct Series {
    LatencyEvent event = LatencyEvent::kCommand;
    std::vector<LatencySample> samples;  // the oldest first; never empty
    int64_t highest_ms = 0;              // ever
  };

  // `clock` outlives it.
  explicit LatencyMonitor(const Clock& clock) : clock_(clock) {}

  // Milliseconds; 0: off.
  void set_threshold_ms(int64_t threshold_ms) { threshold_ms_.store(threshold_ms, std::memory_order_relaxed); }
  [[nodiscard]] int64_t threshold_ms() const { return threshold_ms_.load(std::memory_order_relaxed); }

  // Remembers it if it took long enough.
  void Note(LatencyEvent event, int64_t duration_us) {
    const int64_t threshold = threshold_ms();
    if (threshold > 0 && duration_us / 1000 >= threshold) Add(event, duration_us / 1000);
  }

  // The events that have samples.
  [[nodiscard]] std::vector<Series> All() const KVICK_EXCLUDES(mutex_);
  // Forgets an event; whether there was anything to forget.
  bool Reset(LatencyEvent event) KVICK_EXCLUDES(mutex_);

  // Notes how long it lived. `monitor` may be null.
  class Timer {
   public:
    Timer(LatencyMonitor* monitor, LatencyEvent event, const Clock& clock)
        : monitor_(monitor != nullptr && monitor->threshold_ms() > 0 ? monitor : nullptr),
          event_(event),
          clock_(clock),
          start_us_(monitor_ != nullptr ? clock.MonotonicUs() : 0) {}
    ~Timer() {
      if (monitor_ != nullptr) monitor_->Note(event_, clock_.MonotonicUs() - start_us_);
    }
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;

   private:
    LatencyMonitor* const monitor_;
    const LatencyEvent event_;
    const Clock& clock_;
    const int64_t start_us_;
  };

 private:
  struct Record {
    std::deque<LatencySample> samples;
    int64_t highest_ms = 0;
  };
  void Add(LatencyEvent event, int64_t latency_ms) KVICK_EXCLUDES(mutex_);

  const Clock& clock_;
  std::atomic<int64_t> threshold_ms_{0};
  mutable Mutex mutex_;
  std::array<Record, kLatencyEventCount> records_ KVICK_GUARDED_BY(mutex_);
};

}  // namespace kvick

// MemoryLimit: what `maxmemory` limits, and whether it is kept at present.
//
// Executors ask it before a command and evict when it says so (executor_eviction.cc). Any thread may call any method,
// but for MeasureBy, which is for tests.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <utility>

#include "base/clock.h"
#include "engine/command_log.h"

namespace kvick {

class MemoryLimit {
 public:
  MemoryLimit(const Clock& clock, const CommandLog& log) : clock_(clock), log_(log) {}
  MemoryLimit(const MemoryLimit&) = delete;
  MemoryLimit& operator=(const MemoryLimit&) = delete;

  enum class State : uint8_t {
    kKept,
    kEvicting,  // exceeded; what may be evicted is being evicted
    kExceeded,  // and nothing may be evicted
  };
  State state() const { return state_.load(std::memory_order_relaxed); }

  // Whether more than `limit_bytes` are used, of what counts. Looks twice before it says yes.
  [[nodiscard]] bool IsExceeded(uint64_t limit_bytes);
  // What an executor found out.
  void Note(State state);

  // What does not count, because evicting keys would make it grow: the command log's bytes that a file or a replica has
  // yet to read.
  [[nodiscard]] uint64_t not_counted_bytes() const { return log_.kept_bytes(); }
  // Was handed to another thread to be freed, and counts as free; `bytes` are negative when it has been.
  void AddLeaving(int64_t bytes) { leaving_bytes_.fetch_add(bytes, std::memory_order_relaxed); }

  // For how long the limit has been exceeded: now (0: it is kept), and altogether.
  [[nodiscard]] int64_t exceeded_ms() const;
  [[nodiscard]] int64_t total_exceeded_ms() const;
  void ResetStats();

  // For tests, before executors run: another measure of used bytes.
  void MeasureBy(std::function<uint64_t()> measure) { measure_ = std::move(measure); }

 private:
  [[nodiscard]] uint64_t CountedBytes() const;

  const Clock& clock_;
  const CommandLog& log_;
  std::function<uint64_t()> measure_;
  std::atomic<State> state_{State::kKept};
  std::atomic<int64_t> leaving_bytes_{0};
  std::atomic<int64_t> exceeded_since_us_{0};  // monotonic; 0: not exceeded
  std::atomic<int64_t> exceeded_before_us_{0};
};

}  // namespace kvick

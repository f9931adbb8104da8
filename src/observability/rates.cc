#include "observability/rates.h"

#include <algorithm>

#include "base/block_pool.h"
#include "base/memory_usage.h"
#include "engine/executor.h"
#include "observability/memory_history.h"

namespace kvick {

uint64_t UsedMemoryBytes() { return MeasureAllocator().allocated_bytes + BlockPool::BlockBytes(); }

void Rates::Sample() {
  Moment moment;
  moment.at_us = engine_.clock().MonotonicUs();
  engine_.ForEachExecutor([&moment](Executor& executor) {
    const ExecutorStats& stats = executor.stats();
    moment.totals[kCommands] += stats.command_count.Load();
    moment.totals[kInputBytes] += stats.input_bytes.Load();
    moment.totals[kOutputBytes] += stats.output_bytes.Load();
    moment.totals[kLoops] += stats.loop_count.Load();
    moment.totals[kLoopDurationUs] += stats.loop_duration_us.Load();
  });
  MemoryHistory::Instance().Note(UsedMemoryBytes(), engine_.clock().NowMs() / 1000);
  MutexLock lock(mutex_);
  moments_[count_ % kSampleCount] = moment;
  ++count_;
}

void Rates::Reset() {
  MutexLock lock(mutex_);
  count_ = 0;
}

double Rates::PerSecond(Counter counter) const {
  MutexLock lock(mutex_);
  if (count_ < 2) return 0;
  const Moment& latest = moments_[(count_ - 1) % kSampleCount];
  const Moment& oldest = moments_[count_ <= kSampleCount ? 0 : count_ % kSampleCount];
  const int64_t elapsed_us = latest.at_us - oldest.at_us;
  if (elapsed_us <= 0 || latest.totals[counter] < oldest.totals[counter]) return 0;
  return static_cast<double>(latest.totals[counter] - oldest.totals[counter]) * 1e6 / static_cast<double>(elapsed_us);
}

}  // namespace kvick

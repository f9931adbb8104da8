#include "observability/memory_history.h"

namespace kvick {

MemoryHistory& MemoryHistory::Instance() {
  static auto* const history = new MemoryHistory;
  return *history;
}

void MemoryHistory::MarkStart(uint64_t used_bytes) {
  MutexLock lock(mutex_);
  start_bytes_ = used_bytes;
}

uint64_t MemoryHistory::start_bytes() const {
  MutexLock lock(mutex_);
  return start_bytes_;
}

MemoryHistory::Peak MemoryHistory::Note(uint64_t used_bytes, int64_t now_s) {
  MutexLock lock(mutex_);
  if (used_bytes > peak_.size_bytes) peak_ = {used_bytes, now_s};
  return peak_;
}

void MemoryHistory::ForgetPeak() {
  MutexLock lock(mutex_);
  peak_ = Peak();
}

}  // namespace kvick

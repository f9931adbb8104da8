// MemoryHistory: how much memory was used when the process was ready, and how much at most since.
//
// There is one allocator, so there is one history. Any thread may call any method.
#pragma once

#include <cstdint>

#include "base/sync.h"

namespace kvick {

class MemoryHistory {
 public:
  struct Peak {
    uint64_t size_bytes = 0;
    int64_t at_s = 0;
  };

  static MemoryHistory& Instance();

  // What is used now belongs to the server, not to data.
  void MarkStart(uint64_t used_bytes) KVICK_EXCLUDES(mutex_);
  [[nodiscard]] uint64_t start_bytes() const KVICK_EXCLUDES(mutex_);
  // The highest use, that of now included.
  Peak Note(uint64_t used_bytes, int64_t now_s) KVICK_EXCLUDES(mutex_);
  void ForgetPeak() KVICK_EXCLUDES(mutex_);

 private:
  mutable Mutex mutex_;
  uint64_t start_bytes_ KVICK_GUARDED_BY(mutex_) = 0;
  Peak peak_ KVICK_GUARDED_BY(mutex_);
};

}  // namespace kvick

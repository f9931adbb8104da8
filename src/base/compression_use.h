// CompressionUse: whether this process has ever kept a value compressed. While it has not, a command needs no
// UnpackScope, whose cost (some thirty instructions around a handler) would be a fiftieth of a GET.
//
// Any thread may call both. Who finds a compressed value under the lock of its stripe sees that it was noted.
#pragma once

#include <atomic>

namespace kvick {

class CompressionUse {
 public:
  static void Note() { was_noted_.store(true, std::memory_order_relaxed); }
  static bool WasNoted() { return was_noted_.load(std::memory_order_relaxed); }

 private:
  static inline std::atomic<bool> was_noted_{false};
};

}  // namespace kvick

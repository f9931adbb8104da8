// CompressionUse: whether value-compression has ever been switched on in this process. While it has not, nothing is
// compressed, and neither those who write strings nor those who read them pay more than a comparison for it.
//
// It is noted before threads run, or in an exclusive moment (CONFIG SET); inside the gate any thread may ask.
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

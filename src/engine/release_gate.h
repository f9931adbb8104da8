// ReleaseGate holds replies to writes back until what they wrote is safe (appendfsync always).
//
//   if (!gate.IsReleased(session.write_position)) ... keep the reply ...     // a worker
//   gate.Release(durable_position);                                          // who writes the log to a disk
//
// Positions are those of the command log. Any thread may call any method. A listener is told after the position was
// stored, so one that says first that it keeps something and then looks once more misses nothing.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <vector>

#include "base/sync.h"

namespace kvick {

class ReleaseGate {
 public:
  // Nothing is held back.
  static constexpr uint64_t kEverything = UINT64_MAX;

  class Listener {
   public:
    virtual ~Listener() = default;
    // More is released. In the releasing thread; must not wait.
    virtual void OnRelease() = 0;
  };

  bool IsReleased(uint64_t position) const { return position <= released_.load(std::memory_order_seq_cst); }

  bool holds_back() const { return !IsReleased(kEverything); }

  // To begin to hold replies back happens in an exclusive moment: what was answered before is not affected.
  void Release(uint64_t position) KVICK_EXCLUDES(mutex_) {
    released_.store(position, std::memory_order_seq_cst);
    MutexLock lock(mutex_);
    for (Listener* listener : listeners_) listener->OnRelease();
  }

  void Add(Listener* listener) KVICK_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    listeners_.push_back(listener);
  }
  // It is not called any more when this returns.
  void Remove(Listener* listener) KVICK_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    listeners_.erase(std::remove(listeners_.begin(), listeners_.end(), listener), listeners_.end());
  }

 private:
  std::atomic<uint64_t> released_{kEverything};
  Mutex mutex_;
  std::vector<Listener*> listeners_ KVICK_GUARDED_BY(mutex_);
};

}  // namespace kvick

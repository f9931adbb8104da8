// ExclusiveGate lets one piece of work run while every worker stands at a safe point.
//
// A worker is "inside" while it executes commands (a batch at a time) and steps out between them when somebody
// waits. RunExclusive closes the gate, waits until nobody is inside, and runs. What is changed only in RunExclusive
// (configuration, users, slot map) can therefore be read inside without a lock.
//
//   inside:     Enter(slot); execute; CheckIn(slot); execute; ...; Leave(slot);
//   exclusive:  Leave(own slot); RunExclusive([&] { ... }); Enter(own slot);
//
// Cost inside: one sequentially consistent store per Enter (per batch, not per command), one relaxed load per
// CheckIn. Lock order: the gate comes before every other lock; nobody waits at it while holding one.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "base/sync.h"

namespace kvick {

class ExclusiveGate {
 public:
  // One per executing thread; registered for its life.
  struct alignas(64) Slot {
    std::atomic<bool> inside{false};
  };

  // Register and Unregister may be called any time by any thread that is not inside.
  void Register(Slot* slot) KVICK_EXCLUDES(mutex_);
  void Unregister(Slot* slot) KVICK_EXCLUDES(mutex_);

  void Enter(Slot& slot) {
    slot.inside.store(true, std::memory_order_seq_cst);
    if (closed_.load(std::memory_order_seq_cst)) WaitAndEnter(slot);
  }
  // Does not wait: false when somebody is alone, or waits for it.
  bool TryEnter(Slot& slot) {
    slot.inside.store(true, std::memory_order_seq_cst);
    if (!closed_.load(std::memory_order_seq_cst)) return true;
    slot.inside.store(false, std::memory_order_seq_cst);
    NotifyLeft();
    return false;
  }
  void Leave(Slot& slot) {
    slot.inside.store(false, std::memory_order_seq_cst);
    if (closed_.load(std::memory_order_seq_cst)) NotifyLeft();
  }
  // Between two commands: steps out and in again when somebody waits.
  void CheckIn(Slot& slot) {
    if (closed_.load(std::memory_order_relaxed)) {
      Leave(slot);
      Enter(slot);
    }
  }

  // Somebody is alone, or waits for it.
  bool is_closed() const { return closed_.load(std::memory_order_relaxed); }

  // Runs `work` alone. The calling thread must not be inside. Several callers take turns.
  void RunExclusive(const std::function<void()>& work) KVICK_EXCLUDES(mutex_);
  // The same; gives up, opens the gate again and returns false as soon as `gives_up` says so (asked now and then).
  // `work` returns whether it is still alone at its end: not when it has called Share.
  bool RunExclusiveUnless(const std::function<bool()>& gives_up, const std::function<bool()>& work)
      KVICK_EXCLUDES(mutex_);
  // Within such work: from here on it is not alone any more, but inside as others are.
  void Share(Slot& own) KVICK_EXCLUDES(mutex_);

  // For who is inside, in the middle of its work, and must not let anybody else be alone before it is done: waits until
  // nobody else is inside, ahead of all who wait to be alone. One at a time may ask for this. False when others did not
  // leave within `patience_ms`. EndAlone lets the others in again.
  bool BecomeAlone(const Slot& own, int64_t patience_ms) KVICK_EXCLUDES(mutex_);
  void EndAlone() KVICK_EXCLUDES(mutex_);

 private:
  void WaitAndEnter(Slot& slot) KVICK_EXCLUDES(mutex_);
  void NotifyLeft() KVICK_EXCLUDES(mutex_);
  bool AnyoneInside(const Slot* except = nullptr) const KVICK_REQUIRES(mutex_);
  void Close() KVICK_REQUIRES(mutex_);
  void Open() KVICK_REQUIRES(mutex_);

  Mutex mutex_;
  ConditionVariable changed_;
  std::atomic<bool> closed_{false};                 // written under mutex_
  int closer_count_ KVICK_GUARDED_BY(mutex_) = 0;   // RunExclusive, BecomeAlone: closed while there is any
  bool is_taken_ KVICK_GUARDED_BY(mutex_) = false;  // by RunExclusive
  std::vector<Slot*> slots_ KVICK_GUARDED_BY(mutex_);
};

}  // namespace kvick

#include "engine/exclusive_gate.h"

#include <algorithm>

namespace kvick {

void ExclusiveGate::Register(Slot* slot) {
  MutexLock lock(mutex_);
  while (closed_.load(std::memory_order_relaxed)) changed_.Wait(mutex_);
  slots_.push_back(slot);
}

void ExclusiveGate::Unregister(Slot* slot) {
  MutexLock lock(mutex_);
  while (closed_.load(std::memory_order_relaxed)) changed_.Wait(mutex_);
  slots_.erase(std::remove(slots_.begin(), slots_.end(), slot), slots_.end());
}

// A worker says "inside" before it looks at `closed_`, a closer sets `closed_` before it looks at the workers, both
// in the one total order of sequentially consistent operations: one of the two sees the other.
void ExclusiveGate::WaitAndEnter(Slot& slot) {
  MutexLock lock(mutex_);
  slot.inside.store(false, std::memory_order_seq_cst);
  changed_.NotifyAll();
  while (closed_.load(std::memory_order_relaxed)) changed_.Wait(mutex_);
  // Closing needs the mutex, so the gate stays open until we are inside.
  slot.inside.store(true, std::memory_order_seq_cst);
}

void ExclusiveGate::NotifyLeft() {
  MutexLock lock(mutex_);
  changed_.NotifyAll();
}

bool ExclusiveGate::AnyoneInside() const {
  return std::any_of(slots_.begin(), slots_.end(),
                     [](const Slot* slot) { return slot->inside.load(std::memory_order_seq_cst); });
}

void ExclusiveGate::RunExclusive(const std::function<void()>& work) {
  {
    MutexLock lock(mutex_);
    while (closed_.load(std::memory_order_relaxed)) changed_.Wait(mutex_);
    closed_.store(true, std::memory_order_seq_cst);
    while (AnyoneInside()) changed_.Wait(mutex_);
  }
  work();
  MutexLock lock(mutex_);
  closed_.store(false, std::memory_order_seq_cst);
  changed_.NotifyAll();
}

}  // namespace kvick

#include "engine/exclusive_gate.h"

#include <algorithm>

namespace kvick {
namespace {

// How often who may give up is asked whether he does.
constexpr int64_t kGiveUpPeriodMs = 5;

}  // namespace

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

bool ExclusiveGate::AnyoneInside(const Slot* except) const {
  return std::any_of(slots_.begin(), slots_.end(), [except](const Slot* slot) {
    return slot != except && slot->inside.load(std::memory_order_seq_cst);
  });
}

void ExclusiveGate::Close() {
  ++closer_count_;
  closed_.store(true, std::memory_order_seq_cst);
}

void ExclusiveGate::Open() {
  if (--closer_count_ == 0) closed_.store(false, std::memory_order_seq_cst);
  changed_.NotifyAll();
}

void ExclusiveGate::RunExclusive(const std::function<void()>& work) {
  {
    MutexLock lock(mutex_);
    while (is_taken_) changed_.Wait(mutex_);
    is_taken_ = true;
    Close();
    while (AnyoneInside()) changed_.Wait(mutex_);
  }
  work();
  MutexLock lock(mutex_);
  is_taken_ = false;
  Open();
}

bool ExclusiveGate::RunExclusiveUnless(const std::function<bool()>& gives_up, const std::function<bool()>& work) {
  {
    MutexLock lock(mutex_);
    while (is_taken_) {
      changed_.WaitFor(mutex_, kGiveUpPeriodMs);
      if (is_taken_ && gives_up()) return false;
    }
    is_taken_ = true;
    Close();
    while (AnyoneInside()) {
      changed_.WaitFor(mutex_, kGiveUpPeriodMs);
      if (!AnyoneInside() || !gives_up()) continue;
      is_taken_ = false;
      Open();
      return false;
    }
  }
  if (work()) {
    MutexLock lock(mutex_);
    is_taken_ = false;
    Open();
  }
  return true;
}

void ExclusiveGate::Share(Slot& own) {
  MutexLock lock(mutex_);
  own.inside.store(true, std::memory_order_seq_cst);
  is_taken_ = false;
  Open();
}

// A thread that has closed the gate by RunExclusive still waits for us to leave, so it cannot run meanwhile.
bool ExclusiveGate::BecomeAlone(const Slot& own, int64_t patience_ms) {
  MutexLock lock(mutex_);
  Close();
  for (int64_t waited_ms = 0; AnyoneInside(&own); waited_ms += kGiveUpPeriodMs) {
    if (waited_ms >= patience_ms) {
      Open();
      return false;
    }
    changed_.WaitFor(mutex_, kGiveUpPeriodMs);
  }
  return true;
}

void ExclusiveGate::EndAlone() {
  MutexLock lock(mutex_);
  Open();
}

}  // namespace kvick

// Mutex and its scoped holder, known to clang's thread safety analysis, and the small spinning lock that
// stripes use.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "base/thread_annotations.h"

namespace kvick {

// A std::mutex that the analysis understands.
class KVICK_CAPABILITY("mutex") Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void Lock() KVICK_ACQUIRE() { mutex_.lock(); }
  bool TryLock() KVICK_TRY_ACQUIRE(true) { return mutex_.try_lock(); }
  void Unlock() KVICK_RELEASE() { mutex_.unlock(); }

 private:
  friend class ConditionVariable;
  std::mutex mutex_;
};

class KVICK_SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) KVICK_ACQUIRE(mutex) : mutex_(mutex) { mutex_.Lock(); }
  ~MutexLock() KVICK_RELEASE() { mutex_.Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

// Waits on a Mutex that the caller holds; always in a loop that tests its condition.
class ConditionVariable {
 public:
  void Wait(Mutex& mutex) KVICK_REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    condition_.wait(lock);
    lock.release();
  }
  // Returns false when `timeout_ms` passed without a notification.
  bool WaitFor(Mutex& mutex, int64_t timeout_ms) KVICK_REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    const auto status = condition_.wait_for(lock, std::chrono::milliseconds(timeout_ms));
    lock.release();
    return status == std::cv_status::no_timeout;
  }
  void NotifyOne() { condition_.notify_one(); }
  void NotifyAll() { condition_.notify_all(); }

 private:
  std::condition_variable condition_;
};

// A four-byte lock: free when zero, so that zeroed memory is an unlocked lock. Spins briefly, then sleeps in
// the kernel. Fair enough for critical sections of microseconds; not recursive.
class KVICK_CAPABILITY("spin lock") SpinLock {
 public:
  SpinLock() = default;
  SpinLock(const SpinLock&) = delete;
  SpinLock& operator=(const SpinLock&) = delete;

  void Lock() KVICK_ACQUIRE() KVICK_NO_THREAD_SAFETY_ANALYSIS {
    uint32_t expected = kFree;
    if (!state_.compare_exchange_strong(expected, kHeld, std::memory_order_acquire, std::memory_order_relaxed))
      LockSlow();
  }
  // Waits at most so long; false when it did not get the lock.
  bool LockFor(int64_t patience_us) KVICK_TRY_ACQUIRE(true) KVICK_NO_THREAD_SAFETY_ANALYSIS;
  bool TryLock() KVICK_TRY_ACQUIRE(true) {
    uint32_t expected = kFree;
    return state_.compare_exchange_strong(expected, kHeld, std::memory_order_acquire, std::memory_order_relaxed);
  }
  void Unlock() KVICK_RELEASE() {
    if (state_.exchange(kFree, std::memory_order_release) == kContended) WakeOne();
  }
  // True while anybody holds it; for assertions only.
  bool IsHeld() const { return state_.load(std::memory_order_relaxed) != kFree; }

 private:
  static constexpr uint32_t kFree = 0;
  static constexpr uint32_t kHeld = 1;
  static constexpr uint32_t kContended = 2;  // held, and somebody sleeps

  void LockSlow() KVICK_NO_THREAD_SAFETY_ANALYSIS;  // acquires through the atomic word alone
  void WakeOne();

  std::atomic<uint32_t> state_{kFree};
};

class KVICK_SCOPED_CAPABILITY SpinLockHolder {
 public:
  explicit SpinLockHolder(SpinLock& lock) KVICK_ACQUIRE(lock) : lock_(lock) { lock_.Lock(); }
  ~SpinLockHolder() KVICK_RELEASE() { lock_.Unlock(); }
  SpinLockHolder(const SpinLockHolder&) = delete;
  SpinLockHolder& operator=(const SpinLockHolder&) = delete;

 private:
  SpinLock& lock_;
};

// A counter with one writing thread and any number of reading threads. Add is a load, an add and a store, not
// a locked instruction: the writer is alone.
class OwnedCounter {
 public:
  void Add(uint64_t amount) {
    value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  void Set(uint64_t value) { value_.store(value, std::memory_order_relaxed); }
  uint64_t Load() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

}  // namespace kvick

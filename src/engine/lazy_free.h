// LazyFree frees large values and whole databases in a thread of its own, so that no client waits for it.
// Any thread may call any method.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <thread>

#include "base/sync.h"

namespace kvick {

class LazyFree {
 public:
  LazyFree() = default;
  // Finishes what is queued.
  ~LazyFree();
  LazyFree(const LazyFree&) = delete;
  LazyFree& operator=(const LazyFree&) = delete;

  // Runs `work` in the background; it counts as `object_count` freed objects when done.
  void Add(uint64_t object_count, std::function<void()> work) KVICK_EXCLUDES(mutex_);
  // Waits until all that was added before is done.
  void Drain() KVICK_EXCLUDES(mutex_);

  uint64_t pending_objects() const { return pending_.load(std::memory_order_relaxed); }
  uint64_t freed_objects() const { return freed_.load(std::memory_order_relaxed); }
  void ResetFreed() { freed_.store(0, std::memory_order_relaxed); }

 private:
  struct Job {
    uint64_t object_count;
    std::function<void()> work;
  };
  void Run() KVICK_EXCLUDES(mutex_);

  Mutex mutex_;
  ConditionVariable changed_;
  std::deque<Job> jobs_ KVICK_GUARDED_BY(mutex_);
  bool busy_ KVICK_GUARDED_BY(mutex_) = false;
  bool stopping_ KVICK_GUARDED_BY(mutex_) = false;
  std::thread thread_ KVICK_GUARDED_BY(mutex_);  // started with the first job
  std::atomic<uint64_t> pending_{0};
  std::atomic<uint64_t> freed_{0};
};

}  // namespace kvick

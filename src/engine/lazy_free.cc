#include "engine/lazy_free.h"

#include <utility>

#include "base/background_thread.h"

namespace kvick {

LazyFree::~LazyFree() {
  std::thread thread;
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    changed_.NotifyAll();
    thread = std::move(thread_);
  }
  if (thread.joinable()) thread.join();
}

void LazyFree::Add(uint64_t object_count, std::function<void()> work) {
  pending_.fetch_add(object_count, std::memory_order_relaxed);
  MutexLock lock(mutex_);
  jobs_.push_back({object_count, std::move(work)});
  if (!thread_.joinable()) thread_ = std::thread([this] { Run(); });
  changed_.NotifyAll();
}

void LazyFree::Drain() {
  MutexLock lock(mutex_);
  while (!jobs_.empty() || busy_) changed_.Wait(mutex_);
}

void LazyFree::Run() {
  BecomeBackgroundThread("lazy_free");
  while (true) {
    Job job;
    {
      MutexLock lock(mutex_);
      busy_ = false;
      changed_.NotifyAll();
      while (jobs_.empty() && !stopping_) changed_.Wait(mutex_);
      if (jobs_.empty()) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
      busy_ = true;
    }
    job.work();
    job.work = nullptr;
    pending_.fetch_sub(job.object_count, std::memory_order_relaxed);
    freed_.fetch_add(job.object_count, std::memory_order_relaxed);
  }
}

}  // namespace kvick

#include "base/sync.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "base/random.h"
#include "support/threads.h"

namespace kvick {
namespace {

struct Guarded {
  SpinLock lock;
  int64_t value KVICK_GUARDED_BY(lock) = 0;
};

void Increment(Guarded& guarded) {
  SpinLockHolder holder(guarded.lock);
  ++guarded.value;
}

TEST(SpinLockConcurrencyTest, OneAtATimeWhetherTheyTryOrWait) {
  Guarded guarded;
  constexpr int kThreads = 4;
  constexpr int kRounds = 5000;
  test::RunThreads(kThreads, [&](int thread) {
    for (int i = 0; i < kRounds; ++i) {
      if (thread % 2 == 0) {
        Increment(guarded);
        continue;
      }
      while (!guarded.lock.TryLock()) std::this_thread::yield();
      ++guarded.value;
      guarded.lock.Unlock();
    }
  });
  SpinLockHolder holder(guarded.lock);
  EXPECT_EQ(guarded.value, int64_t{kThreads} * kRounds);
}

TEST(SpinLockConcurrencyTest, EverySleeperIsWoken) {
  // Held for so long that the others stop spinning and sleep; a lost wake-up would leave one asleep for good.
  Guarded guarded;
  constexpr int kThreads = 8;
  constexpr int kRounds = 50;
  test::RunThreads(kThreads, [&](int) {
    for (int i = 0; i < kRounds; ++i) {
      SpinLockHolder holder(guarded.lock);
      ++guarded.value;
      std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
  });
  EXPECT_FALSE(guarded.lock.IsHeld());
  SpinLockHolder holder(guarded.lock);
  EXPECT_EQ(guarded.value, int64_t{kThreads} * kRounds);
}

bool TryOnce(SpinLock& lock) {
  if (!lock.TryLock()) return false;
  lock.Unlock();
  return true;
}

TEST(SpinLockTest, TryLockDeclinesWhileHeld) {
  SpinLock lock;
  EXPECT_TRUE(TryOnce(lock));
  {
    SpinLockHolder holder(lock);
    EXPECT_TRUE(lock.IsHeld());
    bool taken = true;
    std::thread([&] { taken = TryOnce(lock); }).join();
    EXPECT_FALSE(taken);
  }
  EXPECT_FALSE(lock.IsHeld());
  EXPECT_TRUE(TryOnce(lock));
}

TEST(ConditionVariableTest, WaitForSaysWhetherItWasNotified) {
  Mutex mutex;
  ConditionVariable changed;
  bool ready = false;
  MutexLock lock(mutex);
  EXPECT_FALSE(changed.WaitFor(mutex, 1));
  std::thread notifier([&] {
    MutexLock inner(mutex);
    ready = true;
    changed.NotifyAll();
  });
  while (!ready) changed.Wait(mutex);
  mutex.Unlock();
  notifier.join();
  mutex.Lock();
  EXPECT_TRUE(ready);
}

TEST(OwnedCounterConcurrencyTest, ReadersSeeItGrow) {
  OwnedCounter counter;
  constexpr uint64_t kCount = 20'000;
  test::RunThreads(3, [&](int thread) {
    uint64_t seen = 0;
    for (uint64_t i = 0; i < kCount; ++i) {
      if (thread == 0) {
        counter.Add(1);
        continue;
      }
      const uint64_t now = counter.Load();
      EXPECT_GE(now, seen);
      seen = now;
    }
  });
  EXPECT_EQ(counter.Load(), kCount);
}

}  // namespace
}  // namespace kvick

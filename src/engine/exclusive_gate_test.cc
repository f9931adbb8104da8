#include "engine/exclusive_gate.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "base/random.h"
#include "support/threads.h"

namespace kvick {
namespace {

// A slot that is registered for its life.
class Worker {
 public:
  explicit Worker(ExclusiveGate& gate) : gate_(gate) { gate_.Register(&slot_); }
  ~Worker() { gate_.Unregister(&slot_); }
  void Enter() { gate_.Enter(slot_); }
  void Leave() { gate_.Leave(slot_); }
  void CheckIn() { gate_.CheckIn(slot_); }

 private:
  ExclusiveGate& gate_;
  ExclusiveGate::Slot slot_;
};

TEST(ExclusiveGateConcurrencyTest, WhoIsAloneIsAlone) {
  ExclusiveGate gate;
  int64_t unguarded = 0;  // only the gate protects it; ThreadSanitizer sees when it does not
  std::atomic<int64_t> expected{0};
  std::atomic<int> inside{0};
  std::atomic<int> wrong{0};
  const uint64_t seed = test::Seed();
  const test::Deadline deadline;
  test::RunThreads(6, [&](int thread) {
    Random random(seed + static_cast<uint64_t>(thread));
    auto worker = std::make_unique<Worker>(gate);
    int64_t last_seen = 0;
    while (!deadline.HasPassed()) {
      const uint64_t choice = random.Below(12);
      if (choice == 0) {
        gate.RunExclusive([&] {
          ++unguarded;
          if (inside.load() != 0) ++wrong;
          std::this_thread::yield();
          if (inside.load() != 0) ++wrong;
        });
        expected.fetch_add(1);
      } else if (choice == 1) {
        worker.reset();  // also while somebody is alone: it waits
        worker = std::make_unique<Worker>(gate);
      } else {
        worker->Enter();
        for (uint64_t i = random.Below(4); i > 0; --i) {
          inside.fetch_add(1);
          if (unguarded < last_seen) ++wrong;
          last_seen = unguarded;
          inside.fetch_sub(1);
          worker->CheckIn();
        }
        worker->Leave();
      }
    }
  });
  EXPECT_EQ(wrong.load(), 0);
  EXPECT_EQ(unguarded, expected.load());
}

TEST(ExclusiveGateConcurrencyTest, NobodyWaitsForever) {
  // Long and short stays inside, and closers without a pause between them: if a wake-up were lost, a thread would stay.
  ExclusiveGate gate;
  const test::Deadline deadline;
  std::atomic<int> turns{0};
  test::RunThreads(4, [&](int thread) {
    Worker worker(gate);
    while (!deadline.HasPassed()) {
      if (thread < 2) {
        gate.RunExclusive([&] { turns.fetch_add(1); });
        continue;
      }
      worker.Enter();
      if (thread == 3) std::this_thread::sleep_for(std::chrono::microseconds(100));
      worker.Leave();
    }
  });
  EXPECT_GT(turns.load(), 0);
}

TEST(ExclusiveGateTest, WaitsForWhoeverIsInside) {
  ExclusiveGate gate;
  Worker worker(gate);
  std::atomic<bool> ran{false};
  worker.Enter();
  std::thread closer([&] { gate.RunExclusive([&] { ran = true; }); });
  while (!gate.is_closed()) std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_FALSE(ran.load());
  worker.CheckIn();
  EXPECT_TRUE(ran.load()) << "a check-in lets one who waits go first";
  worker.Leave();
  closer.join();
}

TEST(ExclusiveGateTest, RegistersAndUnregistersWhenItOpensAgain) {
  ExclusiveGate gate;
  auto leaving = std::make_unique<Worker>(gate);
  std::atomic<int> changes{0};
  std::thread newcomer;
  std::thread leaver;
  gate.RunExclusive([&] {
    newcomer = std::thread([&] {
      Worker worker(gate);
      worker.Enter();
      changes.fetch_add(1);
      worker.Leave();
    });
    leaver = std::thread([&] {
      leaving.reset();
      changes.fetch_add(1);
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    EXPECT_EQ(changes.load(), 0);
  });
  newcomer.join();
  leaver.join();
  EXPECT_EQ(changes.load(), 2);
}

TEST(ExclusiveGateTest, IsOpenWithoutWorkers) {
  ExclusiveGate gate;
  bool ran = false;
  gate.RunExclusive([&] { ran = true; });
  EXPECT_TRUE(ran);
  EXPECT_FALSE(gate.is_closed());
}

}  // namespace
}  // namespace kvick

#include "observability/rates.h"

#include <gtest/gtest.h>

#include "base/clock.h"
#include "engine/executor.h"
#include "observability/memory_history.h"

namespace kvick {
namespace {

class RatesTest : public ::testing::Test {
 protected:
  void Pass(uint64_t commands) {
    executor_.stats().command_count.Add(commands);
    clock_.AdvanceMs(100);
    rates_.Sample();
  }

  Settings settings_;
  ManualClock clock_;
  Engine engine_{&settings_, clock_};
  Executor executor_{engine_};
  Rates rates_{engine_};
};

TEST_F(RatesTest, AreThoseOfTheLatestMoments) {
  EXPECT_EQ(rates_.PerSecond(Rates::kCommands), 0);
  Pass(1000);
  EXPECT_EQ(rates_.PerSecond(Rates::kCommands), 0);  // one sample is no rate
  Pass(50);
  EXPECT_DOUBLE_EQ(rates_.PerSecond(Rates::kCommands), 500);
  for (int i = 0; i < 40; ++i) Pass(10);
  EXPECT_DOUBLE_EQ(rates_.PerSecond(Rates::kCommands), 100);
  for (int i = 0; i < 40; ++i) Pass(0);
  EXPECT_EQ(rates_.PerSecond(Rates::kCommands), 0);
}

TEST_F(RatesTest, AResetOfTheCountersIsNoNegativeRate) {
  Pass(100);
  Pass(100);
  executor_.stats().command_count.Set(0);
  rates_.Sample();
  EXPECT_EQ(rates_.PerSecond(Rates::kCommands), 0);
}

TEST(MemoryHistory, ThePeakStaysWithItsTime) {
  MemoryHistory history;
  EXPECT_EQ(history.Note(100, 1000).size_bytes, 100u);
  EXPECT_EQ(history.Note(1, 1005).size_bytes, 100u);
  EXPECT_EQ(history.Note(100, 1006).at_s, 1000);
  history.ForgetPeak();
  EXPECT_EQ(history.Note(7, 1007).size_bytes, 7u);
  EXPECT_EQ(history.Note(7, 1008).at_s, 1007);
}

}  // namespace
}  // namespace kvick

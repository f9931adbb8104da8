#include "engine/latency_monitor.h"

#include <gtest/gtest.h>

namespace kvick {
namespace {

class LatencyMonitorTest : public ::testing::Test {
 protected:
  LatencyMonitor::Series Only() {
    const std::vector<LatencyMonitor::Series> all = monitor_.All();
    EXPECT_EQ(all.size(), 1u);
    return all.empty() ? LatencyMonitor::Series() : all[0];
  }

  ManualClock clock_{1'000'000};  // 1000 s
  LatencyMonitor monitor_{clock_};
};

TEST_F(LatencyMonitorTest, RemembersWhatReachesTheThreshold) {
  monitor_.Note(LatencyEvent::kCommand, 1'000'000);
  EXPECT_TRUE(monitor_.All().empty());  // off
  monitor_.set_threshold_ms(10);
  monitor_.Note(LatencyEvent::kCommand, 9'999);
  EXPECT_TRUE(monitor_.All().empty());
  monitor_.Note(LatencyEvent::kCommand, 10'000);
  const LatencyMonitor::Series series = Only();
  EXPECT_EQ(series.event, LatencyEvent::kCommand);
  ASSERT_EQ(series.samples.size(), 1u);
  EXPECT_EQ(series.samples[0].at_s, 1000);
  EXPECT_EQ(series.samples[0].latency_ms, 10);
}

TEST_F(LatencyMonitorTest, KeepsTheWorstOfASecond) {
  monitor_.set_threshold_ms(1);
  monitor_.Note(LatencyEvent::kAofWrite, 5'000);
  monitor_.Note(LatencyEvent::kAofWrite, 7'000);
  monitor_.Note(LatencyEvent::kAofWrite, 6'000);
  clock_.AdvanceMs(1000);
  monitor_.Note(LatencyEvent::kAofWrite, 2'000);
  const LatencyMonitor::Series series = Only();
  ASSERT_EQ(series.samples.size(), 2u);
  EXPECT_EQ(series.samples[0].latency_ms, 7);
  EXPECT_EQ(series.samples[1].latency_ms, 2);
  EXPECT_EQ(series.highest_ms, 7);
}

TEST_F(LatencyMonitorTest, KeepsTheLatestSamplesAndTheHighestOfAll) {
  monitor_.set_threshold_ms(1);
  for (int64_t i = 0; i < 200; ++i) {
    monitor_.Note(LatencyEvent::kExpireCycle, (500 - i) * 1000);
    clock_.AdvanceMs(1000);
  }
  const LatencyMonitor::Series series = Only();
  ASSERT_EQ(series.samples.size(), LatencyMonitor::kSampleCountMax);
  EXPECT_EQ(series.samples.front().latency_ms, 460);
  EXPECT_EQ(series.samples.back().latency_ms, 301);
  EXPECT_EQ(series.highest_ms, 500);
  EXPECT_TRUE(monitor_.Reset(LatencyEvent::kExpireCycle));
  EXPECT_FALSE(monitor_.Reset(LatencyEvent::kExpireCycle));
  EXPECT_TRUE(monitor_.All().empty());
}

TEST_F(LatencyMonitorTest, ATimerNotesItsLife) {
  {
    const LatencyMonitor::Timer nobody(nullptr, LatencyEvent::kEvictionCycle, clock_);
    const LatencyMonitor::Timer off(&monitor_, LatencyEvent::kEvictionCycle, clock_);
    monitor_.set_threshold_ms(3);
    clock_.AdvanceMs(5);
  }
  EXPECT_TRUE(monitor_.All().empty());
  {
    const LatencyMonitor::Timer timer(&monitor_, LatencyEvent::kEvictionCycle, clock_);
    clock_.AdvanceMs(5);
  }
  EXPECT_EQ(Only().samples[0].latency_ms, 5);
}

}  // namespace
}  // namespace kvick

#include "observability/command_totals.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace kvick {
namespace {

constexpr double kCyclesPerUs = 1000;  // a cycle is a nanosecond

LatencyDistribution Of(const std::vector<uint64_t>& durations_ns) {
  const auto histogram = std::make_unique<LatencyHistogram>();
  for (const uint64_t ns : durations_ns) histogram->Record(ns);
  LatencyHistogram::Sum sum;
  sum.Add(*histogram);
  return DistributionOf(sum, kCyclesPerUs);
}

std::vector<std::pair<uint64_t, uint64_t>> Steps(const LatencyDistribution& distribution) {
  std::vector<std::pair<uint64_t, uint64_t>> steps;
  for (const LatencyDistribution::Step& step : distribution.steps) steps.emplace_back(step.up_to_us, step.call_count);
  return steps;
}

using Expected = std::vector<std::pair<uint64_t, uint64_t>>;

TEST(LatencyDistributionTest, HasTheStepsThatClientsKnow) {
  EXPECT_EQ(Of({}).call_count, 0u);
  EXPECT_TRUE(Of({}).steps.empty());
  // A little under each power of two of 1.024 µs.
  std::vector<uint64_t> durations_ns;
  Expected expected;
  uint64_t count = 0;
  for (const uint64_t us : {1u,    2u,    4u,    8u,     16u,    33u,    66u,     132u,    264u,    528u,    1056u,
                            2113u, 4227u, 8454u, 16908u, 33816u, 67633u, 135266u, 270532u, 541065u, 1073741u}) {
    durations_ns.push_back((uint64_t{1024} << count) * 9 / 10);
    expected.emplace_back(us, ++count);
  }
  EXPECT_EQ(Steps(Of(durations_ns)), expected);
}

TEST(LatencyDistributionTest, SkipsStepsWithoutCalls) {
  EXPECT_EQ(Steps(Of({100, 200, 12'300'000, 12'300'000})), (Expected{{1, 2}, {16908, 4}}));
}

TEST(LatencyDistributionTest, CountsWhatTookLongerThanASecondAsASecond) {
  EXPECT_EQ(Steps(Of({1'300'000'000, 90'000'000'000})), (Expected{{1073741, 2}}));
}

}  // namespace
}  // namespace kvick

#include "engine/latency_histogram.h"

#include <gtest/gtest.h>

namespace kvick {
namespace {

TEST(LatencyHistogramTest, BucketsFollowEachOtherAndAreAnEighthWide) {
  for (uint64_t duration = 0; duration < 100'000; ++duration) {
    const size_t bucket = LatencyHistogram::BucketOf(duration);
    EXPECT_GE(LatencyHistogram::LongestIn(bucket), duration);
    EXPECT_LE(LatencyHistogram::LongestIn(bucket), duration + duration / 8);
    if (bucket > 0) {
      EXPECT_LT(LatencyHistogram::LongestIn(bucket - 1), duration);
    }
  }
  EXPECT_EQ(LatencyHistogram::BucketOf(UINT64_MAX), LatencyHistogram::kBucketCount - 1);
}

TEST(LatencyHistogramTest, PercentilesComeFromAllHistogramsTogether) {
  LatencyHistogram one;
  LatencyHistogram other;
  for (int i = 0; i < 98; ++i) one.Record(100);
  other.Record(1000);
  other.Record(100'000);
  LatencyHistogram::Sum sum;
  EXPECT_EQ(sum.Percentile(50), 0u);
  sum.Add(one);
  sum.Add(other);
  EXPECT_EQ(sum.total(), 100u);
  EXPECT_NEAR(static_cast<double>(sum.Percentile(50)), 100, 12);
  EXPECT_NEAR(static_cast<double>(sum.Percentile(99)), 1000, 125);
  EXPECT_NEAR(static_cast<double>(sum.Percentile(100)), 100'000, 12'500);
  one.Reset();
  other.Reset();
  LatencyHistogram::Sum empty;
  empty.Add(one);
  EXPECT_EQ(empty.total(), 0u);
}

}  // namespace
}  // namespace kvick

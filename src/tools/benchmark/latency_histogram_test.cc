#include "tools/benchmark/latency_histogram.h"

#include <gtest/gtest.h>

namespace kvick::benchmark {
namespace {

TEST(LatencyHistogramTest, IsExactForSmallAndWithinTwoPercentForLargeDurations) {
  for (const uint64_t duration_ns : {1ULL, 63ULL, 64ULL, 65ULL, 1000ULL, 123'456'789ULL, 60'000'000'000ULL}) {
    LatencyHistogram histogram;
    histogram.Record(duration_ns, 99);
    histogram.Record(duration_ns * 1000, 1);  // so that the maximum does not give the answer away
    const uint64_t median_ns = histogram.PercentileNs(0.5);
    EXPECT_GE(median_ns, duration_ns);
    EXPECT_LE(static_cast<double>(median_ns), static_cast<double>(duration_ns) * 1.02);
  }
}

TEST(LatencyHistogramTest, FindsPercentilesOfManyValues) {
  LatencyHistogram histogram;
  for (uint64_t us = 1; us <= 1000; ++us) histogram.Record(us * 1000, 1);
  EXPECT_NEAR(static_cast<double>(histogram.PercentileNs(0.50)), 500e3, 10e3);
  EXPECT_NEAR(static_cast<double>(histogram.PercentileNs(0.99)), 990e3, 20e3);
  EXPECT_EQ(histogram.PercentileNs(1.0), 1'000'000U);
  EXPECT_EQ(histogram.min_ns(), 1000U);
  EXPECT_EQ(histogram.max_ns(), 1'000'000U);
  EXPECT_NEAR(histogram.mean_ns(), 500.5e3, 1.0);
}

}  // namespace
}  // namespace kvick::benchmark

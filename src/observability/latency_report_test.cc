#include "observability/latency_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kvick {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr int64_t kNow = 10'000;

LatencyMonitor::Series Series(LatencyEvent event, const std::vector<int64_t>& latencies_ms) {
  LatencyMonitor::Series series;
  series.event = event;
  int64_t at_s = kNow - static_cast<int64_t>(latencies_ms.size()) + 1;
  for (const int64_t latency_ms : latencies_ms) {
    series.samples.push_back({at_s++, latency_ms});
    series.highest_ms = std::max(series.highest_ms, latency_ms);
  }
  return series;
}

const std::string kRule = std::string(80, '-') + "\n";

TEST(LatencyReportTest, DrawsOneColumnASample) {
  EXPECT_EQ(DrawLatency(Series(LatencyEvent::kCommand, {2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26}), kNow),
            "command - high 26 ms, low 2 ms (all time high 26 ms)\n" + kRule +
                "         _o##\n"
                "      _o#||||\n"
                "   _o#|||||||\n"
                "_o#||||||||||\n"
                "             \n"
                "1119876543210\n"
                "210ssssssssss\n"
                "sss          \n");
}

TEST(LatencyReportTest, DrawsWhatIsAllTheSameAsLow) {
  LatencyMonitor::Series series = Series(LatencyEvent::kAofWrite, {12});
  series.highest_ms = 40;
  EXPECT_EQ(DrawLatency(series, kNow + 7200),
            "aof-write - high 12 ms, low 12 ms (all time high 40 ms)\n" + kRule + " \n \n \n_\n \n2\nh\n");
}

TEST(LatencyReportTest, SaysHowToEnableTheMonitor) {
  EXPECT_THAT(DiagnoseLatency({}, 0, kNow, Settings()), HasSubstr("CONFIG SET latency-monitor-threshold"));
  EXPECT_THAT(DiagnoseLatency({}, 25, kNow, Settings()), HasSubstr("nothing took 25 ms or longer"));
}

TEST(LatencyReportTest, NumbersEventsAndGivesEachAdviceOnce) {
  Settings settings;
  const std::string report =
      DiagnoseLatency({Series(LatencyEvent::kCommand, {100, 30}), Series(LatencyEvent::kAofWrite, {7}),
                       Series(LatencyEvent::kAofSyncAlways, {9})},
                      1, kNow, settings);
  EXPECT_THAT(report, HasSubstr("\n1. command: 2 latency spikes (average 65ms, mean deviation 35ms, period 0.50 sec). "
                                "Worst all time event 100ms.\n"
                                "2. aof-write: 1 latency spikes (average 7ms"));
  EXPECT_THAT(report, HasSubstr("'CONFIG SET slowlog-log-slower-than 1000'"));
  const std::string disk = "- The disk of the append-only file is slow";
  const size_t first = report.find(disk);
  ASSERT_NE(first, std::string::npos);
  EXPECT_EQ(report.find(disk, first + 1), std::string::npos);
  EXPECT_THAT(report, Not(HasSubstr("With 'appendfsync always'")));
  settings.append_sync = AppendSync::kAlways;
  EXPECT_THAT(DiagnoseLatency({Series(LatencyEvent::kAofWrite, {7})}, 1, kNow, settings),
              HasSubstr("With 'appendfsync always'"));
}

TEST(LatencyReportTest, HasAdviceForEveryEvent) {
  for (size_t i = 0; i < kLatencyEventCount; ++i) {
    const std::string report = DiagnoseLatency({Series(static_cast<LatencyEvent>(i), {7})}, 1, kNow, Settings());
    EXPECT_THAT(report, StartsWith("Latency spikes were observed:\n\n1. "));
    EXPECT_THAT(report, HasSubstr("What may be done:\n\n- ")) << i;
    EXPECT_THAT(report, EndsWith(".\n"));
  }
}

}  // namespace
}  // namespace kvick

#include "observability/metric_writer.h"

#include <gtest/gtest.h>

#include <limits>

namespace kvick {
namespace {

TEST(MetricWriterTest, WritesFamiliesAndSamples) {
  MetricWriter out;
  out.Family("a_total", MetricType::kCounter, "What\nis \\ counted.");
  out.Sample({{"cmd", "get"}, {"err", "x"}}, uint64_t{18'446'744'073'709'551'615u});
  out.Single("b", MetricType::kGauge, "A \"gauge\".", 0.25);
  EXPECT_EQ(out.text(),
            "# HELP a_total What\\nis \\\\ counted.\n# TYPE a_total counter\n"
            "a_total{cmd=\"get\",err=\"x\"} 18446744073709551615\n"
            "# HELP b A \"gauge\".\n# TYPE b gauge\nb 0.25\n");
}

TEST(MetricWriterTest, EscapesValuesOfLabels) {
  MetricWriter out;
  out.Family("a", MetricType::kGauge, "");
  out.SampleText({{"path", "C:\\x \"y\"\nz"}}, "1");
  EXPECT_EQ(out.text(), "# HELP a \n# TYPE a gauge\na{path=\"C:\\\\x \\\"y\\\"\\nz\"} 1\n");
}

TEST(MetricWriterTest, WritesEveryNumber) {
  MetricWriter out;
  out.Family("a", MetricType::kHistogram, "");
  out.Sample({}, 1e300, "_sum");
  out.Sample({}, 1700000000.0, "_sum");
  out.Sample({}, std::numeric_limits<double>::infinity(), "_sum");
  out.Sample({}, -std::numeric_limits<double>::infinity(), "_sum");
  out.Sample({}, std::numeric_limits<double>::quiet_NaN(), "_sum");
  out.Sample({{"le", "+Inf"}}, uint64_t{3}, "_bucket");
  EXPECT_EQ(out.text(),
            "# HELP a \n# TYPE a histogram\na_sum 1e+300\na_sum 1700000000\na_sum +Inf\na_sum -Inf\na_sum NaN\n"
            "a_bucket{le=\"+Inf\"} 3\n");
}

}  // namespace
}  // namespace kvick

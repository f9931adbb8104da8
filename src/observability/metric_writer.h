// MetricWriter writes metrics in Prometheus's text format (version 0.0.4).
//
//   MetricWriter out;
//   out.Family("redis_db_keys", MetricType::kGauge, "Keys of a database.");
//   out.Sample({{"db", "db0"}}, uint64_t{17});
//   out.text()     // # HELP redis_db_keys Keys of a database.
//                  // # TYPE redis_db_keys gauge
//                  // redis_db_keys{db="db0"} 17
//
// All samples of a family are written behind its Family, each family once.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvick {

enum class MetricType : uint8_t { kGauge, kCounter, kSummary, kHistogram };

// A number as the format has it: 0.25, 99.9, +Inf.
std::string FormatMetricNumber(double value);

class MetricWriter {
 public:
  using Labels = std::vector<std::pair<std::string_view, std::string>>;

  void Family(std::string_view name, MetricType type, std::string_view help);

  // Of the latest family. `suffix`: "_sum", "_count", "_bucket" of summaries and histograms.
  void Sample(const Labels& labels, uint64_t value, std::string_view suffix = {});
  void Sample(const Labels& labels, double value, std::string_view suffix = {});
  // A number in decimal, as it is.
  void SampleText(const Labels& labels, std::string_view number, std::string_view suffix = {});

  // A family of one sample without labels.
  template <typename Number>
  void Single(std::string_view name, MetricType type, std::string_view help, Number value) {
    Family(name, type, help);
    Sample({}, value);
  }

  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
  std::string family_;
};

}  // namespace kvick

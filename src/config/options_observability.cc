// Directives of what kvick tells about itself: calls that stand out, latency, metrics.
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/numbers.h"
#include "base/status.h"
#include "config/option_rows.h"
#include "config/option_spec.h"
#include "config/settings.h"

namespace kvick {
namespace {

// Up to six decimals, without the zeros at the end: 50, 99.9, 99.123457.
std::string FormatPercentile(double value) {
  char buffer[64];
  const int length = std::snprintf(buffer, sizeof(buffer), "%.6f", value);
  std::string text(buffer, static_cast<size_t>(length));
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

std::string FormatPercentiles(const Settings& settings) {
  std::vector<std::string> words;
  for (const double value : settings.latency_tracking_percentiles) words.push_back(FormatPercentile(value));
  return JoinWords(words);
}

OptionSpec LatencyTrackingInfoPercentiles() {
  OptionSpec spec;
  spec.name = "latency-tracking-info-percentiles";
  spec.flags = kOptionMultiArg;
  spec.store = [](const OptionSpec&, const std::vector<std::string>& words, OptionSource, Settings* settings) {
    std::vector<double> percentiles;
    for (const std::string& word : words) {
      const std::optional<double> value = ParseDouble(word);
      if (!value) return Status::Error("Invalid latency-tracking-info-percentiles parameters");
      if (*value < 0 || *value > 100) {
        return Status::Error("latency-tracking-info-percentiles parameters should sit between [0.0,100.0]");
      }
      percentiles.push_back(*value);
    }
    settings->latency_tracking_percentiles = std::move(percentiles);
    return Status::Ok();
  };
  spec.format = [](const OptionSpec&, const Settings& settings) { return FormatPercentiles(settings); };
  spec.rewrite = [](const Settings& settings) {
    const std::string text = FormatPercentiles(settings);
    return std::vector<RewriteLine>{{text.empty() ? "\"\"" : text, true}};
  };
  return spec;
}

}  // namespace

std::vector<OptionSpec> ObservabilityOptions() {
  return {
      Integer("commandlog-large-reply-max-len", &Settings::large_reply_entries_max, {0, kInt64Max}),
      Integer("commandlog-large-request-max-len", &Settings::large_request_entries_max, {0, kInt64Max}),
      Integer("commandlog-reply-larger-than", &Settings::large_reply_bytes_min, {-1, kInt64Max}),
      Integer("commandlog-request-larger-than", &Settings::large_request_bytes_min, {-1, kInt64Max}),
      Bool("key-memory-histograms", &Settings::key_memory_histograms),
      Integer("latency-monitor-threshold", &Settings::latency_monitor_threshold_ms, {0, kInt64Max}),
      Bool("latency-tracking", &Settings::latency_tracking),
      LatencyTrackingInfoPercentiles(),
      Text("metrics-bind", &Settings::metrics_bind).Check([](std::string_view address) {
        return address.empty() ? Status::Error("an address is needed; metrics-port 0 turns the endpoint off")
                               : Status::Ok();
      }),
      Integer("metrics-port", &Settings::metrics_port, {0, 65535}),
      Integer("slowlog-entry-max-argc", &Settings::slowlog_entry_arguments_max, {2, kIntMax}),
      Integer("slowlog-entry-max-string-len", &Settings::slowlog_entry_string_max_bytes, {1, kInt64Max}),
      Integer("slowlog-log-slower-than", &Settings::slowlog_log_slower_than_us, {-1, kInt64Max})
          .Alias("commandlog-execution-slower-than"),
      Integer("slowlog-max-len", &Settings::slowlog_entries_max, {0, kInt64Max})
          .Alias("commandlog-slow-execution-max-len"),
      Integer("top-keys-sample-ratio", &Settings::top_keys_sample_ratio, {0, 1'000'000}),
  };
}

}  // namespace kvick

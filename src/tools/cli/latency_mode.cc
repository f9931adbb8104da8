#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>

#include "base/clock.h"
#include "tools/cli/modes.h"

namespace kvick::cli {
namespace {

constexpr int64_t kSampleIntervalUs = 10'000;

struct Samples {
  int64_t count = 0;
  int64_t min_ms = 0;
  int64_t max_ms = 0;
  int64_t sum_ms = 0;

  void Add(int64_t latency_ms) {
    min_ms = count == 0 ? latency_ms : std::min(min_ms, latency_ms);
    max_ms = std::max(max_ms, latency_ms);
    sum_ms += latency_ms;
    ++count;
  }

  [[nodiscard]] std::string Text(const char* format) const {
    char text[128];
    std::snprintf(text, sizeof(text), format, static_cast<long long>(min_ms), static_cast<long long>(max_ms),
                  static_cast<double>(sum_ms) / static_cast<double>(count), static_cast<long long>(count));
    return text;
  }
};

std::string ReportText(const Samples& samples, PrintMode mode) {
  switch (mode) {
    case PrintMode::kFormatted: return samples.Text("\x1b[0G\x1b[2Kmin: %lld, max: %lld, avg: %.2f (%lld samples)");
    case PrintMode::kRaw: return samples.Text("%lld %lld %.2f %lld\n");
    case PrintMode::kCsv: return samples.Text("%lld,%lld,%.2f,%lld\n");
    default: return samples.Text("{\"min\": %lld, \"max\": %lld, \"avg\": %.2f, \"count\": %lld}\n");
  }
}

}  // namespace

int RunLatency(Session* session, const Output& output, const Options& options) {
  const SystemClock& clock = SystemClock::Instance();
  const bool is_history = options.mode == Mode::kLatencyHistory;
  const bool is_live = output.mode() == PrintMode::kFormatted;
  const int64_t period_us = options.interval_us.value_or(is_history ? 15'000'000 : 1'000'000);
  Samples samples;
  int64_t begin_us = clock.MonotonicUs();
  while (true) {
    const int64_t sent_ms = clock.MonotonicMs();
    const Result<Value> reply = session->connection().Call({"PING"});
    if (!reply.ok()) {
      Output::PrintError("Error: " + std::string(reply.status().text()));
      return 1;
    }
    samples.Add(clock.MonotonicMs() - sent_ms);
    const int64_t elapsed_us = clock.MonotonicUs() - begin_us;
    if (is_live) output.PrintText(ReportText(samples, output.mode()));
    if (elapsed_us > period_us && (is_history || !is_live)) {
      if (is_live) {
        char range[64];
        std::snprintf(range, sizeof(range), " -- %.2f seconds range\n", static_cast<double>(elapsed_us) / 1'000'000);
        output.PrintText(range);
      } else {
        output.PrintText(ReportText(samples, output.mode()));
      }
      if (!is_history) return 0;
      samples = Samples();
      begin_us = clock.MonotonicUs();
    }
    usleep(kSampleIntervalUs);
  }
}

}  // namespace kvick::cli

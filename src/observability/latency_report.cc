#include "observability/latency_report.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string_view>

namespace kvick {
namespace {

constexpr size_t kColumnsMax = 80;
constexpr int kRows = 4;
constexpr std::string_view kLevels = "_o#";  // how high a column ends in its row
constexpr int kSteps = kRows * static_cast<int>(kLevels.size());

// "5s", "3m": the largest unit that is not zero.
std::string FormatAge(int64_t seconds) {
  constexpr int64_t kMinute = 60;
  constexpr int64_t kHour = 60 * kMinute;
  constexpr int64_t kDay = 24 * kHour;
  if (seconds < kMinute) return std::to_string(seconds) + "s";
  if (seconds < kHour) return std::to_string(seconds / kMinute) + "m";
  if (seconds < kDay) return std::to_string(seconds / kHour) + "h";
  return std::to_string(seconds / kDay) + "d";
}

struct Extremes {
  int64_t low_ms;
  int64_t high_ms;
};

Extremes ExtremesOf(std::span<const LatencySample> samples) {
  const auto less = [](const LatencySample& a, const LatencySample& b) { return a.latency_ms < b.latency_ms; };
  const auto [low, high] = std::minmax_element(samples.begin(), samples.end(), less);
  return {low->latency_ms, high->latency_ms};
}

// One block of columns: the rows of the drawing, a blank one, and the ages from top to bottom.
void DrawBlock(std::span<const LatencySample> samples, const Extremes& extremes, int64_t now_s, std::string* text) {
  const int64_t range = std::max<int64_t>(1, extremes.high_ms - extremes.low_ms);
  for (int row = kRows - 1; row >= 0; --row) {
    for (const LatencySample& sample : samples) {
      const auto step = static_cast<int>((sample.latency_ms - extremes.low_ms) * kSteps / range);
      const int level = std::min(step, kSteps - 1) - row * static_cast<int>(kLevels.size());
      if (level < 0) {
        *text += ' ';
      } else {
        *text += level < static_cast<int>(kLevels.size()) ? kLevels[static_cast<size_t>(level)] : '|';
      }
    }
    *text += '\n';
  }
  *text += std::string(samples.size(), ' ') + '\n';

  std::vector<std::string> ages;
  size_t longest = 0;
  for (const LatencySample& sample : samples) {
    ages.push_back(FormatAge(std::max<int64_t>(0, now_s - sample.at_s)));
    longest = std::max(longest, ages.back().size());
  }
  for (size_t i = 0; i < longest; ++i) {
    for (const std::string& age : ages) *text += i < age.size() ? age[i] : ' ';
    *text += '\n';
  }
}

struct Figures {
  int64_t mean_ms = 0;
  int64_t deviation_ms = 0;  // mean absolute deviation
  double period_s = 0;
};

Figures FiguresOf(std::span<const LatencySample> samples, int64_t now_s) {
  const auto count = static_cast<int64_t>(samples.size());
  Figures figures;
  for (const LatencySample& sample : samples) figures.mean_ms += sample.latency_ms;
  figures.mean_ms /= count;
  for (const LatencySample& sample : samples) figures.deviation_ms += std::abs(figures.mean_ms - sample.latency_ms);
  figures.deviation_ms /= count;
  figures.period_s = static_cast<double>(now_s - samples.front().at_s) / static_cast<double>(count);
  return figures;
}

// Each piece of advice once, in order.
class Advice {
 public:
  void Add(std::string_view text) {
    if (std::find(all_.begin(), all_.end(), text) == all_.end()) all_.emplace_back(text);
  }
  const std::vector<std::string>& all() const { return all_; }

 private:
  std::vector<std::string> all_;
};

void AdviseOnCommands(int64_t threshold_ms, const Settings& settings, Advice* advice) {
  const int64_t slow_us = settings.slowlog_log_slower_than_us;
  const int64_t threshold_us = std::min(threshold_ms, INT64_MAX / 1000) * 1000;
  if (slow_us < 0) {
    advice->Add("The slow log is off, so nobody knows which commands these were. 'CONFIG SET slowlog-log-slower-than " +
                std::to_string(threshold_us) + "' turns it on.");
  } else if (slow_us > threshold_us) {
    advice->Add("The slow log keeps less than this monitor does. 'CONFIG SET slowlog-log-slower-than " +
                std::to_string(threshold_us) + "' makes them agree.");
  }
  advice->Add(
      "SLOWLOG GET shows which commands took so long; only clients that need the same stripe of the keyspace, "
      "or the same thread, wait for them.");
  advice->Add(
      "Deleting, expiring or evicting large values takes time in proportion to their size: consider UNLINK, the "
      "lazyfree-lazy-* directives, or smaller values.");
}

void AdviseOn(LatencyEvent event, int64_t threshold_ms, const Settings& settings, Advice* advice) {
  switch (event) {
    case LatencyEvent::kCommand: return AdviseOnCommands(threshold_ms, settings, advice);
    case LatencyEvent::kFastCommand:
      advice->Add(
          "Commands that are always short took long: the machine is short of processors, it swaps, or the "
          "process was stopped for a while. Compare with the latency of the machine itself "
          "(kvick-cli --intrinsic-latency 100).");
      return;
    case LatencyEvent::kExpireCycle:
      advice->Add("Many keys are due at the same moment. Spread their times to live a little.");
      return;
    case LatencyEvent::kEvictionCycle:
      advice->Add("Much is evicted at once: give maxmemory more room, or let maxmemory-eviction-tenacity be lower.");
      return;
    case LatencyEvent::kEvictionDelete:
      if (!settings.lazy_free_on_eviction) {
        advice->Add("Evicted values are large. 'CONFIG SET lazyfree-lazy-eviction yes' frees them in another thread.");
      } else {
        advice->Add("Evicted values are large.");
      }
      return;
    case LatencyEvent::kAofWrite:
    case LatencyEvent::kAofSyncAlways:
      advice->Add(
          "The disk of the append-only file is slow: look at what else uses it (a rewrite, another process), and "
          "at no-appendfsync-on-rewrite.");
      if (settings.append_sync == AppendSync::kAlways) {
        advice->Add(
            "With 'appendfsync always' every reply to a write waits for the disk; 'everysec' does not, and may "
            "lose the last second.");
      }
      return;
    case LatencyEvent::kRdbUnlink:
      advice->Add(
          "Removing a temporary file took long, which some file systems do for large files. No client waits for "
          "it.");
      return;
  }
}

}  // namespace

std::string DrawLatency(const LatencyMonitor::Series& series, int64_t now_s) {
  const Extremes extremes = ExtremesOf(series.samples);
  std::string text(LatencyEventName(series.event));
  text += " - high " + std::to_string(extremes.high_ms) + " ms, low " + std::to_string(extremes.low_ms) +
          " ms (all time high " + std::to_string(series.highest_ms) + " ms)\n";
  text += std::string(kColumnsMax, '-') + '\n';
  const std::span<const LatencySample> samples(series.samples);
  for (size_t begin = 0; begin < samples.size(); begin += kColumnsMax) {
    if (begin != 0) text += '\n';
    DrawBlock(samples.subspan(begin, std::min(kColumnsMax, samples.size() - begin)), extremes, now_s, &text);
  }
  return text;
}

std::string DiagnoseLatency(const std::vector<LatencyMonitor::Series>& all, int64_t threshold_ms, int64_t now_s,
                            const Settings& settings) {
  if (all.empty() && threshold_ms == 0) {
    return "Latency monitoring is disabled. 'CONFIG SET latency-monitor-threshold <milliseconds>' enables it: what "
           "takes "
           "longer is remembered, and this report speaks of it.\n";
  }
  if (all.empty()) {
    return "No latency spike was observed: nothing took " + std::to_string(threshold_ms) +
           " ms or longer since the monitor was enabled or reset.\n";
  }
  std::string text = "Latency spikes were observed:\n\n";
  Advice advice;
  int number = 1;
  for (const LatencyMonitor::Series& series : all) {
    const Figures figures = FiguresOf(series.samples, now_s);
    char period[32];
    std::snprintf(period, sizeof(period), "%.2f", figures.period_s);
    text += std::to_string(number++) + ". " + std::string(LatencyEventName(series.event)) + ": " +
            std::to_string(series.samples.size()) + " latency spikes (average " + std::to_string(figures.mean_ms) +
            "ms, mean deviation " + std::to_string(figures.deviation_ms) + "ms, period " + period +
            " sec). Worst all time event " + std::to_string(series.highest_ms) + "ms.\n";
    AdviseOn(series.event, threshold_ms, settings, &advice);
  }
  text += "\nWhat may be done:\n\n";
  for (const std::string& line : advice.all()) text += "- " + line + "\n";
  return text;
}

}  // namespace kvick

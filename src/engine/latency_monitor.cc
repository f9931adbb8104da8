#include "engine/latency_monitor.h"

#include <algorithm>

namespace kvick {
namespace {

// By LatencyEvent.
constexpr std::string_view kNames[] = {"command",      "fast-command", "expire-cycle",     "eviction-cycle",
                                       "eviction-del", "aof-write",    "aof-fsync-always", "rdb-unlink-temp-file"};
static_assert(std::size(kNames) == kLatencyEventCount);

}  // namespace

std::string_view LatencyEventName(LatencyEvent event) { return kNames[static_cast<size_t>(event)]; }

void LatencyMonitor::Add(LatencyEvent event, int64_t latency_ms) {
  const int64_t now_s = clock_.NowMs() / 1000;
  MutexLock lock(mutex_);
  Record& record = records_[static_cast<size_t>(event)];
  record.highest_ms = std::max(record.highest_ms, latency_ms);
  if (!record.samples.empty() && record.samples.back().at_s == now_s) {
    record.samples.back().latency_ms = std::max(record.samples.back().latency_ms, latency_ms);
    return;
  }
  record.samples.push_back({now_s, latency_ms});
  if (record.samples.size() > kSampleCountMax) record.samples.pop_front();
}

std::vector<LatencyMonitor::Series> LatencyMonitor::All() const {
  std::vector<Series> all;
  MutexLock lock(mutex_);
  for (size_t i = 0; i < kLatencyEventCount; ++i) {
    const Record& record = records_[i];
    if (record.samples.empty()) continue;
    all.push_back({static_cast<LatencyEvent>(i), {record.samples.begin(), record.samples.end()}, record.highest_ms});
  }
  return all;
}

bool LatencyMonitor::Reset(LatencyEvent event) {
  MutexLock lock(mutex_);
  Record& record = records_[static_cast<size_t>(event)];
  const bool had_any = !record.samples.empty();
  record = Record();
  return had_any;
}

}  // namespace kvick

#include "observability/hot_keys.h"

#include <sys/resource.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "engine/executor.h"
#include "observability/command_totals.h"

namespace kvick {
namespace {

using Items = std::vector<HeavyHitters::Item>;

// Adds what the executors have seen of the same keys: what each certainly saw.
class Merger {
 public:
  void Add(const Items& items) {
    for (const HeavyHitters::Item& item : items) {
      HotKeys::Amount& merged = by_id_[item.id];
      if (merged.name.empty()) merged.name = item.name;
      merged.amount += item.sum_min();
    }
  }

  template <typename Convert>
  std::vector<HotKeys::Amount> Largest(size_t count_max, Convert convert) {
    std::vector<HotKeys::Amount> amounts;
    for (auto& [id, amount] : by_id_) {
      amount.amount = convert(amount.amount);
      if (amount.amount > 0) amounts.push_back(std::move(amount));
    }
    std::sort(amounts.begin(), amounts.end(), [](const HotKeys::Amount& a, const HotKeys::Amount& b) {
      return a.amount != b.amount ? a.amount > b.amount : a.name < b.name;
    });
    if (amounts.size() > count_max) amounts.resize(count_max);
    return amounts;
  }

 private:
  std::unordered_map<uint64_t, HotKeys::Amount> by_id_;
};

}  // namespace

HotKeys::ProcessTime HotKeys::Now() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto milliseconds = [](const timeval& time) { return int64_t{time.tv_sec} * 1000 + time.tv_usec / 1000; };
  return {milliseconds(usage.ru_utime), milliseconds(usage.ru_stime)};
}

void HotKeys::EndIfOver() const {
  if (tracking_ != nullptr && !at_end_ && !tracking_->IsActive(engine_.clock().NowMs())) at_end_ = Now();
}

void HotKeys::Start(const Request& request) {
  auto tracking = std::make_shared<KeyTracking>();
  tracking->counts_time = request.counts_time;
  tracking->counts_network = request.counts_network;
  tracking->key_count_max = request.key_count_max;
  tracking->sample_ratio = request.sample_ratio;
  tracking->started_ms = engine_.clock().NowMs();
  if (request.duration_s > 0) tracking->ends_ms = tracking->started_ms + request.duration_s * 1000;
  engine_.key_tracking = tracking;
  engine_.ForEachExecutor([](Executor& executor) { executor.FollowKeyTracking(); });
  MutexLock lock(mutex_);
  tracking_ = std::move(tracking);
  at_start_ = Now();
  at_end_.reset();
}

bool HotKeys::Stop() {
  MutexLock lock(mutex_);
  const int64_t now_ms = engine_.clock().NowMs();
  EndIfOver();
  if (tracking_ == nullptr || !tracking_->IsActive(now_ms)) return false;
  tracking_->ends_ms.store(now_ms, std::memory_order_relaxed);
  tracking_->is_stopped.store(true, std::memory_order_relaxed);
  EndIfOver();
  return true;
}

void HotKeys::Reset() {
  engine_.key_tracking = nullptr;
  engine_.ForEachExecutor([](Executor& executor) { executor.FollowKeyTracking(); });
  MutexLock lock(mutex_);
  tracking_.reset();
  at_end_.reset();
}

void HotKeys::NoteEnd() {
  MutexLock lock(mutex_);
  EndIfOver();
}

bool HotKeys::is_active() const {
  MutexLock lock(mutex_);
  return tracking_ != nullptr && tracking_->IsActive(engine_.clock().NowMs());
}

size_t HotKeys::memory_bytes() const {
  size_t size = 0;
  engine_.ForEachExecutor([&size](Executor& executor) { size += executor.key_usage().tracked().memory_bytes; });
  return size;
}

std::optional<HotKeys::Report> HotKeys::MakeReport() const {
  Report report;
  {
    MutexLock lock(mutex_);
    if (tracking_ == nullptr) return std::nullopt;
    EndIfOver();
    const ProcessTime until = at_end_ ? *at_end_ : Now();
    const int64_t now_ms = engine_.clock().NowMs();
    report.tracking = tracking_;
    report.is_active = tracking_->IsActive(now_ms);
    const int64_t ended_ms = std::min(now_ms, tracking_->ends_ms.load(std::memory_order_relaxed));
    report.duration_ms = std::max<int64_t>(0, ended_ms - tracking_->started_ms);
    report.user_ms = until.user_ms - at_start_.user_ms;
    report.system_ms = until.system_ms - at_start_.system_ms;
  }
  Merger by_time;
  Merger by_network;
  uint64_t cycles = 0;
  engine_.ForEachExecutor([&](Executor& executor) {
    const KeyUsage::Tracked tracked = executor.key_usage().tracked();
    cycles += tracked.all_calls.cycles;
    report.all_calls_bytes += tracked.all_calls.network_bytes;
    by_time.Add(tracked.by_cycles);
    by_network.Add(tracked.by_network_bytes);
  });
  report.all_calls_us = CyclesToUs(cycles);
  report.by_time_us =
      by_time.Largest(report.tracking->key_count_max, [](uint64_t amount) { return CyclesToUs(amount); });
  report.by_network_bytes = by_network.Largest(report.tracking->key_count_max, [](uint64_t amount) { return amount; });
  return report;
}

}  // namespace kvick

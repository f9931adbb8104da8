#include "engine/key_usage.h"

#include <algorithm>
#include <utility>

#include "keyspace/database.h"

namespace kvick {
namespace {

// Items for each key that will be shown: the more, the smaller the errors.
constexpr size_t kItemsPerKey = 16;
constexpr size_t kTrackedItemsMin = 256;
// Of a call with more keys only these are looked at for the top keys: it must not hold up the thread.
constexpr size_t kSampledKeysMax = 16;

HeavyHitters::Key KeyOf(const DeclaredKey& key, int database) { return {key.key.hash, database, key.key.name}; }

}  // namespace

// Distances vary, since commands may come in a pattern of the same length.
uint64_t KeyUsage::DrawDistance(Random& random) const {
  if (top_ratio_ == 0) return UINT64_MAX;
  return top_ratio_ == 1 ? 1 : 1 + random.Below(2 * top_ratio_ - 1);
}

uint64_t KeyUsage::Observe(std::span<const DeclaredKey> keys, const CallCost& cost, int64_t now_ms, Random& random) {
  if (!is_tracking(now_ms)) {
    CountTopKeys(keys, now_ms);
    calls_to_top_sample_ = 1;
    return DrawDistance(random);
  }
  if (top_ratio_ != 0 && --calls_to_top_sample_ == 0) {
    CountTopKeys(keys, now_ms);
    calls_to_top_sample_ = DrawDistance(random);
  }
  const bool is_sampled = !keys.empty() && (tracking_->sample_ratio == 1 || random.Below(tracking_->sample_ratio) == 0);
  MutexLock lock(mutex_);
  all_calls_.cycles += cost.cycles;
  all_calls_.network_bytes += cost.network_bytes;
  if (!is_sampled) return 1;
  // Its keys share what it cost.
  for (const DeclaredKey& key : keys) {
    if (tracking_->counts_time) by_cycles_.Add(KeyOf(key, 0), cost.cycles / keys.size());
    if (tracking_->counts_network) by_network_bytes_.Add(KeyOf(key, 0), cost.network_bytes / keys.size());
  }
  return 1;
}

void KeyUsage::CountTopKeys(std::span<const DeclaredKey> keys, int64_t now_ms) {
  if (keys.empty() || top_ratio_ == 0) return;
  MutexLock lock(mutex_);
  Decay(now_ms);
  for (const DeclaredKey& key : keys.first(std::min(keys.size(), kSampledKeysMax))) {
    top_.Add(KeyOf(key, key.database->index()), kTopKeyUnit);
  }
}

void KeyUsage::Decay(int64_t now_ms) {
  if (decayed_ms_ == 0 || now_ms < decayed_ms_) decayed_ms_ = now_ms;
  for (; now_ms - decayed_ms_ >= kHalfLifeMs && top_.total() > 0; decayed_ms_ += kHalfLifeMs) top_.Halve();
  if (top_.total() == 0) decayed_ms_ = now_ms;
}

void KeyUsage::SampleTopKeys(uint64_t ratio) {
  top_ratio_ = ratio;
  calls_to_top_sample_ = 1;
  // What was sampled at another rate would not add up with what comes.
  MutexLock lock(mutex_);
  top_.Clear();
}

void KeyUsage::Follow(std::shared_ptr<const KeyTracking> tracking) {
  MutexLock lock(mutex_);
  tracking_ = std::move(tracking);
  all_calls_ = {};
  const size_t item_count_max =
      tracking_ == nullptr ? 0 : std::max(kTrackedItemsMin, kItemsPerKey * tracking_->key_count_max);
  by_cycles_ = HeavyHitters(item_count_max);
  by_network_bytes_ = HeavyHitters(item_count_max);
}

KeyUsage::TopKeys KeyUsage::SampledTopKeys(int64_t now_ms) {
  MutexLock lock(mutex_);
  Decay(now_ms);
  return {top_.Items(), top_.total()};
}

KeyUsage::Tracked KeyUsage::tracked() const {
  MutexLock lock(mutex_);
  return {all_calls_, by_cycles_.Items(), by_network_bytes_.Items(),
          by_cycles_.memory_bytes() + by_network_bytes_.memory_bytes()};
}

}  // namespace kvick

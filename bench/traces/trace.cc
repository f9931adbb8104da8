#include "trace.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace kvick {
namespace {

// Keys of scans and bursts are never those of the distribution or the loop.
constexpr uint64_t kScanBase = uint64_t{1} << 40;
constexpr uint64_t kBurstBase = uint64_t{1} << 41;
// Scans come in runs of this share of the cache.
constexpr double kScanRun = 0.25;
// Bursts that go on at a time, and for how many requests one does on average.
constexpr size_t kBurstsAtOnce = 64;
constexpr uint64_t kRequestsPerBurst = 4;

constexpr TraceShape kShapes[] = {
    {.name = "zipf-0.7", .about = "Zipf 0.7, drifting", .exponent = 0.7, .keys_per_cached = 10, .drift = 0.01},
    {.name = "zipf-0.9", .about = "Zipf 0.9, drifting", .exponent = 0.9, .keys_per_cached = 10, .drift = 0.01},
    {.name = "zipf-1.1", .about = "Zipf 1.1, drifting", .exponent = 1.1, .keys_per_cached = 10, .drift = 0.01},
    {.name = "scans", .about = "Zipf 0.9 with 30 % scans", .exponent = 0.9, .keys_per_cached = 10, .scan_share = 0.3},
    {.name = "loop-1.1", .about = "loop of 1.1 × the cache", .loop_per_cached = 1.1},
    {.name = "loop-1.5", .about = "loop of 1.5 × the cache", .loop_per_cached = 1.5},
    {.name = "loop-2", .about = "loop of 2 × the cache", .loop_per_cached = 2},
    {.name = "bursts",
     .about = "Zipf 0.9 with 30 % bursts",
     .exponent = 0.9,
     .keys_per_cached = 10,
     .burst_share = 0.3},
};

}  // namespace

std::span<const TraceShape> TraceShapes() { return kShapes; }

const TraceShape* FindTraceShape(std::string_view name) {
  const auto* found = std::ranges::find(kShapes, name, &TraceShape::name);
  return found == std::end(kShapes) ? nullptr : found;
}

Trace::Trace(const TraceShape& shape, const Sizes& sizes) : shape_(shape), sizes_(sizes), random_(sizes.seed) {
  if (shape.exponent == 0) return;
  const auto count = static_cast<size_t>(shape.keys_per_cached * static_cast<double>(sizes.cache_keys));
  sums_.resize(count);
  double sum = 0;
  for (size_t i = 0; i < count; ++i) sums_[i] = sum += std::pow(static_cast<double>(i + 1), -shape.exponent);
  for (double& value : sums_) value /= sum;
  key_of_.resize(count);
  std::iota(key_of_.begin(), key_of_.end(), 0u);
}

size_t Trace::DrawRank() {
  const auto found = std::upper_bound(sums_.begin(), sums_.end(), random_.Unit());
  return std::min(static_cast<size_t>(found - sums_.begin()), sums_.size() - 1);
}

uint64_t Trace::NextOfBurst() {
  if (burst_.empty()) {
    for (size_t i = 0; i < kBurstsAtOnce; ++i) burst_.push_back(kBurstBase + i);
  }
  uint64_t& key = burst_[random_.Below(burst_.size())];
  const uint64_t asked = key;
  if (random_.Below(kRequestsPerBurst) == 0) key += kBurstsAtOnce;
  return asked;
}

uint64_t Trace::Next() {
  if (shape_.loop_per_cached != 0) {
    const auto length = static_cast<uint64_t>(shape_.loop_per_cached * static_cast<double>(sizes_.cache_keys));
    return looped_++ % length;
  }
  if (scan_left_ != 0) {
    --scan_left_;
    return kScanBase + scanned_++;
  }
  const double run = kScanRun * static_cast<double>(sizes_.cache_keys);
  if (shape_.scan_share != 0 && random_.Unit() < shape_.scan_share / (1 - shape_.scan_share) / run) {
    scan_left_ = static_cast<uint64_t>(run);
  }
  if (random_.Unit() < shape_.burst_share) return NextOfBurst();
  if (random_.Unit() < shape_.drift) std::swap(key_of_[DrawRank()], key_of_[random_.Below(key_of_.size())]);
  return key_of_[DrawRank()];
}

}  // namespace kvick

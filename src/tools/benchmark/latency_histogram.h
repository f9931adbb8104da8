// LatencyHistogram counts durations in buckets of about 1.6 % width, so that percentiles of millions of samples cost
// a few KiB and a sample costs an increment. One thread.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace kvick::benchmark {

class LatencyHistogram {
 public:
  // `count` samples of the same duration: the replies of one pipelined batch.
  void Record(uint64_t duration_ns, uint64_t count) {
    buckets_[BucketOf(duration_ns)] += count;
    count_ += count;
    sum_ns_ += duration_ns * count;
    min_ns_ = std::min(min_ns_, duration_ns);
    max_ns_ = std::max(max_ns_, duration_ns);
  }

  // The duration that `fraction` (0 to 1) of the samples do not exceed, rounded up to its bucket's end.
  uint64_t PercentileNs(double fraction) const {
    const auto wanted = static_cast<uint64_t>(fraction * static_cast<double>(count_));
    uint64_t seen = 0;
    for (size_t bucket = 0; bucket < buckets_.size(); ++bucket) {
      seen += buckets_[bucket];
      if (seen > 0 && seen >= wanted) return std::min(EndOf(bucket), max_ns_);
    }
    return max_ns_;
  }

  uint64_t count() const { return count_; }
  uint64_t min_ns() const { return count_ == 0 ? 0 : min_ns_; }
  uint64_t max_ns() const { return max_ns_; }
  double mean_ns() const { return count_ == 0 ? 0.0 : static_cast<double>(sum_ns_) / static_cast<double>(count_); }

 private:
  // Below 64 ns a bucket is a nanosecond; above, each power of two is cut into 64.
  static constexpr unsigned kPrecisionBits = 6;
  static constexpr size_t kBucketCount = (64 - kPrecisionBits + 1) << kPrecisionBits;

  static size_t BucketOf(uint64_t duration_ns) {
    const auto width = static_cast<unsigned>(std::bit_width(duration_ns));
    if (width <= kPrecisionBits) return duration_ns;
    const unsigned shift = width - kPrecisionBits - 1;
    return (size_t{shift + 1} << kPrecisionBits) + ((duration_ns >> shift) & ((1U << kPrecisionBits) - 1));
  }
  static uint64_t EndOf(size_t bucket) {
    const size_t power = bucket >> kPrecisionBits;
    if (power == 0) return bucket;
    const uint64_t leading = (uint64_t{1} << kPrecisionBits) | (bucket & ((1U << kPrecisionBits) - 1));
    return ((leading + 1) << (power - 1)) - 1;
  }

  std::array<uint64_t, kBucketCount> buckets_{};
  uint64_t count_ = 0;
  uint64_t sum_ns_ = 0;
  uint64_t min_ns_ = UINT64_MAX;
  uint64_t max_ns_ = 0;
};

}  // namespace kvick::benchmark

// ValueFeatures: which features of values, of those that older file formats cannot express, have come up since all
// databases were empty. So the format that a snapshot needs is known at its cut, without looking at every value.
//
// Any thread notes; Forget requires an exclusive moment.
#pragma once

#include <atomic>
#include <cstdint>

namespace kvick {

enum class ValueFeature : uint32_t {
  kConsumerTimes = 1,     // a stream's consumer asked at another time than it last got something
  kExpiringFields = 2,    // of hashes
  kProducers = 4,         // XADD IDMP
  kArrays = 8,            // of the type
  kReturnedEntries = 16,  // XNACK
  kCompactHashes = 32,
};

class ValueFeatures {
 public:
  static void Note(ValueFeature feature) {
    const auto bit = static_cast<uint32_t>(feature);
    if ((seen_.load(std::memory_order_relaxed) & bit) == 0) seen_.fetch_or(bit, std::memory_order_relaxed);
  }
  static bool WasNoted(ValueFeature feature) {
    return (seen_.load(std::memory_order_relaxed) & static_cast<uint32_t>(feature)) != 0;
  }
  // All databases are empty.
  static void Forget() { seen_.store(0, std::memory_order_relaxed); }

 private:
  static inline std::atomic<uint32_t> seen_{0};
};

}  // namespace kvick

// Trace: which keys a cache is asked for, one after the other. Made up from a seed, so that every run is the same.
//
//   Trace trace(*FindTraceShape("zipf-0.9"), {.cache_keys = 50'000, .requests = 1'000'000, .seed = 1});
//   for (...) Ask(trace.Next());
//
// Sizes are told in keys that the cache holds, so that a trace is equally hard for caches of every size.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/random.h"

namespace kvick {

struct TraceShape {
  std::string_view name;
  std::string_view about;
  double exponent = 0;         // of the Zipf distribution that requests follow; 0: there is none
  double keys_per_cached = 0;  // how many keys the distribution has, for each that the cache holds
  double drift = 0;            // swaps of a popular key with an unpopular one for each request
  double scan_share = 0;       // of the requests, which ask for keys that come once
  double loop_per_cached = 0;  // length of the loop, for each key that the cache holds
  double burst_share = 0;      // of the requests, which ask for a key that is asked for a few times in a row
};

std::span<const TraceShape> TraceShapes();
const TraceShape* FindTraceShape(std::string_view name);

class Trace {
 public:
  struct Sizes {
    uint64_t cache_keys;
    uint64_t requests;
    uint64_t seed;
  };
  Trace(const TraceShape& shape, const Sizes& sizes);

  // The number of the next key.
  uint64_t Next();

 private:
  size_t DrawRank();
  uint64_t NextOfBurst();

  const TraceShape shape_;
  const Sizes sizes_;
  Random random_;
  std::vector<double> sums_;      // of the distribution's probabilities, ascending to 1
  std::vector<uint32_t> key_of_;  // the key that has this rank at present
  std::vector<uint64_t> burst_;   // keys of bursts going on
  uint64_t looped_ = 0;
  uint64_t scanned_ = 0;
  uint64_t scan_left_ = 0;
};

}  // namespace kvick

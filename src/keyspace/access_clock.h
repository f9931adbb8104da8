// What the 24 access bits of an entry mean.
//
//   recency     seconds since the process's epoch, modulo 2^24 (194 days)
//   frequency   16 bits of minutes, 8 bits of a logarithmic counter that new keys start at 5 and that decays
#pragma once

#include <cstdint>

#include "base/random.h"

namespace kvick {

inline constexpr uint32_t kAccessMask = (1u << 24) - 1;

struct FrequencyRules {
  int log_factor = 10;
  int decay_minutes = 1;
};

inline uint32_t RecencyClock(int64_t now_ms) { return static_cast<uint32_t>(now_ms / 1000) & kAccessMask; }
// Seconds since the clock that an entry carries.
uint32_t IdleSeconds(uint32_t access, int64_t now_ms);

uint32_t NewFrequency(int64_t now_ms);
// The counter after decay, 0 to 255: what OBJECT FREQ answers.
uint32_t FrequencyOf(uint32_t access, int64_t now_ms, const FrequencyRules& rules);
// One more access.
uint32_t TouchFrequency(uint32_t access, int64_t now_ms, const FrequencyRules& rules, Random& random);

}  // namespace kvick

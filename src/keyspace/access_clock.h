// What the 24 access bits of an entry mean.
//
//   recency     seconds since the process's epoch, modulo 2^24 (194 days)
//   frequency   16 bits of minutes, 8 bits of a logarithmic counter that new keys start at 5 and that decays
//
// and of the two bits next to them, which are 0 for a new key and count uses, up to three:
//
//   recency     seconds in which it was used since it was made, the first use in any case
//   frequency   uses since the counter last changed: what it will be, before chance says so
//
// Whether a key that was made is ever used tells more of its future than when that was: a scan, or a loop longer than
// memory holds, consists of keys that were used last and will not be used soon.
#pragma once

#include <cstdint>

#include "base/random.h"

namespace kvick {

inline constexpr uint32_t kAccessMask = (1u << 24) - 1;

struct FrequencyRules {
  int log_factor = 10;
  int decay_minutes = 1;
};

struct Access {
  uint32_t bits = 0;
  uint8_t uses = 0;
  bool operator==(const Access&) const = default;
};
inline constexpr uint8_t kUsesMax = 3;

inline uint32_t RecencyClock(int64_t now_ms) { return static_cast<uint32_t>(now_ms / 1000) & kAccessMask; }
// One more access, at that clock.
inline Access TouchRecency(Access access, uint32_t clock) {
  // Uses in a row are one, but for the first: then, it may be the only one.
  const bool counts = access.uses == 0 || (access.bits != clock && access.uses < kUsesMax);
  return {clock, static_cast<uint8_t>(access.uses + (counts ? 1 : 0))};
}
// Seconds since the clock that an entry carries.
uint32_t IdleSeconds(uint32_t access, int64_t now_ms);

uint32_t NewFrequency(int64_t now_ms);
// The counter after decay, 0 to 255: what OBJECT FREQ answers.
uint32_t FrequencyOf(uint32_t access, int64_t now_ms, const FrequencyRules& rules);
// One more access.
Access TouchFrequency(Access access, int64_t now_ms, const FrequencyRules& rules, Random& random);

}  // namespace kvick

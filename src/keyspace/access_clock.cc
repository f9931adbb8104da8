#include "keyspace/access_clock.h"

#include <algorithm>

namespace kvick {
namespace {

constexpr uint32_t kInitialFrequency = 5;

uint32_t Minutes(int64_t now_ms) { return static_cast<uint32_t>(now_ms / 60'000) & 0xffff; }

}  // namespace

uint32_t IdleSeconds(uint32_t access, int64_t now_ms) {
  // The clock goes round in 194 days. What lies a little in the future was used before the system's clock was set back,
  // and must not be taken for what was idle longest.
  constexpr uint32_t kSetBackMax = 7 * 24 * 3600;
  const uint32_t idle_s = (RecencyClock(now_ms) - access) & kAccessMask;
  return idle_s > kAccessMask - kSetBackMax ? 0 : idle_s;
}

uint32_t NewFrequency(int64_t now_ms) { return Minutes(now_ms) << 8 | kInitialFrequency; }

uint32_t FrequencyOf(uint32_t access, int64_t now_ms, const FrequencyRules& rules) {
  const uint32_t counter = access & 0xff;
  if (rules.decay_minutes == 0) return counter;
  const uint32_t elapsed_minutes = (Minutes(now_ms) - (access >> 8)) & 0xffff;
  const uint32_t periods = elapsed_minutes / static_cast<uint32_t>(rules.decay_minutes);
  return counter - std::min(counter, periods);
}

Access TouchFrequency(Access access, int64_t now_ms, const FrequencyRules& rules, Random& random) {
  uint32_t counter = FrequencyOf(access.bits, now_ms, rules);
  bool is_raised = false;
  if (counter < 255) {
    const uint32_t base = counter > kInitialFrequency ? counter - kInitialFrequency : 0;
    is_raised = random.Unit() < 1.0 / (static_cast<double>(base) * rules.log_factor + 1);
    if (is_raised) ++counter;
  }
  const auto uses = is_raised ? uint8_t{0} : static_cast<uint8_t>(std::min<int>(access.uses + 1, kUsesMax));
  return {Minutes(now_ms) << 8 | counter, uses};
}

}  // namespace kvick

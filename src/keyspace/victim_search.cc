#include "keyspace/victim_search.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace kvick {
namespace {

// Places are looked for again after so many keys.
constexpr int kUsesOfPlacesMax = 1000;
// Draws at random before all stripes are asked.
constexpr int kStripeDrawsMax = 16;
// Keys of a stripe for each sample that is taken from it at once.
constexpr size_t kKeysPerSample = 8;
// Draws in one stripe for each sample wanted, before its buckets are walked; and how many of these, under one lock.
constexpr size_t kDrawsPerSample = 4;
constexpr size_t kBucketsPerWalk = 64;

// Frequency: uses tell apart keys of the same counter.
constexpr int kUsesBits = 2;
// Recency: a key counts as idle for a quarter of the time for each use that was counted, so one that was never read
// goes before one that was, unless the latter has been idle for four times as long; 64 times at most. Measured with
// bench/eviction: weights of 2 and of 8 are behind on loops or on bursts.
constexpr int kWeightBitsPerUse = 2;

uint64_t CountOf(const Database& database, bool is_volatile) {
  return is_volatile ? database.ExpiringCount() : database.EntryCount();
}

}  // namespace

bool EvictionRules::IsVolatile() const {
  switch (policy) {
    case EvictionPolicy::kVolatileLru:
    case EvictionPolicy::kVolatileLfu:
    case EvictionPolicy::kVolatileLrm:
    case EvictionPolicy::kVolatileRandom:
    case EvictionPolicy::kVolatileTtl: return true;
    default: return false;
  }
}

bool EvictionRules::IsRandom() const {
  return policy == EvictionPolicy::kAllKeysRandom || policy == EvictionPolicy::kVolatileRandom;
}

uint64_t EvictionRules::Score(const Entry& entry) const {
  if (IsRandom()) return 0;
  if (policy == EvictionPolicy::kVolatileTtl) return UINT64_MAX - static_cast<uint64_t>(entry.expiry_ms());
  const uint64_t unused = kUsesMax - std::min(entry.uses(), kUsesMax);
  if (IsFrequencyPolicy(policy)) {
    return uint64_t{255 - FrequencyOf(entry.access(), now_ms, frequency)} << kUsesBits | unused;
  }
  const uint64_t idle_seconds = IdleSeconds(entry.access(), now_ms);
  if (IsModificationPolicy(policy)) return idle_seconds;
  // In half seconds, so that uses count within the last one as well.
  return (2 * idle_seconds + 1) << (kWeightBitsPerUse * unused);
}

bool IsFrequencyPolicy(EvictionPolicy policy) {
  return policy == EvictionPolicy::kAllKeysLfu || policy == EvictionPolicy::kVolatileLfu;
}

bool IsModificationPolicy(EvictionPolicy policy) {
  return policy == EvictionPolicy::kAllKeysLrm || policy == EvictionPolicy::kVolatileLrm;
}

void VictimSearch::FindPlaces(const EvictionRules& rules) {
  places_.clear();
  uses_of_places_ = 0;
  uint64_t sum = 0;
  for (Database* database : databases_) {
    if (rules.IsVolatile() && !database->may_hold_expiring()) continue;
    const uint64_t count = CountOf(*database, rules.IsVolatile());
    if (count == 0) continue;
    sum += count;
    places_.push_back({database, sum});
  }
}

bool VictimSearch::DrawStripe(Database& database, uint64_t key_count, bool is_volatile, Random& random,
                              size_t* stripe_index) {
  const auto count_of = [&](size_t index) -> uint64_t {
    const Stripe& stripe = database.StripeAt(index);
    return (is_volatile ? stripe.expiring_count : stripe.entry_count).load(std::memory_order_relaxed);
  };
  // Taking a stripe with a probability that grows with what it holds makes all keys equally likely, as long as no
  // stripe holds more than the bound. That is far above the average, measured by how much counts of hashed keys vary.
  const double average = static_cast<double>(key_count) / Stripe::kCount;
  const auto bound = static_cast<uint64_t>(average + 4 * std::sqrt(average) + 4);
  for (int i = 0; i < kStripeDrawsMax; ++i) {
    *stripe_index = random.Below(Stripe::kCount);
    if (random.Below(bound) < count_of(*stripe_index)) return true;
  }
  // Few keys: all stripes are asked. Trying them in turn from one drawn at random would prefer keys behind long gaps.
  uint64_t sum = 0;
  for (size_t i = 0; i < Stripe::kCount; ++i) sum += count_of(i);
  if (sum == 0) return false;
  uint64_t draw = random.Below(sum);
  for (size_t i = 0; i < Stripe::kCount; ++i) {
    *stripe_index = i;
    const uint64_t count = count_of(i);
    if (draw < count) return true;
    draw -= count;
  }
  return true;  // some went meanwhile
}

void VictimSearch::Offer(const EvictionRules& rules, Database& database, const Entry& entry) {
  const uint64_t score = rules.Score(entry);
  if (pool_.size() >= kPoolMax && score <= pool_.front().score) return;
  const std::string_view name = entry.key();
  for (size_t i = 0; i < pool_.size(); ++i) {
    if (pool_[i].database != &database || pool_[i].name != name) continue;
    // Seen before, and as it was then: it may have been used since.
    pool_.erase(pool_.begin() + static_cast<std::ptrdiff_t>(i));
    break;
  }
  if (pool_.size() >= kPoolMax) pool_.erase(pool_.begin());
  const auto place = std::upper_bound(pool_.begin(), pool_.end(), score,
                                      [](uint64_t value, const Victim& victim) { return value < victim.score; });
  pool_.insert(place, Victim{score, HashKey(name), &database, std::string(name)});
}

// Which stripe is known only at run time, hence no analysis.
KVICK_NO_THREAD_SAFETY_ANALYSIS size_t VictimSearch::SampleStripe(Database& database, size_t stripe_index,
                                                                  size_t count_max, const EvictionRules& rules,
                                                                  Random& random) {
  const KeyTable& table = database.StripeAt(stripe_index).table;
  size_t count = 0;
  const size_t draw_count = rules.IsVolatile() ? count_max * kDrawsPerSample : count_max;
  for (size_t i = 0; i < draw_count && count < count_max; ++i) {
    const Entry* entry = table.RandomEntry(random.Next());
    if (entry == nullptr) return count;
    if (!rules.MayEvict(*entry)) continue;
    Offer(rules, database, *entry);
    ++count;
  }
  if (count != 0 || table.bucket_count() == 0) return count;
  const size_t bucket_count = table.bucket_count();
  const size_t start = random.Below(bucket_count);
  for (size_t i = 0; i < std::min(bucket_count, kBucketsPerWalk) && count < count_max; ++i) {
    table.VisitBucket((start + i) % bucket_count, [&](const Entry* entry) {
      if (!rules.MayEvict(*entry)) return;
      Offer(rules, database, *entry);
      ++count;
    });
  }
  return count;
}

KVICK_NO_THREAD_SAFETY_ANALYSIS VictimSearch::Outcome VictimSearch::Find(const EvictionRules& rules, bool locks_stripes,
                                                                         Random& random, Victim* victim) {
  if (rules.policy == EvictionPolicy::kNoEviction) return Outcome::kNoneExist;
  if (policy_ != rules.policy) {
    policy_ = rules.policy;
    pool_.clear();
    places_.clear();
  }
  if (rules.IsRandom()) pool_.clear();
  if (places_.empty() || ++uses_of_places_ > kUsesOfPlacesMax) FindPlaces(rules);
  const auto wanted = static_cast<size_t>(rules.IsRandom() ? 1 : rules.samples);
  size_t taken = 0;
  // Some tries more than samples: stripes may be locked.
  for (size_t tries = 0; tries < 2 * wanted + 2 && taken < wanted && !places_.empty(); ++tries) {
    const uint64_t draw = random.Below(places_.back().key_count_sum);
    const auto place = std::upper_bound(places_.begin(), places_.end(), draw,
                                        [](uint64_t value, const Place& other) { return value < other.key_count_sum; });
    Database& database = *place->database;
    size_t stripe_index = 0;
    const uint64_t key_count = place->key_count_sum - (place == places_.begin() ? 0 : (place - 1)->key_count_sum);
    if (!DrawStripe(database, key_count, rules.IsVolatile(), random, &stripe_index)) {
      FindPlaces(rules);  // it is empty by now; there are others, or none
      continue;
    }
    Stripe& stripe = database.StripeAt(stripe_index);
    if (locks_stripes && !stripe.lock.TryLock()) continue;
    // Hashes say nothing about the use of keys: those of one stripe are as good a sample as those of several, unless
    // they are so few that the same would be drawn again and again.
    const size_t fair_count = std::max<size_t>(1, stripe.entry_count.load(std::memory_order_relaxed) / kKeysPerSample);
    taken += SampleStripe(database, stripe_index, std::min(wanted - taken, fair_count), rules, random);
    if (locks_stripes) stripe.lock.Unlock();
  }
  if (!pool_.empty()) {
    *victim = std::move(pool_.back());
    pool_.pop_back();
    return Outcome::kFound;
  }
  return places_.empty() ? Outcome::kNoneExist : Outcome::kNotFound;
}

}  // namespace kvick

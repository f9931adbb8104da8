// VictimSearch finds the key that an eviction policy would remove next.
//
//   VictimSearch search(databases);
//   VictimSearch::Victim victim;
//   if (search.Find(rules, true, random, &victim) == VictimSearch::Outcome::kFound) { lock, look again, erase }
//
// Like the server whose policies these are, it does not sort all keys: each call looks at some (EvictionRules::samples)
// in stripes drawn at random, remembers the best of them, and gives away the best that it remembers. A few samples each
// time come close to the exact order, because what was good and not the best is kept for the next call.
//
// Recency and frequency are those of access_clock.h: time since the last use, weighted by whether the key was ever used
// after it was made, and how often.
//
// Keys that expire are drawn from among all keys of a stripe; where they are rare, a stretch of its buckets is walked.
//
// Thread rule: one thread uses a search, inside the gate. It takes locks of stripes by trying, one at a time, and holds
// none when it returns: the victim may be gone or changed by then. Databases may be emptied or swapped between calls.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/random.h"
#include "config/settings.h"
#include "keyspace/access_clock.h"
#include "keyspace/database.h"
#include "keyspace/entry.h"

namespace kvick {

struct EvictionRules {
  EvictionPolicy policy = EvictionPolicy::kNoEviction;
  int samples = 5;
  int64_t now_ms = 0;
  FrequencyRules frequency;

  // Only keys that expire may be evicted.
  [[nodiscard]] bool IsVolatile() const;
  // All keys are equally good.
  [[nodiscard]] bool IsRandom() const;
  [[nodiscard]] bool MayEvict(const Entry& entry) const { return !IsVolatile() || entry.has_expiry(); }
  // The higher, the sooner the entry goes. It falls only when the entry is used (or given more time to live).
  [[nodiscard]] uint64_t Score(const Entry& entry) const;
};

bool IsFrequencyPolicy(EvictionPolicy policy);
// Access bits are to tell when keys were last modified.
bool IsModificationPolicy(EvictionPolicy policy);

class VictimSearch {
 public:
  struct Victim {
    uint64_t score = 0;
    uint64_t hash = 0;
    Database* database = nullptr;
    std::string name;

    [[nodiscard]] KeyRef key() const { return {name, hash}; }
  };
  enum class Outcome {
    kFound,
    kNotFound,   // this time: stripes were locked, or what may be evicted is rare
    kNoneExist,  // no key may be evicted
  };

  explicit VictimSearch(std::vector<Database*> databases) : databases_(std::move(databases)) {}

  Outcome Find(const EvictionRules& rules, bool locks_stripes, Random& random, Victim* victim);

  static constexpr size_t kPoolMax = 16;

 private:
  struct Place {
    Database* database;
    uint64_t key_count_sum;  // of all places up to this one
  };

  // Where there is anything to evict.
  void FindPlaces(const EvictionRules& rules);
  // A stripe that had something to evict a moment ago, drawn so that all keys of the database (about `key_count`) are
  // equally likely to be in it; false when it has none.
  static bool DrawStripe(Database& database, uint64_t key_count, bool is_volatile, Random& random,
                         size_t* stripe_index);
  size_t SampleStripe(Database& database, size_t stripe_index, size_t count_max, const EvictionRules& rules,
                      Random& random);
  void Offer(const EvictionRules& rules, Database& database, const Entry& entry);

  std::vector<Database*> databases_;
  std::vector<Place> places_;
  int uses_of_places_ = 0;
  EvictionPolicy policy_ = EvictionPolicy::kNoEviction;  // by which the pool is ordered
  std::vector<Victim> pool_;                             // ascending by score
};

}  // namespace kvick

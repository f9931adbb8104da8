// What each policy would evict first. Few keys and many samples, so that every key is seen but for one time in a
// billion.
#include "keyspace/victim_search.h"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace kvick {
namespace {

constexpr int64_t kStartMs = 1'700'000'000'000;
constexpr int64_t kNoExpiry = Entry::kNoExpiry;

class VictimSearchTest : public ::testing::Test {
 protected:
  VictimSearchTest() {
    mutation_.now_ms = kStartMs;
    mutation_.is_alone = true;
    rules_.samples = 64;
    rules_.now_ms = kStartMs;
  }

  void Put(const std::string& name, uint32_t access, int64_t expiry_ms = kNoExpiry) {
    PutIn(first_, name, access, expiry_ms);
  }
  void PutIn(Database& database, const std::string& name, uint32_t access, int64_t expiry_ms = kNoExpiry) {
    const KeyRef key = KeyRef::Make(name);
    mutation_.access_clock = access;
    database.PutString(key, database.Peek(key, mutation_), {"value"}, {.expiry_ms = expiry_ms}, mutation_);
  }
  void SetUses(const std::string& name, uint8_t uses) {
    first_.Peek(KeyRef::Make(name), mutation_).entry->set_uses(uses);
  }
  static uint32_t UsedAgo(int64_t seconds) { return RecencyClock(kStartMs - seconds * 1000); }
  static uint32_t Frequency(uint32_t counter) { return (NewFrequency(kStartMs) & ~0xffu) | counter; }

  static KVICK_NO_THREAD_SAFETY_ANALYSIS void Hold(Stripe& stripe) { stripe.lock.Lock(); }
  static KVICK_NO_THREAD_SAFETY_ANALYSIS void LetGo(Stripe& stripe) { stripe.lock.Unlock(); }

  void Erase(Database& database, const std::string& name) {
    const KeyRef key = KeyRef::Make(name);
    database.Erase(key, database.Peek(key, mutation_), mutation_);
  }
  // The order in which a policy evicts everything it may; at most `count_max`.
  std::vector<std::string> EvictAll(EvictionPolicy policy, size_t count_max = 100) {
    rules_.policy = policy;
    std::vector<std::string> names;
    VictimSearch::Victim victim;
    while (names.size() < count_max) {
      const VictimSearch::Outcome outcome = search_.Find(rules_, false, random_, &victim);
      if (outcome == VictimSearch::Outcome::kNoneExist) break;
      if (outcome == VictimSearch::Outcome::kNotFound) continue;
      // Given away twice: it was in the pool when it went.
      if (victim.database->Peek(victim.key(), mutation_).entry == nullptr) continue;
      names.push_back(victim.name);
      Erase(*victim.database, victim.name);
    }
    return names;
  }

  Database first_{0};
  Database second_{1};
  Mutation mutation_;
  EvictionRules rules_;
  Random random_{7};
  VictimSearch search_{{&first_, &second_}};
};

using Names = std::vector<std::string>;

TEST_F(VictimSearchTest, RecencyEvictsWhatWasUsedLongestAgo) {
  Put("b", UsedAgo(20));
  Put("d", UsedAgo(5));
  PutIn(second_, "a", UsedAgo(300));
  Put("c", UsedAgo(10), kStartMs + 1000);
  EXPECT_EQ(EvictAll(EvictionPolicy::kAllKeysLru), (Names{"a", "b", "c", "d"}));
}

TEST_F(VictimSearchTest, FrequencyEvictsWhatIsUsedLeastAndCountsDecay) {
  Put("rare", Frequency(3));
  Put("often", Frequency(200));
  Put("some", Frequency(40));
  // 60 once, and three minutes ago: 57 by now.
  Put("was", ((NewFrequency(kStartMs - 180'000) & ~0xffu) | 60u));
  EXPECT_EQ(EvictAll(EvictionPolicy::kAllKeysLfu), (Names{"rare", "some", "was", "often"}));
}

TEST_F(VictimSearchTest, RecencySparesWhatWasUsedForFourTimesAsLongPerUse) {
  Put("never", UsedAgo(100));
  Put("once", UsedAgo(390));
  SetUses("once", 1);
  Put("long ago", UsedAgo(500));
  SetUses("long ago", 1);
  Put("often", UsedAgo(6000));
  SetUses("often", 3);
  // However often it was used, what was used last too long ago goes.
  Put("once upon a time", UsedAgo(7000));
  SetUses("once upon a time", 3);
  const Names expected{"long ago", "once upon a time", "never", "once", "often"};
  EXPECT_EQ(EvictAll(EvictionPolicy::kAllKeysLru), expected);
}

TEST_F(VictimSearchTest, UsesWithinTheLastSecondCount) {
  for (const char* name : {"a", "b", "c", "d"}) Put(name, UsedAgo(0));
  SetUses("a", 2);
  SetUses("c", 1);
  SetUses("d", 3);
  EXPECT_EQ(EvictAll(EvictionPolicy::kAllKeysLru), (Names{"b", "c", "a", "d"}));
}

TEST_F(VictimSearchTest, ModificationDoesNotAskForUses) {
  Put("a", UsedAgo(20));
  SetUses("a", 3);
  Put("b", UsedAgo(10));
  EXPECT_EQ(EvictAll(EvictionPolicy::kAllKeysLrm), (Names{"a", "b"}));
}

TEST_F(VictimSearchTest, UsesTellApartKeysOfTheSameFrequency) {
  Put("a", Frequency(6));
  SetUses("a", 2);
  Put("b", Frequency(7));
  Put("c", Frequency(6));
  SetUses("c", 1);
  EXPECT_EQ(EvictAll(EvictionPolicy::kAllKeysLfu), (Names{"c", "a", "b"}));
}

TEST_F(VictimSearchTest, AnEntryKeepsItsUsesWhenItChanges) {
  Put("a", UsedAgo(20));
  SetUses("a", 2);
  KeyTable::Slot slot = first_.Peek(KeyRef::Make("a"), mutation_);
  first_.SetExpiry(KeyRef::Make("a"), &slot, kStartMs + 5000, mutation_);
  EXPECT_EQ(slot.entry->uses(), 2);
  first_.ResizeString(KeyRef::Make("a"), &slot, 1000, mutation_);
  EXPECT_EQ(slot.entry->uses(), 2);
  EXPECT_TRUE(slot.entry->has_expiry());
  slot.entry->set_uses(0);
  EXPECT_TRUE(slot.entry->has_expiry());
  EXPECT_TRUE(slot.entry->is_raw());
}

TEST(AccessClockTest, UsesWithinASecondAreOneButForTheFirst) {
  Access access{100, 0};
  access = TouchRecency(access, 100);
  EXPECT_EQ(access, (Access{100, 1}));
  EXPECT_EQ(TouchRecency(access, 100), access);
  for (const int uses : {2, 3, 3}) {
    access = TouchRecency(access, access.bits + 1);
    EXPECT_EQ(access.uses, uses);
  }
  EXPECT_EQ(access.bits, 103u);
}

TEST(AccessClockTest, UsesStartAgainWithEachStepOfTheCounter) {
  const FrequencyRules always{0, 1};
  const FrequencyRules hardly{1'000'000'000, 1};
  Random random(1);
  Access access{NewFrequency(kStartMs), 0};
  access = TouchFrequency(access, kStartMs, always, random);  // a new key's first use counts in any case
  access = TouchFrequency(access, kStartMs, always, random);
  EXPECT_EQ(FrequencyOf(access.bits, kStartMs, always), 7u);
  EXPECT_EQ(access.uses, 0);
  for (const int uses : {1, 2, 3, 3}) {
    access = TouchFrequency(access, kStartMs, hardly, random);
    EXPECT_EQ(access.uses, uses);
  }
  EXPECT_EQ(FrequencyOf(access.bits, kStartMs, hardly), 7u);
  EXPECT_EQ(TouchFrequency(access, kStartMs, always, random).uses, 0);
}

TEST_F(VictimSearchTest, TheNearestEndGoesFirstAndWhatHasNoneNever) {
  Put("late", UsedAgo(1), kStartMs + 9000);
  Put("soon", UsedAgo(1), kStartMs + 10);
  Put("then", UsedAgo(1), kStartMs + 500);
  Put("never", UsedAgo(999));
  EXPECT_EQ(EvictAll(EvictionPolicy::kVolatileTtl), (Names{"soon", "then", "late"}));
  EXPECT_NE(first_.Peek(KeyRef::Make("never"), mutation_).entry, nullptr);
}

TEST_F(VictimSearchTest, VolatilePoliciesLeaveKeysThatDoNotExpire) {
  for (const EvictionPolicy policy : {EvictionPolicy::kVolatileLru, EvictionPolicy::kVolatileLrm}) {
    Put("old", UsedAgo(500));
    Put("a", UsedAgo(50), kStartMs + 90'000);
    Put("b", UsedAgo(40), kStartMs + 1000);
    EXPECT_EQ(EvictAll(policy), (Names{"a", "b"}));
  }
  Put("old", Frequency(0));
  Put("a", Frequency(7), kStartMs + 90'000);
  Put("b", Frequency(9), kStartMs + 1000);
  EXPECT_EQ(EvictAll(EvictionPolicy::kVolatileLfu), (Names{"a", "b"}));
  Put("a", 0, kStartMs + 90'000);
  EXPECT_EQ(EvictAll(EvictionPolicy::kVolatileRandom), (Names{"a"}));
  EXPECT_EQ(first_.EntryCount(), 1u);
}

TEST_F(VictimSearchTest, RandomEvictsAnyKeyWithAboutTheSameChance) {
  std::map<std::string, int> first_victims;
  for (int round = 0; round < 400; ++round) {
    for (const char* name : {"a", "b", "c", "d"}) Put(name, 0);
    ++first_victims[EvictAll(EvictionPolicy::kAllKeysRandom, 1).at(0)];
    EvictAll(EvictionPolicy::kAllKeysRandom);
  }
  // 100 each on average, whatever stripes their hashes name (which differ from process to process). Less than 50 comes
  // once in many millions of runs.
  for (const char* name : {"a", "b", "c", "d"}) EXPECT_GT(first_victims[name], 50) << name;
}

TEST_F(VictimSearchTest, FindsTheOneKeyThatExpiresAmongMany) {
  for (int i = 0; i < 100'000; ++i) Put("key:" + std::to_string(i), UsedAgo(9));
  Put("rare", UsedAgo(1), kStartMs + 1000);
  EXPECT_EQ(EvictAll(EvictionPolicy::kVolatileLru), (Names{"rare"}));
  EXPECT_EQ(first_.EntryCount(), 100'000u);
}

TEST_F(VictimSearchTest, AFewSamplesOfManyKeysComeCloseToTheExactOrder) {
  constexpr int kCount = 10'000;
  for (int i = 0; i < kCount; ++i) Put("key:" + std::to_string(i), UsedAgo(i));
  rules_.samples = 5;
  int64_t idle_sum = 0;
  for (const std::string& name : EvictAll(EvictionPolicy::kAllKeysLru, 1000)) idle_sum += std::stoll(name.substr(4));
  // The exact thousand have 9,500 on average, a random thousand 5,000. A simulation of the algorithm gives 8,760 with a
  // deviation of 33, and 8,139 with one of 40 when nothing is remembered: half way tells them apart.
  EXPECT_GT(idle_sum / 1000, 8450);
}

TEST_F(VictimSearchTest, NothingIsFoundWhereNothingMayGo) {
  VictimSearch::Victim victim;
  for (const EvictionPolicy policy : {EvictionPolicy::kAllKeysLru, EvictionPolicy::kVolatileTtl}) {
    rules_.policy = policy;
    EXPECT_EQ(search_.Find(rules_, false, random_, &victim), VictimSearch::Outcome::kNoneExist);
  }
  Put("a", 0);
  rules_.policy = EvictionPolicy::kVolatileTtl;
  EXPECT_EQ(search_.Find(rules_, false, random_, &victim), VictimSearch::Outcome::kNoneExist);
  rules_.policy = EvictionPolicy::kNoEviction;
  EXPECT_EQ(search_.Find(rules_, false, random_, &victim), VictimSearch::Outcome::kNoneExist);
}

TEST_F(VictimSearchTest, AStripeThatSomebodyHoldsIsPassedOver) {
  Put("a", UsedAgo(50));
  Stripe& stripe = first_.StripeOf(KeyRef::Make("a"));
  Hold(stripe);
  rules_.policy = EvictionPolicy::kAllKeysLru;
  VictimSearch::Victim victim;
  EXPECT_EQ(search_.Find(rules_, true, random_, &victim), VictimSearch::Outcome::kNotFound);
  LetGo(stripe);
  EXPECT_EQ(search_.Find(rules_, true, random_, &victim), VictimSearch::Outcome::kFound);
  EXPECT_EQ(victim.name, "a");
  EXPECT_FALSE(stripe.lock.IsHeld());
}

}  // namespace
}  // namespace kvick

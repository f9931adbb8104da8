#include "keyspace/database.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/numbers.h"
#include "base/random.h"

namespace kvick {
namespace {

constexpr int64_t kNoExpiry = Entry::kNoExpiry;
constexpr int64_t kStartMs = 1'700'000'000'000;
// An expired key is found within this time: the width of the finest group of the expiry index.
constexpr int64_t kLatenessMaxMs = 16;

struct ExpiredKeys final : KeyspaceListener {
  void OnExpired(Database& /*database*/, std::string_view key) override { names.emplace_back(key); }
  void OnAwaitedKey(Database& /*database*/, std::string_view /*key*/) override {}
  std::vector<std::string> names;
};

// One thread, so all stripes are simply held all the time.
class DatabaseTest : public ::testing::Test {
 protected:
  DatabaseTest() {
    mutation_.now_ms = kStartMs;
    mutation_.listener = &expired_;
    mutation_.access_clock = 7;
    for (Database* database : {&database_, &other_}) LockAll(*database);
  }

  static KVICK_NO_THREAD_SAFETY_ANALYSIS void LockAll(Database& database) {
    for (size_t i = 0; i < Stripe::kCount; ++i) database.StripeAt(i).lock.TryLock();
  }

  void Put(const std::string& key, std::string_view value, PutOptions options = {}) {
    PutIn(database_, key, value, options);
  }
  void PutIn(Database& database, const std::string& key, std::string_view value, PutOptions options = {}) {
    const KeyRef ref = KeyRef::Make(key);
    database.PutString(ref, database.Find(ref, mutation_), {value}, options, mutation_);
  }
  void SetExpiry(const std::string& key, int64_t expiry_ms) {
    const KeyRef ref = KeyRef::Make(key);
    KeyTable::Slot slot = database_.Find(ref, mutation_);
    ASSERT_NE(slot.entry, nullptr);
    database_.SetExpiry(ref, &slot, expiry_ms, mutation_);
  }
  const Entry* Peek(const std::string& key) { return PeekIn(database_, key); }
  const Entry* PeekIn(Database& database, const std::string& key) {
    return database.Peek(KeyRef::Make(key), mutation_).entry;
  }
  static std::string TextOf(const Entry* entry) {
    if (entry == nullptr) return "(none)";
    char buffer[kInt64TextMax];
    return std::string(entry->string().Text(buffer));
  }
  // All that is due, in all stripes, in small bites.
  static void RemoveExpired(Database& database, Mutation& mutation) {
    for (size_t i = 0; i < Stripe::kCount; ++i) {
      const int64_t due_ms = database.StripeAt(i).next_due_ms.load();
      if (due_ms == 0 || due_ms > mutation.now_ms) continue;
      while (database.RemoveExpired(i, 3, mutation)) {
      }
    }
  }

  Database database_{0};
  Database other_{1};
  Mutation mutation_;
  ExpiredKeys expired_;
};

TEST_F(DatabaseTest, AnExpiredKeyIsRemovedWhenItIsLookedFor) {
  Put("a", "1", {.expiry_ms = kStartMs + 10});
  mutation_.now_ms += 9;
  EXPECT_NE(Peek("a"), nullptr);
  mutation_.now_ms += 1;
  EXPECT_EQ(Peek("a"), nullptr);
  EXPECT_EQ(expired_.names, std::vector<std::string>{"a"});
  EXPECT_EQ(mutation_.expired_count, 1U);
  EXPECT_EQ(database_.EntryCount(), 0U);
  EXPECT_EQ(database_.ExpiringCount(), 0U);
}

TEST_F(DatabaseTest, WhereExpiredKeysAreLeftTheyAreHidden) {
  mutation_.removes_expired = false;
  Put("a", "1", {.expiry_ms = kStartMs});
  EXPECT_EQ(Peek("a"), nullptr);
  RemoveExpired(database_, mutation_);
  EXPECT_EQ(database_.EntryCount(), 1U);
  EXPECT_TRUE(expired_.names.empty());
  // Whoever removes again finds it, though nobody asks for the key.
  mutation_.removes_expired = true;
  mutation_.now_ms += 2000;
  RemoveExpired(database_, mutation_);
  EXPECT_EQ(database_.EntryCount(), 0U);
}

TEST_F(DatabaseTest, FindMovesTheAccessClockAndPeekDoesNot) {
  Put("a", "1");
  mutation_.access_clock = 9;
  EXPECT_EQ(Peek("a")->access(), 7U);
  database_.Find(KeyRef::Make("a"), mutation_);
  EXPECT_EQ(Peek("a")->access(), 9U);
  mutation_.access_clock = 11;
  mutation_.touches = false;
  database_.Find(KeyRef::Make("a"), mutation_);
  EXPECT_EQ(Peek("a")->access(), 9U);
}

TEST_F(DatabaseTest, PutStringReplacesEveryFormAndSettlesTheExpiry) {
  const std::string large(1000, 'x');
  const std::string values[] = {"12", "abc", "", large};
  for (const std::string& from : values) {
    for (const std::string& to : values) {
      Put("k", from, {.expiry_ms = kStartMs + 1000});
      Put("k", to, {.keep_expiry = true});
      EXPECT_EQ(TextOf(Peek("k")), to);
      EXPECT_EQ(Peek("k")->expiry_ms(), kStartMs + 1000);
      Put("k", from, {.expiry_ms = kStartMs + 2000});
      EXPECT_EQ(Peek("k")->expiry_ms(), kStartMs + 2000);
      EXPECT_EQ(database_.ExpiringCount(), 1U);
      Put("k", to);
      EXPECT_EQ(TextOf(Peek("k")), to);
      EXPECT_EQ(Peek("k")->expiry_ms(), kNoExpiry);
      EXPECT_EQ(database_.ExpiringCount(), 0U);
    }
  }
  EXPECT_EQ(database_.EntryCount(), 1U);
}

TEST_F(DatabaseTest, PutIntegerKeepsTheExpiryWhateverWasThere) {
  const KeyRef key = KeyRef::Make("k");
  for (const char* from : {"12", "abc"}) {
    Put("k", from, {.expiry_ms = kStartMs + 1000});
    database_.PutInteger(key, database_.Find(key, mutation_), -34, mutation_);
    EXPECT_EQ(Peek("k")->form(), ValueForm::kInteger);
    EXPECT_EQ(TextOf(Peek("k")), "-34");
    EXPECT_EQ(Peek("k")->expiry_ms(), kStartMs + 1000);
  }
  const KeyRef fresh = KeyRef::Make("fresh");
  database_.PutInteger(fresh, {}, 5, mutation_);
  EXPECT_EQ(TextOf(Peek("fresh")), "5");
}

TEST_F(DatabaseTest, ALargeValueIsHandedToWhoFreesLater) {
  std::vector<Entry*> handed;
  std::function<void(Entry*)> free_later = [&handed](Entry* entry) { handed.push_back(entry); };
  mutation_.free_later = &free_later;
  const std::string huge(1'000'000, 'x');
  Put("k", huge, {.expiry_ms = kStartMs + 1000});
  Put("k", "small", {.keep_expiry = true});
  EXPECT_EQ(handed.size(), 1U);
  EXPECT_EQ(TextOf(Peek("k")), "small");
  EXPECT_EQ(Peek("k")->expiry_ms(), kStartMs + 1000);
  mutation_.now_ms += 1000 + kLatenessMaxMs;
  RemoveExpired(database_, mutation_);
  EXPECT_EQ(database_.EntryCount(), 0U);
  Put("k", huge);
  database_.Erase(KeyRef::Make("k"), database_.Find(KeyRef::Make("k"), mutation_), mutation_);
  EXPECT_EQ(handed.size(), 2U);
  for (Entry* entry : handed) EntryStore::Free(entry);
}

TEST_F(DatabaseTest, ResizeStringCreatesAndKeepsTheExpiry) {
  const KeyRef key = KeyRef::Make("k");
  KeyTable::Slot slot;
  std::memcpy(database_.ResizeString(key, &slot, 3, mutation_), "abc", 3);
  EXPECT_EQ(TextOf(Peek("k")), "abc");
  SetExpiry("k", kStartMs + 1000);
  slot = database_.Find(key, mutation_);
  database_.ResizeString(key, &slot, 1000, mutation_)[999] = 'z';
  EXPECT_EQ(TextOf(Peek("k")), "abc" + std::string(996, '\0') + "z");
  EXPECT_EQ(Peek("k")->expiry_ms(), kStartMs + 1000);
  EXPECT_EQ(database_.EntryCount(), 1U);
}

TEST_F(DatabaseTest, MoveEntryTakesTheValueAlongAndCopyEntryLeavesIt) {
  Put("a", "value", {.expiry_ms = kStartMs + 1000});
  const KeyRef a = KeyRef::Make("a");
  const KeyRef b = KeyRef::Make("b");
  database_.CopyEntry(database_.Find(a, mutation_), other_, b, kStartMs + 500, mutation_);
  EXPECT_EQ(TextOf(PeekIn(other_, "b")), "value");
  EXPECT_EQ(other_.ExpiringCount(), 1U);
  database_.MoveEntry(a, database_.Find(a, mutation_), other_, a, kNoExpiry, mutation_);
  EXPECT_EQ(Peek("a"), nullptr);
  EXPECT_EQ(TextOf(PeekIn(other_, "a")), "value");
  EXPECT_EQ(database_.EntryCount(), 0U);
  EXPECT_EQ(database_.ExpiringCount(), 0U);
  EXPECT_EQ(other_.EntryCount(), 2U);
  EXPECT_EQ(other_.ExpiringCount(), 1U);
  mutation_.now_ms += 500 + kLatenessMaxMs;
  RemoveExpired(other_, mutation_);
  EXPECT_EQ(other_.EntryCount(), 1U);
}

TEST_F(DatabaseTest, MomentsAtTheEndsOfTimeAreIndexed) {
  Put("first", "1", {.expiry_ms = 0});
  Put("last", "1", {.expiry_ms = INT64_MAX});
  RemoveExpired(database_, mutation_);
  EXPECT_EQ(database_.EntryCount(), 1U);
  EXPECT_NE(Peek("last"), nullptr);
}

// A key whose expiry is set and taken back again and again leaves items behind; they are swept up, and no key is
// forgotten over it.
TEST_F(DatabaseTest, TheIndexIsRebuiltBeforeStaleItemsPileUp) {
  Put("churn", "1");
  Stripe& stripe = database_.StripeOf(KeyRef::Make("churn"));
  // Neighbours in the same stripe, which a rebuild must not lose.
  std::vector<std::string> neighbours;
  for (int i = 0; neighbours.size() < 20; ++i) {
    const std::string name = "n" + std::to_string(i);
    if (&database_.StripeOf(KeyRef::Make(name)) == &stripe) neighbours.push_back(name);
  }
  for (const std::string& name : neighbours) Put(name, "1", {.expiry_ms = kStartMs + 50'000});
  size_t item_count_max = 0;
  for (int i = 0; i < 5000; ++i) {
    SetExpiry("churn", kStartMs + 100'000 + i);
    SetExpiry("churn", kNoExpiry);
    const KeyExpiryIndex* index = [&]() KVICK_NO_THREAD_SAFETY_ANALYSIS { return stripe.expiry_index; }();
    item_count_max = std::max(item_count_max, index->item_count());
  }
  EXPECT_LE(item_count_max, 2 * (neighbours.size() + 1) + 130);
  mutation_.now_ms = kStartMs + 50'000 + kLatenessMaxMs;
  RemoveExpired(database_, mutation_);
  EXPECT_EQ(database_.EntryCount(), 1U);
  EXPECT_EQ(expired_.names.size(), neighbours.size());
}

TEST_F(DatabaseTest, ContentsAreTakenAndSwappedAsAWhole) {
  for (int i = 0; i < 3000; ++i) Put("k" + std::to_string(i), "v", {.expiry_ms = kStartMs + 100});
  PutIn(other_, "o", "v");
  database_.SwapContents(other_);
  EXPECT_EQ(database_.EntryCount(), 1U);
  EXPECT_FALSE(database_.may_hold_expiring());
  EXPECT_TRUE(other_.may_hold_expiring());
  const auto contents = other_.TakeContents();
  EXPECT_EQ(contents->entry_count(), 3000U);
  EXPECT_EQ(other_.EntryCount(), 0U);
  EXPECT_FALSE(other_.may_hold_expiring());
}

// Random changes with a model beside them. What the model says has expired must go by RemoveExpired alone: nobody
// looks for a key that is not changed.
TEST_F(DatabaseTest, AgreesWithAModelAndForgetsNoExpiry) {
  struct ModelEntry {
    std::string value;
    int64_t expiry_ms;
  };
  constexpr uint64_t kSeed = 99;
  Random random(kSeed);
  std::map<std::string, ModelEntry> model;
  const auto drop_expired = [&](const std::string& key) {
    const auto found = model.find(key);
    if (found != model.end() && found->second.expiry_ms != kNoExpiry && found->second.expiry_ms <= mutation_.now_ms) {
      model.erase(found);
    }
  };
  const auto draw_expiry = [&]() -> int64_t {
    if (random.Below(3) == 0) return kNoExpiry;
    return mutation_.now_ms + static_cast<int64_t>(random.Below(uint64_t{1} << random.Below(18)));
  };
  for (int step = 0; step < 300'000; ++step) {
    const std::string key = "key" + std::to_string(random.Below(4000));
    const KeyRef ref = KeyRef::Make(key);
    KeyTable::Slot slot = database_.Find(ref, mutation_);
    drop_expired(key);
    ASSERT_EQ(slot.entry != nullptr, model.count(key) == 1) << "seed " << kSeed << " step " << step;
    switch (random.Below(6)) {
      case 0: {
        const std::string value(random.Below(700), 'v');
        const int64_t expiry_ms = draw_expiry();
        database_.PutString(ref, slot, {value}, {.expiry_ms = expiry_ms}, mutation_);
        model[key] = {value, expiry_ms};
        break;
      }
      case 1: {
        const std::string value = std::to_string(random.Below(1000));
        const int64_t expiry_ms = slot.entry == nullptr ? kNoExpiry : model[key].expiry_ms;
        database_.PutString(ref, slot, {value}, {.keep_expiry = true}, mutation_);
        model[key] = {value, expiry_ms};
        break;
      }
      case 2: {
        if (slot.entry == nullptr) break;
        const int64_t expiry_ms = draw_expiry();
        database_.SetExpiry(ref, &slot, expiry_ms, mutation_);
        model[key].expiry_ms = expiry_ms;
        break;
      }
      case 3: {
        if (slot.entry == nullptr) break;
        const size_t size = random.Below(700);
        database_.ResizeString(ref, &slot, size, mutation_);
        model[key].value.resize(size, '\0');
        break;
      }
      case 4: {
        if (slot.entry == nullptr) break;
        database_.Erase(ref, slot, mutation_);
        model.erase(key);
        break;
      }
      default: {
        const std::string target = "key" + std::to_string(random.Below(4000));
        const KeyRef target_ref = KeyRef::Make(target);
        const bool is_free = database_.Find(target_ref, mutation_).entry == nullptr;
        drop_expired(target);
        slot = database_.Find(ref, mutation_);
        if (slot.entry == nullptr || !is_free) break;
        const ModelEntry moved = model[key];
        if (random.Below(2) == 0) {
          database_.MoveEntry(ref, slot, database_, target_ref, moved.expiry_ms, mutation_);
          model.erase(key);
        } else {
          database_.CopyEntry(slot, database_, target_ref, moved.expiry_ms, mutation_);
        }
        model[target] = moved;
        break;
      }
    }
    if (step % 100 == 0) mutation_.now_ms += static_cast<int64_t>(random.Below(50));
    if (step % 5000 != 0) continue;
    RemoveExpired(database_, mutation_);
    uint64_t count_min = 0;
    uint64_t count_max = 0;
    uint64_t expiring_count = 0;
    for (const auto& [name, entry] : model) {
      const bool expires = entry.expiry_ms != kNoExpiry;
      if (!expires || entry.expiry_ms > mutation_.now_ms) ++count_min;
      if (!expires || entry.expiry_ms > mutation_.now_ms - kLatenessMaxMs) ++count_max;
      if (expires && entry.expiry_ms > mutation_.now_ms - kLatenessMaxMs) ++expiring_count;
    }
    ASSERT_GE(database_.EntryCount(), count_min) << "seed " << kSeed << " step " << step;
    ASSERT_LE(database_.EntryCount(), count_max) << "seed " << kSeed << " step " << step;
    ASSERT_LE(database_.ExpiringCount(), expiring_count) << "seed " << kSeed << " step " << step;
    for (const auto& [name, entry] : model) {
      const Entry* found = Peek(name);
      if (found == nullptr) continue;
      ASSERT_EQ(TextOf(found), entry.value) << name;
      ASSERT_EQ(found->expiry_ms(), entry.expiry_ms) << name;
    }
  }
}

}  // namespace
}  // namespace kvick

#include "keyspace/key_table.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "base/block_pool.h"
#include "base/random.h"
#include "keyspace/key_hash.h"

namespace kvick {
namespace {

class KeyTableTest : public ::testing::Test {
 protected:
  ~KeyTableTest() override {
    table_.ForEach(nullptr, [](void*, Entry* entry) { EntryStore::Free(entry); });
  }

  void Insert(const std::string& key) {
    table_.Insert(EntryStore::MakeString(BlockPool::Shard(0), key, {"v"}, Entry::kNoExpiry), HashKey(key));
  }
  bool Contains(const std::string& key) { return table_.Find(key, HashKey(key)).entry != nullptr; }
  void Erase(const std::string& key) {
    const KeyTable::Slot slot = table_.Find(key, HashKey(key));
    ASSERT_NE(slot.entry, nullptr) << key;
    table_.Erase(slot, HashKey(key));
    EntryStore::Free(slot.entry);
  }
  size_t CountByWalking() {
    size_t count = 0;
    table_.ForEach(&count, [](void* context, Entry*) { ++*static_cast<size_t*>(context); });
    return count;
  }

  KeyTable table_;
};

TEST_F(KeyTableTest, FindsEverythingThatWasInsertedAndNothingElseWhileItGrowsAndShrinks) {
  for (int i = 0; i < 20000; ++i) Insert("key:" + std::to_string(i));
  EXPECT_EQ(table_.entry_count(), 20000U);
  EXPECT_EQ(CountByWalking(), 20000U);
  for (int i = 0; i < 20000; ++i) ASSERT_TRUE(Contains("key:" + std::to_string(i))) << i;
  EXPECT_FALSE(Contains("key:20000"));
  for (int i = 0; i < 20000; ++i) {
    Erase("key:" + std::to_string(i));
    if (i % 997 == 0) ASSERT_EQ(CountByWalking(), table_.entry_count());
  }
  EXPECT_EQ(table_.entry_count(), 0U);
  EXPECT_EQ(table_.memory_bytes(), 0U);
}

TEST_F(KeyTableTest, AgreesWithAModelUnderRandomInsertionsAndErasures) {
  Random random(42);
  std::set<std::string> model;
  for (int step = 0; step < 200000; ++step) {
    // Phases of growth and of shrinking.
    const bool grow = (step / 20000) % 2 == 0;
    const std::string key = "k" + std::to_string(random.Below(30000));
    const bool present = model.count(key) != 0;
    ASSERT_EQ(Contains(key), present);
    if (!present && (grow || random.Below(4) == 0)) {
      Insert(key);
      model.insert(key);
    } else if (present && (!grow || random.Below(4) == 0)) {
      Erase(key);
      model.erase(key);
    }
  }
  EXPECT_EQ(table_.entry_count(), model.size());
  EXPECT_EQ(CountByWalking(), model.size());
}

TEST_F(KeyTableTest, KeepsTheBucketsWithinElevenBytesAKeyAtEverySize) {
  for (int i = 0; i < 40000; ++i) {
    Insert("key:" + std::to_string(i));
    if (i > 2000) ASSERT_LT(static_cast<double>(table_.memory_bytes()) / (i + 1), 12.5) << i;
  }
}

TEST_F(KeyTableTest, AScanMeetsEveryEntryThatStaysWhateverElseComesAndGoes) {
  for (const bool growing : {true, false}) {
    for (int i = 0; i < 500; ++i) Insert("stays:" + std::to_string(i));
    if (!growing) {
      for (int i = 0; i < 20000; ++i) Insert("comes:" + std::to_string(i));
    }
    std::set<std::string> seen;
    uint64_t position = 0;
    int step = 0;
    do {
      position = table_.ScanBucket(position, &seen, [](void* context, Entry* entry) {
        static_cast<std::set<std::string>*>(context)->insert(std::string(entry->key()));
      });
      position = position >> (64 - KeyTable::kPositionBits) << (64 - KeyTable::kPositionBits);
      for (int i = 0; i < 40 && step < 20000; ++i, ++step) {
        if (growing) {
          Insert("comes:" + std::to_string(step));
        } else {
          Erase("comes:" + std::to_string(step));
        }
      }
    } while (position != 0);
    for (int i = 0; i < 500; ++i) ASSERT_EQ(seen.count("stays:" + std::to_string(i)), 1U) << i << growing;
    std::vector<std::string> keys;
    table_.ForEach(&keys, [](void* context, Entry* entry) {
      static_cast<std::vector<std::string>*>(context)->emplace_back(entry->key());
    });
    for (const std::string& key : keys) Erase(key);
  }
}

TEST_F(KeyTableTest, DrawsRandomEntriesFromAllOfThem) {
  for (int i = 0; i < 100; ++i) Insert("key:" + std::to_string(i));
  Random random(7);
  std::map<std::string, int> draws;
  for (int i = 0; i < 100000; ++i) ++draws[std::string(table_.RandomEntry(random.Next())->key())];
  EXPECT_EQ(draws.size(), 100U);
  for (const auto& [key, count] : draws) {
    EXPECT_GT(count, 700) << key;
    EXPECT_LT(count, 1300) << key;
  }
}

}  // namespace
}  // namespace kvick

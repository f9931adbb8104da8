#include "keyspace/key_sizes.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "keyspace/database.h"

namespace kvick {
namespace {

constexpr ValueType kString = ValueType::kString;
const size_t kStrings = KeySizes::RowOf(kString);

TEST(KeySizesTest, EveryPowerOfTwoBeginsABin) {
  EXPECT_EQ(KeySizes::BinOf(0), 0U);
  EXPECT_EQ(KeySizes::BinOf(1), 1U);
  EXPECT_EQ(KeySizes::BinOf(2), 2U);
  EXPECT_EQ(KeySizes::BinOf(3), 2U);
  EXPECT_EQ(KeySizes::BinOf(4), 3U);
  EXPECT_EQ(KeySizes::BinOf(1023), 10U);
  EXPECT_EQ(KeySizes::BinOf(1024), 11U);
  EXPECT_EQ(KeySizes::BinOf(UINT64_MAX), KeySizes::kBinCount - 1);
}

TEST(KeySizesTest, AKeyMovesFromBinToBin) {
  KeySizes sizes;
  const KeyRef key = KeyRef::Make("key");
  sizes.Add(kString, 5, key, 0);
  sizes.Change(kString, 5, 7, key, 0);
  EXPECT_EQ(sizes.Count(kStrings, KeySizes::BinOf(5)), 1U);
  sizes.Change(kString, 7, 9, key, 1);  // another thread's shard
  EXPECT_EQ(sizes.Count(kStrings, KeySizes::BinOf(5)), 0U);
  EXPECT_EQ(sizes.Count(kStrings, KeySizes::BinOf(9)), 1U);
  sizes.Remove(kString, 9, key, 2);
  for (size_t bin = 0; bin < KeySizes::kBinCount; ++bin) EXPECT_EQ(sizes.Count(kStrings, bin), 0U) << bin;
}

TEST(KeySizesTest, TypesWithoutARowAreLeftOut) {
  KeySizes sizes;
  sizes.Add(ValueType::kArray, 5, KeyRef::Make("array"), 0);
  for (size_t row = 0; row < KeySizes::kRowCount; ++row) EXPECT_EQ(sizes.Count(row, KeySizes::BinOf(5)), 0U);
}

TEST(KeySizesTest, ClearForgetsAll) {
  KeySizes sizes;
  sizes.Add(kString, 5, KeyRef::Make("key"), 0);
  sizes.Clear();
  EXPECT_EQ(sizes.Count(kStrings, KeySizes::BinOf(5)), 0U);
  EXPECT_TRUE(sizes.biggest().Candidates(kStrings).empty());
}

TEST(KeySizesTest, KnowsTheBiggestAmongManySmallOnes) {
  KeySizes sizes;
  for (uint64_t i = 0; i < 10'000; ++i) {
    const std::string name = "small:" + std::to_string(i);
    sizes.Add(kString, 100, KeyRef::Make(name), 0);
  }
  for (uint64_t i = 0; i < 20; ++i) {
    const std::string name = "big:" + std::to_string(i);
    sizes.Add(kString, 1, KeyRef::Make(name), 0);
    sizes.Change(kString, 1, uint64_t{5'000} << i, KeyRef::Make(name), 0);
  }
  const std::vector<BiggestKeys::Candidate> candidates = sizes.biggest().Candidates(kStrings);
  EXPECT_EQ(candidates.size(), BiggestKeys::kCandidatesMax);
  size_t big_count = 0;
  for (const BiggestKeys::Candidate& candidate : candidates) {
    if (candidate.name.starts_with("big:")) ++big_count;
  }
  EXPECT_EQ(big_count, 20U);
  sizes.Change(kString, 5'000, 1, KeyRef::Make("big:0"), 0);
  sizes.Remove(kString, 10'000, KeyRef::Make("big:1"), 0);
  for (const BiggestKeys::Candidate& candidate : sizes.biggest().Candidates(kStrings)) {
    EXPECT_NE(candidate.name, "big:0");
    EXPECT_NE(candidate.name, "big:1");
  }
}

TEST(KeySizesConcurrencyTest, ThreadsThatMakeAndRemoveEachOthersKeysAgreeInTheEnd) {
  constexpr int kThreadCount = 8;
  constexpr int kRounds = 2'000;
  KeySizes sizes;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreadCount; ++t) {
    threads.emplace_back([&sizes, t] {
      const uint32_t shard = NextCounterShard();
      for (int i = 0; i < kRounds; ++i) {
        const std::string name = std::to_string(t) + ":" + std::to_string(i);
        const KeyRef key = KeyRef::Make(name);
        sizes.Add(kString, 3, key, shard);
        sizes.Change(kString, 3, 3'000, key, shard + 1);
        if (i % 2 == 0) sizes.Remove(kString, 3'000, key, shard + 2);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(sizes.Count(kStrings, KeySizes::BinOf(3)), 0U);
  EXPECT_EQ(sizes.Count(kStrings, KeySizes::BinOf(3'000)), uint64_t{kThreadCount} * kRounds / 2);
}

}  // namespace
}  // namespace kvick

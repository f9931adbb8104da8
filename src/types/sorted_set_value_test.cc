#include "types/sorted_set_value.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/numbers.h"
#include "base/random.h"

namespace kvick {
namespace {

constexpr SortedSetLimits kLimits{.listpack_entries_max = 8, .listpack_value_max_bytes = 16};

void Put(SortedSetValue& set, std::string_view member, double score, const SortedSetLimits& limits = kLimits) {
  const SortedSetValue::Place place = set.Locate(member);
  place.found ? set.SetScore(place, member, score) : set.Add(place, member, score, limits);
}

std::string Text(const SortedSetValue& set) {
  std::string text;
  set.ForEach([&text](std::string_view member, double score) {
    text += std::string(member) + "=" + FormatDouble(score) + " ";
  });
  return text;
}

TEST(SortedSetValueTest, KeepsAListpackInOrder) {
  SortedSetValue set(kLimits, 1);
  Put(set, "b", 2);
  Put(set, "a", 2);
  Put(set, "12", -1.5);
  Put(set, "c", 1);
  Put(set, "b", 0);
  ASSERT_NE(set.listpack(), nullptr);
  EXPECT_EQ(Text(set), "12=-1.5 b=0 c=1 a=2 ");
  EXPECT_EQ(set.RankOf(set.Locate("c")), 2u);
  EXPECT_EQ(set.ScoreOf("12"), -1.5);
  EXPECT_EQ(set.ScoreOf("13"), std::nullopt);
}

TEST(SortedSetValueTest, GrowsWhenAMemberIsTooLongOrOneTooMany) {
  SortedSetValue many(kLimits, 1);
  for (int i = 0; i < 8; ++i) Put(many, std::to_string(i), i);
  EXPECT_NE(many.listpack(), nullptr);
  Put(many, "8", 8);
  EXPECT_EQ(many.listpack(), nullptr);
  EXPECT_EQ(Text(many), "0=0 1=1 2=2 3=3 4=4 5=5 6=6 7=7 8=8 ");

  SortedSetValue long_member(kLimits, 1);
  Put(long_member, "a", 1);
  Put(long_member, std::string(17, 'x'), 2);
  EXPECT_EQ(long_member.listpack(), nullptr);
  EXPECT_EQ(long_member.count(), 2u);
}

TEST(SortedSetValueTest, KnowsTheRanksOfALargeSet) {
  constexpr size_t kCount = 1000;
  SortedSetValue set(kLimits, 1);
  for (size_t i = 0; i < kCount; ++i) {
    const size_t score = i * 7 % kCount;
    Put(set, "member:" + std::to_string(score), static_cast<double>(score));
  }
  ASSERT_EQ(set.listpack(), nullptr);
  for (size_t i = 0; i < kCount; ++i) EXPECT_EQ(set.RankOf(set.Locate("member:" + std::to_string(i))), i);
}

TEST(SortedSetValueTest, IsBuiltFromMembersInAnyOrder) {
  const SortedSetValue small({{"b", 1}, {"a", 1}, {"c", -1}}, kLimits);
  EXPECT_NE(small.listpack(), nullptr);
  EXPECT_EQ(Text(small), "c=-1 a=1 b=1 ");
  const SortedSetValue large({{"b", 1}, {"a", 1}, {"c", -1}}, {.listpack_entries_max = 0});
  EXPECT_EQ(large.listpack(), nullptr);
  EXPECT_EQ(Text(large), "c=-1 a=1 b=1 ");
}

// Both forms and a std::set in step.
TEST(SortedSetValueTest, BothFormsAgreeWithAPlainModel) {
  for (const uint64_t seed : {1u, 2u, 3u}) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    const SortedSetLimits unlimited{.listpack_entries_max = 1'000'000, .listpack_value_max_bytes = 1'000};
    SortedSetValue small(unlimited, 0);
    SortedSetValue large({.listpack_entries_max = 0}, 0);
    std::map<std::string, double> scores;
    for (int i = 0; i < 2'000; ++i) {
      const std::string member = std::to_string(random.Below(150));
      const double score = static_cast<double>(random.Below(20)) / 4;
      if (random.Below(3) != 0) {
        Put(small, member, score, unlimited);
        Put(large, member, score, {});
        scores[member] = score;
      } else if (scores.erase(member) != 0) {
        small.Erase(small.Locate(member));
        large.Erase(large.Locate(member));
      }
      if (random.Below(50) == 0 && !scores.empty()) {
        const size_t begin = random.Below(scores.size());
        const RankRange range{begin, begin + random.Below(3)};
        if (range.end <= scores.size()) {
          small.ForEachInRange(range, Order::kAscending,
                               [&](std::string_view erased, double) { scores.erase(std::string(erased)); });
          small.EraseRange(range);
          large.EraseRange(range);
        }
      }
      std::set<std::pair<double, std::string>> model;
      for (const auto& [name, value] : scores) model.insert({value, name});
      std::string expected;
      for (const auto& [value, name] : model) expected += name + "=" + FormatDouble(value) + " ";
      ASSERT_EQ(Text(small), expected);
      ASSERT_EQ(Text(large), expected);
      const ScoreRange range{static_cast<double>(random.Below(24)) / 4, static_cast<double>(random.Below(24)) / 4,
                             random.Below(2) == 0, random.Below(2) == 0};
      size_t count = 0;
      for (const auto& item : model) count += !range.IsBelow(item.first) && !range.IsAbove(item.first) ? 1 : 0;
      const RankRange in_small = small.RanksOf(range);
      const RankRange in_large = large.RanksOf(range);
      ASSERT_EQ(in_small.empty() ? 0 : in_small.count(), count);
      ASSERT_EQ(in_large.empty() ? 0 : in_large.count(), count);
      if (count > 0) {
        ASSERT_EQ(in_small.begin, in_large.begin);
      }
    }
    large.ConvertToLarge();
    small.ConvertToLarge();
    EXPECT_EQ(Text(small), Text(large));
    const SortedSetValue copy(large);
    EXPECT_EQ(Text(copy), Text(large));
  }
}

TEST(SortedSetValueTest, FindsLexicalRangesFromBothEnds) {
  for (const size_t entries_max : {size_t{0}, size_t{100}}) {
    const SortedSetLimits limits{.listpack_entries_max = entries_max};
    SortedSetValue set(limits, 1);
    for (const char* member : {"a", "b", "c", "d"}) Put(set, member, 0, limits);
    using Kind = LexBound::Kind;
    const auto ranks = [&set](LexBound min, LexBound max, Order order) {
      const RankRange range = set.RanksOf(LexRange{min, max}, order);
      return range.empty() ? std::pair<size_t, size_t>(0, 0) : std::pair<size_t, size_t>(range.begin, range.end);
    };
    for (const Order order : {Order::kAscending, Order::kDescending}) {
      EXPECT_EQ(ranks({Kind::kLowest, ""}, {Kind::kHighest, ""}, order), std::pair(size_t{0}, size_t{4}));
      EXPECT_EQ(ranks({Kind::kIncluding, "b"}, {Kind::kExcluding, "d"}, order), std::pair(size_t{1}, size_t{3}));
      EXPECT_EQ(ranks({Kind::kExcluding, "b"}, {Kind::kIncluding, "d"}, order), std::pair(size_t{2}, size_t{4}));
      EXPECT_EQ(ranks({Kind::kIncluding, "bb"}, {Kind::kIncluding, "bz"}, order), std::pair(size_t{0}, size_t{0}));
      EXPECT_EQ(ranks({Kind::kHighest, ""}, {Kind::kLowest, ""}, order), std::pair(size_t{0}, size_t{0}));
    }
  }
}

}  // namespace
}  // namespace kvick

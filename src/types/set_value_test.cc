#include "types/set_value.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "types/set_algebra.h"

namespace kvick {
namespace {

using Encoding = SetValue::Encoding;
using Members = std::set<std::string>;

constexpr SetLimits kDefault;
constexpr SetLimits kNoneArePacked{.intset_entries_max = 0, .listpack_entries_max = 0, .listpack_value_max_bytes = 0};

Members AllOf(const SetValue& set) {
  Members all;
  set.ForEach([&](std::string_view member) { return all.emplace(member).second; });
  return all;
}

TEST(SetValueTest, GrowsFromIntegersToAListpackToATable) {
  SetValue set;
  EXPECT_TRUE(set.Add("1", kDefault));
  EXPECT_EQ(set.encoding(), Encoding::kIntset);
  EXPECT_TRUE(set.Add("one", kDefault));
  EXPECT_EQ(set.encoding(), Encoding::kListpack);
  EXPECT_FALSE(set.Add("1", kDefault));
  for (int i = 2; i < 128; ++i) EXPECT_TRUE(set.Add(std::to_string(i), kDefault));
  EXPECT_EQ(set.encoding(), Encoding::kListpack);
  EXPECT_EQ(set.count(), 128U);
  EXPECT_TRUE(set.Add("128", kDefault));
  EXPECT_EQ(set.encoding(), Encoding::kTable);
  EXPECT_EQ(set.count(), 129U);
  EXPECT_TRUE(set.Contains("1"));
  EXPECT_FALSE(set.Contains("129"));
}

TEST(SetValueTest, ALongMemberNeedsATable) {
  SetValue set;
  set.Add("a", kDefault);
  set.Add(std::string(64, 'b'), kDefault);
  EXPECT_EQ(set.encoding(), Encoding::kListpack);
  set.Add(std::string(65, 'c'), kDefault);
  EXPECT_EQ(set.encoding(), Encoding::kTable);
}

TEST(SetValueTest, ManyIntegersSkipTheListpack) {
  SetValue set;
  for (int i = 0; i < 512; ++i) set.Add(std::to_string(i), kDefault);
  EXPECT_EQ(set.encoding(), Encoding::kIntset);
  SetValue mixed(set);
  set.Add("512", kDefault);
  EXPECT_EQ(set.encoding(), Encoding::kTable);
  mixed.Add("x", kDefault);
  EXPECT_EQ(mixed.encoding(), Encoding::kTable);
}

TEST(SetValueTest, BeginsInTheFormThatSuitsTheFirstCommand) {
  EXPECT_EQ(SetValue("1", 512, kDefault).encoding(), Encoding::kIntset);
  EXPECT_EQ(SetValue("x", 128, kDefault).encoding(), Encoding::kListpack);
  EXPECT_EQ(SetValue("x", 129, kDefault).encoding(), Encoding::kTable);
  EXPECT_EQ(SetValue("1", 1, kNoneArePacked).encoding(), Encoding::kTable);
}

TEST(SetValueTest, OnlyTheCanonicalTextIsAnInteger) {
  SetValue set;
  for (const char* member : {"1", "01", "+1", "-0", "1 ", ""}) EXPECT_TRUE(set.Add(member, kDefault)) << member;
  EXPECT_EQ(set.count(), 6U);
  EXPECT_EQ(AllOf(set), (Members{"1", "01", "+1", "-0", "1 ", ""}));
}

TEST(SetValueTest, AgreesWithAModelWhateverTheLimits) {
  Random random(17);
  for (const SetLimits& limits : {kDefault, kNoneArePacked, SetLimits{5, 20, 8}}) {
    SetValue set;
    Members model;
    for (int step = 0; step < 8000; ++step) {
      std::string member = std::to_string(random.Below(300));
      if (random.Below(3) == 0) member += "-word";
      if (random.Below(2) == 0) {
        ASSERT_EQ(set.Add(member, limits), model.insert(member).second);
      } else {
        ASSERT_EQ(set.Remove(member), model.erase(member) == 1);
      }
      ASSERT_EQ(set.count(), model.size());
      ASSERT_EQ(set.Contains(member), model.count(member) == 1);
    }
    EXPECT_EQ(AllOf(set), model);
    EXPECT_EQ(AllOf(SetValue(set)), model);
    while (set.count() > 0) ASSERT_EQ(model.erase(set.Pop(random)), 1U);
    EXPECT_TRUE(model.empty());
  }
}

TEST(SetValueTest, OnlyAListpackOfIntegersIsCompacted) {
  SetValue integers{Listpack()};
  for (const char* member : {"3", "1", "2"}) integers.Add(member, kDefault);
  EXPECT_EQ(integers.encoding(), Encoding::kListpack);
  SetValue mixed(integers);
  mixed.Add("x", kDefault);
  integers.CompactToIntset(kDefault);
  mixed.CompactToIntset(kDefault);
  EXPECT_EQ(integers.encoding(), Encoding::kIntset);
  EXPECT_EQ(AllOf(integers), (Members{"1", "2", "3"}));
  EXPECT_EQ(mixed.encoding(), Encoding::kListpack);
}

class SetAlgebraTest : public ::testing::Test {
 protected:
  // Sets of all forms.
  SetAlgebraTest() {
    Random random(23);
    for (int i = 0; i < 12; ++i) {
      auto set = std::make_unique<SetValue>();
      const SetLimits limits = i % 3 == 2 ? kNoneArePacked : kDefault;
      for (uint64_t count = random.Below(120); count > 0; --count) {
        set->Add(std::to_string(random.Below(150)) + (i % 3 == 1 && random.Below(2) == 0 ? "x" : ""), limits);
      }
      sets_.push_back(std::move(set));
    }
  }
  static Members Collect(void (*walk)(std::span<const SetValue* const>, const MemberVisitor&),
                         const std::vector<const SetValue*>& sets) {
    Members result;
    walk(sets, [&](std::string_view member) {
      EXPECT_TRUE(result.emplace(member).second) << "twice: " << member;
      return true;
    });
    return result;
  }

  std::vector<std::unique_ptr<SetValue>> sets_;
};

TEST_F(SetAlgebraTest, AgreesWithTheSameOnPlainSets) {
  Random random(29);
  for (int round = 0; round < 600; ++round) {
    std::vector<const SetValue*> sets;
    for (uint64_t count = 1 + random.Below(12); count > 0; --count) sets.push_back(sets_[random.Below(12)].get());
    Members all;
    Members shared = AllOf(*sets[0]);
    Members rest = shared;
    for (size_t i = 0; i < sets.size(); ++i) {
      const Members members = AllOf(*sets[i]);
      all.insert(members.begin(), members.end());
      std::erase_if(shared, [&](const std::string& member) { return members.count(member) == 0; });
      if (i > 0) std::erase_if(rest, [&](const std::string& member) { return members.count(member) == 1; });
    }
    ASSERT_EQ(Collect(ForEachInIntersection, sets), shared);
    ASSERT_EQ(Collect(ForEachInUnion, sets), all);
    ASSERT_EQ(Collect(ForEachInDifference, sets), rest);
  }
}

TEST_F(SetAlgebraTest, MissingSetsAreEmptyOnes) {
  EXPECT_EQ(Collect(ForEachInUnion, {nullptr, sets_[0].get(), nullptr}), AllOf(*sets_[0]));
  EXPECT_EQ(Collect(ForEachInDifference, {sets_[0].get(), nullptr}), AllOf(*sets_[0]));
  EXPECT_EQ(Collect(ForEachInDifference, {nullptr, sets_[0].get()}), Members{});
}

TEST_F(SetAlgebraTest, EndsWhenTheVisitorHasSeenEnough) {
  const std::vector<const SetValue*> sets = {sets_[2].get(), sets_[2].get()};
  for (const auto walk : {ForEachInIntersection, ForEachInUnion}) {
    int visited = 0;
    walk(sets, [&](std::string_view) { return ++visited < 3; });
    EXPECT_EQ(visited, 3);
  }
}

TEST(SetValueTest, AMemberThatExpiresMakesATableOfItsOwnKind) {
  for (const SetLimits& limits : {kDefault, kNoneArePacked}) {
    SetValue set;
    set.Add("1", limits);
    set.Add("two", limits);
    EXPECT_EQ(set.next_due_ms(), ExpiryIndex::kNever);
    set.SetExpiry("1", {});
    EXPECT_NE(set.encoding(), Encoding::kExpiringTable);  // nothing to expire yet
    set.SetExpiry("1", {.expiry_ms = 1000, .now_ms = 100});
    EXPECT_EQ(set.encoding(), Encoding::kExpiringTable);
    EXPECT_EQ(set.ExpiryOf("1"), 1000);
    EXPECT_EQ(set.ExpiryOf("two"), Field::kNoExpiry);
    EXPECT_LE(set.next_due_ms(), 1000);
    EXPECT_EQ(AllOf(set), (Members{"1", "two"}));
    EXPECT_FALSE(set.Add("1", limits));
    EXPECT_EQ(set.ExpiryOf("1"), 1000);
    EXPECT_TRUE(set.Add("three", limits));
    EXPECT_TRUE(set.Remove("two"));
    EXPECT_EQ(set.count(), 2U);
    set.SetExpiry("1", {});
    EXPECT_EQ(set.next_due_ms(), ExpiryIndex::kNever);
  }
}

// The index of moments may have them later, by what it rounds up.
TEST(SetValueTest, AMemberIsUnseenFromItsMomentOn) {
  for (int64_t moment_ms = 1000; moment_ms < 1032; ++moment_ms) {
    SetValue set;
    set.Add("a", kDefault);
    set.SetExpiry("a", {.expiry_ms = moment_ms, .now_ms = moment_ms - 20});
    EXPECT_TRUE(set.MayHoldDue(moment_ms));
    set.SeeAt(moment_ms - 1);
    EXPECT_EQ(set.count(), 1U);
    set.SeeAt(moment_ms);
    EXPECT_EQ(set.count(), 0U);
  }
}

TEST(SetValueTest, DueMembersAreUnseenUntilTheyAreErased) {
  SetValue set;
  for (int i = 0; i < 100; ++i) set.Add(std::to_string(i), kDefault);
  for (int i = 0; i < 99; ++i) set.SetExpiry(std::to_string(i), {.expiry_ms = 1000 + i, .now_ms = 100});
  set.SeeAt(999);
  EXPECT_EQ(set.count(), 100U);
  set.SeeAt(1049);
  EXPECT_EQ(set.count(), 50U);
  EXPECT_FALSE(set.Contains("49"));
  EXPECT_TRUE(set.Contains("50"));
  EXPECT_FALSE(set.Remove("49"));
  EXPECT_FALSE(AllOf(set).contains("0"));
  Members scanned;
  uint64_t position = 0;
  do {
    position = set.Scan(position, [&](std::string_view member) { scanned.emplace(member); });
  } while (position != 0);
  EXPECT_EQ(scanned, AllOf(set));
  Random random(1);
  char buffer[kInt64TextMax];
  for (int i = 0; i < 200; ++i) EXPECT_TRUE(scanned.contains(std::string(set.Draw(random, buffer))));
  const SetValue copy(set);
  EXPECT_EQ(AllOf(copy), scanned);
  EXPECT_EQ(copy.ExpiryOf("60"), 1060);
  EXPECT_TRUE(set.Add("49", kDefault));  // as if it had never been there
  EXPECT_EQ(set.ExpiryOf("49"), Field::kNoExpiry);

  size_t erased = 0;
  set.EraseDue(1049, 1000, [&](std::string_view) { ++erased; });
  EXPECT_EQ(erased, 49U);
  EXPECT_EQ(set.count(), 51U);
  set.EraseDue(5000, 1000, [](std::string_view) {});
  EXPECT_EQ(AllOf(set), (Members{"49", "99"}));
  EXPECT_FALSE(set.is_empty());
}

}  // namespace
}  // namespace kvick

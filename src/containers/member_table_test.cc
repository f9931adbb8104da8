#include "containers/member_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "base/random.h"

namespace kvick {
namespace {

std::set<std::string> AllOf(const MemberTable& members) {
  std::set<std::string> all;
  members.ForEach([&](std::string_view member) { return all.emplace(member).second; });
  return all;
}

TEST(MemberTableTest, AgreesWithAModelWhileItGrowsAndShrinks) {
  Random random(5);
  MemberTable members;
  std::set<std::string> model;
  for (int step = 0; step < 100000; ++step) {
    const bool grows = (step / 20000) % 2 == 0;
    std::string member = std::to_string(random.Below(20000));
    if (random.Below(10) == 0) member.resize(random.Below(700), 'x');  // short and long sizes
    if (random.Below(3) == 0 ? !grows : grows) {
      ASSERT_EQ(members.Add(member), model.insert(member).second);
    } else {
      ASSERT_EQ(members.Remove(member), model.erase(member) == 1);
    }
    ASSERT_EQ(members.Contains(member), model.count(member) == 1);
  }
  EXPECT_EQ(members.count(), model.size());
  EXPECT_EQ(AllOf(members), model);
}

TEST(MemberTableTest, CountsItsBytesBackToNothing) {
  MemberTable members;
  for (int i = 0; i < 5000; ++i) members.Add(std::string(static_cast<size_t>(i % 400), 'a') + std::to_string(i));
  EXPECT_GT(members.memory_bytes(), 5000U * 200);
  for (int i = 0; i < 5000; ++i) members.Remove(std::string(static_cast<size_t>(i % 400), 'a') + std::to_string(i));
  EXPECT_EQ(members.memory_bytes(), 0U);
}

TEST(MemberTableTest, TakesAtMostThirtySixBytesForAMemberOfSixteen) {
  MemberTable members;
  for (int i = 1000000; i < 1100000; ++i) members.Add("member:00" + std::to_string(i));
  EXPECT_LE(members.memory_bytes() / members.count(), 36U);
}

TEST(MemberTableTest, AScanMeetsEveryMemberThatStays) {
  MemberTable members;
  for (int i = 0; i < 1000; ++i) members.Add("stays:" + std::to_string(i));
  std::set<std::string> seen;
  uint64_t position = 0;
  int step = 0;
  do {
    position = members.Scan(position, [&](std::string_view member) { seen.emplace(member); });
    for (int i = 0; i < 50; ++i, ++step) {
      if (step < 10000) {
        members.Add("comes:" + std::to_string(step));
      } else {
        members.Remove("comes:" + std::to_string(step - 10000));
      }
    }
  } while (position != 0);
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(seen.count("stays:" + std::to_string(i)), 1U) << i;
}

TEST(MemberTableTest, DrawsAllMembersAboutAsOften) {
  MemberTable members;
  for (int i = 0; i < 200; ++i) members.Add(std::to_string(i));
  Random random(11);
  std::map<std::string, int> draws;
  for (int i = 0; i < 200000; ++i) ++draws[std::string(members.Draw(random.Next()))];
  ASSERT_EQ(draws.size(), 200U);
  for (const auto& [member, count] : draws) {
    EXPECT_GT(count, 700) << member;
    EXPECT_LT(count, 1300) << member;
  }
}

TEST(MemberTableTest, AWalkEndsWhenItsVisitorHasSeenEnough) {
  MemberTable members;
  for (int i = 0; i < 500; ++i) members.Add(std::to_string(i));
  int visited = 0;
  EXPECT_FALSE(members.ForEach([&](std::string_view) { return ++visited < 17; }));
  EXPECT_EQ(visited, 17);
}

// Tables of all sizes beside each other: buckets that stand for the same bits, for fewer and for more.
TEST(MemberTableTest, FindsWhatTwoTablesShare) {
  for (const size_t count : {0U, 1U, 7U, 8U, 40U, 333U, 2000U}) {
    for (const size_t other_count : {0U, 1U, 9U, 64U, 500U, 2000U, 9000U}) {
      MemberTable table;
      MemberTable other;
      std::set<std::string> expected;
      for (size_t i = 0; i < count; ++i) table.Add("member:" + std::to_string(i * 3));
      for (size_t i = 0; i < other_count; ++i) {
        const std::string member = "member:" + std::to_string(i * 2);
        other.Add(member);
        if (i * 2 % 3 == 0 && i * 2 / 3 < count) expected.insert(member);
      }
      std::set<std::string> found;
      EXPECT_TRUE(table.ForEachShared(other, [&](std::string_view member) { return found.emplace(member).second; }));
      EXPECT_EQ(found, expected) << count << " beside " << other_count;
      size_t visit_count = 0;
      const bool went_on = table.ForEachShared(other, [&](std::string_view) { return ++visit_count < 2; });
      EXPECT_EQ(went_on, expected.size() < 2);
      EXPECT_EQ(visit_count, std::min<size_t>(expected.size(), 2));
    }
  }
}

}  // namespace
}  // namespace kvick

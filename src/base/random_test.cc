#include "base/random.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace kvick {
namespace {

TEST(RandomTest, ASeedRepeatsItsNumbers) {
  Random a(42);
  Random b(42);
  Random c(43);
  bool differs = false;
  for (int i = 0; i < 100; ++i) {
    const uint64_t number = a.Next();
    EXPECT_EQ(number, b.Next());
    differs = differs || number != c.Next();
  }
  EXPECT_TRUE(differs);
}

TEST(RandomTest, StaysBelowItsBoundAndReachesEveryNumber) {
  Random random(1);
  for (const uint64_t bound : {uint64_t{1}, uint64_t{2}, uint64_t{7}, uint64_t{1000}}) {
    std::set<uint64_t> seen;
    for (int i = 0; i < 20'000; ++i) {
      const uint64_t number = random.Below(bound);
      ASSERT_LT(number, bound);
      seen.insert(number);
    }
    EXPECT_EQ(seen.size(), bound);
  }
}

TEST(RandomTest, DrawsEvenly) {
  Random random(2);
  constexpr int kDraws = 100'000;
  std::vector<int> counts(10);
  for (int i = 0; i < kDraws; ++i) ++counts[random.Below(counts.size())];
  // Ten standard deviations of a binomial count: 95 each.
  for (const int count : counts) EXPECT_NEAR(count, kDraws / 10, 950);
  double sum = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double unit = random.Unit();
    ASSERT_GE(unit, 0);
    ASSERT_LT(unit, 1);
    sum += unit;
  }
  EXPECT_NEAR(sum / kDraws, 0.5, 0.01);
}

TEST(RandomTest, ScalesTheWholeRange) {
  EXPECT_EQ(ScaleBelow(0, 10), 0u);
  EXPECT_EQ(ScaleBelow(UINT64_MAX, 10), 9u);
  EXPECT_EQ(ScaleBelow(UINT64_MAX, UINT64_MAX), UINT64_MAX - 1);
}

TEST(SecretTest, HexDigitsOfTheLengthAskedForAndNeverTheSame) {
  const std::string a = SecretHex(40);
  EXPECT_EQ(a.size(), 40u);
  EXPECT_EQ(a.find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_NE(a, SecretHex(40));
  EXPECT_EQ(SecretHex(0), "");
}

}  // namespace
}  // namespace kvick

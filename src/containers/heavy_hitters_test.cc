#include "containers/heavy_hitters.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"

namespace kvick {
namespace {

HeavyHitters::Key KeyOf(uint64_t number, const std::string& name, int database = 0) {
  return {number * 0x9e3779b97f4a7c15, database, name};
}

uint64_t SumOf(const HeavyHitters& hitters, std::string_view name) {
  for (const HeavyHitters::Item& item : hitters.Items()) {
    if (item.name == name) return item.sum_min();
  }
  return 0;
}

// Draws ranks 0, 1, 2, … with chances of 1, 1/2, 1/3, …
class Zipf {
 public:
  explicit Zipf(size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; ++i) cumulative_.push_back(sum += 1.0 / static_cast<double>(i + 1));
  }
  size_t Draw(Random& random) const {
    const double at = static_cast<double>(random.Next() >> 11) / 9007199254740992.0 * cumulative_.back();
    return static_cast<size_t>(std::lower_bound(cumulative_.begin(), cumulative_.end(), at) - cumulative_.begin());
  }

 private:
  std::vector<double> cumulative_;
};

TEST(HeavyHittersTest, CountsExactlyWhatFits) {
  HeavyHitters hitters(4);
  hitters.Add(KeyOf(1, "a"), 3);
  hitters.Add(KeyOf(2, "b"), 5);
  hitters.Add(KeyOf(1, "a"), 4);
  EXPECT_EQ(SumOf(hitters, "a"), 7U);
  EXPECT_EQ(SumOf(hitters, "b"), 5U);
  EXPECT_EQ(hitters.total(), 12U);
}

TEST(HeavyHittersTest, KeysOfTwoDatabasesAreTwo) {
  HeavyHitters hitters(4);
  hitters.Add(KeyOf(1, "a", 0), 3);
  hitters.Add(KeyOf(1, "a", 1), 5);
  EXPECT_EQ(hitters.Items().size(), 2U);
}

TEST(HeavyHittersTest, LongNamesAreLeftOut) {
  HeavyHitters hitters(4);
  const std::string name(HeavyHitters::kNameBytesMax + 1, 'x');
  hitters.Add(KeyOf(1, name), 3);
  EXPECT_TRUE(hitters.Items().empty());
}

TEST(HeavyHittersTest, OfAZipfStreamTheTopAreFoundAndNearlyExact) {
  constexpr size_t kKeyCount = 100'000;
  constexpr size_t kDrawCount = 500'000;
  constexpr size_t kTop = 10;
  const uint64_t seed = 4711;
  Random random(seed);
  const Zipf zipf(kKeyCount);
  std::vector<uint64_t> exact(kKeyCount);
  HeavyHitters hitters(256);
  for (size_t i = 0; i < kDrawCount; ++i) {
    const size_t rank = zipf.Draw(random);
    ++exact[rank];
    hitters.Add(KeyOf(rank + 1, std::to_string(rank)), 1);
  }
  std::vector<std::pair<uint64_t, std::string>> found;
  for (const HeavyHitters::Item& item : hitters.Items()) {
    found.emplace_back(item.sum_min(), item.name);
    // What it promises of every item: the truth lies between.
    const uint64_t truth = exact[std::stoul(item.name)];
    ASSERT_LE(item.sum_min(), truth) << item.name;
    ASSERT_GE(item.sum, truth) << item.name;
  }
  std::sort(found.rbegin(), found.rend());
  for (size_t rank = 0; rank < kTop; ++rank) {
    const std::string name = std::to_string(rank);
    const auto at = std::find_if(found.begin(), found.begin() + 2 * kTop,
                                 [&name](const auto& candidate) { return candidate.second == name; });
    ASSERT_NE(at, found.begin() + 2 * kTop) << name;
    EXPECT_GT(static_cast<double>(at->first), 0.95 * static_cast<double>(exact[rank])) << name;
  }
}

TEST(HeavyHittersTest, HeavyKeysOutlastAFloodOfOthers) {
  Random random(7);
  HeavyHitters hitters(128);
  uint64_t number = 100;
  for (int i = 0; i < 200'000; ++i) {
    if (i % 20 == 0) {
      hitters.Add(KeyOf(1, "heavy"), 1);  // 5 %
    } else {
      ++number;
      hitters.Add(KeyOf(number, std::to_string(number)), 1);
    }
  }
  uint64_t largest = 0;
  for (const HeavyHitters::Item& item : hitters.Items()) largest = std::max(largest, item.sum_min());
  EXPECT_EQ(SumOf(hitters, "heavy"), largest);
  EXPECT_GT(largest, 9'000U);
}

TEST(HeavyHittersTest, HalvingMakesThePastCountLess) {
  HeavyHitters hitters(4);
  hitters.Add(KeyOf(1, "past"), 100);
  for (int i = 0; i < 3; ++i) hitters.Halve();
  hitters.Add(KeyOf(2, "present"), 20);
  EXPECT_EQ(SumOf(hitters, "past"), 12U);
  EXPECT_EQ(SumOf(hitters, "present"), 20U);
}

}  // namespace
}  // namespace kvick

#include "engine/key_usage.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "keyspace/database.h"

namespace kvick {
namespace {

constexpr int64_t kNowMs = 1'700'000'000'000;

class KeyUsageTest : public ::testing::Test {
 protected:
  uint64_t Observe(std::initializer_list<std::string_view> names, CallCost cost = {}, int64_t now_ms = kNowMs) {
    std::vector<DeclaredKey> keys;
    for (const std::string_view name : names) keys.push_back({KeyRef::Make(name), &database_, 0});
    return usage_.Observe(keys, cost, now_ms, random_);
  }

  static uint64_t SumOf(const std::vector<HeavyHitters::Item>& items, std::string_view name) {
    for (const HeavyHitters::Item& item : items) {
      if (item.name == name) return item.sum_min();
    }
    return 0;
  }
  uint64_t TopUsesOf(std::string_view name, int64_t now_ms = kNowMs) {
    return SumOf(usage_.SampledTopKeys(now_ms).items, name) / KeyUsage::kTopKeyUnit;
  }

  static std::shared_ptr<KeyTracking> MakeTracking() {
    auto tracking = std::make_shared<KeyTracking>();
    tracking->counts_time = tracking->counts_network = true;
    tracking->key_count_max = 10;
    tracking->started_ms = kNowMs;
    return tracking;
  }

  Database database_{0};
  Random random_{4711};
  KeyUsage usage_;
};

TEST_F(KeyUsageTest, LooksAtNothingWhileNothingIsAskedFor) {
  EXPECT_EQ(Observe({"a"}), UINT64_MAX);
  EXPECT_EQ(TopUsesOf("a"), 0U);
}

TEST_F(KeyUsageTest, LooksAtOneCallOfSoManyOnTheAverage) {
  usage_.SampleTopKeys(128);
  uint64_t sum = 0;
  constexpr uint64_t kRounds = 10'000;
  for (uint64_t i = 0; i < kRounds; ++i) {
    const uint64_t distance = Observe({"a"});
    ASSERT_GE(distance, 1U);
    ASSERT_LE(distance, 255U);
    sum += distance;
  }
  EXPECT_NEAR(static_cast<double>(sum) / kRounds, 128, 4);
  EXPECT_EQ(TopUsesOf("a"), kRounds);
}

TEST_F(KeyUsageTest, ThePastCountsHalfEveryMinute) {
  usage_.SampleTopKeys(1);
  for (int i = 0; i < 8; ++i) Observe({"a"});
  EXPECT_EQ(TopUsesOf("a", kNowMs + KeyUsage::kHalfLifeMs - 1), 8U);
  EXPECT_EQ(TopUsesOf("a", kNowMs + 2 * KeyUsage::kHalfLifeMs), 2U);
  EXPECT_EQ(TopUsesOf("a", kNowMs + 1000 * KeyUsage::kHalfLifeMs), 0U);
}

TEST_F(KeyUsageTest, AnotherRatioBeginsAnew) {
  usage_.SampleTopKeys(1);
  Observe({"a"});
  usage_.SampleTopKeys(2);
  EXPECT_EQ(TopUsesOf("a"), 0U);
}

TEST_F(KeyUsageTest, WhileItTracksEveryCallCountsAndItsKeysShareTheCost) {
  usage_.Follow(MakeTracking());
  EXPECT_EQ(Observe({"a"}, {100, 10}), 1U);
  EXPECT_EQ(Observe({"a", "b"}, {100, 10}), 1U);
  EXPECT_EQ(Observe({}, {7, 3}), 1U);
  const KeyUsage::Tracked tracked = usage_.tracked();
  EXPECT_EQ(tracked.all_calls.cycles, 207U);
  EXPECT_EQ(tracked.all_calls.network_bytes, 23U);
  EXPECT_EQ(SumOf(tracked.by_cycles, "a"), 150U);
  EXPECT_EQ(SumOf(tracked.by_cycles, "b"), 50U);
  EXPECT_EQ(SumOf(tracked.by_network_bytes, "a"), 15U);
  EXPECT_GT(tracked.memory_bytes, 0U);
}

TEST_F(KeyUsageTest, TopKeysAreSampledWhileItTracksToo) {
  usage_.SampleTopKeys(10);
  usage_.Follow(MakeTracking());
  for (int i = 0; i < 10'000; ++i) Observe({"a"}, {1, 1});
  EXPECT_NEAR(static_cast<double>(TopUsesOf("a")), 1000, 100);
}

TEST_F(KeyUsageTest, ATrackingEndsWithItsTime) {
  auto tracking = MakeTracking();
  tracking->ends_ms = kNowMs + 10;
  usage_.Follow(tracking);
  Observe({"a"}, {1, 1}, kNowMs + 9);
  EXPECT_EQ(Observe({"a"}, {1, 1}, kNowMs + 10), UINT64_MAX);
  EXPECT_EQ(SumOf(usage_.tracked().by_cycles, "a"), 1U);
  usage_.Follow(nullptr);
  EXPECT_TRUE(usage_.tracked().by_cycles.empty());
}

}  // namespace
}  // namespace kvick

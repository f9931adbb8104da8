#include "engine/compaction.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "base/block_pool.h"
#include "engine/local_client.h"
#include "support/concurrency_commands.h"

namespace kvick {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;

class CompactionRulesTest : public ::testing::Test {
 protected:
  int Share(uint64_t page_mib, uint64_t block_mib, bool follows = false) const {
    return Compaction::Rules::Of(settings_).ShareFor(page_mib * kMiB, block_mib * kMiB, follows);
  }
  Settings settings_;
};

TEST_F(CompactionRulesTest, WithoutDirectivesAPassBeginsWithAQuarterAndSixteenMebibytes) {
  EXPECT_EQ(Share(1000, 1000), 0);
  EXPECT_EQ(Share(1240, 1000), 0);
  EXPECT_EQ(Share(1250, 1000), 5);
  EXPECT_EQ(Share(30, 15), 0);
  EXPECT_EQ(Share(32, 16), 20);
  EXPECT_EQ(Share(100, 0), 20);
  EXPECT_EQ(Share(0, 0), 0);
}

TEST_F(CompactionRulesTest, ItTakesMoreTimeTheMoreThereIsToGain) {
  EXPECT_EQ(Share(1500, 1000), 10);
  EXPECT_EQ(Share(2000, 1000), 20);
  EXPECT_EQ(Share(9000, 1000), 20);
}

TEST_F(CompactionRulesTest, PassesFollowEachOtherUntilLittleIsLeft) {
  EXPECT_EQ(Share(110, 100), 0);
  EXPECT_EQ(Share(110, 100, true), 5);
  EXPECT_EQ(Share(101, 100, true), 5);
  EXPECT_EQ(Share(201, 200, true), 0);
  EXPECT_EQ(Share(4, 4, true), 0);
}

TEST_F(CompactionRulesTest, TheDirectivesTakeTheirPlace) {
  settings_.active_defrag = true;
  EXPECT_EQ(Share(190, 100), 0);  // 100 MiB are ignored
  EXPECT_EQ(Share(1099, 1000), 0);
  EXPECT_EQ(Share(1100, 1000), 1);
  EXPECT_EQ(Share(1550, 1000), 13);
  EXPECT_EQ(Share(2000, 1000), 25);
  EXPECT_EQ(Share(1099, 1000, true), 0);
  settings_.active_defrag_ignore_bytes = 1;
  settings_.active_defrag_threshold_lower = 0;
  EXPECT_EQ(Share(190, 100), 22);
  EXPECT_EQ(Share(100, 100), 0);
  settings_.active_defrag_cycle_min = 50;  // above the maximum
  settings_.active_defrag_threshold_upper = 0;
  EXPECT_EQ(Share(190, 100), 50);
}

class CompactionTest : public ::testing::Test {
 protected:
  CompactionTest() : engine_(&settings_, clock_) {
    // Few pools, so that each has many pages.
    BlockPool::ChooseShardCount(1);
    test::AddConcurrencyCommands(engine_);
    LocalClient client(engine_);
    for (int i = 0; i < 20'000; ++i) test::Call(client, {"PUT", "key:" + std::to_string(i), kValue});
  }
  static inline const std::string kValue = std::string(100, 'v');

  // Leaves every tenth key.
  void DeleteMost() {
    LocalClient client(engine_);
    for (int i = 0; i < 20'000; ++i) {
      if (i % 10 != 0) test::Call(client, {"PUTEX", "key:" + std::to_string(i), "1", kValue});
    }
    clock_.AdvanceMs(100);
    while (client.executor().RemoveExpired(0, 1, 1'000'000)) {
    }
  }
  Compaction& compaction() { return engine_.compaction(); }

  Settings settings_;
  ManualClock clock_;
  Engine engine_;
};

TEST_F(CompactionTest, APassVisitsEachKeyOnce) {
  DeleteMost();
  compaction().Begin();
  ASSERT_GT(compaction().share(), 0);
  LocalClient client(engine_);
  while (compaction().share() != 0) client.executor().Compact(50);
  const Compaction::Totals totals = compaction().totals();
  EXPECT_EQ(totals.moved_keys + totals.left_keys, 2000u);
  EXPECT_GT(totals.moved_keys, 200u);
  EXPECT_EQ(test::Call(client, {"READ", "key:10", "key:19990", "key:11"}).elements[1].text, kValue);
  compaction().ResetStats();
  EXPECT_EQ(compaction().totals().moved_blocks, 0u);
}

TEST_F(CompactionTest, WhatAnExecutorHasBegunAnotherNeedNotFinish) {
  DeleteMost();
  compaction().Begin();
  ASSERT_GT(compaction().share(), 0);
  LocalClient other(engine_);
  {
    LocalClient client(engine_);
    client.executor().Compact(0);
  }
  while (compaction().share() != 0) other.executor().Compact(100);
  EXPECT_EQ(compaction().share(), 0);
}

TEST_F(CompactionTest, NothingIsMovedWhileDataIsLoaded) {
  DeleteMost();
  compaction().Begin();
  LocalClient client(engine_);
  engine_.is_loading = true;
  client.executor().Compact(1000);
  EXPECT_EQ(compaction().totals().moved_keys, 0u);
  engine_.is_loading = false;
  while (compaction().share() != 0) client.executor().Compact(100);
  EXPECT_GT(compaction().totals().moved_keys, 0u);
}

TEST_F(CompactionTest, TimeIsCountedWhileAPassGoesOn) {
  DeleteMost();
  compaction().Begin();
  clock_.AdvanceMs(70);
  EXPECT_EQ(compaction().totals().current_ms, 70);
  LocalClient client(engine_);
  while (compaction().share() != 0) client.executor().Compact(100);
  compaction().Tend();
  EXPECT_EQ(compaction().totals().current_ms, 0);
  EXPECT_EQ(compaction().totals().total_ms, 70);
}

}  // namespace
}  // namespace kvick

#include "server/cron.h"

#include <gtest/gtest.h>

namespace kvick {
namespace {

TEST(CronTest, RunsEachJobInItsOwnPeriodAndDoesNotCatchUp) {
  Cron cron;
  int often = 0;
  int seldom = 0;
  cron.Every(100, [&] { ++often; });
  cron.Every(1000, [&] { ++seldom; });
  for (int64_t now_ms = 5000; now_ms < 7000; now_ms += 100) cron.RunDue(now_ms);
  EXPECT_EQ(often, 20);
  EXPECT_EQ(seldom, 2);
  cron.RunDue(60'000);  // the process had been stopped
  EXPECT_EQ(often, 21);
  EXPECT_EQ(seldom, 3);
}

}  // namespace
}  // namespace kvick

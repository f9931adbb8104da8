#include "observability/health.h"

#include <gtest/gtest.h>

#include "base/clock.h"
#include "engine/executor.h"

namespace kvick {
namespace {

class RefusingGuard final : public WriteGuard {
 public:
  Status Check() override { return Status::Error("MISCONF the \"disk\" is full"); }
};

class HealthTest : public ::testing::Test {
 protected:
  Settings settings_;
  ManualClock clock_;
  Engine engine_{&settings_, clock_};
};

TEST_F(HealthTest, IsAliveWhileWorkersBeginTurns) {
  EXPECT_TRUE(CheckLiveness(engine_).is_good);  // there are none yet
  Executor first(engine_);
  Executor second(engine_);
  Executor client(engine_);  // of no worker: it may be idle for long
  first.stats().worker_index = 0;
  second.stats().worker_index = 1;
  EXPECT_TRUE(CheckLiveness(engine_).is_good);
  const auto begin_turn = [this](Executor& executor) {
    executor.stats().turn_started_us.Set(static_cast<uint64_t>(clock_.MonotonicUs()));
  };
  begin_turn(first);
  begin_turn(second);
  clock_.AdvanceMs(kStuckAfterMs - 1);
  EXPECT_TRUE(CheckLiveness(engine_).is_good);
  begin_turn(first);
  clock_.AdvanceMs(1);
  const Health health = CheckLiveness(engine_);
  EXPECT_FALSE(health.is_good);
  EXPECT_EQ(HealthJson(health), "{\"status\":\"stuck\",\"reason\":\"worker 1 has begun no turn for 10 seconds\"}\n");
  begin_turn(second);
  EXPECT_EQ(HealthJson(CheckLiveness(engine_)), "{\"status\":\"ok\"}\n");
}

TEST_F(HealthTest, IsNotReadyWhileDataIsLoaded) {
  EXPECT_TRUE(CheckReadiness(engine_).is_good);
  engine_.is_loading = true;
  EXPECT_FALSE(CheckReadiness(engine_).is_good);
  EXPECT_EQ(CheckReadiness(engine_).status, "loading");
}

TEST_F(HealthTest, IsNotReadyWhileWritesAreRefused) {
  RefusingGuard guard;
  engine_.hooks.write_guards = {&guard};
  EXPECT_TRUE(CheckReadiness(engine_).is_good);  // nobody refuses: it is not asked
  engine_.write_refusal_count = 1;
  const Health health = CheckReadiness(engine_);
  EXPECT_FALSE(health.is_good);
  EXPECT_EQ(HealthJson(health), "{\"status\":\"writes_refused\",\"reason\":\"MISCONF the \\\"disk\\\" is full\"}\n");
}

}  // namespace
}  // namespace kvick

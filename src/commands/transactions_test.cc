// Transactions where locks meet: what a conversation with one client would only show by hanging.
#include <gtest/gtest.h>

#include "commands/families.h"
#include "engine/engine.h"
#include "engine/local_client.h"

namespace kvick {
namespace {

class TransactionsTest : public ::testing::Test {
 protected:
  TransactionsTest() : engine_(&settings_, clock_) {
    engine_.commands().Add(StringCommands());
    engine_.commands().Add(TransactionCommands());
  }

  Settings settings_;
  ManualClock clock_;
  Engine engine_;
};

TEST_F(TransactionsTest, AQueuedUnwatchRunsUnderTheLocksOfTheWatchedKeys) {
  LocalClient client(engine_);
  client.Execute({"WATCH", "a", "b"});
  client.Execute({"MULTI"});
  client.Execute({"UNWATCH"});
  client.Execute({"SET", "a", "1"});
  EXPECT_EQ(client.Execute({"EXEC"}), "*2\r\n+OK\r\n+OK\r\n");
}

TEST_F(TransactionsTest, AClientThatLeavesWatchesNothingMore) {
  {
    LocalClient client(engine_);
    client.Execute({"WATCH", "a", "b"});
  }
  LocalClient client(engine_);
  EXPECT_EQ(client.Execute({"SET", "a", "1"}), "+OK\r\n");
}

}  // namespace
}  // namespace kvick

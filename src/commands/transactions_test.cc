// Transactions where locks meet: what a conversation with one client would only show by hanging.
#include <gtest/gtest.h>

#include <chrono>
#include <string_view>
#include <thread>

#include "commands/families.h"
#include "engine/engine.h"
#include "engine/local_client.h"

namespace kvick {
namespace {

class TransactionsTest : public ::testing::Test {
 protected:
  TransactionsTest() : engine_(&settings_, clock_) {
    engine_.commands().Add(KeyspaceCommands());
    engine_.commands().Add(StringCommands());
    engine_.commands().Add(StringMultiCommands());
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

class ClosedDoor final : public WriteGuard {
 public:
  Status Check() override { return Status::Error("MISCONF no room"); }
};

TEST_F(TransactionsTest, ARefusalOfWritesEndsTransactionsThatWrite) {
  ClosedDoor door;
  engine_.hooks.write_guards.push_back(&door);
  LocalClient client(engine_);
  client.Execute({"MULTI"});
  client.Execute({"SET", "a", "1"});
  engine_.write_refusal_count = 1;
  EXPECT_EQ(client.Execute({"EXEC"}), "-EXECABORT Transaction discarded because of: MISCONF no room\r\n");
  EXPECT_EQ(client.Execute({"EXEC"}), "-ERR EXEC without MULTI\r\n");
  client.Execute({"MULTI"});
  EXPECT_EQ(client.Execute({"SET", "a", "1"}), "-MISCONF no room\r\n");
  EXPECT_EQ(client.Execute({"EXEC"}), "-EXECABORT Transaction discarded because of previous errors.\r\n");
  client.Execute({"MULTI"});
  client.Execute({"GET", "a"});
  EXPECT_EQ(client.Execute({"EXEC"}), "*1\r\n$-1\r\n");
}

TEST_F(TransactionsTest, AClientThatLeavesWatchesNothingMore) {
  {
    LocalClient client(engine_);
    client.Execute({"WATCH", "a", "b"});
  }
  LocalClient client(engine_);
  EXPECT_EQ(client.Execute({"SET", "a", "1"}), "+OK\r\n");
}

TEST_F(TransactionsTest, ATransactionThatRunsAloneWritesWithoutLocks) {
  LocalClient client(engine_);
  client.Execute({"MULTI"});
  client.Execute({"SET", "a", "1"});
  client.Execute({"SET", "a", "2", "PX", "100"});
  client.Execute({"KEYS", "*"});
  EXPECT_EQ(client.Execute({"EXEC"}), "*3\r\n+OK\r\n+OK\r\n*1\r\n$1\r\na\r\n");
}

// Lets time pass, for the process and for the store, whenever a key is set.
class TimePasses final : public ChangeSink {
 public:
  explicit TimePasses(ManualClock& clock) : clock_(clock) {}
  void OnKeyEvent(int, KeyEventClass, std::string_view event, std::string_view) override {
    if (event != "set") return;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    clock_.AdvanceMs(1000);
  }

 private:
  ManualClock& clock_;
};

TEST_F(TransactionsTest, ATransactionHasOneTime) {
  LocalClient client(engine_);
  client.Execute({"SET", "a", "1", "PX", "10"});
  client.Execute({"MSETEX", "1", "b", "1", "PX", "10"});
  TimePasses sink(clock_);
  engine_.hooks.change_sink = &sink;
  client.Execute({"MULTI"});
  client.Execute({"GET", "a"});
  client.Execute({"SET", "c", "1"});
  client.Execute({"GET", "b"});
  EXPECT_EQ(client.Execute({"EXEC"}), "*3\r\n$1\r\n1\r\n+OK\r\n$1\r\n1\r\n");
  EXPECT_EQ(client.Execute({"GET", "b"}), "$-1\r\n");
}

}  // namespace
}  // namespace kvick

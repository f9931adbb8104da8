// What the list commands log and announce, and in which order; what waits and who is served.
#include "commands/command_fixture.h"
#include "commands/families.h"
#include "types/list_value.h"

namespace kvick {
namespace {

class ListCommandsTest : public CommandFixture {
 protected:
  ListCommandsTest()
      : CommandFixture({GenericCommands(), ListCommands(), ListMoveCommands(), ListWaitCommands(), StringCommands(),
                        TransactionCommands()}) {
    RegisterListType();
  }
};

TEST_F(ListCommandsTest, PushesAreAnnouncedOnceACommand) {
  Execute("RPUSH a 1 2 3");
  EXPECT_EQ(Events(), "new:a rpush:a");
  EXPECT_EQ(Logged(), "RPUSH a 1 2 3");
  Execute("LPUSHX a 0");
  EXPECT_EQ(Events(), "lpush:a");
  EXPECT_EQ(Logged(), "LPUSHX a 0");
}

TEST_F(ListCommandsTest, AnEmptiedListTakesItsKeyAlong) {
  const struct {
    const char* request;
    const char* events;
  } kCases[] = {
      {"LPOP a", "lpop:a del:a"},      {"RPOP a 5", "rpop:a del:a"},           {"LTRIM a 1 0", "ltrim:a del:a"},
      {"LREM a 0 x", "lrem:a del:a"},  {"LMPOP 1 a LEFT", "lpop:a del:a"},     {"BLPOP a 0", "lpop:a del:a"},
      {"BRPOP b a 0", "rpop:a del:a"}, {"BLMPOP 0 1 a RIGHT", "rpop:a del:a"},
  };
  for (const auto& test : kCases) {
    Execute("RPUSH a x");
    Forget();
    Execute(test.request);
    EXPECT_EQ(Events(), test.events) << test.request;
    EXPECT_EQ(Execute("EXISTS a"), ":0") << test.request;
  }
}

TEST_F(ListCommandsTest, AMoveAnnouncesThePushFirst) {
  Execute("RPUSH a 1 2 3 4 5");
  Forget();
  Execute("LMOVE a b LEFT RIGHT");
  EXPECT_EQ(Events(), "new:b rpush:b lpop:a");
  EXPECT_EQ(Logged(), "LMOVE a b LEFT RIGHT");
  Execute("RPOPLPUSH a b");
  EXPECT_EQ(Events(), "lpush:b rpop:a");
  Execute("LMOVE b b LEFT RIGHT");
  EXPECT_EQ(Events(), "rpush:b lpop:b");
  Execute("LMOVEM a b LEFT LEFT COUNT 3 OBO");
  EXPECT_EQ(Events(), "lpush:b lpop:a del:a");
}

TEST_F(ListCommandsTest, WhatWaitsIsLoggedAsWhatDoesNot) {
  const struct {
    const char* request;
    const char* logged;
  } kCases[] = {
      {"LMPOP 2 x a LEFT COUNT 9", "LPOP a 3"},
      {"BLMPOP 0 2 x a RIGHT COUNT 2", "RPOP a 2"},
      {"BLPOP x a 0", "LPOP a"},
      {"BRPOP a 0", "RPOP a"},
      {"BLMOVE a b left RIGHT 0", "LMOVE a b LEFT RIGHT"},
      {"BRPOPLPUSH a b 0", "RPOPLPUSH a b"},
      {"BLMOVEM a b RIGHT LEFT 0 COUNT 9 BULK", "LMOVEM a b RIGHT LEFT EXACTLY 3 BULK"},
      {"BLMOVEM a b LEFT LEFT 0", "LMOVEM a b LEFT LEFT EXACTLY 1 OBO"},
  };
  for (const auto& test : kCases) {
    Execute("RPUSH a 1 2 3");
    Forget();
    Execute(test.request);
    EXPECT_EQ(Logged(), test.logged) << test.request;
    Execute("DEL a");
  }
}

TEST_F(ListCommandsTest, WhatChangesNothingIsNotLogged) {
  Execute("RPUSH a 1 2 3");
  Execute("SET text x");
  Forget();
  for (const char* request :
       {"LPUSHX missing 1", "LINSERT a BEFORE 9 8", "LREM a 0 9", "LPOP a 0", "LPOP missing", "LSET a 9 x",
        "LPUSH text 1", "LMOVE a text LEFT LEFT", "LMOVEM a b LEFT LEFT EXACTLY 4 OBO", "LMPOP 1 missing LEFT"}) {
    Execute(request);
    EXPECT_EQ(Logged(), "") << request;
    EXPECT_EQ(Events(), "") << request;
  }
  Execute("LTRIM a 0 -1");
  EXPECT_EQ(Logged(), "");
  EXPECT_EQ(Events(), "ltrim:a");
}

TEST_F(ListCommandsTest, ServesTheWaitingUnderTheirOwnName) {
  LocalClient waiter(engine_);
  EXPECT_EQ(waiter.Execute({"BLMOVE", "a", "b", "LEFT", "RIGHT", "0"}), "");
  Execute("RPUSH a 1 2");
  EXPECT_EQ(waiter.TakeDelivered(), "$1\r\n1\r\n");
  EXPECT_EQ(Logged(), "RPUSH a 1 2\nLMOVE a b LEFT RIGHT");
  EXPECT_EQ(Events(), "new:a rpush:a new:b rpush:b lpop:a");
}

// The destination of one waits for what the source of another brings.
TEST_F(ListCommandsTest, OneMoveServesTheNext) {
  LocalClient first(engine_);
  LocalClient second(engine_);
  LocalClient third(engine_);
  third.Execute({"BLPOP", "c", "0"});
  second.Execute({"BLMOVE", "b", "c", "LEFT", "LEFT", "0"});
  first.Execute({"BLMOVE", "a", "b", "LEFT", "LEFT", "0"});
  Execute("RPUSH a x");
  EXPECT_EQ(first.TakeDelivered(), "$1\r\nx\r\n");
  EXPECT_EQ(second.TakeDelivered(), "$1\r\nx\r\n");
  EXPECT_EQ(third.TakeDelivered(), "*2\r\n$1\r\nc\r\n$1\r\nx\r\n");
  EXPECT_EQ(Execute("EXISTS a b c"), ":0");
}

TEST_F(ListCommandsTest, ExactlyStaysWhereItIsUntilThereAreEnough) {
  LocalClient waiter(engine_);
  waiter.Execute({"BLMOVEM", "a", "b", "LEFT", "RIGHT", "1", "EXACTLY", "3", "BULK"});
  Execute("RPUSH a 1 2");
  EXPECT_EQ(waiter.TakeDelivered(), std::nullopt);
  EXPECT_EQ(Execute("LLEN a"), ":2");
  Execute("LINSERT a BEFORE 2 middle");
  EXPECT_EQ(waiter.TakeDelivered(), "*3\r\n$1\r\n1\r\n$6\r\nmiddle\r\n$1\r\n2\r\n");
  waiter.Execute({"BLMOVEM", "a", "b", "LEFT", "RIGHT", "1", "EXACTLY", "3", "BULK"});
  Execute("RPUSH a 1 2");
  clock_.AdvanceMs(1000);
  waiter.EndOverdueWaits();
  EXPECT_EQ(waiter.TakeDelivered(), "*-1\r\n");
}

}  // namespace
}  // namespace kvick

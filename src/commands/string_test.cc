#include "commands/command_fixture.h"
#include "commands/families.h"

namespace kvick {
namespace {

class StringCommandsTest : public CommandFixture {
 protected:
  StringCommandsTest()
      : CommandFixture({ExpireCommands(), GenericCommands(), IncrExCommands(), RelocateCommands(), StringCommands(),
                        StringCompareCommands(), StringMultiCommands(), StringNumericCommands(),
                        StringRangeCommands()}) {}
};

TEST_F(StringCommandsTest, SetIsLoggedAsItCameAndAnnouncesNewAndOverwrittenKeys) {
  EXPECT_EQ(Execute("SET a 1"), "+OK");
  EXPECT_EQ(Logged(), "SET a 1");
  EXPECT_EQ(Events(), "new:a set:a");
  Execute("SET a 2");
  EXPECT_EQ(Events(), "overwritten:a set:a");
}

TEST_F(StringCommandsTest, SetWithATimeIsLoggedWithTheMoment) {
  Execute("SET a 1 EX 100 NX");
  EXPECT_EQ(Logged(), "SET a 1 PXAT " + AtMs(100'000));
  EXPECT_EQ(Events(), "new:a set:a expire:a");
  Execute("SET a 2 PX 5 XX");
  EXPECT_EQ(Logged(), "SET a 2 PXAT " + AtMs(5));
  Execute("SET a 3 EXAT 1800000000");
  EXPECT_EQ(Logged(), "SET a 3 PXAT 1800000000000");
  Execute("SETEX b 10 v");
  EXPECT_EQ(Logged(), "SET b v PXAT " + AtMs(10'000));
  Execute("PSETEX b 10 v");
  EXPECT_EQ(Logged(), "SET b v PXAT " + AtMs(10));
}

TEST_F(StringCommandsTest, SetWithAMetConditionIsLoggedWithoutIt) {
  Execute("SET a 1");
  Forget();
  EXPECT_EQ(Execute("SET a 2 IFEQ 1 GET"), "$1\r\n1");
  EXPECT_EQ(Logged(), "SET a 2");
  EXPECT_EQ(Execute("SET a 3 XX KEEPTTL"), "+OK");
  EXPECT_EQ(Logged(), "SET a 3 KEEPTTL");
  EXPECT_EQ(Execute("SETNX b 1"), ":1");
  EXPECT_EQ(Logged(), "SET b 1");
  EXPECT_EQ(Execute("GETSET b 2"), "$1\r\n1");
  EXPECT_EQ(Logged(), "SET b 2");
}

TEST_F(StringCommandsTest, WhatChangesNothingIsNeitherLoggedNorAnnounced) {
  Execute("SET a 1 EX 100");
  Forget();
  for (const char* request :
       {"SET a 2 NX", "SET b 2 XX", "SET a 2 IFEQ 2", "SET a 2 EX 0", "SETNX a 2", "MSETNX a 2 b 3", "MSETEX 1 a 2 NX",
        "DELEX a IFEQ 2", "DELEX b IFNE 2", "DELIFEQ a 2", "GETEX a", "INCRBY a 9223372036854775807", "INCR a x",
        "INCREX a UBOUND 1", "SETRANGE b 5 ''", "INCRBYFLOAT a x", "APPEND a", "PERSIST b"}) {
    Execute(request);
    EXPECT_EQ(Logged(), "") << request;
    EXPECT_EQ(Events(), "") << request;
  }
}

TEST_F(StringCommandsTest, ReadingByWritingCommandsCountsHitsAndMisses) {
  const ExecutorStats& stats = client_->executor().stats();
  Execute("SET a 1");
  for (const char* request : {"GETEX a", "GETSET a 2", "SET a 3 GET", "GETDEL a"}) Execute(request);
  EXPECT_EQ(stats.keyspace_hits.Load(), 4U);
  Events();
  for (const char* request : {"GETEX a", "GETDEL a", "GETSET a 2"}) Execute(request);
  EXPECT_EQ(stats.keyspace_misses.Load(), 3U);
  EXPECT_EQ(Events(), "keymiss:a keymiss:a keymiss:a new:a set:a");
  Execute("SET a 3");
  EXPECT_EQ(stats.keyspace_hits.Load() + stats.keyspace_misses.Load(), 7U);
}

TEST_F(StringCommandsTest, GetExIsLoggedAsWhatItDoesToTheExpiry) {
  Execute("SET a 1");
  Forget();
  Execute("GETEX a EX 100");
  EXPECT_EQ(Logged(), "PEXPIREAT a " + AtMs(100'000));
  EXPECT_EQ(Events(), "expire:a");
  Execute("GETEX a PERSIST");
  EXPECT_EQ(Logged(), "PERSIST a");
  EXPECT_EQ(Events(), "persist:a");
  Execute("GETEX a PERSIST");
  EXPECT_EQ(Logged(), "");
  EXPECT_EQ(Execute("GETEX a PXAT 1"), "$1\r\n1");
  EXPECT_EQ(Logged(), "DEL a");
  EXPECT_EQ(Events(), "del:a");
}

TEST_F(StringCommandsTest, DeletingCommandsAreLoggedAsDel) {
  for (const char* request : {"GETDEL a", "DELEX a", "DELEX a IFEQ 1", "DELIFEQ a 1"}) {
    Execute("SET a 1");
    Forget();
    Execute(request);
    EXPECT_EQ(Logged(), "DEL a") << request;
    EXPECT_EQ(Events(), "del:a") << request;
  }
}

TEST_F(StringCommandsTest, FloatsAreLoggedAsTheirResult) {
  Execute("INCRBYFLOAT a 1.5");
  EXPECT_EQ(Logged(), "SET a 1.5 KEEPTTL");
  EXPECT_EQ(Events(), "new:a incrbyfloat:a");
  Execute("INCR b");
  EXPECT_EQ(Logged(), "INCR b");
  EXPECT_EQ(Events(), "new:b incrby:b");
  Execute("DECRBY b 3");
  EXPECT_EQ(Events(), "incrby:b");
}

TEST_F(StringCommandsTest, MSetExIsLoggedWithTheMomentAndAnnouncesTheExpiryFirst) {
  Execute("MSETEX 2 a 1 b 2 NX EX 10");
  EXPECT_EQ(Logged(), "MSETEX 2 a 1 b 2 PXAT " + AtMs(10'000));
  EXPECT_EQ(Events(), "new:a expire:a set:a new:b expire:b set:b");
  Execute("MSETEX 1 a 3 XX KEEPTTL");
  EXPECT_EQ(Logged(), "MSETEX 1 a 3 KEEPTTL");
  Execute("MSETEX 1 a 3");
  EXPECT_EQ(Logged(), "MSETEX 1 a 3");
}

TEST_F(StringCommandsTest, IncrExIsLoggedAsItsResult) {
  Execute("INCREX a");
  EXPECT_EQ(Logged(), "SET a 1 KEEPTTL");
  EXPECT_EQ(Events(), "new:a incrby:a");
  Execute("INCREX a BYFLOAT 0.5 EX 10");
  EXPECT_EQ(Logged(), "SET a 1.5 PXAT " + AtMs(10'000));
  EXPECT_EQ(Events(), "incrbyfloat:a expire:a");
  Execute("INCREX a BYFLOAT 0.5 EX 20 ENX");
  EXPECT_EQ(Logged(), "SET a 2 KEEPTTL");
  EXPECT_EQ(Events(), "incrbyfloat:a");
  Execute("INCREX a PERSIST");
  EXPECT_EQ(Logged(), "SET a 3");
  EXPECT_EQ(Events(), "incrby:a persist:a");
  Execute("INCREX a EXAT 1");
  EXPECT_EQ(Logged(), "DEL a");
  EXPECT_EQ(Events(), "del:a");
  Execute("INCREX a EXAT 1");
  EXPECT_EQ(Logged(), "");
  EXPECT_EQ(Events(), "");
}

TEST_F(StringCommandsTest, AnExpiredKeyIsLoggedAsDeletedBeforeWhatReplacesIt) {
  Execute("SET a 1 PX 10");
  Forget();
  clock_.AdvanceMs(10);
  EXPECT_EQ(Execute("APPEND a 2"), ":1");
  EXPECT_EQ(Logged(), "DEL a\nAPPEND a 2");
  EXPECT_EQ(Events(), "expired:a new:a append:a");
}

TEST_F(StringCommandsTest, StringsEndAtTheConfiguredSize) {
  settings_.proto_max_bulk_len_bytes = 1000;
  EXPECT_EQ(Execute("SETRANGE a 999 x"), ":1000");
  EXPECT_EQ(Execute("SETRANGE a 1000 x"), "-ERR string exceeds maximum allowed size (proto-max-bulk-len)");
  EXPECT_EQ(Execute("APPEND a x"), "-ERR string exceeds maximum allowed size (proto-max-bulk-len)");
  EXPECT_EQ(Execute("APPEND a ''"), ":1000");
}

TEST_F(StringCommandsTest, ALentValueIsNotChangedUnderItsReaders) {
  const std::string large(100'000, 'x');
  const std::string_view set[] = {"SET", "a", large};
  Execute(set);
  const std::string reply = Execute("GET a");
  Execute("SETRANGE a 0 y");
  EXPECT_EQ(reply, "$100000\r\n" + large);
  EXPECT_EQ(Execute("GETRANGE a 0 1"), "$2\r\nyx");
}

}  // namespace
}  // namespace kvick

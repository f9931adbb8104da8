#include "commands/command_fixture.h"
#include "commands/families.h"

namespace kvick {
namespace {

class BitmapCommandsTest : public CommandFixture {
 protected:
  BitmapCommandsTest()
      : CommandFixture({BitFieldCommands(), BitmapCommands(), GenericCommands(), HyperLogLogCommands(),
                        StringCommands(), StringRangeCommands(), TransactionCommands()}) {}
};

TEST_F(BitmapCommandsTest, WhatChangesIsLoggedAndAnnounced) {
  EXPECT_EQ(Execute("SETBIT a 7 1"), ":0");
  EXPECT_EQ(Logged(), "SETBIT a 7 1");
  EXPECT_EQ(Events(), "new:a setbit:a");
  EXPECT_EQ(Execute("BITOP NOT b a"), ":1");
  EXPECT_EQ(Logged(), "BITOP NOT b a");
  EXPECT_EQ(Events(), "new:b set:b");
  Execute("BITOP AND b missing");
  EXPECT_EQ(Logged(), "BITOP AND b missing");
  EXPECT_EQ(Events(), "del:b");
  Execute("BITFIELD a SET u8 0 5 INCRBY u8 8 1");
  EXPECT_EQ(Logged(), "BITFIELD a SET u8 0 5 INCRBY u8 8 1");
  EXPECT_EQ(Events(), "setbit:a");
  // Failed, but the string has grown.
  Execute("BITFIELD c OVERFLOW FAIL INCRBY u2 100 10");
  EXPECT_EQ(Logged(), "BITFIELD c OVERFLOW FAIL INCRBY u2 100 10");
  EXPECT_EQ(Events(), "new:c");
}

TEST_F(BitmapCommandsTest, WhatChangesNothingIsNeitherLoggedNorAnnounced) {
  Execute("SETBIT a 7 1");
  Forget();
  for (const char* request : {"SETBIT a 7 1", "SETBIT a 6 0", "GETBIT a 100", "BITCOUNT a", "BITPOS a 1",
                              "BITOP AND missing missing2", "BITFIELD a GET u8 0", "BITFIELD a SET u8 0 1",
                              "BITFIELD a OVERFLOW FAIL SET u2 0 9", "BITFIELD a", "BITFIELD_RO a GET u8 0"}) {
    Execute(request);
    EXPECT_EQ(Logged(), "") << request;
    EXPECT_EQ(Events(), "") << request;
  }
}

TEST_F(BitmapCommandsTest, ALongBitmapThatIsLentIsCopiedOnce) {
  Execute("SETBIT a 800000 1");
  const std::string before = Execute("GET a");
  Execute("SETBIT a 5 1");
  EXPECT_EQ(Execute("BITCOUNT a"), ":2");
  EXPECT_EQ(before[before.find('\n') + 1], '\0');
}

TEST_F(BitmapCommandsTest, TheLimitOnStringsHoldsForBits) {
  settings_.proto_max_bulk_len_bytes = 1 << 20;
  EXPECT_EQ(Execute("SETBIT a 8388607 1"), ":0");
  EXPECT_EQ(Execute("SETBIT a 8388608 1"), "-ERR bit offset is not an integer or out of range");
  EXPECT_EQ(Execute("BITFIELD a SET u8 #1048576 1"), "-ERR bit offset is not an integer or out of range");
}

TEST_F(BitmapCommandsTest, HyperLogLogsAreLoggedWhenTheyChange) {
  EXPECT_EQ(Execute("PFADD h a b"), ":1");
  EXPECT_EQ(Logged(), "PFADD h a b");
  EXPECT_EQ(Events(), "new:h pfadd:h");
  EXPECT_EQ(Execute("PFADD h a"), ":0");
  EXPECT_EQ(Logged(), "");
  // The first count is kept in the value: those who read the log keep the same bytes.
  EXPECT_EQ(Execute("PFCOUNT h"), ":2");
  EXPECT_EQ(Logged(), "PFCOUNT h");
  EXPECT_EQ(Execute("PFCOUNT h"), ":2");
  EXPECT_EQ(Execute("PFCOUNT h h"), ":2");
  EXPECT_EQ(Logged(), "");
  EXPECT_EQ(Events(), "");
  Execute("PFMERGE h2 h");
  EXPECT_EQ(Logged(), "PFMERGE h2 h");
  EXPECT_EQ(Events(), "new:h2 pfadd:h2");
  Execute("PFDEBUG TODENSE h2");
  EXPECT_EQ(Logged(), "PFDEBUG TODENSE h2");
  Execute("PFDEBUG TODENSE h2");
  EXPECT_EQ(Logged(), "");
}

}  // namespace
}  // namespace kvick

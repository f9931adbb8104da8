// What the commands on hashes log and announce, and how fields expire.
#include "commands/command_fixture.h"
#include "commands/families.h"
#include "types/hash_value.h"

namespace kvick {
namespace {

class HashCommandsTest : public CommandFixture {
 protected:
  HashCommandsTest()
      : CommandFixture({HashCommands(), HashExpiryCommands(), HashGetExCommands(), HashRandomCommands()}) {
    RegisterHashType();
  }
};

TEST_F(HashCommandsTest, AChangeIsLoggedAsItCame) {
  Execute("HSET h a 1 b 2");
  EXPECT_EQ(Logged(), "HSET h a 1 b 2");
  EXPECT_EQ(Events(), "new:h hset:h");
  Execute("HINCRBY h a 5");
  EXPECT_EQ(Logged(), "HINCRBY h a 5");
  EXPECT_EQ(Events(), "hincrby:h");
  Execute("HSETNX h a 5");
  EXPECT_EQ(Logged(), "");
  Execute("HDEL h a b");
  EXPECT_EQ(Events(), "hdel:h del:h");
}

TEST_F(HashCommandsTest, AFloatIncrementIsLoggedAsItsResult) {
  Execute("HINCRBYFLOAT h a 1.5");
  EXPECT_EQ(Logged(), "HSET h a 1.5");
  Execute("HPEXPIREAT h " + AtMs(5000) + " FIELDS 1 a");
  Forget();
  Execute("HINCRBYFLOAT h a 1.5");
  EXPECT_EQ(Logged(), "HSETEX h KEEPTTL FIELDS 1 a 3");
  EXPECT_EQ(Execute("HPTTL h FIELDS 1 a"), "*1\r\n:5000");
}

TEST_F(HashCommandsTest, TimesAreLoggedAsMoments) {
  Execute("HSET h a 1 b 2");
  Forget();
  Execute("HEXPIRE h 10 NX FIELDS 2 a x");
  EXPECT_EQ(Logged(), "HPEXPIREAT h " + AtMs(10000) + " FIELDS 1 a");
  EXPECT_EQ(Events(), "hexpire:h");
  Execute("HEXPIRE h 10 NX FIELDS 1 a");
  EXPECT_EQ(Logged(), "");
  Execute("HGETEX h EX 20 FIELDS 2 a b");
  EXPECT_EQ(Logged(), "HPEXPIREAT h " + AtMs(20000) + " FIELDS 2 a b");
  Execute("HGETEX h FIELDS 2 a b");
  EXPECT_EQ(Logged(), "");
  Execute("HGETEX h PERSIST FIELDS 1 b");
  EXPECT_EQ(Logged(), "HPERSIST h FIELDS 1 b");
  Execute("HSETEX h FXX PX 30 FIELDS 1 a 7");
  EXPECT_EQ(Logged(), "HSETEX h FXX PXAT " + AtMs(30) + " FIELDS 1 a 7");
  Forget();
  Execute("HPEXPIRE h 0 FIELDS 2 a b");
  EXPECT_EQ(Logged(), "MULTI\nHDEL h a\nHDEL h b\nEXEC");
  EXPECT_EQ(Events(), "hdel:h del:h");
}

TEST_F(HashCommandsTest, AFieldThatIsDueGoesWhenItIsTouched) {
  Execute("HSET h a 1 b 2");
  Execute("HPEXPIRE h 100 FIELDS 1 a");
  Forget();
  clock_.AdvanceMs(99);
  EXPECT_EQ(Execute("HGET h a"), "$1\r\n1");
  clock_.AdvanceMs(1);
  EXPECT_EQ(Execute("HLEN h"), ":2");
  EXPECT_EQ(Execute("HGETALL h"), "*2\r\n$1\r\nb\r\n$1\r\n2");
  EXPECT_EQ(Logged(), "");
  EXPECT_EQ(Execute("HGET h a"), "$-1");
  EXPECT_EQ(Logged(), "HDEL h a");
  EXPECT_EQ(Events(), "hexpired:h");
  EXPECT_EQ(Execute("HLEN h"), ":1");
}

TEST_F(HashCommandsTest, TheLastFieldTakesTheKeyAlong) {
  for (const uint64_t entries_max : {512U, 0U}) {
    settings_.hash_listpack_entries_max = entries_max;
    Execute("HSET h a 1");
    Execute("HPEXPIRE h 100 FIELDS 1 a");
    Forget();
    clock_.AdvanceMs(200);
    EXPECT_EQ(Execute("HINCRBY h a 1"), ":1");
    EXPECT_EQ(Logged(), "HDEL h a\nHINCRBY h a 1");
    EXPECT_EQ(Events(), "hexpired:h del:h new:h hincrby:h");
    Execute("HDEL h a");
  }
}

TEST_F(HashCommandsTest, FieldsThatAreDueAreRemovedWithoutBeingTouched) {
  for (const uint64_t entries_max : {512U, 0U}) {
    settings_.hash_listpack_entries_max = entries_max;
    Execute("HSET h a 1 b 2 c 3");
    Execute("HPEXPIRE h 100 FIELDS 1 a");
    Execute("HPEXPIRE h 5000 FIELDS 1 b");
    Forget();
    clock_.AdvanceMs(150);
    client_->executor().RemoveExpired(0, 1, 100'000);
    EXPECT_EQ(Logged(), "HDEL h a");
    clock_.AdvanceMs(10'000);
    client_->executor().RemoveExpired(0, 1, 100'000);
    EXPECT_EQ(Logged(), "HDEL h b");
    EXPECT_EQ(Execute("HLEN h"), ":1");
    Execute("HDEL h c");
  }
}

TEST_F(HashCommandsTest, HgetdelIsLoggedAsHdel) {
  Execute("HSET h a 1 b 2");
  Forget();
  Execute("HGETDEL h FIELDS 3 a x b");
  EXPECT_EQ(Logged(), "HDEL h a b");
  EXPECT_EQ(Events(), "hdel:h del:h");
}

}  // namespace
}  // namespace kvick

// What the commands on sets log and announce.
#include "commands/command_fixture.h"
#include "commands/families.h"
#include "types/set_value.h"

namespace kvick {
namespace {

class SetCommandsTest : public CommandFixture {
 protected:
  SetCommandsTest() : CommandFixture({SetCommands(), SetCombinationCommands()}) { RegisterSetType(); }
};

TEST_F(SetCommandsTest, AChangeIsLoggedAsItCame) {
  Execute("SADD s a b");
  EXPECT_EQ(Logged(), "SADD s a b");
  EXPECT_EQ(Events(), "new:s sadd:s");
  Execute("SADD s a");
  Execute("SREM s x");
  EXPECT_EQ(Logged(), "");
  EXPECT_EQ(Events(), "");
  Execute("SREM s a b");
  EXPECT_EQ(Logged(), "SREM s a b");
  EXPECT_EQ(Events(), "srem:s del:s");
}

TEST_F(SetCommandsTest, SpopIsLoggedAsWhatItTook) {
  Execute("SADD s a");
  Forget();
  Execute("SPOP s");
  EXPECT_EQ(Logged(), "SREM s a");
  EXPECT_EQ(Events(), "spop:s del:s");
  Execute("SADD s a b c");
  Forget();
  Execute("SPOP s 3");
  EXPECT_EQ(Logged(), "DEL s");
  EXPECT_EQ(Events(), "spop:s del:s");
  Execute("SADD s a b c");
  Forget();
  EXPECT_EQ(Execute("SPOP s 1").substr(0, 4), "*1\r\n");
  EXPECT_EQ(Logged().substr(0, 7), "SREM s ");
  EXPECT_EQ(Events(), "spop:s");
  Execute("SPOP s 0");
  EXPECT_EQ(Logged(), "");
}

TEST_F(SetCommandsTest, SpopOfAlmostAllKeepsTheRest) {
  std::string words = "SADD s";
  for (int i = 0; i < 100; ++i) words += " m" + std::to_string(i);
  Execute(words);
  Forget();
  Execute("SPOP s 95");
  EXPECT_EQ(Execute("SCARD s"), ":5");
  const std::string logged = Logged();
  EXPECT_EQ(std::count(logged.begin(), logged.end(), ' '), 96);
}

TEST_F(SetCommandsTest, SmoveAnnouncesBothEnds) {
  Execute("SADD a x");
  Forget();
  Execute("SMOVE a b x");
  EXPECT_EQ(Logged(), "SMOVE a b x");
  EXPECT_EQ(Events(), "srem:a del:a new:b sadd:b");
}

TEST_F(SetCommandsTest, AnEmptyResultDeletesTheDestination) {
  Execute("SADD a x");
  Execute("SADD to y");
  Forget();
  Execute("SINTERSTORE to a missing");
  EXPECT_EQ(Events(), "del:to");
  EXPECT_EQ(Logged(), "SINTERSTORE to a missing");
  Execute("SDIFFSTORE to missing a");
  EXPECT_EQ(Logged(), "");
  Execute("SUNIONSTORE to a missing");
  EXPECT_EQ(Events(), "new:to sunionstore:to");
}

}  // namespace
}  // namespace kvick

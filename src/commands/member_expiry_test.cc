// What expiring members log and announce, and that they leave by themselves.
#include <string>

#include "commands/command_fixture.h"
#include "commands/families.h"
#include "types/hash_value.h"
#include "types/set_value.h"

namespace kvick {
namespace {

class MemberExpiryTest : public CommandFixture {
 protected:
  MemberExpiryTest()
      : CommandFixture({SetCommands(), SetCombinationCommands(), HashCommands(), HashExpiryCommands(),
                        MemberExpiryCommands(), ExpireCommands(), GenericCommands(), RelocateCommands()}) {
    RegisterSetType();
    RegisterHashType();
  }

  // What a worker does in the background.
  void RemoveExpired() {
    Executor executor(engine_);
    executor.RemoveExpired(0, 1, 1'000'000);
  }
};

TEST_F(MemberExpiryTest, TimesAreLoggedAsMoments) {
  Execute("SADD s a b");
  Forget();
  Execute("EXPIREMEMBER s a 10");
  EXPECT_EQ(Logged(), "PEXPIREMEMBERAT s a " + AtMs(10'000));
  EXPECT_EQ(Events(), "expiremember:s");
  Execute("SADDEX s 10 b c");
  EXPECT_EQ(Logged(), "MULTI\nSADD s c\nPEXPIREMEMBERAT s b " + AtMs(10'000) + "\nPEXPIREMEMBERAT s c " + AtMs(10'000) +
                          "\nEXEC");
  EXPECT_EQ(Events(), "sadd:s expiremember:s expiremember:s");
  Execute("PERSIST s a");
  EXPECT_EQ(Logged(), "PERSIST s a");
  Execute("EXPIREMEMBER s x 10");
  EXPECT_EQ(Logged(), "");
}

TEST_F(MemberExpiryTest, WhatIsDueIsLoggedAsRemoved) {
  Execute("SADD s a b");
  Execute("HSET h f v");
  Forget();
  Execute("EXPIREMEMBER s a 0");
  EXPECT_EQ(Logged(), "SREM s a");
  EXPECT_EQ(Events(), "srem:s");
  Execute("EXPIREMEMBERAT s b 1");
  EXPECT_EQ(Logged(), "SREM s b");
  EXPECT_EQ(Events(), "srem:s del:s");
  Execute("EXPIREMEMBER h f 0");
  EXPECT_EQ(Logged(), "HDEL h f");
  EXPECT_EQ(Events(), "hdel:h del:h");
}

TEST_F(MemberExpiryTest, FieldsOfHashesAreLoggedAsTheirOwnCommands) {
  Execute("HSET h f v");
  Forget();
  Execute("EXPIREMEMBER h f 10");
  EXPECT_EQ(Logged(), "HPEXPIREAT h " + AtMs(10'000) + " FIELDS 1 f");
  EXPECT_EQ(Events(), "hexpire:h");
  Execute("PERSIST h f");
  EXPECT_EQ(Logged(), "HPERSIST h FIELDS 1 f");
  EXPECT_EQ(Events(), "hpersist:h");
}

TEST_F(MemberExpiryTest, DueMembersLeaveInTheBackgroundAndTheEmptiedSetWithThem) {
  Execute("SADD s a b");
  Execute("SADDEX s 1 x y");
  Execute("SADDEX gone 1 x");
  Forget();
  clock_.AdvanceMs(1'000);
  RemoveExpired();
  EXPECT_EQ(Execute("EXISTS gone"), ":0");
  const std::string logged = Logged();
  EXPECT_NE(logged.find("SREM gone x"), std::string::npos);
  EXPECT_NE(logged.find("SREM s x"), std::string::npos);
  EXPECT_NE(logged.find("SREM s y"), std::string::npos);
  EXPECT_NE(Events().find("srem:gone del:gone"), std::string::npos);
  EXPECT_EQ(Execute("SCARD s"), ":2");
  EXPECT_EQ(Logged(), "");
}

TEST_F(MemberExpiryTest, ACommandThatMeetsDueMembersRemovesThemFirst) {
  Execute("SADDEX s 1 x");
  Forget();
  clock_.AdvanceMs(1'000);
  Execute("SADD s y");
  EXPECT_EQ(Logged(), "SREM s x\nSADD s y");
  EXPECT_EQ(Events(), "srem:s del:s new:s sadd:s");
}

TEST_F(MemberExpiryTest, ManyDueMembersAreUnseenBeforeTheyAreGone) {
  for (int i = 0; i < 3000; ++i) Execute("SADDEX s 1 m" + std::to_string(i));
  Execute("SADD s stays other");
  clock_.AdvanceMs(1'000);
  EXPECT_EQ(Execute("SINTERCARD 2 s s"), ":2");
  EXPECT_EQ(Execute("SISMEMBER s m2999"), ":0");
  EXPECT_EQ(Execute("SADD s m2999"), ":1");
  EXPECT_EQ(Execute("TTL s m2999"), ":-1");
  EXPECT_EQ(Execute("SCARD s"), ":3");
  EXPECT_EQ(Execute("COPY s copy"), ":1");
  EXPECT_EQ(Execute("SCARD copy"), ":3");
  for (int i = 0; i < 100; ++i) EXPECT_NE(Execute("SRANDMEMBER s").find("\r\n"), std::string::npos);
  RemoveExpired();
  EXPECT_EQ(Execute("SCARD s"), ":3");
  EXPECT_EQ(Execute("SPOP s 2").substr(0, 2), "*2");
}

}  // namespace
}  // namespace kvick

#include "commands/command_fixture.h"
#include "commands/families.h"

namespace kvick {
namespace {

class GenericCommandsTest : public CommandFixture {
 protected:
  GenericCommandsTest()
      : CommandFixture({ExpireCommands(), GenericCommands(), ObjectCommands(), RelocateCommands(), StringCommands(),
                        StringRangeCommands()}) {}
};

TEST_F(GenericCommandsTest, RelativeTimesAreLoggedAsMoments) {
  Execute("SET a 1");
  Forget();
  EXPECT_EQ(Execute("EXPIRE a 100"), ":1");
  EXPECT_EQ(Logged(), "PEXPIREAT a " + AtMs(100'000));
  EXPECT_EQ(Events(), "expire:a");
  Execute("PEXPIRE a 5");
  EXPECT_EQ(Logged(), "PEXPIREAT a " + AtMs(5));
  Execute("EXPIREAT a 1800000000");
  EXPECT_EQ(Logged(), "PEXPIREAT a 1800000000000");
  Execute("PEXPIREAT a 1800000000001 GT");
  EXPECT_EQ(Logged(), "PEXPIREAT a 1800000000001");
  EXPECT_EQ(Execute("PEXPIREAT a 1800000000001 GT"), ":0");
  EXPECT_EQ(Logged(), "");
  Forget();
  Execute("PERSIST a");
  EXPECT_EQ(Logged(), "PERSIST a");
  EXPECT_EQ(Events(), "persist:a");
}

TEST_F(GenericCommandsTest, AMomentThatHasPassedDeletes) {
  Execute("SET a 1");
  Forget();
  EXPECT_EQ(Execute("EXPIRE a 0"), ":1");
  EXPECT_EQ(Logged(), "DEL a");
  EXPECT_EQ(Events(), "del:a");
  settings_.lazy_free_on_expire = true;
  Execute("SET a 1");
  Forget();
  Execute("PEXPIREAT a -9223372036854775808");
  EXPECT_EQ(Logged(), "UNLINK a");
}

// A replica does not delete on its own: what its primary says comes true when the primary says DEL.
TEST_F(GenericCommandsTest, WhereExpiredKeysAreLeftAPassedMomentIsStored) {
  Execute("SET a 1");
  client_->executor().mutation().removes_expired = false;
  Forget();
  EXPECT_EQ(Execute("PEXPIREAT a -1"), ":1");
  EXPECT_EQ(Logged(), "PEXPIREAT a 0");
  EXPECT_EQ(Execute("EXISTS a"), ":0");
  EXPECT_EQ(engine_.database(0).EntryCount(), 1U);
}

TEST_F(GenericCommandsTest, TimesToLiveAreRoundedToTheNearestSecond) {
  Execute("SET a 1 PX 1499");
  EXPECT_EQ(Execute("TTL a"), ":1");
  clock_.AdvanceMs(-1);
  EXPECT_EQ(Execute("TTL a"), ":2");
  EXPECT_EQ(Execute("PTTL a"), ":1500");
  clock_.AdvanceMs(1499);
  EXPECT_EQ(Execute("TTL a"), ":0");
  EXPECT_EQ(Execute("PTTL a"), ":1");
  clock_.AdvanceMs(1);
  EXPECT_EQ(Execute("TTL a"), ":-2");
  EXPECT_EQ(Events(), "new:a set:a expire:a expired:a keymiss:a");
}

TEST_F(GenericCommandsTest, DelAndUnlinkAreLoggedAsTheyCame) {
  Execute("SET a 1");
  Execute("SET b 1");
  Forget();
  EXPECT_EQ(Execute("DEL a missing b"), ":2");
  EXPECT_EQ(Logged(), "DEL a missing b");
  EXPECT_EQ(Events(), "del:a del:b");
  EXPECT_EQ(Execute("UNLINK a"), ":0");
  EXPECT_EQ(Logged(), "");
}

TEST_F(GenericCommandsTest, RenameMovesTheExpiryAndAnnouncesBothNames) {
  Execute("SET a 1 EX 100");
  Forget();
  EXPECT_EQ(Execute("RENAME a b"), "+OK");
  EXPECT_EQ(Logged(), "RENAME a b");
  EXPECT_EQ(Events(), "new:b rename_from:a rename_to:b");
  EXPECT_EQ(Execute("TTL b"), ":100");
  Execute("SET c 2");
  Forget();
  Execute("RENAME c b");
  EXPECT_EQ(Events(), "rename_from:c rename_to:b overwritten:b");
  EXPECT_EQ(Execute("TTL b"), ":-1");
  EXPECT_EQ(Execute("RENAME b b"), "+OK");
  EXPECT_EQ(Execute("RENAMENX b b"), ":0");
  EXPECT_EQ(engine_.database(0).EntryCount(), 1U);
  EXPECT_EQ(engine_.database(0).ExpiringCount(), 0U);
}

TEST_F(GenericCommandsTest, RenameOntoAnExpiredKeyFindsThePlaceFree) {
  Execute("SET a 1");
  Execute("SET b 2 PX 10");
  Forget();
  clock_.AdvanceMs(10);
  EXPECT_EQ(Execute("RENAMENX a b"), ":1");
  EXPECT_EQ(Logged(), "DEL b\nRENAMENX a b");
  EXPECT_EQ(Events(), "expired:b new:b rename_from:a rename_to:b");
}

// Many keys, so that source and destination often share a stripe and even a bucket.
TEST_F(GenericCommandsTest, RenameReplacesWhateverShareOfATableBothNamesHave) {
  constexpr int kCount = 5000;
  for (int i = 0; i < kCount; ++i) Execute("SET k" + std::to_string(i) + " " + std::to_string(i));
  for (int i = 0; i + 1 < kCount; i += 2) {
    ASSERT_EQ(Execute("RENAME k" + std::to_string(i) + " k" + std::to_string(i + 1)), "+OK");
  }
  EXPECT_EQ(engine_.database(0).EntryCount(), kCount / 2U);
  for (int i = 0; i + 1 < kCount; i += 2) {
    const std::string text = std::to_string(i);
    ASSERT_EQ(Execute("GET k" + std::to_string(i + 1)), "$" + std::to_string(text.size()) + "\r\n" + text);
  }
}

TEST_F(GenericCommandsTest, CopyAnnouncesTheDestinationOnly) {
  Execute("SET a 1 EX 100");
  Forget();
  EXPECT_EQ(Execute("COPY a b"), ":1");
  EXPECT_EQ(Logged(), "COPY a b");
  EXPECT_EQ(Events(), "new:b copy_to:b");
  EXPECT_EQ(Execute("COPY a b REPLACE"), ":1");
  EXPECT_EQ(Events(), "copy_to:b overwritten:b");
  EXPECT_EQ(Execute("COPY a a DB 1"), ":1");
  EXPECT_EQ(Events(), "new:a@1 copy_to:a@1");
  EXPECT_EQ(Execute("TTL b"), ":100");
}

TEST_F(GenericCommandsTest, MoveAnnouncesBothDatabases) {
  Execute("SET a 1 EX 100");
  Forget();
  EXPECT_EQ(Execute("MOVE a 1"), ":1");
  EXPECT_EQ(Logged(), "MOVE a 1");
  EXPECT_EQ(Events(), "new:a@1 move_from:a move_to:a@1");
  EXPECT_EQ(engine_.database(0).EntryCount(), 0U);
  EXPECT_EQ(engine_.database(1).ExpiringCount(), 1U);
}

TEST_F(GenericCommandsTest, ObjectAndExistsLeaveNoTraceButTouchDoes) {
  Execute("SET a 1");
  clock_.AdvanceMs(60'000);
  for (const char* request : {"EXISTS a", "TYPE a", "TTL a", "OBJECT ENCODING a"}) Execute(request);
  EXPECT_EQ(Execute("OBJECT IDLETIME a"), ":60");
  client_->session().no_touch = true;
  Execute("GET a");
  EXPECT_EQ(Execute("OBJECT IDLETIME a"), ":60");
  Execute("TOUCH a");
  EXPECT_EQ(Execute("OBJECT IDLETIME a"), ":0");
}

TEST_F(GenericCommandsTest, ObjectOfAMissingKeyIsAMissButNoEvent) {
  EXPECT_EQ(Execute("OBJECT ENCODING a"), "$-1");
  EXPECT_EQ(Events(), "");
  EXPECT_EQ(client_->executor().stats().keyspace_misses.Load(), 1U);
}

}  // namespace
}  // namespace kvick

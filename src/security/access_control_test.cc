#include "security/access_control.h"

#include <gtest/gtest.h>

#include "security/acl_fixture.h"

namespace kvick {
namespace {

class AccessControlTest : public AclFixture {
 protected:
  AccessControlTest() : client_(engine_), other_(engine_) { control().Admit(client_.session()); }

  std::string Execute(LocalClient& client, std::initializer_list<std::string_view> words) {
    std::string reply = client.Execute(words);
    if (reply.ends_with("\r\n")) reply.resize(reply.size() - 2);
    return reply;
  }
  std::string Execute(std::initializer_list<std::string_view> words) { return Execute(client_, words); }
  bool Accepts(std::string_view user, std::string_view password) {
    return control().Authenticate(other_.session(), user, password, "AUTH").ok();
  }
  void RequirePassword(std::string password) {
    const Status status = engine_.options().Set({{"requirepass", password}}, {});
    ASSERT_TRUE(status.ok()) << status.text();
  }
  bool IsRestricted(LocalClient& client) { return (client.session().restrictions & Session::kRestrictedUser) != 0; }

  LocalClient client_;
  LocalClient other_;
};

TEST_F(AccessControlTest, WithoutAPasswordEveryoneIsIn) {
  control().Admit(other_.session());
  EXPECT_FALSE(engine_.MustAuthenticate(other_.session()));
  EXPECT_TRUE(Accepts("default", "anything"));
  EXPECT_FALSE(Accepts("somebody", "anything"));
  EXPECT_FALSE(IsRestricted(other_));
}

TEST_F(AccessControlTest, OnlyTheWholePasswordIsAccepted) {
  RequirePassword("abab");
  control().Admit(other_.session());
  for (const std::string_view wrong : {"", "a", "ab", "abaa", "ababab", "abababab", "ABAB"}) {
    EXPECT_FALSE(Accepts("default", wrong)) << wrong;
    EXPECT_TRUE(engine_.MustAuthenticate(other_.session()));
  }
  EXPECT_FALSE(Accepts("Default", "abab")) << "names of users have a case";
  EXPECT_TRUE(Accepts("default", "abab"));
  EXPECT_FALSE(engine_.MustAuthenticate(other_.session()));
  EXPECT_FALSE(Accepts("default", "wrong"));
  EXPECT_FALSE(engine_.MustAuthenticate(other_.session())) << "a wrong password does not put a client out";
}

TEST_F(AccessControlTest, AClientStaysInWhenAPasswordIsSetAndGetsInWhenItIsTakenAway) {
  control().Admit(other_.session());
  RequirePassword("secret");
  EXPECT_FALSE(engine_.MustAuthenticate(other_.session()));
  control().Admit(other_.session());  // RESET
  EXPECT_TRUE(engine_.MustAuthenticate(other_.session()));
  RequirePassword("");
  EXPECT_FALSE(engine_.MustAuthenticate(other_.session()));
}

TEST_F(AccessControlTest, RequirepassReplacesThePasswordsOfTheDefaultUser) {
  EXPECT_EQ(Execute({"ACL", "SETUSER", "default", ">one", ">two"}), "+OK");
  RequirePassword("three");
  EXPECT_FALSE(Accepts("default", "one"));
  EXPECT_TRUE(Accepts("default", "three"));
  RequirePassword("");
  EXPECT_TRUE(Accepts("default", "anything"));
}

TEST_F(AccessControlTest, ADisabledUserDoesNotGetIn) {
  EXPECT_EQ(Execute({"ACL", "SETUSER", "ada", "nopass"}), "+OK");
  EXPECT_FALSE(Accepts("ada", "x"));
  EXPECT_EQ(Execute({"ACL", "SETUSER", "ada", "on"}), "+OK");
  EXPECT_TRUE(Accepts("ada", "x"));
  EXPECT_EQ(other_.session().user, "ada");
  EXPECT_TRUE(IsRestricted(other_));
}

TEST_F(AccessControlTest, ChangesReachThoseWhoAreIn) {
  Execute({"ACL", "SETUSER", "ada", "on", "nopass", "+@all", "~*", "&*"});
  ASSERT_TRUE(Accepts("ada", ""));
  EXPECT_FALSE(IsRestricted(other_));
  EXPECT_EQ(Execute(other_, {"GET", "a"}), "+OK");
  Execute({"ACL", "SETUSER", "ada", "-get"});
  EXPECT_TRUE(IsRestricted(other_));
  EXPECT_EQ(Execute(other_, {"GET", "a"}), "-NOPERM User ada has no permissions to run the 'get' command");
  Execute({"ACL", "SETUSER", "ada", "+get", "resetkeys", "~b"});
  EXPECT_EQ(Execute(other_, {"GET", "a"}), "-NOPERM No permissions to access a key");
  EXPECT_EQ(Execute(other_, {"GET", "b"}), "+OK");
  EXPECT_EQ(control().denial_counts().commands, 1u);
  EXPECT_EQ(control().denial_counts().keys, 1u);
}

TEST_F(AccessControlTest, WhoeverIsDeletedIsPutOut) {
  Execute({"ACL", "SETUSER", "ada", "on", "nopass"});
  ASSERT_TRUE(Accepts("ada", ""));
  EXPECT_EQ(Execute({"ACL", "DELUSER", "ada", "nobody"}), ":1");
  EXPECT_TRUE(other_.session().closing);
  EXPECT_EQ(other_.session().acl_user, control().users().Find("default"));
  EXPECT_FALSE(Accepts("ada", ""));
}

TEST_F(AccessControlTest, ListenersGoWhenTheirChannelsGo) {
  Execute({"ACL", "SETUSER", "ada", "on", "nopass", "+@all", "&news.*", "&one"});
  ASSERT_TRUE(Accepts("ada", ""));
  engine_.channels().Subscribe(other_.session(), ChannelKind::kChannel, "news.a");
  engine_.channels().Subscribe(other_.session(), ChannelKind::kPattern, "one");
  Execute({"ACL", "SETUSER", "ada", "resetchannels", "&news.a", "&one", "-@all"});
  EXPECT_FALSE(other_.session().closing) << "all that he listens to is still allowed";
  Execute({"ACL", "SETUSER", "ada", "resetchannels", "(&*)"});
  EXPECT_FALSE(other_.session().closing);
  Execute({"ACL", "SETUSER", "ada", "clearselectors", "&news.*", "&on*"});
  EXPECT_TRUE(other_.session().closing) << "a pattern must be allowed by itself";
}

TEST_F(AccessControlTest, LinesTellAllUsers) {
  Execute({"ACL", "SETUSER", "ada", "on"});
  const std::vector<std::string> lines = {"ada on sanitize-payload resetchannels -@all",
                                          "default on nopass sanitize-payload ~* &* +@all"};
  EXPECT_EQ(control().UserLines(), lines);
  settings_.acl_file = "users.acl";
  EXPECT_TRUE(control().UserLines().empty());
}

TEST_F(AccessControlTest, ADenialIsLoggedWithItsClient) {
  Execute({"ACL", "SETUSER", "ada", "on", "nopass", "+get"});
  ASSERT_TRUE(Accepts("ada", ""));
  Execute(other_, {"GET", "a"});
  clock_.AdvanceMs(1'000);
  Execute(other_, {"GET", "a"});
  EXPECT_FALSE(Accepts("ada2", ""));
  const std::vector<DeniedAccess> entries = control().log().Latest(10);
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].reason, Denial::Reason::kAuthentication);
  EXPECT_EQ(entries[0].object, "AUTH");
  EXPECT_EQ(entries[0].user, "ada2");
  EXPECT_EQ(entries[1].reason, Denial::Reason::kKey);
  EXPECT_EQ(entries[1].object, "a");
  EXPECT_EQ(entries[1].count, 2u);
  EXPECT_EQ(entries[1].updated_ms - entries[1].created_ms, 1'000);
  EXPECT_NE(entries[1].client_line.find(" cmd=get user=ada "), std::string::npos) << entries[1].client_line;
}

}  // namespace
}  // namespace kvick

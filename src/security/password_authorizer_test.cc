#include "security/password_authorizer.h"

#include <gtest/gtest.h>

#include "base/clock.h"
#include "engine/engine.h"
#include "engine/session.h"

namespace kvick {
namespace {

class PasswordAuthorizerTest : public testing::Test {
 protected:
  PasswordAuthorizerTest() : engine_(&settings_, clock_) {
    engine_.hooks.authorizer = &engine_.Attach<PasswordAuthorizer>(settings_);
  }
  bool Accepts(std::string_view user, std::string_view password) {
    return engine_.hooks.authorizer->Authenticate(session_, user, password).ok();
  }
  void Admit() { engine_.hooks.authorizer->Admit(session_); }

  Settings settings_;
  ManualClock clock_;
  Engine engine_;
  Session session_;
};

TEST_F(PasswordAuthorizerTest, WithoutAPasswordEveryoneIsIn) {
  Admit();
  EXPECT_FALSE(engine_.MustAuthenticate(session_));
  EXPECT_TRUE(Accepts("default", "anything"));
  EXPECT_FALSE(Accepts("somebody", "anything"));
}

TEST_F(PasswordAuthorizerTest, OnlyTheWholePasswordIsAccepted) {
  settings_.require_password = "abab";
  Admit();
  for (const std::string_view wrong : {"", "a", "ab", "abaa", "ababab", "abababab", "ABAB"}) {
    EXPECT_FALSE(Accepts("default", wrong)) << wrong;
    EXPECT_TRUE(engine_.MustAuthenticate(session_));
  }
  EXPECT_FALSE(Accepts("Default", "abab")) << "names of users have a case";
  EXPECT_TRUE(Accepts("default", "abab"));
  EXPECT_FALSE(engine_.MustAuthenticate(session_));
}

TEST_F(PasswordAuthorizerTest, AWrongPasswordDoesNotPutAClientOut) {
  settings_.require_password = "secret";
  Admit();
  ASSERT_TRUE(Accepts("default", "secret"));
  EXPECT_FALSE(Accepts("default", "wrong"));
  EXPECT_FALSE(engine_.MustAuthenticate(session_));
}

TEST_F(PasswordAuthorizerTest, AClientStaysInWhenAPasswordIsSet) {
  Admit();
  settings_.require_password = "secret";
  EXPECT_FALSE(engine_.MustAuthenticate(session_));
  Admit();  // RESET
  EXPECT_TRUE(engine_.MustAuthenticate(session_));
}

TEST_F(PasswordAuthorizerTest, AClientGetsInWhenThePasswordIsTakenAway) {
  settings_.require_password = "secret";
  Admit();
  settings_.require_password.clear();
  EXPECT_FALSE(engine_.MustAuthenticate(session_));
}

}  // namespace
}  // namespace kvick

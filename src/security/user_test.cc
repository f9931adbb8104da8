#include "security/user.h"

#include <gtest/gtest.h>

#include "security/acl_fixture.h"
#include "security/password_hash.h"
#include "security/user_file.h"

namespace kvick {
namespace {

constexpr char kHashOfAbc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

class UserTest : public AclFixture {
 protected:
  std::string LineOf(std::initializer_list<std::string_view> rules) { return MakeUser("u", rules).Line(); }
  std::string ProblemOf(std::initializer_list<std::string_view> rules, std::string_view last) {
    User user = MakeUser("u", rules);
    const std::string before = user.Line();
    const RuleProblem problem = user.Apply(last, defaults());
    EXPECT_EQ(user.Line(), before) << last;
    return std::string(TextOf(problem));
  }
};

TEST_F(UserTest, ANewUserMayDoNothing) {
  const User user = MakeUser("u", {});
  EXPECT_EQ(user.Line(), "u off sanitize-payload resetchannels -@all");
  EXPECT_FALSE(user.is_enabled());
  EXPECT_FALSE(user.AcceptsPassword(""));
  EXPECT_EQ(DenialOf(user, {"GET", "a"}), "command get");
  EXPECT_EQ(DenialOf(user, {"AUTH", "x"}), "") << "or he could never become somebody else";
}

TEST_F(UserTest, TheLineTellsAllOfHim) {
  EXPECT_EQ(LineOf({"on", ">abc", "~a*", "%R~b", "%W~c", "%RW~d", "&ch*", "+@read", "-get", "+config|get"}),
            std::string("u on sanitize-payload #") + kHashOfAbc +
                " ~a* %R~b %W~c ~d resetchannels &ch* -@all +@read -get +config|get");
  EXPECT_EQ(LineOf({"on", "nopass", "skip-sanitize-payload", "allkeys", "allchannels", "allcommands"}),
            "u on nopass skip-sanitize-payload ~* &* +@all");
  EXPECT_EQ(LineOf({"(+set ~x %R~y &z)", "( ~*  +@read )", "()"}),
            "u off sanitize-payload resetchannels -@all (~x %R~y resetchannels &z -@all +set) "
            "(~* resetchannels -@all +@read) (resetchannels -@all)");
  EXPECT_EQ(LineOf({"~a", "%RW~*", "%R~*1", "~b"}), "u off sanitize-payload ~a %RW~* %R~*1 ~b resetchannels -@all");
  EXPECT_EQ(LineOf({"db=3,1,2,1"}), "u off sanitize-payload resetchannels db=1,2,3 -@all");
  EXPECT_EQ(LineOf({"db=1", "db=2"}), "u off sanitize-payload resetchannels db=2 -@all");
  EXPECT_EQ(LineOf({"db=1", "resetdbs"}), "u off sanitize-payload resetchannels resetdbs -@all");
  EXPECT_EQ(LineOf({"db=1", "alldbs"}), "u off sanitize-payload resetchannels -@all");
}

TEST_F(UserTest, ResetMakesHimNew) {
  EXPECT_EQ(LineOf({"on", ">abc", "skip-sanitize-payload", "~a", "&*", "db=1", "+@all", "(~*)", "reset"}), LineOf({}));
  settings_.acl_pubsub_allows_all_channels = true;
  EXPECT_EQ(LineOf({}), "u off sanitize-payload &* -@all");
  EXPECT_EQ(LineOf({"resetchannels", "reset", "(+get)"}), "u off sanitize-payload &* -@all (&* -@all +get)");
}

TEST_F(UserTest, PasswordsComeAndGo) {
  User user = MakeUser("u", {"on", ">one", ">two", ">one"});
  EXPECT_EQ(user.password_hashes().size(), 2u);
  EXPECT_TRUE(user.AcceptsPassword("one"));
  EXPECT_TRUE(user.AcceptsPassword("two"));
  for (const std::string_view wrong : {"", "on", "onee", "One"}) EXPECT_FALSE(user.AcceptsPassword(wrong)) << wrong;
  ASSERT_EQ(user.Apply("<one", defaults()), RuleProblem::kNone);
  EXPECT_FALSE(user.AcceptsPassword("one"));
  ASSERT_EQ(user.Apply("nopass", defaults()), RuleProblem::kNone);
  EXPECT_TRUE(user.AcceptsPassword("anything"));
  EXPECT_TRUE(user.password_hashes().empty());
  ASSERT_EQ(user.Apply(std::string("#") + kHashOfAbc, defaults()), RuleProblem::kNone);
  EXPECT_FALSE(user.AcceptsPassword("anything"));
  EXPECT_TRUE(user.AcceptsPassword("abc"));
  ASSERT_EQ(user.Apply(std::string("!") + kHashOfAbc, defaults()), RuleProblem::kNone);
  EXPECT_FALSE(user.AcceptsPassword("abc"));
}

TEST_F(UserTest, WhatIsNoRuleChangesNothing) {
  for (const std::string_view rule : {"foo", "~a b", "~a\tb", "&a b", "%~a", "%", "%X~a", "(foo)", "(on)", "(>p)",
                                      "(reset)", ")", "((~a)", "db=", "db=x", "db=1,", "db=,1", "db 1", "o n"}) {
    EXPECT_EQ(ProblemOf({"~k"}, rule), "Syntax error") << rule;
  }
  EXPECT_EQ(ProblemOf({}, "db=16"), "The provided database ID is out of range");
  EXPECT_EQ(ProblemOf({}, "db=-1"), "The provided database ID is out of range");
  EXPECT_EQ(ProblemOf({">a"}, "<b"), "The password you are trying to remove from the user does not exist");
  for (const std::string_view rule : {"#", "#abc", "!abc"}) {
    EXPECT_EQ(ProblemOf({}, rule),
              "The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters");
  }
  EXPECT_EQ(ProblemOf({"~*"}, "~a").substr(0, 63), "Adding a pattern after the * pattern (or the 'allkeys' flag) is");
  EXPECT_EQ(ProblemOf({"&*"}, "&a").substr(0, 67),
            "Adding a pattern after the * pattern (or the 'allchannels' flag) is");
  EXPECT_EQ(ProblemOf({}, "(~* %R~x)").substr(0, 63),
            "Adding a pattern after the * pattern (or the 'allkeys' flag) is");
  EXPECT_EQ(ProblemOf({}, "(+nothing)"), "Unknown command or category name in ACL");
  EXPECT_EQ(ProblemOf({}, ""), "");
}

TEST_F(UserTest, KeysNeedThePermissionsThatTheCommandNeeds) {
  const User user = MakeUser("u", {"+@all", "%R~r*", "%W~w*", "~b*"});
  EXPECT_EQ(DenialOf(user, {"GET", "r1"}), "");
  EXPECT_EQ(DenialOf(user, {"GET", "b1"}), "");
  EXPECT_EQ(DenialOf(user, {"GET", "w1"}), "key w1");
  EXPECT_EQ(DenialOf(user, {"SET", "r1", "x"}), "key r1");
  EXPECT_EQ(DenialOf(user, {"SET", "w1", "x"}), "");
  EXPECT_EQ(DenialOf(user, {"COPY", "r1", "w1"}), "");
  EXPECT_EQ(DenialOf(user, {"COPY", "w1", "r1"}), "key w1");
  EXPECT_EQ(DenialOf(user, {"COPY", "b1", "r1"}), "key r1");
  EXPECT_EQ(DenialOf(user, {"EXISTS", "r1", "w1", "b1"}), "") << "any permission will do where no data is touched";
  EXPECT_EQ(DenialOf(user, {"EXISTS", "r1", "x", "y"}), "key x");
  // One pattern must give both: two halves make no whole.
  const User halves = MakeUser("u", {"+@all", "%R~a*", "%W~*1"});
  EXPECT_EQ(DenialOf(halves, {"MOVE", "a1", "0"}), "key a1");
}

TEST_F(UserTest, ChannelsAreMatchedAndPatternsCompared) {
  const User user = MakeUser("u", {"+@all", "~*", "&news.*", "&one"});
  EXPECT_EQ(DenialOf(user, {"PUBLISH", "news.a", "news.x"}), "");
  EXPECT_EQ(DenialOf(user, {"PUBLISH", "two", "x"}), "channel two");
  EXPECT_EQ(DenialOf(user, {"SUBSCRIBE", "one", "news.b"}), "");
  EXPECT_EQ(DenialOf(user, {"SUBSCRIBE", "one", "two", "three"}), "channel two");
  EXPECT_EQ(DenialOf(user, {"PSUBSCRIBE", "news.*", "one"}), "");
  EXPECT_EQ(DenialOf(user, {"PSUBSCRIBE", "news.a*"}), "channel news.a*") << "though it would match less";
  EXPECT_EQ(DenialOf(user, {"UNSUBSCRIBE", "two"}), "");
}

TEST_F(UserTest, ASelectorMustAllowAllOfACall) {
  const User user = MakeUser("u", {"+get", "~a", "(+set ~b)", "(+@read ~c %R~d)"});
  EXPECT_EQ(DenialOf(user, {"GET", "a"}), "");
  EXPECT_EQ(DenialOf(user, {"SET", "b", "x"}), "");
  EXPECT_EQ(DenialOf(user, {"GET", "b"}), "key b");
  EXPECT_EQ(DenialOf(user, {"SET", "a", "x"}), "key a") << "the selector that came nearest says why";
  EXPECT_EQ(DenialOf(user, {"EXISTS", "c", "d"}), "");
  EXPECT_EQ(DenialOf(user, {"EXISTS", "c", "a"}), "key a");
  EXPECT_EQ(DenialOf(user, {"CONFIG", "GET", "x"}), "command config|get");
}

TEST_F(UserTest, DatabasesAreThoseThatACallTouches) {
  const User user = MakeUser("u", {"+@all", "~*", "&*", "db=1,2"});
  EXPECT_EQ(DenialOf(user, {"GET", "a"}, 1), "");
  EXPECT_EQ(DenialOf(user, {"GET", "a"}, 0), "database 0");
  EXPECT_EQ(DenialOf(user, {"SELECT", "2"}, 0), "");
  EXPECT_EQ(DenialOf(user, {"SELECT", "3"}, 1), "database 3");
  EXPECT_EQ(DenialOf(user, {"SELECT", "x"}, 1), "");
  EXPECT_EQ(DenialOf(user, {"MOVE", "a", "2"}, 1), "");
  EXPECT_EQ(DenialOf(user, {"MOVE", "a", "3"}, 1), "database 3");
  EXPECT_EQ(DenialOf(user, {"DBSIZE"}, 1), "");
  EXPECT_EQ(DenialOf(user, {"DBSIZE"}, 0), "database 0");
  EXPECT_EQ(DenialOf(user, {"FLUSHALL"}, 1), "database flushall");
  EXPECT_EQ(DenialOf(user, {"PUBLISH", "a", "b"}, 0), "");
  EXPECT_FALSE(user.allows_everything());
  EXPECT_EQ(DenialOf(MakeUser("u", {"+@all", "~*", "resetdbs"}), {"GET", "a"}), "database 0");
}

TEST_F(UserTest, EverythingIsEverything) {
  EXPECT_TRUE(MakeUser("u", {"+@all", "~*", "&*"}).allows_everything());
  EXPECT_TRUE(MakeUser("u", {"(+@all ~* &*)"}).allows_everything());
  EXPECT_FALSE(MakeUser("u", {"+@all", "~*"}).allows_everything());
  EXPECT_FALSE(MakeUser("u", {"+@all", "&*"}).allows_everything());
  EXPECT_FALSE(MakeUser("u", {"+@all", "-get", "~*", "&*"}).allows_everything());
}

TEST_F(UserTest, HisLineMakesHimAgain) {
  const User user =
      MakeUser("u", {"on", ">abc", "~a*", "%R~b", "&c", "db=1", "+@read", "-get", "(~x db=2 +set)", "()"});
  std::vector<std::string> words;
  ASSERT_TRUE(SplitArguments(user.Line(), &words));
  std::string unclosed;
  User again(words[0], catalog(), defaults());
  for (const std::string& rule : JoinSelectors({words.begin() + 1, words.end()}, &unclosed)) {
    EXPECT_EQ(again.Apply(rule, defaults()), RuleProblem::kNone) << rule;
  }
  EXPECT_EQ(again.Line(), user.Line());
}

TEST_F(UserTest, OddPatternsReadBack) {
  const User user = MakeUser("o'u", {"~a\"b", "~c)", "~(d", "&'", "(\"~x)\" \"~y\\\"z\" &\\ +get|'\"')", "(~\\)"});
  EXPECT_EQ(user.Line().substr(0, 62), "o'u off sanitize-payload ~a\"b ~c) ~(d resetchannels &' -@all (");
  const auto from_file = ParseUsers("user " + user.Line(), "file", catalog(), defaults());
  ASSERT_TRUE(from_file.ok()) << user.Line() << from_file.status().text();
  EXPECT_EQ((*from_file)[0].Line(), user.Line());
  std::vector<std::string> words;
  ASSERT_TRUE(SplitArguments(user.ConfigurationLine(), &words)) << user.ConfigurationLine();
  std::string unclosed;
  User again(words[0], catalog(), defaults());
  for (const std::string& rule : JoinSelectors({words.begin() + 1, words.end()}, &unclosed)) {
    EXPECT_EQ(again.Apply(rule, defaults()), RuleProblem::kNone) << rule;
  }
  EXPECT_EQ(again.Line(), user.Line());
}

TEST(JoinSelectorsTest, WordsBetweenParenthesesAreOneRule) {
  std::string unclosed;
  EXPECT_EQ(JoinSelectors({"on", "(+get", "~x", ")", "(~y)", "off"}, &unclosed),
            (std::vector<std::string>{"on", "(+get ~x )", "(~y)", "off"}));
  EXPECT_EQ(unclosed, "");
  EXPECT_EQ(JoinSelectors({"on", "(+get", "~x"}, &unclosed), (std::vector<std::string>{"on"}));
  EXPECT_EQ(unclosed, "(+get");
  EXPECT_EQ(JoinSelectors({"("}, &unclosed), std::vector<std::string>{});
  EXPECT_EQ(unclosed, "(");
}

}  // namespace
}  // namespace kvick

#include "security/command_rules.h"

#include <gtest/gtest.h>

#include "security/acl_fixture.h"

namespace kvick {
namespace {

class CommandRulesTest : public AclFixture {
 protected:
  // The text after these rules, or the first problem.
  std::string After(std::initializer_list<std::string_view> words) {
    rules_ = CommandRules(catalog());
    for (const std::string_view rule : words) {
      const RuleProblem problem = rules_.Apply(rule);
      if (problem != RuleProblem::kNone) return "! " + std::string(TextOf(problem));
    }
    return rules_.Text();
  }
  bool Allows(std::initializer_list<std::string_view> words) {
    const std::vector<std::string_view> arguments(words);
    const Command* container = nullptr;
    return rules_.Allows(*engine_.commands().Resolve(arguments, &container), arguments);
  }

  CommandRules rules_{catalog()};
};

TEST_F(CommandRulesTest, RulesStandInTheirOrder) {
  EXPECT_EQ(After({}), "-@all");
  EXPECT_EQ(After({"+@read", "-GET", "+config|get"}), "-@all +@read -get +config|get");
  EXPECT_EQ(After({"allcommands", "-@Write"}), "+@all -@write");
  EXPECT_EQ(After({"+@all", "+get"}), "+@all +get") << "kept though it changes nothing";
}

TEST_F(CommandRulesTest, ALaterRuleReplacesOnesAboutTheSame) {
  EXPECT_EQ(After({"+get", "+set", "-get"}), "-@all +set -get");
  EXPECT_EQ(After({"-config", "+config|get", "-config|set", "+config"}), "-@all +config");
  EXPECT_EQ(After({"+config", "-config|get", "+config|get"}), "-@all +config +config|get");
  EXPECT_EQ(After({"+@read", "-@read", "+@read"}), "-@all +@read");
  EXPECT_EQ(After({"+get|a", "+get|b", "+get|A"}), "-@all +get|b +get|a");
  EXPECT_EQ(After({"+get|a", "+get"}), "-@all +get");
  EXPECT_EQ(After({"+get", "-set", "+@all"}), "+@all");
  EXPECT_EQ(After({"+get", "nocommands"}), "-@all");
}

TEST_F(CommandRulesTest, TheLastRuleAboutACommandCounts) {
  After({"+@all", "-@string", "+get"});
  EXPECT_TRUE(Allows({"GET", "a"}));
  EXPECT_FALSE(Allows({"SET", "a", "b"}));
  EXPECT_TRUE(Allows({"DBSIZE"}));
  After({"+get", "-@read"});
  EXPECT_FALSE(Allows({"GET", "a"}));
}

TEST_F(CommandRulesTest, ASubcommandCanBeAllowedAlone) {
  After({"+config|get"});
  EXPECT_TRUE(Allows({"CONFIG", "GET", "x"}));
  EXPECT_FALSE(Allows({"CONFIG", "SET", "x", "y"}));
  After({"+config", "-config|set"});
  EXPECT_TRUE(Allows({"CONFIG", "GET", "x"}));
  EXPECT_FALSE(Allows({"CONFIG", "SET", "x", "y"}));
}

TEST_F(CommandRulesTest, AFirstArgumentCanBeAllowedAlone) {
  After({"+select|1", "+select|2"});
  EXPECT_TRUE(Allows({"SELECT", "1"}));
  EXPECT_TRUE(Allows({"SELECT", "2"}));
  EXPECT_FALSE(Allows({"SELECT", "12"}));
  After({"+select|1", "-select"});
  EXPECT_FALSE(Allows({"SELECT", "1"}));
  After({"+select|1", "-@connection"});
  EXPECT_FALSE(Allows({"SELECT", "1"}));
}

TEST_F(CommandRulesTest, ProblemsHaveTheirWords) {
  static constexpr std::string_view kUnknown = "! Unknown command or category name in ACL";
  for (const std::string_view rule : {"+nothing", "-nothing", "+@nothing", "+@", "+", "-", "+|", "+config|nothing",
                                      "-config|nothing", "-get|a", "+get|a|b", "+@all|x", "-@all|x", "+@all +get"}) {
    EXPECT_EQ(After({rule}), kUnknown) << rule;
  }
  EXPECT_EQ(After({"+config|get|x"}), "! Allowing first-arg of a subcommand is not supported");
  for (const std::string_view rule : {"", "get", "+get|", "+config|", "+get|a b", "+get|a\nb"})
    EXPECT_EQ(After({rule}), "! Syntax error") << rule;
}

TEST_F(CommandRulesTest, EverythingIsAllOfThemFromTheStart) {
  After({"+@all"});
  EXPECT_TRUE(rules_.allows_all());
  After({"+@all", "-get"});
  EXPECT_FALSE(rules_.allows_all());
  After({"+@all", "-get", "+get"});
  EXPECT_TRUE(rules_.allows_all());
  After({"+@slow", "+@fast"});
  EXPECT_FALSE(rules_.allows_all()) << "later versions may have other commands";
}

TEST_F(CommandRulesTest, TheTextMakesTheSameRules) {
  for (const auto& rules : std::vector<std::vector<std::string>>{{"+@all", "-@write", "+set", "-config|set"},
                                                                 {"+get|x", "+@read", "-exists", "+select|0"}}) {
    CommandRules first(catalog());
    for (const std::string& rule : rules) ASSERT_EQ(first.Apply(rule), RuleProblem::kNone);
    CommandRules second(catalog());
    std::vector<std::string> words;
    ASSERT_TRUE(SplitArguments(first.Text(), &words));
    for (const std::string& rule : words) ASSERT_EQ(second.Apply(rule), RuleProblem::kNone);
    EXPECT_EQ(first.Text(), second.Text());
  }
}

}  // namespace
}  // namespace kvick

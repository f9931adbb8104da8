#include <gtest/gtest.h>

#include "engine/syntax.h"

namespace kvick {
namespace {

std::vector<SyntaxArgument> Parse(std::string_view syntax, std::string_view notes, int key_spec_count = 0) {
  std::vector<SyntaxArgument> arguments = ParseSyntax(syntax);
  Annotate(notes, key_spec_count, &arguments);
  return arguments;
}

TEST(SyntaxNotesTest, RenameGroupsAndSayTypesAndVersions) {
  const auto arguments = Parse("key longitude [NX | XX]", "longitude(double)@3.2.0 nx=condition condition.XX@6.2.0");
  EXPECT_EQ(arguments[1].kind, SyntaxArgument::Kind::kDouble);
  EXPECT_EQ(arguments[1].since, "3.2.0");
  EXPECT_EQ(arguments[2].name, "condition");
  EXPECT_EQ(arguments[2].parts[0].since, "");
  EXPECT_EQ(arguments[2].parts[1].since, "6.2.0");
}

TEST(SyntaxNotesTest, FindArgumentsByTokenWhereNamesAreEqual) {
  const auto arguments = Parse("[ADDR ip:port] [LADDR ip:port]", "LADDR=laddr@6.2.0 ADDR=addr");
  EXPECT_EQ(arguments[0].name, "addr");
  EXPECT_EQ(arguments[1].name, "laddr");
}

TEST(SyntaxNotesTest, TakeASignForAName) {
  const auto arguments = Parse("[= | ~] threshold", "==operator operator.==equal");
  EXPECT_EQ(arguments[0].name, "operator");
  EXPECT_EQ(arguments[0].parts[0].name, "equal");
}

TEST(SyntaxNotesTest, GiveATokenToTheBlockOrToItsFirstPart) {
  const auto arguments = Parse("key [LIMIT offset count] [GET type at [GET type at ...]]", "LIMIT! data!=get");
  EXPECT_EQ(arguments[1].token, "");
  EXPECT_EQ(arguments[1].parts[0].token, "LIMIT");
  EXPECT_EQ(arguments[2].name, "get");
  EXPECT_EQ(arguments[2].token, "GET");
  EXPECT_TRUE(arguments[2].multiple_token);
  EXPECT_EQ(arguments[2].parts[0].token, "");
}

TEST(SyntaxNotesTest, MakeABlockOfATokenAndAName) {
  const auto arguments =
      Parse("key <MATCH text | USED>", "text=operation operation.MATCH! operation.match.text(pattern)");
  const SyntaxArgument& match = arguments[1].parts[0];
  EXPECT_EQ(match.kind, SyntaxArgument::Kind::kBlock);
  EXPECT_EQ(match.name, "match");
  EXPECT_EQ(match.parts[0].kind, SyntaxArgument::Kind::kToken);
  EXPECT_EQ(match.parts[0].token, "MATCH");
  EXPECT_EQ(match.parts[1].kind, SyntaxArgument::Kind::kPattern);
  EXPECT_EQ(match.parts[1].token, "");
}

TEST(SyntaxNotesTest, KeysTakeTheKeySpecsInTurn) {
  const auto arguments = Parse("key [STORE destination] source", "", 2);
  EXPECT_EQ(arguments[0].key_spec_index, 0);
  EXPECT_EQ(arguments[1].key_spec_index, 1);
  EXPECT_EQ(arguments[2].key_spec_index, 1);
  EXPECT_EQ(Parse("key", "", 0)[0].key_spec_index, -1);
  EXPECT_EQ(Parse("key [STORE destination]", "STORE#0", 2)[1].key_spec_index, 0);
}

TEST(SyntaxTest, ATokenBeforeSeveralNamesIsThatOfTheBlock) {
  const auto arguments = ParseSyntax("[LIMIT offset count] [COUNT count [ANY]] [GET pattern [GET pattern ...]]");
  EXPECT_EQ(arguments[0].name, "limit");
  EXPECT_EQ(arguments[0].token, "LIMIT");
  EXPECT_EQ(arguments[0].parts[0].token, "");
  EXPECT_EQ(arguments[1].token, "");
  EXPECT_EQ(arguments[1].parts[0].token, "COUNT");
  EXPECT_EQ(arguments[2].token, "GET");
  EXPECT_TRUE(arguments[2].multiple_token);
  EXPECT_EQ(ArityOf(arguments, 1), -1);
  EXPECT_EQ(ArityOf(ParseSyntax("<LIMIT offset count>"), 1), 4);
}

}  // namespace
}  // namespace kvick

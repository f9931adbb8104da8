// The syntax lines: what each sign means, and that every line of the reference is understood.
#include "engine/syntax.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace kvick {
namespace {

using Json = nlohmann::json;

int Arity(const std::string& syntax) { return ArityOf(ParseSyntax(syntax), 1); }

TEST(SyntaxTest, ArityFollowsFromWhatMustBeThere) {
  EXPECT_EQ(Arity(""), 1);
  EXPECT_EQ(Arity("key"), 2);
  EXPECT_EQ(Arity("key value"), 3);
  EXPECT_EQ(Arity("key [value]"), -2);
  EXPECT_EQ(Arity("key [key ...]"), -2);
  EXPECT_EQ(Arity("key value [key value ...]"), -3);
  EXPECT_EQ(Arity("key <LEFT | RIGHT>"), 3);
  EXPECT_EQ(Arity("key <EX seconds | PERSIST>"), -3) << "the choices differ in length";
  EXPECT_EQ(Arity("key [EX seconds | PERSIST]"), -2);
  EXPECT_EQ(Arity("TYPE type"), 3) << "a word in capitals and its value";
  EXPECT_EQ(Arity("key [MAXLEN [= | ~] threshold [LIMIT count]] <* | id> field value [field value ...]"), -5);
}

TEST(SyntaxTest, TokensStandBeforeTheirValues) {
  const std::vector<SyntaxArgument> arguments = ParseSyntax("key [EX seconds | KEEPTTL]");
  ASSERT_EQ(arguments.size(), 2u);
  EXPECT_EQ(arguments[0].name, "key");
  EXPECT_EQ(arguments[0].kind, SyntaxArgument::Kind::kKey);
  EXPECT_TRUE(arguments[1].optional);
  EXPECT_EQ(arguments[1].kind, SyntaxArgument::Kind::kOneOf);
  ASSERT_EQ(arguments[1].parts.size(), 2u);
  EXPECT_EQ(arguments[1].parts[0].token, "EX");
  EXPECT_EQ(arguments[1].parts[0].kind, SyntaxArgument::Kind::kInteger);
  EXPECT_EQ(arguments[1].parts[1].kind, SyntaxArgument::Kind::kToken);
  EXPECT_EQ(arguments[1].parts[1].token, "KEEPTTL");
}

TEST(SyntaxTest, ARepetitionRepeatsWhatStandsBeforeItOrTheGroupAroundIt) {
  EXPECT_TRUE(ParseSyntax("key [key ...]")[0].multiple);
  const std::vector<SyntaxArgument> choice = ParseSyntax("<[A] | [B] [[A] | [B] ...]>");
  EXPECT_TRUE(choice[0].multiple);
  EXPECT_EQ(choice[0].parts.size(), 2u);
  const std::vector<SyntaxArgument> group = ParseSyntax("index [GROUPBY nargs property [property ...] ...]");
  ASSERT_EQ(group.size(), 2u);
  EXPECT_TRUE(group[1].multiple);
  EXPECT_TRUE(group[1].optional);
  EXPECT_EQ(ParseSyntax("[a]")[0].name, "a");
}

TEST(SyntaxTest, WhatIsRepeatedIsABlock) {
  const std::vector<SyntaxArgument> arguments = ParseSyntax("key field value [field value ...]");
  ASSERT_EQ(arguments.size(), 2u);
  EXPECT_EQ(arguments[1].kind, SyntaxArgument::Kind::kBlock);
  EXPECT_TRUE(arguments[1].multiple);
  EXPECT_EQ(arguments[1].parts.size(), 2u);
}

// Commands whose arity is not what their syntax line says, and why. Their rows state it.
const std::map<std::string, std::string> kStatedArity = {
    {"CLIENT KILL", "the line allows an empty list of options"},
    {"CLUSTER MIGRATION", "STATUS without a word is refused by the handler"},
    {"DEBUG", "a container without listed subcommands"},
    {"FT.CONFIG GET", "takes more than it documents"},
    {"FT.CONFIG HELP", "takes more than it documents"},
    {"FT.CONFIG SET", "takes more than it documents"},
    {"FT.CURSOR DEL", "takes more than it documents"},
    {"FT._LIST", "takes more than it documents"},
    {"HOTKEYS START", "its arguments are checked by the handler"},
    {"JSON.ARRAPPEND", "the line has the path that may be left out"},
    {"JSON.MERGE", "takes more than it documents"},
    {"PSYNC", "takes more than it documents"},
    {"QUIT", "takes more than it documents"},
    {"REPLCONF", "takes more than it documents"},
    {"TS.CREATERULE", "its arguments are checked by the handler"},
    {"TS.MRANGE", "its arguments are checked by the handler"},
    {"TS.MREVRANGE", "its arguments are checked by the handler"},
    {"VADD", "the line groups with round brackets"},
    {"VSETATTR", "the line shows an example as an argument"},
    {"VSIM", "the line groups with round brackets"},
};

TEST(SyntaxTest, EveryLineOfTheReferenceGivesTheArityOfTheReference) {
  std::ifstream file(KVICK_SOURCE_DIR "/tests/reference/commands.json");
  const Json reference = Json::parse(file);
  size_t count = 0;
  for (const Json& command : reference.at("commands")) {
    // A container's row states its arity: its line is empty.
    if (!command.contains("arity") || command.contains("subcommands")) continue;
    const std::string name = command.at("name");
    const std::string syntax = command.at("syntax");
    ASSERT_EQ(syntax.compare(0, name.size(), name), 0) << syntax;
    const std::string line = syntax.size() > name.size() ? syntax.substr(name.size() + 1) : "";
    const int name_words = name.find(' ') == std::string::npos ? 1 : 2;
    const int arity = ArityOf(ParseSyntax(line), name_words);
    ++count;
    const int expected = command.at("arity");
    if (kStatedArity.count(name) == 0) {
      EXPECT_EQ(arity, expected) << syntax;
    } else {
      EXPECT_NE(arity, expected) << syntax << ": no exception any more";
    }
  }
  EXPECT_GT(count, 500u);
}

}  // namespace
}  // namespace kvick

#include "tools/cli/command_docs.h"

#include <gtest/gtest.h>

#include <string_view>
#include <utility>

namespace kvick::cli {
namespace {

Value Text(std::string_view text) { return Value::Bulk(std::string(text)); }

Value Argument(std::string_view name, std::string_view type, std::vector<std::string_view> flags = {},
               std::string_view token = "", std::vector<Value> inner = {}) {
  std::vector<std::pair<Value, Value>> pairs = {{Text("name"), Text(name)}, {Text("type"), Text(type)}};
  if (!token.empty()) pairs.emplace_back(Text("token"), Text(token));
  if (!inner.empty()) pairs.emplace_back(Text("arguments"), Value::Array(std::move(inner)));
  std::vector<Value> flag_values;
  for (const std::string_view flag : flags) flag_values.push_back(Value::Simple(std::string(flag)));
  if (!flag_values.empty()) pairs.emplace_back(Text("flags"), Value::Set(std::move(flag_values)));
  return Value::Map(std::move(pairs));
}

CommandDocs MakeDocs() {
  const Value condition = Argument("condition", "oneof", {"optional"}, "",
                                   {Argument("nx", "pure-token", {}, "NX"), Argument("xx", "pure-token", {}, "XX")});
  const Value expiration =
      Argument("expiration", "oneof", {"optional"}, "",
               {Argument("seconds", "integer", {}, "EX"), Argument("keepttl", "pure-token", {}, "KEEPTTL")});
  const Value set = Value::Map({
      {Text("summary"), Text("Sets a value")},
      {Text("since"), Text("1.0.0")},
      {Text("group"), Text("string")},
      {Text("arguments"), Value::Array({Argument("key", "key"), Argument("value", "string"), condition, expiration})},
  });
  const Value mset = Value::Map(
      {{Text("group"), Text("string")},
       {Text("arguments"), Value::Array({Argument("data", "block", {"multiple"}, "",
                                                  {Argument("key", "key"), Argument("value", "string")})})}});
  const Value sort =
      Value::Map({{Text("group"), Text("generic")},
                  {Text("arguments"),
                   Value::Array({Argument("key", "key"),
                                 Argument("pattern", "pattern", {"optional", "multiple", "multiple_token"}, "GET")})}});
  const Value config = Value::Map(
      {{Text("group"), Text("server")},
       {Text("subcommands"),
        Value::Map(
            {{Text("config|get"),
              Value::Map({{Text("group"), Text("server")},
                          {Text("arguments"), Value::Array({Argument("parameter", "string", {"multiple"})})}})}})}});
  return CommandDocs(
      Value::Map({{Text("set"), set}, {Text("mset"), mset}, {Text("sort"), sort}, {Text("config"), config}}));
}

TEST(CommandDocsTest, WritesTheSyntaxAsAHint) {
  const CommandDocs docs = MakeDocs();
  EXPECT_EQ(docs.Hint("set"), "key value [NX|XX] [EX seconds|KEEPTTL]");
  EXPECT_EQ(docs.Hint("MSET"), "key value [key value ...]");
  EXPECT_EQ(docs.Hint("sort"), "key [GET pattern [GET pattern ...]]");
  EXPECT_EQ(docs.Hint("config get"), "parameter [parameter ...]");
  EXPECT_EQ(docs.Hint("se"), "");
  EXPECT_EQ(docs.Hint("nosuch a"), "");
}

TEST(CommandDocsTest, TakesTypedArgumentsOffTheHint) {
  const CommandDocs docs = MakeDocs();
  EXPECT_EQ(docs.Hint("set k "), "value [NX|XX] [EX seconds|KEEPTTL]");
  EXPECT_EQ(docs.Hint("set k \"open quote"), "[NX|XX] [EX seconds|KEEPTTL]");
  EXPECT_EQ(docs.Hint("config get a b"), "[parameter ...]");
}

TEST(CommandDocsTest, CompletesCommandsSubcommandsAndHelpTopics) {
  const CommandDocs docs = MakeDocs();
  EXPECT_EQ(docs.Complete("s"), (std::vector<std::string>{"SET", "SORT"}));
  EXPECT_EQ(docs.Complete("config g"), std::vector<std::string>{"CONFIG GET"});
  EXPECT_EQ(docs.Complete("help so"), std::vector<std::string>{"help SORT"});
  EXPECT_EQ(docs.Complete("help @s"), (std::vector<std::string>{"help @server", "help @string"}));
  EXPECT_TRUE(docs.Complete("").empty());
}

TEST(CommandDocsTest, ExplainsACommandAndAGroup) {
  const CommandDocs docs = MakeDocs();
  EXPECT_EQ(docs.Help({"set"}, false),
            "\n  SET key value [NX|XX] [EX seconds|KEEPTTL]\n  summary: Sets a value\n  since: 1.0.0\n"
            "  group: string\n\n");
  EXPECT_EQ(docs.Help({"nosuch"}, false), "\n");
  EXPECT_NE(docs.Help({"@string"}, false).find("MSET key value"), std::string::npos);
  EXPECT_EQ(docs.Help({"@string"}, false).find("SORT"), std::string::npos);
}

}  // namespace
}  // namespace kvick::cli

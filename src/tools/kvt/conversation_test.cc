#include "tools/kvt/conversation.h"

#include <gtest/gtest.h>

#include "tools/kvt/rewrite.h"

namespace kvick::kvt {
namespace {

Conversation Parse(std::string_view text) {
  Result<Conversation> conversation = ParseConversation("t.kvt", text);
  EXPECT_TRUE(conversation.ok()) << conversation.status().text();
  return conversation.ok() ? *conversation : Conversation();
}

std::string ErrorOf(std::string_view text) { return std::string(ParseConversation("t.kvt", text).status().text()); }

TEST(ConversationTest, ReadsExchangesWithOrWithoutBlankLinesBetween) {
  const Conversation conversation =
      Parse("# says hello\n> SET a \"b c\\n\"\nOK\n> GET a\n\"b c\"\n\n# last\n> DEL a\n(integer) 1\n");
  ASSERT_EQ(conversation.steps.size(), 3u);
  EXPECT_EQ(conversation.steps[0].arguments, (std::vector<std::string>{"SET", "a", "b c\n"}));
  EXPECT_EQ(conversation.steps[0].expected, std::vector<std::string>{"OK"});
  EXPECT_EQ(conversation.steps[1].line_number, 4u);
  EXPECT_EQ(conversation.steps[2].expected, std::vector<std::string>{"(integer) 1"});
  EXPECT_EQ(conversation.ExchangeCount(), 3u);
}

TEST(ConversationTest, TakesALineWithABackslashAsItStands) {
  const Conversation conversation = Parse("> INFO\n\\# Server\n\\\n\\@x\n\\> y\n\\\\z\n");
  ASSERT_EQ(conversation.steps.size(), 1u);
  EXPECT_EQ(conversation.steps[0].expected, (std::vector<std::string>{"# Server", "", "@x", "> y", "\\z"}));
  for (const std::string& line : conversation.lines) {
    if (line == "> INFO") continue;
    EXPECT_EQ(EscapeExpectedLine(line.substr(1)), line);
  }
  EXPECT_EQ(EscapeExpectedLine("1# \"a\""), "1# \"a\"");
}

TEST(ConversationTest, ReadsClientsAndCommandsThatAreOnlySent) {
  const Conversation conversation =
      Parse("@client b\n> PING\nPONG\nc> BLPOP k 0 &\n@receive c\n(nil)\n> ECHO \"&\"\n\"&\"\n");
  ASSERT_EQ(conversation.steps.size(), 5u);
  EXPECT_EQ(conversation.steps[0].kind, Step::Kind::kClient);
  EXPECT_EQ(conversation.steps[2].kind, Step::Kind::kSend);
  EXPECT_EQ(conversation.steps[2].client, "c");
  EXPECT_EQ(conversation.steps[2].arguments, (std::vector<std::string>{"BLPOP", "k", "0"}));
  EXPECT_EQ(conversation.steps[3].kind, Step::Kind::kReceive);
  EXPECT_EQ(conversation.steps[4].kind, Step::Kind::kCall);
}

TEST(ConversationTest, AppliesModifiersToTheNextExchangeOnlyAndToTheFileAtItsTop) {
  const Conversation one = Parse("@since 8.4\n> A\n1\n> B\n2\n");
  EXPECT_EQ(one.steps[0].modifiers.since, (Version{8, 4}));
  EXPECT_EQ(one.steps[1].modifiers.since, (Version{0, 0}));
  const Conversation file = Parse("# about\n@since 8.4\n\n@unordered pairs\n> A\n1\n> B\n2\n");
  EXPECT_EQ(file.steps[0].modifiers.since, (Version{8, 4}));
  EXPECT_EQ(file.steps[0].modifiers.order, Order::kPairs);
  EXPECT_EQ(file.steps[1].modifiers.since, (Version{8, 4}));
  EXPECT_EQ(file.steps[1].modifiers.order, Order::kExact);
}

TEST(ConversationTest, RestrictsToAProtocolUntilToldOtherwise) {
  const Conversation conversation = Parse("> A\n1\n@resp 3\n> B\n2\n> C\n3\n@resp any\n> D\n4\n");
  std::vector<int> protocols;
  for (const Step& step : conversation.steps) protocols.push_back(step.modifiers.resp);
  EXPECT_EQ(protocols, (std::vector<int>{0, 3, 3, 0}));
}

TEST(ConversationTest, ReadsClockConfigAndRaw) {
  const Conversation conversation =
      Parse("@clock +2m\n@config maxmemory-policy \"allkeys lru\"\n@raw \"PING\\r\\n\"\n\"+PONG\\r\\n\"\n");
  ASSERT_EQ(conversation.steps.size(), 3u);
  EXPECT_EQ(conversation.steps[0].advance_ms, 120'000);
  EXPECT_TRUE(conversation.UsesClock());
  EXPECT_EQ(conversation.steps[1].arguments, (std::vector<std::string>{"maxmemory-policy", "allkeys lru"}));
  EXPECT_EQ(conversation.steps[2].bytes, "PING\r\n");
}

TEST(ConversationTest, RefusesWhatWouldTestNothing) {
  EXPECT_EQ(ErrorOf("> A\n1\n@since 8.4\n\n> B\n2\n"), "t.kvt:3: the directive is followed by no exchange");
  EXPECT_EQ(ErrorOf("@pattern\n"), "t.kvt:1: the directive is followed by no exchange");
  EXPECT_EQ(ErrorOf("> A\n1\n\nOK\n").substr(0, 28), "t.kvt:4: a line that answers");
  EXPECT_EQ(ErrorOf("> A &\nOK\n"), "t.kvt:2: nothing is answered here");
  EXPECT_EQ(ErrorOf("@nonsense\n> A\n"), "t.kvt:1: unknown directive, or wrong number of words: @nonsense");
  EXPECT_EQ(ErrorOf("@clock 1s\n"), "t.kvt:1: @clock takes an amount like +1s or +500ms");
  EXPECT_EQ(ErrorOf("> A \"b\n"), "t.kvt:1: unbalanced quotes");
  EXPECT_EQ(ErrorOf("@pattern\n> A\n<<(>>\n"), "t.kvt:3: << is not closed, or what it holds is no regular expression");
}

TEST(RewriteTest, ReplacesOnlyWhatDidNotMatch) {
  const Conversation conversation = Parse("# one\n> A\nold\nlines\n\n> B\nkept\n> C\n");
  Outcome outcome;
  outcome.observed[0] = {"new", "# text"};
  outcome.observed[2] = {"(nil)"};
  EXPECT_EQ(Rewrite(conversation, outcome), "# one\n> A\nnew\n\\# text\n\n> B\nkept\n> C\n(nil)\n");
}

TEST(ConversationTest, ReadsMarksForRunsInOtherWays) {
  const Conversation conversation =
      Parse("@direct it shows the transaction\n@packed it shows the encoding\n> A\n1\n> B\n2\n");
  ASSERT_EQ(conversation.steps.size(), 2u);
  EXPECT_EQ(conversation.steps[0].modifiers.direct, "it shows the transaction");
  EXPECT_EQ(conversation.steps[0].modifiers.packed, "it shows the encoding");
  EXPECT_EQ(conversation.steps[1].modifiers.direct, "");
  EXPECT_NE(ErrorOf("@direct\n> A\n1\n"), "");
  EXPECT_NE(ErrorOf("@packed\n> A\n1\n"), "");
}

}  // namespace
}  // namespace kvick::kvt

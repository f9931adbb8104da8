#include "base/bytes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "support/threads.h"

namespace kvick {
namespace {

// Every element of the pattern, then the rest: nothing clever, exponential in the stars.
bool MatchesSlowly(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  const char first = pattern[0];
  if (first == '*') {
    return MatchesSlowly(pattern.substr(1), text) || (!text.empty() && MatchesSlowly(pattern, text.substr(1)));
  }
  if (text.empty()) return false;
  if (first == '?') return MatchesSlowly(pattern.substr(1), text.substr(1));
  if (first == '[') {
    size_t at = 1;
    const bool negated = at < pattern.size() && pattern[at] == '^';
    if (negated) ++at;
    bool matches = false;
    while (at < pattern.size() && pattern[at] != ']') {
      if (pattern[at] == '\\' && at + 1 < pattern.size()) {
        matches = matches || pattern[at + 1] == text[0];
        at += 2;
      } else if (at + 2 < pattern.size() && pattern[at + 1] == '-') {
        const auto [low, high] = std::minmax(pattern[at], pattern[at + 2]);
        matches = matches || (low <= text[0] && text[0] <= high);
        at += 3;
      } else {
        matches = matches || pattern[at] == text[0];
        ++at;
      }
    }
    at = std::min(at + 1, pattern.size());
    return matches != negated && MatchesSlowly(pattern.substr(at), text.substr(1));
  }
  if (first == '\\' && pattern.size() > 1) pattern.remove_prefix(1);
  return pattern[0] == text[0] && MatchesSlowly(pattern.substr(1), text.substr(1));
}

std::string RandomText(Random& random, std::string_view alphabet, size_t size_max) {
  std::string text(random.Below(size_max + 1), ' ');
  for (char& c : text) c = alphabet[random.Below(alphabet.size())];
  return text;
}

TEST(BytesTest, GlobAgreesWithAMatcherThatTriesEverything) {
  Random random(test::Seed());
  size_t match_count = 0;
  for (int i = 0; i < 200'000; ++i) {
    const std::string pattern = RandomText(random, "ab*?[]^-\\c", 8);
    const std::string text = RandomText(random, "abc-]", 6);
    const bool expected = MatchesSlowly(pattern, text);
    ASSERT_EQ(MatchesGlob(pattern, text), expected) << "pattern " << pattern << " text " << text;
    match_count += expected ? 1 : 0;
  }
  EXPECT_GT(match_count, 1000u);
}

TEST(BytesTest, GlobKnowsItsElements) {
  EXPECT_TRUE(MatchesGlob("h?llo", "hello"));
  EXPECT_TRUE(MatchesGlob("h*llo", "heeeello"));
  EXPECT_TRUE(MatchesGlob("h[^e]llo", "hallo"));
  EXPECT_FALSE(MatchesGlob("h[^e]llo", "hello"));
  EXPECT_TRUE(MatchesGlob("h[a-b]llo", "hbllo"));
  EXPECT_TRUE(MatchesGlob("h[b-a]llo", "hallo")) << "a range may be written backwards";
  EXPECT_TRUE(MatchesGlob("h\\*llo", "h*llo"));
  EXPECT_FALSE(MatchesGlob("h\\*llo", "hello"));
  EXPECT_FALSE(MatchesGlob("HELLO", "hello"));
  EXPECT_TRUE(MatchesGlob("H[E-F]LLO", "hello", true));
}

TEST(BytesTest, StarsDoNotMakeGlobExponential) {
  std::string pattern;
  for (int i = 0; i < 30; ++i) pattern += "*a";
  EXPECT_FALSE(MatchesGlob(pattern + "b", std::string(5000, 'a')));
}

TEST(BytesTest, QuotedArgumentsReadBack) {
  Random random(test::Seed());
  for (int i = 0; i < 20'000; ++i) {
    std::vector<std::string> arguments(random.Below(4));
    std::string line;
    for (std::string& argument : arguments) {
      argument.resize(random.Below(12));
      for (char& c : argument)
        c = random.Below(4) == 0 ? "\"\\'nx \t\n"[random.Below(8)] : static_cast<char>(random.Below(256));
      line += QuoteArgument(argument) + (random.Below(2) == 0 ? " " : "\t ");
    }
    std::vector<std::string> read;
    ASSERT_TRUE(SplitArguments(line, &read)) << line;
    ASSERT_EQ(read, arguments) << line;
  }
}

TEST(BytesTest, SplitsAsConfigurationFilesAreWritten) {
  const std::pair<std::string_view, std::vector<std::string>> kLines[] = {
      {"", {}},
      {"   \t ", {}},
      {"SET a 1", {"SET", "a", "1"}},
      {"  SET  a\t1  ", {"SET", "a", "1"}},
      {"a \"b c\" d", {"a", "b c", "d"}},
      {R"("\x41\n\r\t\b\a\\\"\q")", {"A\n\r\t\b\a\\\"q"}},
      {R"('it\'s' '\n')", {"it's", "\\n"}},
      {R"("" '')", {"", ""}},
      {R"("\x4")", {"x4"}},
      {R"(a"b c")", {"ab c"}},
  };
  for (const auto& [line, expected] : kLines) {
    std::vector<std::string> arguments;
    EXPECT_TRUE(SplitArguments(line, &arguments)) << line;
    EXPECT_EQ(arguments, expected) << line;
  }
  for (const std::string_view line : {"\"a", "'a", "\"a\"b", "'a'b", "\"\\", "a 'b\\'"}) {
    std::vector<std::string> arguments;
    EXPECT_FALSE(SplitArguments(line, &arguments)) << line;
  }
}

TEST(BytesTest, ComparesInAnyCaseWithinAsciiOnly) {
  EXPECT_TRUE(EqualsIgnoreCase("GeT", "gEt"));
  EXPECT_FALSE(EqualsIgnoreCase("get", "gets"));
  EXPECT_FALSE(EqualsIgnoreCase("[", "{")) << "32 apart, but no letters";
  EXPECT_FALSE(EqualsIgnoreCase("\xc4", "\xe4"));
  EXPECT_EQ(ToLower(ToUpper("abc\xe4[]")), "abc\xe4[]");
}

TEST(BytesTest, ConstantTimeComparisonComparesAll) {
  EXPECT_TRUE(EqualsConstantTime("", ""));
  EXPECT_TRUE(EqualsConstantTime("secret", "secret"));
  EXPECT_FALSE(EqualsConstantTime("secret", "secreT"));
  EXPECT_FALSE(EqualsConstantTime("Secret", "secret"));
  EXPECT_FALSE(EqualsConstantTime("secret", "secre"));
  EXPECT_FALSE(EqualsConstantTime("secret", std::string_view("secret\0", 7)));
}

TEST(BytesTest, TrimsBlanksAtBothEnds) {
  EXPECT_EQ(TrimBlanks(" \t a b\r\n"), "a b");
  EXPECT_EQ(TrimBlanks(" \n "), "");
}

}  // namespace
}  // namespace kvick

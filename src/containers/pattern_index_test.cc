#include "containers/pattern_index.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace kvick {
namespace {

std::set<std::string> Matches(PatternIndex<int>& index, std::string_view text) {
  std::set<std::string> matches;
  index.ForEachMatch(text, [&](const std::string& pattern, int) { EXPECT_TRUE(matches.insert(pattern).second); });
  return matches;
}

using Names = std::set<std::string>;

TEST(PatternIndexTest, FindsPatternsByTheirBeginningTheirEndAndWithoutEither) {
  PatternIndex<int> index;
  for (const char* pattern : {"news.*", "news.sports", "*.sports", "*", "?ews.*", "n[ae]ws.*", "other", "*.art"}) {
    index.Get(pattern);
  }
  EXPECT_EQ(Matches(index, "news.sports"), (Names{"news.*", "news.sports", "*.sports", "*", "?ews.*", "n[ae]ws.*"}));
  EXPECT_EQ(Matches(index, "other"), (Names{"other", "*"}));
  EXPECT_EQ(Matches(index, "x.art"), (Names{"*.art", "*"}));
}

TEST(PatternIndexTest, APatternThatWasRemovedMatchesNoMore) {
  PatternIndex<int> index;
  index.Get("a*") = 1;
  index.Get("a*") = 2;
  index.Get("ab*") = 3;
  EXPECT_EQ(index.size(), 2u);
  EXPECT_EQ(*index.Find("a*"), 2);
  index.Remove("a*");
  index.Remove("never there");
  EXPECT_EQ(index.Find("a*"), nullptr);
  EXPECT_EQ(Matches(index, "abc"), (Names{"ab*"}));
  index.Remove("ab*");
  EXPECT_EQ(index.size(), 0u);
  EXPECT_TRUE(Matches(index, "abc").empty());
}

// Whatever a pattern is filed under, the answer is that of trying every pattern.
TEST(PatternIndexTest, AnswersAsTryingEveryPatternDoes) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const auto text_of = [&random](std::string_view letters, size_t length_max) {
    std::string text;
    for (size_t left = random() % (length_max + 1); left > 0; --left) text += letters[random() % letters.size()];
    return text;
  };
  PatternIndex<int> index;
  Names all;
  for (int round = 0; round < 3000; ++round) {
    const std::string pattern = text_of("aab*?[]\\^-", 6);
    if (random() % 3 == 0 && !all.empty()) {
      const std::string gone = *all.begin();
      all.erase(gone);
      index.Remove(gone);
    } else {
      all.insert(pattern);
      index.Get(pattern);
    }
    const std::string text = text_of("aab*]\\", 6);
    Names expected;
    for (const std::string& candidate : all) {
      if (MatchesGlob(candidate, text)) expected.insert(candidate);
    }
    ASSERT_EQ(Matches(index, text), expected) << "text " << text;
    ASSERT_EQ(index.size(), all.size());
  }
}

}  // namespace
}  // namespace kvick

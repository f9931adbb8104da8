#include "tools/kvt/expectation.h"

#include <gtest/gtest.h>

namespace kvick::kvt {
namespace {

using Lines = std::vector<std::string>;

Modifiers With(bool pattern, Order order) {
  Modifiers modifiers;
  modifiers.pattern = pattern;
  modifiers.order = order;
  return modifiers;
}

TEST(ExpectationTest, ComparesLineByLineButForTrailingBlanks) {
  EXPECT_EQ(SplitLines("a \r\n\nb"), (Lines{"a", "", "b"}));
  EXPECT_TRUE(Matches({"1# \"a\" => ", "   1) x"}, SplitLines("1# \"a\" => \n   1) x\n"), Modifiers()));
  EXPECT_FALSE(Matches({"a"}, {"b"}, Modifiers()));
  EXPECT_FALSE(Matches({"a"}, {"a", "b"}, Modifiers()));
  EXPECT_FALSE(Matches({}, {"a"}, Modifiers()));
}

TEST(ExpectationTest, ReadsRegularExpressionsOnlyUnderPattern) {
  EXPECT_TRUE(Matches({"id=<<\\d+>> (x)"}, {"id=17 (x)"}, With(true, Order::kExact)));
  EXPECT_FALSE(Matches({"id=<<\\d+>> (x)"}, {"id=a (x)"}, With(true, Order::kExact)));
  EXPECT_FALSE(Matches({"id=<<\\d+>>"},
                       {"id=17 "
                        "tail"},
                       With(true, Order::kExact)));
  EXPECT_FALSE(Matches({"id=<<\\d+>>"}, {"id=17"}, Modifiers()));
  EXPECT_TRUE(CheckPattern("a <<b|c>> <<d>>").ok());
  EXPECT_FALSE(CheckPattern("a <<b").ok());
  EXPECT_FALSE(CheckPattern("<<(>>").ok());
}

TEST(ExpectationTest, SkipsLinesAtThreeDots) {
  const Modifiers pattern = With(true, Order::kExact);
  EXPECT_TRUE(Matches({"a", "...", "c<<.>>", "..."}, {"a", "b", "c", "c1", "d", "e"}, pattern));
  EXPECT_TRUE(Matches({"...", "a"}, {"a"}, pattern));
  EXPECT_FALSE(Matches({"...", "a"}, {"a", "b"}, pattern));
  EXPECT_FALSE(Matches({"a", "...", "z"}, {"a", "b", "c"}, pattern));
  EXPECT_FALSE(Matches({"a", "...", "c"}, {"a", "b", "c"}, Modifiers()));
}

TEST(ExpectationTest, TakesElementsInAnyOrderWithWhatIsNestedInThem) {
  const Lines expected = {"1) \"a\"", "2) 1) \"b\"", "   2) \"c\""};
  EXPECT_TRUE(Matches(expected, {"1) 1) \"b\"", "   2) \"c\"", "2) \"a\""}, With(false, Order::kElements)));
  EXPECT_FALSE(Matches(expected, {"1) 1) \"c\"", "   2) \"b\"", "2) \"a\""}, With(false, Order::kElements)));
  EXPECT_FALSE(Matches(expected, {"1) \"a\"", "2) \"a\""}, With(false, Order::kElements)));
  EXPECT_FALSE(Matches({"1) \"a\"", "2) \"a\"", "3) \"b\""}, {"1) \"a\"", "2) \"b\"", "3) \"b\""},
                       With(false, Order::kElements)));
}

TEST(ExpectationTest, TakesPairsInAnyOrderButNotTheirHalves) {
  const Lines expected = {"1) \"f\"", "2) \"1\"", "3) \"g\"", "4) \"2\""};
  EXPECT_TRUE(Matches(expected, {"1) \"g\"", "2) \"2\"", "3) \"f\"", "4) \"1\""}, With(false, Order::kPairs)));
  EXPECT_FALSE(Matches(expected, {"1) \"f\"", "2) \"2\"", "3) \"g\"", "4) \"1\""}, With(false, Order::kPairs)));
}

TEST(ExpectationTest, TakesLinesInAnyOrderWhateverTheirIndex) {
  EXPECT_TRUE(Matches({"1) \"0\"", "2) 1) \"a\"", "   2) \"b\""}, {"1) \"0\"", "2) 1) \"b\"", "   2) \"a\""},
                      With(false, Order::kLines)));
  EXPECT_FALSE(Matches({"1) \"0\"", "2) 1) \"a\""}, {"1) \"0\"", "2) 1) \"b\""}, With(false, Order::kLines)));
}

TEST(ExpectationTest, ShowsTheDifferenceAroundCommonLines) {
  EXPECT_EQ(Difference({"a", "b", "c"}, {"a", "x", "c"}, Modifiers()), "      a\n    - b\n    + x\n      c\n");
  EXPECT_EQ(Difference({}, {"a"}, Modifiers()), "    + a\n    - (nothing)\n");
}

}  // namespace
}  // namespace kvick::kvt

#include "base/numbers.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <string>

#include "base/random.h"
#include "support/threads.h"

namespace kvick {
namespace {

std::string Formatted(int64_t value) {
  char buffer[kInt64TextMax];
  return std::string(buffer, FormatInt64(value, buffer));
}

TEST(NumbersTest, ParsesTheWholeRangeOfIntegers) {
  EXPECT_EQ(ParseInt64("0"), 0);
  EXPECT_EQ(ParseInt64("-1"), -1);
  EXPECT_EQ(ParseInt64("9223372036854775807"), INT64_MAX);
  EXPECT_EQ(ParseInt64("-9223372036854775808"), INT64_MIN);
  EXPECT_EQ(ParseUint64("18446744073709551615"), UINT64_MAX);
}

TEST(NumbersTest, RefusesWhatDoesNotFit) {
  EXPECT_FALSE(ParseInt64("9223372036854775808"));
  EXPECT_FALSE(ParseInt64("-9223372036854775809"));
  EXPECT_FALSE(ParseInt64("18446744073709551616"));
  EXPECT_FALSE(ParseUint64("18446744073709551616"));
  EXPECT_FALSE(ParseUint64("99999999999999999999"));
  EXPECT_FALSE(ParseUint64("100000000000000000000"));
}

TEST(NumbersTest, RefusesWhatWouldNotBePrintedTheSame) {
  for (const char* text : {"", "-", "+1", "01", "00", "-0", "-01", " 1", "1 ", "1.0", "1e3", "0x1", "--1", "1-"}) {
    EXPECT_FALSE(ParseInt64(text)) << text;
  }
  EXPECT_FALSE(ParseUint64("-1"));
  EXPECT_FALSE(ParseInt64(std::string_view("1\0", 2)));
}

TEST(NumbersTest, IntegersReadBack) {
  Random random(test::Seed());
  for (int i = 0; i < 20'000; ++i) {
    // Of every length: as many bits as the dice say.
    const auto value = static_cast<int64_t>(random.Next()) >> random.Below(64);
    EXPECT_EQ(ParseInt64(Formatted(value)), value);
    EXPECT_EQ(Formatted(value), std::to_string(value));
  }
  for (const int64_t value : {INT64_MIN, INT64_MIN + 1, INT64_MAX - 1, INT64_MAX}) {
    EXPECT_EQ(ParseInt64(Formatted(value)), value);
  }
}

TEST(NumbersTest, EveryShortIntegerIsPrinted) {
  char buffer[kInt64TextMax];
  for (uint64_t value = 0; value < 200'000; ++value) {
    ASSERT_EQ(std::string(buffer, FormatUint64(value, buffer)), std::to_string(value));
  }
  for (uint64_t power = 1; power < 10'000'000'000'000'000'000U; power *= 10) {
    for (const uint64_t value : {power - 1, power, power + 1, power * 10 - 1}) {
      ASSERT_EQ(std::string(buffer, FormatUint64(value, buffer)), std::to_string(value));
    }
  }
}

TEST(NumbersTest, IntegersOfTwentyDigitsAreReadWhereTheyFit) {
  EXPECT_EQ(ParseUint64("9999999999999999999"), 9999999999999999999U);
  EXPECT_EQ(ParseUint64("18446744073709551615"), UINT64_MAX);
  EXPECT_FALSE(ParseUint64("18446744073709551616"));
  EXPECT_FALSE(ParseUint64("99999999999999999999"));
  EXPECT_FALSE(ParseInt64("9223372036854775808"));
  EXPECT_FALSE(ParseUint64("999999999999999999x"));
}

TEST(NumbersTest, PlainDecimalsAreReadAsTheLibraryReadsThem) {
  Random random(test::Seed());
  for (int i = 0; i < 50'000; ++i) {
    std::string text = random.Below(3) == 0 ? "-" : "";
    for (uint64_t digits = random.Below(20); digits > 0; --digits) text += static_cast<char>('0' + random.Below(10));
    const size_t sign_size = text.starts_with('-') ? 1 : 0;
    if (random.Below(2) == 0) text.insert(sign_size + random.Below(text.size() - sign_size + 1), ".");
    if (random.Below(3) == 0) {
      text += random.Below(2) == 0 ? "e" : "E";
      text += std::array{"", "-", "+"}[random.Below(3)] + std::to_string(random.Below(random.Below(2) == 0 ? 30 : 400));
    }
    const std::optional<double> value = ParseDouble(text);
    char* end = nullptr;
    const double expected = std::strtod(text.c_str(), &end);
    if (text.empty() || *end != '\0' || end == text.c_str() || std::isinf(expected) ||
        (expected == 0 && text.find_first_of("123456789") < text.find_first_of("eE"))) {
      EXPECT_FALSE(value) << text;
      continue;
    }
    ASSERT_TRUE(value) << text;
    EXPECT_EQ(*value, expected) << text;
    EXPECT_EQ(std::signbit(*value), std::signbit(expected)) << text;
  }
  for (const char* text : {"-", ".", "-.", "1.2.3", "--1", "1-", "e1", "1e", "1e-", "1e+x"})
    EXPECT_FALSE(ParseDouble(text)) << text;
  EXPECT_TRUE(std::signbit(ParseDouble("-0").value()));
}

TEST(NumbersTest, ParsesFiniteNumbersAndInfinities) {
  EXPECT_EQ(ParseDouble("3.25"), 3.25);
  EXPECT_EQ(ParseDouble("-1e3"), -1000);
  EXPECT_EQ(ParseDouble("inf"), std::numeric_limits<double>::infinity());
  EXPECT_EQ(ParseDouble("-INF"), -std::numeric_limits<double>::infinity());
  EXPECT_EQ(ParseLongDouble("0.1"), 0.1L);
  for (const char* text : {"", " 1", "1 ", "1x", "nan", "NaN", "1e999", "1e-999", "."}) {
    EXPECT_FALSE(ParseDouble(text)) << text;
  }
  EXPECT_FALSE(ParseDouble(std::string_view("1\0", 2)));
  EXPECT_FALSE(ParseDouble(std::string(6000, '1'))) << "longer than any number";
}

TEST(NumbersTest, DoublesReadBack) {
  Random random(test::Seed());
  for (int i = 0; i < 20'000; ++i) {
    const uint64_t bits = random.Next();
    double value;
    std::memcpy(&value, &bits, sizeof(value));
    if (std::isnan(value) || std::isinf(value)) continue;
    const std::string text = FormatDouble(value);
    EXPECT_EQ(std::strtod(text.c_str(), nullptr), value) << text;
  }
}

TEST(NumbersTest, PrintsDoublesAsClientsKnowThem) {
  EXPECT_EQ(FormatDouble(0), "0");
  EXPECT_EQ(FormatDouble(-0.0), "-0");
  EXPECT_EQ(FormatDouble(3), "3");
  EXPECT_EQ(FormatDouble(-3), "-3");
  EXPECT_EQ(FormatDouble(0.5), "0.5");
  EXPECT_EQ(FormatDouble(9007199254740991.0), "9007199254740991");
  EXPECT_EQ(FormatDouble(std::numeric_limits<double>::infinity()), "inf");
  EXPECT_EQ(FormatDouble(-std::numeric_limits<double>::infinity()), "-inf");
  EXPECT_EQ(FormatDouble(std::numeric_limits<double>::quiet_NaN()), "nan");
}

TEST(NumbersTest, PrintsLongDoublesForPeople) {
  EXPECT_EQ(FormatHumanLongDouble(0), "0");
  EXPECT_EQ(FormatHumanLongDouble(-0.0L), "0");
  EXPECT_EQ(FormatHumanLongDouble(10), "10");
  EXPECT_EQ(FormatHumanLongDouble(100.0L), "100");
  EXPECT_EQ(FormatHumanLongDouble(10.5L), "10.5");
  EXPECT_EQ(FormatHumanLongDouble(10.1L), "10.1");
  EXPECT_EQ(FormatHumanLongDouble(-0.25L), "-0.25");
  EXPECT_EQ(FormatHumanLongDouble(5e3L), "5000");
  EXPECT_EQ(FormatHumanLongDouble(1e-17L), "0.00000000000000001");
  EXPECT_EQ(FormatHumanLongDouble(1e-18L), "0") << "less than the last place";
  EXPECT_EQ(FormatHumanLongDouble(-1e-18L), "0") << "no negative zero";
  EXPECT_EQ(FormatHumanLongDouble(std::numeric_limits<long double>::infinity()), "inf");
  // The longest there is: nearly five thousand digits.
  EXPECT_EQ(FormatHumanLongDouble(std::numeric_limits<long double>::max()).size(), 4933u);
}

TEST(NumbersTest, PrintsSizesForPeople) {
  EXPECT_EQ(FormatBytesHuman(0), "0B");
  EXPECT_EQ(FormatBytesHuman(1023), "1023B");
  EXPECT_EQ(FormatBytesHuman(1024), "1.00K");
  EXPECT_EQ(FormatBytesHuman(1536), "1.50K");
  EXPECT_EQ(FormatBytesHuman(uint64_t{12} << 20), "12.00M");
  EXPECT_EQ(FormatBytesHuman(UINT64_MAX), "16.00E");
}

}  // namespace
}  // namespace kvick

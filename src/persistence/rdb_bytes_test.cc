#include "persistence/rdb_bytes.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>

#include "base/numbers.h"

namespace kvick {
namespace {

TEST(RdbBytesTest, LengthsTakeTheBytesThatTheyNeed) {
  const struct {
    uint64_t length;
    size_t size;
  } cases[] = {{0, 1},         {63, 1}, {64, 2}, {16383, 2}, {16384, 5}, {UINT32_MAX, 5}, {uint64_t{1} << 32, 9},
               {UINT64_MAX, 9}};
  for (const auto& [length, size] : cases) {
    std::string out;
    AppendRdbLength(&out, length);
    EXPECT_EQ(out.size(), size) << length;
    RdbBytes bytes(out);
    EXPECT_EQ(bytes.TakeLength(), length);
    EXPECT_TRUE(bytes.ok() && bytes.is_at_end());
  }
}

TEST(RdbBytesTest, StringsReadBackWhateverTheyLookLike) {
  const std::string cases[] = {"",
                               "0",
                               "-1",
                               "127",
                               "128",
                               "-128",
                               "-129",
                               "32767",
                               "32768",
                               "-32768",
                               "-32769",
                               "2147483647",
                               "2147483648",
                               "-2147483648",
                               "-2147483649",
                               "007",
                               "-0",
                               "+1",
                               std::string(20, 'a'),
                               std::string(21, 'a'),
                               std::string(70'000, 'b'),
                               std::string("\0\xff", 2),
                               std::string(63, 'x'),
                               std::string(64, 'x')};
  for (const bool compresses : {false, true}) {
    for (const std::string& text : cases) {
      std::string out;
      AppendRdbString(&out, text, compresses);
      RdbBytes bytes(out);
      std::string scratch;
      EXPECT_EQ(bytes.TakeString(&scratch), text);
      EXPECT_TRUE(bytes.ok() && bytes.is_at_end());
      RdbBytes skipped(out);
      skipped.SkipString();
      EXPECT_TRUE(skipped.ok() && skipped.is_at_end());
    }
  }
}

TEST(RdbBytesTest, TextOfTwentyOneEqualBytesIsCompressedAndOfTwentyIsNot) {
  std::string short_text;
  AppendRdbString(&short_text, std::string(20, 'a'), true);
  EXPECT_EQ(short_text.size(), 21u);
  std::string long_text;
  AppendRdbString(&long_text, std::string(21, 'a'), true);
  EXPECT_EQ(static_cast<uint8_t>(long_text[0]), 0xc3);
}

TEST(RdbBytesTest, IntegerStringsEqualTheTextOfTheirNumber) {
  for (const int64_t value : {int64_t{0}, int64_t{-129}, int64_t{1} << 40, std::numeric_limits<int64_t>::min()}) {
    std::string from_number;
    std::string from_text;
    AppendRdbIntegerString(&from_number, value);
    AppendRdbString(&from_text, std::to_string(value), false);
    EXPECT_EQ(from_number, from_text);
  }
}

// Each prefix of something whole fails as one that is too short, at a place inside.
TEST(RdbBytesTest, WhatIsCutOffIsShort) {
  std::string out;
  AppendRdbString(&out, std::string(300, 'a'), true);
  AppendRdbDouble(&out, 1.5);
  for (size_t size = 0; size < out.size(); ++size) {
    RdbBytes bytes(std::string_view(out).substr(0, size));
    std::string scratch;
    bytes.TakeString(&scratch);
    bytes.TakeDouble();
    EXPECT_TRUE(bytes.is_short()) << size;
    EXPECT_LE(bytes.failed_position(), size);
  }
}

TEST(RdbBytesTest, LiesAboutSizesCostNothing) {
  std::string scratch;
  RdbBytes string(std::string_view("\x81\xff\xff\xff\xff\xff\xff\xff\xff", 9));
  EXPECT_TRUE(string.TakeString(&scratch).empty());
  EXPECT_FALSE(string.ok());
  RdbBytes compressed(std::string_view("\xc3\x01\x80\xff\xff\xff\xff\0", 8));
  EXPECT_TRUE(compressed.TakeString(&scratch).empty());
  EXPECT_FALSE(compressed.ok());
  EXPECT_LT(scratch.capacity(), size_t{1} << 20);
  RdbBytes count(std::string_view("\x80\x00\x01\x00\x00", 5));
  EXPECT_EQ(count.TakeCount(1), 0u);
  EXPECT_FALSE(count.ok());
}

TEST(RdbBytesTest, WhatIsNoNumberIsNoScore) {
  std::string nan;
  AppendRdbDouble(&nan, std::numeric_limits<double>::quiet_NaN());
  RdbBytes binary(nan);
  binary.TakeDouble();
  EXPECT_FALSE(binary.ok());
  RdbBytes text("\xfd");
  text.TakeTextDouble();
  EXPECT_FALSE(text.ok());
  RdbBytes infinite("\xff");
  EXPECT_EQ(infinite.TakeTextDouble(), -std::numeric_limits<double>::infinity());
}

}  // namespace
}  // namespace kvick

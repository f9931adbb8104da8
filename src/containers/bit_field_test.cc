#include "containers/bit_field.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "base/random.h"
#include "containers/bit_kernels.h"

namespace kvick {
namespace {

constexpr int64_t kInt64Max = std::numeric_limits<int64_t>::max();
constexpr int64_t kInt64Min = std::numeric_limits<int64_t>::min();

TEST(BitFieldTest, TypesAreParsed) {
  EXPECT_EQ(BitFieldType::Parse("u8")->maximum(), 255);
  EXPECT_EQ(BitFieldType::Parse("u8")->minimum(), 0);
  EXPECT_EQ(BitFieldType::Parse("u63")->maximum(), kInt64Max);
  EXPECT_EQ(BitFieldType::Parse("i1")->maximum(), 0);
  EXPECT_EQ(BitFieldType::Parse("i1")->minimum(), -1);
  EXPECT_EQ(BitFieldType::Parse("i64")->maximum(), kInt64Max);
  EXPECT_EQ(BitFieldType::Parse("i64")->minimum(), kInt64Min);
  for (const char* text : {"", "u", "i", "u64", "i65", "u0", "i0", "x8", "8", "u-1", "u08", "U8", "u8 "}) {
    EXPECT_FALSE(BitFieldType::Parse(text).has_value()) << text;
  }
}

TEST(BitFieldTest, WhatIsWrittenReadsBackAndNeighboursStay) {
  const uint64_t seed = 7;
  Random random(seed);
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes(24, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random.Next());
    const bool is_signed = random.Below(2) == 0;
    const BitFieldType type{is_signed, static_cast<uint8_t>(1 + random.Below(is_signed ? 64 : 63))};
    const uint64_t offset = random.Below(bytes.size() * 8 - type.bit_count + 1);
    const auto value = static_cast<int64_t>(random.Next());
    std::string changed = bytes;
    WriteBitField(changed.data(), offset, type, value);
    const int64_t expected = *FitWithin(type, value, Overflow::kWrap);
    ASSERT_EQ(ReadBitField(changed, offset, type), expected) << "seed " << seed << " round " << round;
    for (uint64_t bit = 0; bit < bytes.size() * 8; ++bit) {
      if (bit >= offset && bit < offset + type.bit_count) continue;
      ASSERT_EQ(BitAt(changed, bit), BitAt(bytes, bit)) << "seed " << seed << " round " << round << " bit " << bit;
    }
  }
}

TEST(BitFieldTest, BitsBehindTheEndAreZeros) {
  EXPECT_EQ(ReadBitField("\xff", 4, {false, 8}), 0xf0);
  EXPECT_EQ(ReadBitField("\xff", 4, {true, 8}), -16);
  EXPECT_EQ(ReadBitField("", 1000, {true, 64}), 0);
}

TEST(BitFieldTest, OverflowWrapsSaturatesOrFails) {
  const BitFieldType u2{false, 2};
  const BitFieldType i8{true, 8};
  const BitFieldType i64{true, 64};
  EXPECT_EQ(AddWithin(u2, 3, 2, Overflow::kWrap), 1);
  EXPECT_EQ(AddWithin(u2, 3, 2, Overflow::kSaturate), 3);
  EXPECT_EQ(AddWithin(u2, 3, 2, Overflow::kFail), std::nullopt);
  EXPECT_EQ(AddWithin(u2, 1, -2, Overflow::kWrap), 3);
  EXPECT_EQ(AddWithin(u2, 1, -2, Overflow::kSaturate), 0);
  EXPECT_EQ(AddWithin(i8, 127, 1, Overflow::kWrap), -128);
  EXPECT_EQ(AddWithin(i8, -128, -1, Overflow::kWrap), 127);
  EXPECT_EQ(AddWithin(i8, -128, kInt64Min, Overflow::kSaturate), -128);
  EXPECT_EQ(AddWithin(i64, kInt64Max, 1, Overflow::kWrap), kInt64Min);
  EXPECT_EQ(AddWithin(i64, kInt64Max, kInt64Max, Overflow::kSaturate), kInt64Max);
  EXPECT_EQ(AddWithin(i64, kInt64Min, -1, Overflow::kFail), std::nullopt);
  EXPECT_EQ(FitWithin(u2, -1, Overflow::kSaturate), 3);
  EXPECT_EQ(FitWithin(i8, -129, Overflow::kSaturate), -128);
  EXPECT_EQ(FitWithin(i8, kInt64Min, Overflow::kSaturate), 127);
  EXPECT_EQ(FitWithin(i64, kInt64Min, Overflow::kFail), kInt64Min);
}

}  // namespace
}  // namespace kvick

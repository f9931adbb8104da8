#include "base/words.h"

#include <gtest/gtest.h>

#include <string>

#include "base/bytes.h"

namespace kvick {
namespace {

TEST(WordsTest, LoadsUpToEightBytesWithZerosBehindThem) {
  const std::string text = "abcdefgh";
  for (size_t size = 1; size <= 8; ++size) {
    uint64_t expected = 0;
    for (size_t i = size; i-- > 0;) expected = expected << 8 | static_cast<uint8_t>(text[i]);
    EXPECT_EQ(LoadUpTo8(text.data(), size), expected) << size;
  }
}

TEST(WordsTest, ToLowerWordChangesCapitalsOnly) {
  for (int c = 0; c < 256; ++c) {
    for (int place = 0; place < 8; ++place) {
      const uint64_t around = ~(uint64_t{0xff} << (8 * place)) & 0x8040c0ff5b7f4061;
      const uint64_t word = around | static_cast<uint64_t>(c) << (8 * place);
      const auto lower = static_cast<uint8_t>(ToLower(static_cast<char>(c)));
      EXPECT_EQ(static_cast<uint8_t>(ToLowerWord(word) >> (8 * place)), lower) << c << " " << place;
    }
  }
}

// Every size, with a difference in every place: no byte is overlooked.
TEST(WordsTest, EqualBytesSeesEveryByte) {
  for (size_t size = 0; size <= 80; ++size) {
    std::string a;
    for (size_t i = 0; i < size; ++i) a.push_back(static_cast<char>(i * 37));
    EXPECT_TRUE(EqualBytes(a, std::string(a))) << size;
    EXPECT_FALSE(EqualBytes(a, a + "x")) << size;
    for (size_t i = 0; i < size; ++i) {
      std::string b = a;
      b[i] = static_cast<char>(b[i] ^ 0x80);
      EXPECT_FALSE(EqualBytes(a, b)) << size << " " << i;
    }
  }
}

}  // namespace
}  // namespace kvick

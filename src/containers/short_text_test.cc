#include "containers/short_text.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "base/random.h"

namespace kvick {
namespace {

// What comes back after packing; nothing when the text is not packed. Bytes behind those that are due stay as they are.
std::string PackedAndRead(std::string_view text) {
  char packed[ShortTextBytes(kShortTextMax) + 1];
  std::memset(packed, 0x55, sizeof(packed));
  if (!TryPackShortText(text, packed)) return "(not packed)";
  EXPECT_EQ(packed[ShortTextBytes(text.size())], 0x55);
  char buffer[kShortTextMax];
  return std::string(UnpackShortText(packed, text.size(), buffer));
}

TEST(ShortTextTest, ReadsBackWhatItPacks) {
  for (const char* text : {"",
                           "a",
                           "Z",
                           "free",
                           "London",
                           "Ada Lovelace",
                           "ada@example.com",
                           "GB",
                           "Europe/New-York",
                           "in progress",
                           "In progress",
                           "IN_PROGRESS",
                           " .@-_/",
                           "Ab",
                           "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                           "Zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz",
                           "A-B",
                           "a.",
                           ".a",
                           ".A"}) {
    EXPECT_EQ(PackedAndRead(text), text);
  }
}

TEST(ShortTextTest, LeavesOtherTextsAlone) {
  for (const char* text : {"a1", "McDonald", "iPhone", "a,b", "\xc3\xa9t\xc3\xa9", "aB", "New york City", "{}",
                           "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "a`", "A["}) {
    EXPECT_EQ(PackedAndRead(text), "(not packed)");
  }
  EXPECT_EQ(PackedAndRead(std::string(1, '\0')), "(not packed)");
}

TEST(ShortTextTest, NeverChangesATextOfAnyBytes) {
  Random random(4);
  constexpr std::string_view kNear = "abcxyzABCXYZ .@-_/`[{1";
  size_t packed_count = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string text(random.Below(34), '\0');
    for (char& character : text) character = kNear[random.Below(round % 2 == 0 ? 6 : kNear.size())];
    const std::string read = PackedAndRead(text);
    if (read == "(not packed)") continue;
    ++packed_count;
    ASSERT_EQ(read, text);
  }
  EXPECT_GT(packed_count, 5000u);
}

TEST(ShortTextTest, TakesFiveBitsACharacter) {
  EXPECT_EQ(ShortTextBytes(6), 4u);
  EXPECT_EQ(ShortTextBytes(12), 8u);
  EXPECT_EQ(ShortTextBytes(31), 20u);
}

}  // namespace
}  // namespace kvick

#include "persistence/old_packs.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace kvick {
namespace {

using namespace std::string_literals;

std::vector<std::string> Texts(const ListpackView& pack) {
  std::vector<std::string> texts;
  char buffer[kInt64TextMax];
  for (auto at = pack.First(); at != Listpack::kNone; at = pack.Next(at)) texts.emplace_back(pack.Get(at).Text(buffer));
  return texts;
}

// Of elements that are written as they stand in the format, without the size of the one before.
std::string Ziplist(const std::vector<std::string>& codes) {
  std::string body;
  size_t previous = 0;
  size_t last = 10;
  for (const std::string& code : codes) {
    last = 10 + body.size();
    const std::string element = std::string(1, static_cast<char>(previous)) + code;
    previous = element.size();
    body += element;
  }
  const auto little = [](size_t value, size_t size) {
    std::string out;
    for (size_t i = 0; i < size; ++i) out.push_back(static_cast<char>(value >> (i * 8)));
    return out;
  };
  return little(body.size() + 11, 4) + little(last, 4) + little(codes.size(), 2) + body + "\xff";
}

TEST(OldPacksTest, ZiplistsHaveEveryFormOfInteger) {
  const std::optional<Listpack> pack =
      ListpackOfZiplist(Ziplist({"\x02hi"s, "\xf1"s, "\xfd"s, "\xfe\xff"s, "\xc0\x00\x80"s, "\xf0\x00\x00\x80"s,
                                 "\xd0\xff\xff\xff\x7f"s, "\xe0\x00\x00\x00\x00\x00\x00\x00\x80"s, "\x40\x03xyz"s}));
  ASSERT_TRUE(pack);
  EXPECT_EQ(Texts(*pack), (std::vector<std::string>{"hi", "0", "12", "-1", "-32768", "-8388608", "2147483647",
                                                    "-9223372036854775808", "xyz"}));
}

TEST(OldPacksTest, EachDamageOfAZiplistIsSeen) {
  const std::string sound = Ziplist({"\x02hi"s, "\xf2"s, "\x01x"s});
  ASSERT_TRUE(ListpackOfZiplist(sound));
  for (size_t size = 0; size < sound.size(); ++size) EXPECT_FALSE(ListpackOfZiplist(sound.substr(0, size))) << size;
  for (const size_t place : {size_t{0}, size_t{4}, size_t{8}, size_t{10}, size_t{14}, sound.size() - 1}) {
    std::string damaged = sound;
    damaged[place] = static_cast<char>(damaged[place] + 1);
    EXPECT_FALSE(ListpackOfZiplist(damaged)) << place;
  }
}

TEST(OldPacksTest, ZipmapsHaveUnusedBytes) {
  const std::optional<Listpack> pack = ListpackOfZipmap(
      "\x02\x01"
      "f\x02\x01"
      "vw.\x01g\x01\x00x\xff"s);
  ASSERT_TRUE(pack);
  EXPECT_EQ(Texts(*pack), (std::vector<std::string>{"f", "vw", "g", "x"}));
  EXPECT_FALSE(
      ListpackOfZipmap("\x03\x01"
                       "f\x02\x01"
                       "vw.\x01g\x01\x00x\xff"s));
  EXPECT_FALSE(
      ListpackOfZipmap("\x01\x01"
                       "f\x02\x01"
                       "vw."s));
  EXPECT_FALSE(
      ListpackOfZipmap("\x01\x01"
                       "f\xff"s));
}

}  // namespace
}  // namespace kvick

#include "containers/listpack.h"

#include <gtest/gtest.h>

#include <deque>
#include <limits>
#include <string>
#include <vector>

#include "base/random.h"

namespace kvick {
namespace {

std::string TextAt(const ListpackView& pack, Listpack::Position at) {
  char buffer[kInt64TextMax];
  return std::string(pack.Get(at).Text(buffer));
}

std::vector<std::string> Forwards(const ListpackView& pack) {
  std::vector<std::string> texts;
  for (auto at = pack.First(); at != Listpack::kNone; at = pack.Next(at)) texts.push_back(TextAt(pack, at));
  return texts;
}

std::vector<std::string> Backwards(const ListpackView& pack) {
  std::vector<std::string> texts;
  for (auto at = pack.Last(); at != Listpack::kNone; at = pack.Previous(at)) texts.push_back(TextAt(pack, at));
  return texts;
}

std::string Bytes(std::initializer_list<int> values) {
  std::string bytes;
  for (const int value : values) bytes.push_back(static_cast<char>(value));
  return bytes;
}

TEST(ListpackTest, EmptyIsSevenBytes) {
  const Listpack pack;
  EXPECT_EQ(pack.bytes(), Bytes({7, 0, 0, 0, 0, 0, 0xff}));
  EXPECT_TRUE(pack.empty());
  EXPECT_EQ(pack.First(), Listpack::kNone);
  EXPECT_EQ(pack.Last(), Listpack::kNone);
  EXPECT_EQ(pack.Seek(0), Listpack::kNone);
  EXPECT_EQ(pack.Seek(-1), Listpack::kNone);
}

// The bytes of each form, as a stock server writes them into an RDB file.
TEST(ListpackTest, EncodesAsTheFileFormatDoes) {
  const struct {
    const char* text;
    std::string element;
  } kCases[] = {
      {"0", Bytes({0x00, 1})},
      {"127", Bytes({0x7f, 1})},
      {"128", Bytes({0xc0, 0x80, 2})},
      {"-1", Bytes({0xdf, 0xff, 2})},
      {"-4096", Bytes({0xd0, 0x00, 2})},
      {"4095", Bytes({0xcf, 0xff, 2})},
      {"4096", Bytes({0xf1, 0x00, 0x10, 3})},
      {"-32768", Bytes({0xf1, 0x00, 0x80, 3})},
      {"32768", Bytes({0xf2, 0x00, 0x80, 0x00, 4})},
      {"-8388608", Bytes({0xf2, 0x00, 0x00, 0x80, 4})},
      {"8388608", Bytes({0xf3, 0x00, 0x00, 0x80, 0x00, 5})},
      {"-2147483648", Bytes({0xf3, 0x00, 0x00, 0x00, 0x80, 5})},
      {"2147483648", Bytes({0xf4, 0x00, 0x00, 0x00, 0x80, 0, 0, 0, 0, 9})},
      {"-9223372036854775808", Bytes({0xf4, 0, 0, 0, 0, 0, 0, 0, 0x80, 9})},
      {"", Bytes({0x80, 1})},
      {"a", Bytes({0x81, 'a', 2})},
      {"007", Bytes({0x83, '0', '0', '7', 4})},
      {"-0", Bytes({0x82, '-', '0', 3})},
      {"9223372036854775808", Bytes({0x80 | 19}) + "9223372036854775808" + Bytes({20})},
  };
  for (const auto& test : kCases) {
    Listpack pack;
    pack.Append(test.text);
    EXPECT_EQ(pack.bytes().substr(6), test.element + "\xff") << test.text;
    EXPECT_EQ(TextAt(pack, pack.First()), test.text);
    EXPECT_EQ(ListpackView::ElementBytes(ListpackValue::FromText(test.text)), test.element.size()) << test.text;
    EXPECT_TRUE(ListpackView::IsValid(pack.bytes(), ListpackView::Check::kDeep)) << test.text;
  }
}

// Sizes around every limit of the string forms and of the back length. What a stock server writes for a code of
// 16,383 bytes is three bytes, though two could hold it.
TEST(ListpackTest, LongStringsAndTheirBackLengths) {
  const struct {
    size_t size;
    size_t head_bytes;
    std::string back;
  } kCases[] = {
      {63, 1, Bytes({64})},
      {64, 2, Bytes({66})},
      {125, 2, Bytes({127})},
      {126, 2, Bytes({1, 0x80})},
      {4095, 2, Bytes({32, 0x81})},
      {4096, 5, Bytes({32, 0x85})},
      {16377, 5, Bytes({127, 0xfe})},
      {16378, 5, Bytes({0, 0xff, 0xff})},
      {2097145, 5, Bytes({127, 0xff, 0xfe})},
      {2097146, 5, Bytes({0, 0xff, 0xff, 0xff})},
  };
  for (const auto& test : kCases) {
    const std::string text(test.size, 'x');
    Listpack pack;
    pack.Append("before");
    pack.Append(text);
    pack.Append("after");
    EXPECT_EQ(pack.bytes().substr(14 + test.head_bytes + test.size, test.back.size()), test.back) << test.size;
    EXPECT_EQ(pack.size_bytes(), 7 + 8 + test.head_bytes + test.size + test.back.size() + 7) << test.size;
    EXPECT_EQ(Forwards(pack), (std::vector<std::string>{"before", text, "after"})) << test.size;
    EXPECT_EQ(Backwards(pack), (std::vector<std::string>{"after", text, "before"})) << test.size;
    EXPECT_TRUE(ListpackView::IsValid(pack.bytes(), ListpackView::Check::kDeep)) << test.size;
  }
}

TEST(ListpackTest, FindSkipsBetweenFields) {
  Listpack pack;
  for (const char* text : {"a", "b", "b", "17", "17", "x"}) pack.Append(text);
  EXPECT_EQ(pack.Find("b", pack.First()), pack.Seek(1));
  EXPECT_EQ(pack.Find("b", pack.First(), 1), pack.Seek(2));
  EXPECT_EQ(pack.Find("17", pack.First()), pack.Seek(3));
  EXPECT_EQ(pack.Find("17", pack.First(), 1), pack.Seek(4));
  EXPECT_EQ(pack.Find("x", pack.First(), 1), Listpack::kNone);
  EXPECT_EQ(pack.Find("017", pack.First()), Listpack::kNone);
  EXPECT_EQ(pack.Find("b", Listpack::kNone), Listpack::kNone);
}

TEST(ListpackTest, CountIsUnknownFrom65535On) {
  Listpack pack(200'000);
  for (int i = 0; i < 65534; ++i) pack.Append("");
  EXPECT_EQ(pack.bytes().substr(4, 2), Bytes({0xfe, 0xff}));
  pack.Append("");
  pack.Append("last");
  EXPECT_EQ(pack.bytes().substr(4, 2), Bytes({0xff, 0xff}));
  EXPECT_EQ(pack.count(), 65536u);
  EXPECT_EQ(TextAt(pack, pack.Seek(65535)), "last");
  EXPECT_EQ(TextAt(pack, pack.Seek(-1)), "last");
  EXPECT_EQ(pack.Seek(65536), Listpack::kNone);
  Listpack tail = pack.SplitAt(pack.Seek(65530));
  EXPECT_EQ(tail.count(), 6u);
  EXPECT_EQ(pack.count(), 65530u);
  pack.AppendAll(tail);
  EXPECT_EQ(pack.count(), 65536u);
  EXPECT_TRUE(ListpackView::IsValid(pack.bytes(), ListpackView::Check::kDeep));
}

TEST(ListpackTest, RejectsBytesThatAreNone) {
  Listpack pack;
  for (const char* text : {"a", "300", "70000", "5000000000"}) pack.Append(text);
  pack.Append(std::string(200, 'y'));
  pack.Append(std::string(5000, 'z'));
  const std::string good(pack.bytes());
  ASSERT_TRUE(ListpackView::IsValid(good, ListpackView::Check::kDeep));
  EXPECT_FALSE(Listpack::FromBytes("").has_value());
  for (size_t size = 0; size < good.size(); size += size < 300 ? 1 : 97) {
    EXPECT_FALSE(Listpack::FromBytes(good.substr(0, size)).has_value()) << size;
    // Cut short, but with a header and an end that agree.
    if (size < 8) continue;
    std::string cut = good.substr(0, size);
    cut[0] = static_cast<char>(size);
    cut[1] = static_cast<char>(size >> 8);
    cut[size - 1] = '\xff';
    EXPECT_FALSE(Listpack::FromBytes(cut).has_value()) << size;
  }
  EXPECT_FALSE(Listpack::FromBytes(good + "\xff").has_value());
  std::string wrong_count = good;
  wrong_count[4] = 5;
  EXPECT_TRUE(ListpackView::IsValid(wrong_count, ListpackView::Check::kHeader));
  EXPECT_FALSE(ListpackView::IsValid(wrong_count, ListpackView::Check::kDeep));
  const std::optional<Listpack> copy = Listpack::FromBytes(good);
  ASSERT_TRUE(copy.has_value());
  EXPECT_EQ(copy->bytes(), good);
}

std::string RandomText(Random& random) {
  switch (random.Below(5)) {
    case 0: return std::to_string(static_cast<int64_t>(random.Next()) >> random.Below(64));
    case 1: return std::string(random.Below(300), 'm');
    case 2: return random.Below(20) == 0 ? std::string(random.Below(20000), 'l') : "short";
    default: return std::string(random.Below(12), static_cast<char>('0' + random.Below(60)));
  }
}

TEST(ListpackTest, BehavesLikeADequeUnderRandomOperations) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    Listpack pack;
    std::deque<std::string> model;
    for (int step = 0; step < 1000; ++step) {
      const std::string text = RandomText(random);
      const size_t index = model.empty() ? 0 : random.Below(model.size());
      const auto offset = static_cast<ptrdiff_t>(index);
      const auto at = pack.Seek(static_cast<int64_t>(index));
      const uint64_t operation = model.empty() ? random.Below(2) : random.Below(9);
      switch (operation) {
        case 0:
          EXPECT_EQ(TextAt(pack, pack.Append(text)), text);
          model.push_back(text);
          break;
        case 1:
          EXPECT_EQ(TextAt(pack, pack.Prepend(text)), text);
          model.push_front(text);
          break;
        case 2:
          EXPECT_EQ(TextAt(pack, pack.InsertBefore(at, text)), text);
          model.insert(model.begin() + offset, text);
          break;
        case 3:
          EXPECT_EQ(TextAt(pack, pack.InsertAfter(at, text)), text);
          model.insert(model.begin() + offset + 1, text);
          break;
        case 4:
          EXPECT_EQ(TextAt(pack, pack.Replace(at, text)), text);
          model[index] = text;
          break;
        case 5: {
          const auto next = pack.Erase(at);
          model.erase(model.begin() + offset);
          EXPECT_EQ(next, index < model.size() ? pack.Seek(static_cast<int64_t>(index)) : Listpack::kNone);
          break;
        }
        case 6: {
          const size_t count = random.Below(4);
          pack.EraseRange(at, count);
          for (size_t i = 0; i < count && index < model.size(); ++i) model.erase(model.begin() + offset);
          break;
        }
        case 7: {
          Listpack tail = pack.SplitAt(at);
          EXPECT_EQ(pack.count(), index);
          EXPECT_EQ(tail.count(), model.size() - index);
          if (random.Below(2) == 0) {
            pack.AppendAll(tail);
          } else {
            tail.AppendAll(pack);
            pack = std::move(tail);
            std::rotate(model.begin(), model.begin() + offset, model.end());
          }
          break;
        }
        default: {
          const auto found = pack.Find(model[index], pack.First());
          ASSERT_NE(found, Listpack::kNone);
          EXPECT_LE(found, at);
          EXPECT_EQ(TextAt(pack, found), model[index]);
        }
      }
      ASSERT_EQ(pack.count(), model.size());
      if (step % 50 == 0) {
        ASSERT_TRUE(ListpackView::IsValid(pack.bytes(), ListpackView::Check::kDeep));
        ASSERT_EQ(Forwards(pack), std::vector<std::string>(model.begin(), model.end()));
        ASSERT_EQ(Backwards(pack), std::vector<std::string>(model.rbegin(), model.rend()));
        if (index < model.size()) {
          const int64_t from_end = static_cast<int64_t>(index) - static_cast<int64_t>(model.size());
          ASSERT_EQ(pack.Seek(from_end), pack.Seek(static_cast<int64_t>(index)));
        }
      }
    }
  }
}

TEST(ListpackTest, GivesMemoryBack) {
  Listpack pack;
  for (int i = 0; i < 1000; ++i) pack.Append("0123456789abcdef");
  const size_t full = pack.allocated_bytes();
  pack.EraseRange(pack.Seek(10), 990);
  EXPECT_LT(pack.allocated_bytes(), full / 20);
  EXPECT_EQ(pack.count(), 10u);
}

}  // namespace
}  // namespace kvick

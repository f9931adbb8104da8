#include "containers/sliced_array.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"

namespace kvick {
namespace {

using Direction = SlicedArray::Direction;
using Pairs = std::vector<std::pair<uint64_t, std::string>>;

constexpr ArrayLimits kSmall = {.slice_size = 16, .sparse_max = 4, .sparse_min = 2};

std::string TextAt(const SlicedArray& array, uint64_t index) {
  char buffer[ArrayItem::kTextMax];
  const ArrayItem* item = array.Find(index);
  return item == nullptr ? "(none)" : std::string(item->Text(buffer));
}

Pairs Walk(const SlicedArray& array, uint64_t first, uint64_t last, Direction direction) {
  Pairs pairs;
  array.ForEach(first, last, direction, [&pairs](uint64_t index, std::string_view text) {
    pairs.emplace_back(index, text);
    return true;
  });
  return pairs;
}

TEST(ArrayItemTest, EveryTextComesBackAsItWasGiven) {
  char buffer[ArrayItem::kTextMax];
  for (const std::string& text :
       {std::string(), std::string("a"), std::string("1234567"), std::string("12345678"),
        std::string("-2305843009213693952"), std::string("2305843009213693951"), std::string("2305843009213693952"),
        std::string("9223372036854775807"), std::string("007"), std::string("00000000"), std::string("-0"),
        std::string(1, '\0'), std::string(8, '\0'), std::string(1000, 'x')}) {
    ArrayItem item = ArrayItem::Make(text);
    EXPECT_TRUE(item.is_set());
    EXPECT_EQ(item.Text(buffer), text);
    ArrayItem copy = item.Copy();
    item.Free();
    EXPECT_FALSE(item.is_set());
    EXPECT_EQ(copy.Text(buffer), text);
    copy.Free();
  }
}

TEST(ArrayItemTest, ShortTextsAndIntegersTakeNoMemoryOfTheirOwn) {
  for (const char* text : {"", "1234567", "123456789012345", "-123456789012345"}) {
    EXPECT_EQ(ArrayItem::Make(text).allocated_bytes(), 0u) << text;
  }
  ArrayItem item = ArrayItem::Make("12345678x");
  EXPECT_GT(item.allocated_bytes(), 0u);
  item.Free();
}

TEST(SlicedArrayTest, FewItemsOfASliceAreAListManyAWindow) {
  SlicedArray array(kSmall.slice_size);
  for (uint64_t i = 0; i < 4; ++i) array.Set(i * 3, "x", kSmall);
  EXPECT_EQ(array.shape().dense_count, 0u);
  array.Set(15, "x", kSmall);
  EXPECT_EQ(array.shape().dense_count, 1u);
  for (uint64_t i = 0; i < 3; ++i) array.Erase(i * 3, kSmall);
  EXPECT_EQ(array.shape().dense_count, 1u);
  array.Erase(9, kSmall);
  EXPECT_EQ(array.shape().dense_count, 0u);
  EXPECT_EQ(TextAt(array, 15), "x");

  SlicedArray never_sparse(16);
  never_sparse.Set(7, "x", {.slice_size = 16, .sparse_max = 0, .sparse_min = 0});
  EXPECT_EQ(never_sparse.shape().dense_count, 1u);
  EXPECT_EQ(TextAt(never_sparse, 7), "x");
}

TEST(SlicedArrayTest, AWindowIsNotLargerThanWhatItHolds) {
  const ArrayLimits limits;
  SlicedArray array(limits.slice_size);
  for (uint64_t i = 100; i < 200; ++i) array.Set(i, "x", limits);
  EXPECT_LE(array.shape().dense_places, 256u);
  for (uint64_t i = 100; i-- > 50;) array.Set(i, "x", limits);
  EXPECT_LE(array.shape().dense_places, 512u);
  EXPECT_EQ(array.count(), 150u);
}

TEST(SlicedArrayTest, KnowsTheFirstAndTheLastIndex) {
  SlicedArray array(4096);
  const ArrayLimits limits;
  EXPECT_EQ(array.length(), 0u);
  array.Set(SlicedArray::kIndexMax, "z", limits);
  array.Set(0, "a", limits);
  EXPECT_EQ(array.length(), UINT64_MAX);
  EXPECT_EQ(array.NextIndex(1), SlicedArray::kIndexMax);
  EXPECT_EQ(array.PreviousIndex(SlicedArray::kIndexMax - 1), 0u);
  EXPECT_EQ(array.EraseRange(1, SlicedArray::kIndexMax, limits), 1u);
  EXPECT_EQ(array.length(), 1u);
  EXPECT_FALSE(array.NextIndex(1).has_value());
  EXPECT_EQ(array.EraseRange(0, 0, limits), 1u);
  EXPECT_EQ(array.slice_count(), 0u);
  EXPECT_FALSE(array.PreviousIndex(SlicedArray::kIndexMax).has_value());
}

// Everything against std::map, with indexes that are near, far, and in ranges.
TEST(SlicedArrayTest, IsAMapFromIndexesToTexts) {
  for (const uint64_t seed : {1u, 2u, 3u, 4u}) {
    Random random(seed);
    const ArrayLimits limits = {
        .slice_size = seed % 2 == 0 ? 8u : 64u, .sparse_max = seed < 3 ? 4u : 0u, .sparse_min = seed < 3 ? 2u : 0u};
    SlicedArray array(limits.slice_size);
    std::map<uint64_t, std::string> model;
    const auto any_index = [&random]() -> uint64_t {
      switch (random.Below(4)) {
        case 0: return random.Below(100);
        case 1: return random.Below(100'000);
        case 2: return SlicedArray::kIndexMax - random.Below(100);
        default: return random.Below(30) << (random.Below(60));
      }
    };
    for (int step = 0; step < 30'000; ++step) {
      const uint64_t index = std::min(any_index(), SlicedArray::kIndexMax);
      switch (random.Below(10)) {
        case 0: {
          const uint64_t other = std::min(any_index(), SlicedArray::kIndexMax);
          const uint64_t first = std::min(index, other);
          // Seldom nearly everything.
          const uint64_t last = random.Below(50) == 0 ? std::max(index, other)
                                                      : first + std::min(uint64_t{20}, SlicedArray::kIndexMax - first);
          const auto begin = model.lower_bound(first);
          const auto end = model.upper_bound(last);
          const auto count = static_cast<uint64_t>(std::distance(begin, end));
          model.erase(begin, end);
          ASSERT_EQ(array.EraseRange(first, last, limits), count) << "seed " << seed << " step " << step;
          break;
        }
        case 1:
        case 2:
          ASSERT_EQ(array.Erase(index, limits), model.erase(index) > 0) << "seed " << seed << " step " << step;
          break;
        default: {
          const std::string text =
              random.Below(2) == 0 ? std::to_string(random.Next()) : std::string(random.Below(12), 'x');
          ASSERT_EQ(array.Set(index, text, limits), model.count(index) == 0) << "seed " << seed << " step " << step;
          model[index] = text;
        }
      }
      ASSERT_EQ(array.count(), model.size()) << "seed " << seed << " step " << step;
      ASSERT_EQ(array.length(), model.empty() ? 0 : model.rbegin()->first + 1) << "seed " << seed << " step " << step;
      if (step % 1'000 != 0) continue;
      Pairs expected(model.begin(), model.end());
      ASSERT_EQ(Walk(array, 0, SlicedArray::kIndexMax, Direction::kUp), expected)
          << "seed " << seed << " step " << step;
      std::reverse(expected.begin(), expected.end());
      ASSERT_EQ(Walk(array, 0, SlicedArray::kIndexMax, Direction::kDown), expected) << "seed " << seed;
      const Pairs part(model.lower_bound(index), model.upper_bound(index + 1000 < index ? UINT64_MAX : index + 1000));
      ASSERT_EQ(Walk(array, index, index + 1000 < index ? SlicedArray::kIndexMax : index + 1000, Direction::kUp), part)
          << "seed " << seed << " step " << step;
    }
    const SlicedArray copy(array);
    EXPECT_EQ(Walk(copy, 0, SlicedArray::kIndexMax, Direction::kUp),
              Walk(array, 0, SlicedArray::kIndexMax, Direction::kUp));
    EXPECT_LE(copy.memory_bytes(), array.memory_bytes());
    SlicedArray emptied(copy);
    emptied.EraseRange(0, SlicedArray::kIndexMax, limits);
    EXPECT_LT(emptied.memory_bytes(), 4'096u);
    array.Clear();
    EXPECT_EQ(array.count(), 0u);
    EXPECT_EQ(copy.count(), model.size());
  }
}

TEST(SlicedArrayTest, ManySlicesInAnyOrder) {
  const ArrayLimits limits;
  for (const bool ascending : {true, false}) {
    SlicedArray array(limits.slice_size);
    for (uint64_t i = 0; i < 3'000; ++i) array.Set((ascending ? i : 3'000 - i) * 4096, "x", limits);
    EXPECT_EQ(array.slice_count(), 3'000u);
    EXPECT_LE(array.leaf_count(), 3'000u / (SlicedArray::kLeafSlicesMax / 2) + 1);
    uint64_t count = 0;
    array.ForEach(0, SlicedArray::kIndexMax, Direction::kDown, [&count](uint64_t, std::string_view) {
      ++count;
      return true;
    });
    EXPECT_EQ(count, 3'000u);
    EXPECT_EQ(array.EraseRange(0, SlicedArray::kIndexMax, limits), 3'000u);
    EXPECT_EQ(array.leaf_count(), 0u);
  }
}

TEST(SlicedArrayTest, MemoryIsCountedAndGivenBack) {
  const ArrayLimits limits;
  SlicedArray array(limits.slice_size);
  const size_t empty_bytes = array.memory_bytes();
  for (uint64_t i = 0; i < 10'000; ++i) array.Set(i, "twelve bytes", limits);
  EXPECT_GT(array.memory_bytes(), 10'000u * 28);
  EXPECT_LT(array.memory_bytes(), 10'000u * 60);
  EXPECT_GT(array.free_effort(), 10'000u);
  for (uint64_t i = 0; i < 10'000; ++i) array.Set(i, "7", limits);
  EXPECT_LT(array.memory_bytes(), 10'000u * 20);
  array.EraseRange(0, SlicedArray::kIndexMax, limits);
  EXPECT_LE(array.memory_bytes(), empty_bytes + 64);
}

}  // namespace
}  // namespace kvick

#include "types/list_value.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"

namespace kvick {
namespace {

std::vector<std::string> Contents(const ListValue& list) {
  std::vector<std::string> texts;
  char buffer[kInt64TextMax];
  for (ListCursor cursor = list.Seek(0); cursor.is_valid(); cursor.Next())
    texts.emplace_back(cursor.Get().value.Text(buffer));
  return texts;
}

void Push(ListValue& list, ListEnd end, std::string_view text, const ListLimits& limits) {
  list.GrowFor(text.size(), 1, limits);
  list.Push(end, text, limits);
}

TEST(ListValueTest, IsAListpackUpToTheLimitAndAQuicklistBeyond) {
  const ListLimits limits{-1};
  ListValue list;
  const std::string text(100, 'x');
  while (list.pack().size_bytes() + text.size() <= 4096) {
    Push(list, ListEnd::kTail, text, limits);
    ASSERT_EQ(list.encoding_name(), "listpack");
  }
  Push(list, ListEnd::kTail, text, limits);
  EXPECT_EQ(list.encoding_name(), "quicklist");
  const size_t count = list.count();
  EXPECT_EQ(count, 40u);
  // One element less would fit again, but it takes half of the limit.
  list.EraseEnd(ListEnd::kTail, 1, limits);
  list.Shrink(limits);
  EXPECT_EQ(list.encoding_name(), "quicklist");
  list.EraseEnd(ListEnd::kTail, count - 20, limits);
  list.Shrink(limits);
  EXPECT_EQ(list.encoding_name(), "listpack");
  EXPECT_EQ(list.count(), 19u);
}

TEST(ListValueTest, ManyElementsAtOnceDecideTogether) {
  ListValue list;
  list.GrowFor(100, 5, {4});
  EXPECT_TRUE(list.is_quicklist());
}

TEST(ListValueTest, AHugeElementMakesAQuicklistAndItsReplacementUndoesIt) {
  const ListLimits limits{-2};
  ListValue list;
  Push(list, ListEnd::kTail, "small", limits);
  const std::string huge(9000, 'h');
  list.GrowFor(huge.size(), 1, limits);
  list.Replace(0, huge, limits);
  list.Shrink(limits);
  EXPECT_TRUE(list.is_quicklist());
  EXPECT_NE(list.Seek(0).Get().shared, nullptr);
  list.GrowFor(1, 1, limits);
  list.Replace(0, "s", limits);
  list.Shrink(limits);
  EXPECT_EQ(list.encoding_name(), "listpack");
  EXPECT_EQ(Contents(list), std::vector<std::string>{"s"});
}

TEST(ListValueTest, ACopyIsApart) {
  for (const int node_size_max : {-2, 2}) {
    const ListLimits limits{node_size_max};
    ListValue list;
    for (const char* text : {"a", "b", "c", "d", "e"}) Push(list, ListEnd::kTail, text, limits);
    const ListValue copy(list);
    list.Replace(2, "changed", limits);
    list.EraseEnd(ListEnd::kHead, 1, limits);
    EXPECT_EQ(Contents(copy), (std::vector<std::string>{"a", "b", "c", "d", "e"}));
  }
}

TEST(ListValueTest, TenShortElementsAreTwoSmallBlocks) {
  const auto list = std::make_unique<ListValue>();
  for (int i = 0; i < 10; ++i) Push(*list, ListEnd::kTail, "item:" + std::to_string(i), {});
  EXPECT_EQ(list->block_count(), 1u);
  EXPECT_LE(list->memory_bytes(), 120u);
}

class ListValueModelTest : public testing::TestWithParam<ListLimits> {};

TEST_P(ListValueModelTest, BehavesLikeADequeWhileItsFormChanges) {
  const ListLimits limits = GetParam();
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    ListValue list;
    std::deque<std::string> model;
    size_t form_changes = 0;
    bool was_quicklist = false;
    for (int step = 0; step < 3000; ++step) {
      const std::string text = random.Below(30) == 0
                                   ? std::string(random.Below(12000), 'l')
                                   : std::to_string(random.Below(40)) + std::string(random.Below(9), 'x');
      const bool grows = step / 150 % 2 == 0;
      const uint64_t operation = model.empty() ? random.Below(2) : random.Below(grows ? 7 : 12);
      const size_t index = model.empty() ? 0 : random.Below(model.size());
      const auto offset = static_cast<ptrdiff_t>(index);
      if (operation < 3) {
        const ListEnd end = operation == 0 ? ListEnd::kHead : ListEnd::kTail;
        Push(list, end, text, limits);
        end == ListEnd::kHead ? model.push_front(text) : model.push_back(text);
      } else if (operation == 3) {
        list.GrowFor(text.size(), 1, limits);
        list.Insert(list.Seek(static_cast<int64_t>(index)), ListSide::kAfter, text, limits);
        model.insert(model.begin() + offset + 1, text);
      } else if (operation == 4) {
        list.GrowFor(text.size(), 1, limits);
        list.Replace(static_cast<int64_t>(index), text, limits);
        list.Shrink(limits);
        model[index] = text;
      } else if (operation == 5) {
        const std::string wanted = model[index];
        const auto expected = static_cast<size_t>(std::count(model.begin(), model.end(), wanted));
        ASSERT_EQ(list.Remove(wanted, model.size(), ListEnd::kTail, limits), expected);
        std::erase(model, wanted);
        list.Shrink(limits);
      } else {
        const size_t count = 1 + random.Below(std::min<size_t>(model.size(), 6));
        const ListEnd end = operation % 2 == 0 ? ListEnd::kHead : ListEnd::kTail;
        list.EraseEnd(end, count, limits);
        list.Shrink(limits);
        for (size_t i = 0; i < count; ++i) end == ListEnd::kHead ? model.pop_front() : model.pop_back();
      }
      form_changes += list.is_quicklist() != was_quicklist ? 1 : 0;
      was_quicklist = list.is_quicklist();
      ASSERT_EQ(list.count(), model.size());
      if (step % 60 == 0) ASSERT_EQ(Contents(list), std::vector<std::string>(model.begin(), model.end()));
    }
    EXPECT_GT(form_changes, 2u);
  }
}

INSTANTIATE_TEST_SUITE_P(Limits, ListValueModelTest,
                         testing::Values(ListLimits{2}, ListLimits{8, 1}, ListLimits{-1}, ListLimits{-2, 2}));

}  // namespace
}  // namespace kvick

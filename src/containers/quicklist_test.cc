#include "containers/quicklist.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/random.h"

namespace kvick {
namespace {

std::vector<std::string> Walked(const Quicklist& list, size_t from, size_t count) {
  std::vector<std::string> texts;
  list.Seek(static_cast<int64_t>(from)).Walk(count, [&](const ListElement& element) {
    char buffer[kInt64TextMax];
    texts.emplace_back(element.value.Text(buffer));
  });
  return texts;
}

std::string TextAt(const ListCursor& cursor) {
  char buffer[kInt64TextMax];
  return std::string(cursor.Get().value.Text(buffer));
}

std::vector<std::string> Contents(const Quicklist& list, ListEnd from = ListEnd::kHead) {
  std::vector<std::string> texts;
  for (ListCursor cursor = list.Seek(from == ListEnd::kHead ? 0 : -1); cursor.is_valid(); cursor.Step(from))
    texts.push_back(TextAt(cursor));
  return texts;
}

Quicklist Numbers(int count, const ListLimits& limits) {
  Quicklist list;
  for (int i = 0; i < count; ++i) list.Push(ListEnd::kTail, std::to_string(i), limits);
  return list;
}

TEST(ListLimitsTest, NegativeIsASizeClassAndPositiveACountWithinTheSafetySize) {
  EXPECT_TRUE((ListLimits{-1}.Allows(4096, 4000)));
  EXPECT_FALSE((ListLimits{-1}.Allows(4097, 1)));
  EXPECT_TRUE((ListLimits{-5}.Allows(65536, 1)));
  EXPECT_TRUE((ListLimits{-9}.Allows(65536, 1)));
  EXPECT_FALSE((ListLimits{-9}.Allows(65537, 1)));
  EXPECT_TRUE((ListLimits{4}.Allows(8192, 4)));
  EXPECT_FALSE((ListLimits{4}.Allows(100, 5)));
  EXPECT_FALSE((ListLimits{4}.Allows(8193, 1)));
  EXPECT_TRUE((ListLimits{0}.Allows(20, 1)));
  EXPECT_FALSE((ListLimits{0}.Allows(20, 2)));
  EXPECT_FALSE((ListLimits{4}.AllowsHalf(100, 3)));
  EXPECT_FALSE((ListLimits{-2}.AllowsHalf(4097, 1)));
  EXPECT_TRUE((ListLimits{-2}.AllowsHalf(4096, 1)));
  EXPECT_TRUE((ListLimits{4}.IsHuge(8193)));
  EXPECT_FALSE((ListLimits{-3}.IsHuge(16384)));
}

TEST(QuicklistTest, FindsAnyIndexFromBothEnds) {
  for (const int node_size_max : {1, 3, -1}) {
    const Quicklist list = Numbers(5000, {node_size_max});
    ASSERT_EQ(list.count(), 5000u);
    for (int i = 0; i < 5000; i += 7) {
      ASSERT_EQ(TextAt(list.Seek(i)), std::to_string(i));
      ASSERT_EQ(TextAt(list.Seek(i - 5000)), std::to_string(i));
    }
    EXPECT_FALSE(list.Seek(5000).is_valid());
    EXPECT_FALSE(list.Seek(-5001).is_valid());
  }
}

TEST(QuicklistTest, ChainsNodesByTheLimit) {
  EXPECT_EQ(Numbers(1000, {1}).node_count(), 1000u);
  EXPECT_EQ(Numbers(1000, {100}).node_count(), 10u);
  const Quicklist list = Numbers(10000, {-1});
  EXPECT_LT(list.node_count(), 12u);
  list.ForEachNode([](bool is_plain, std::string_view bytes) {
    EXPECT_FALSE(is_plain);
    EXPECT_LE(bytes.size(), 4096u);
    EXPECT_TRUE(ListpackView::IsValid(bytes, ListpackView::Check::kDeep));
  });
}

TEST(QuicklistTest, ItsHeadAndItsTailAreEquallyCheapToHold) {
  for (const int node_size_max : {-1, -2, 3, 100}) {
    const ListLimits limits{node_size_max};
    Quicklist from_head;
    Quicklist from_tail;
    for (int i = 0; i < 20'000; ++i) {
      from_head.Push(ListEnd::kHead, "value-of-sixteen", limits);
      from_tail.Push(ListEnd::kTail, "value-of-sixteen", limits);
    }
    EXPECT_EQ(from_head.node_count(), from_tail.node_count());
    EXPECT_LT(static_cast<double>(from_head.memory_bytes()), 1.1 * static_cast<double>(from_tail.memory_bytes()) + 9000)
        << node_size_max;
  }
}

TEST(QuicklistTest, IsADequeWithOtherChangesInBetween) {
  for (const ListLimits limits : {ListLimits{-1}, ListLimits{5}, ListLimits{-1, 1}, ListLimits{7, 2}}) {
    for (uint64_t seed = 1; seed <= 5; ++seed) {
      SCOPED_TRACE(std::to_string(limits.node_size_max) + ", seed " + std::to_string(seed));
      Random random(seed);
      Quicklist list;
      std::vector<std::string> model;
      for (int step = 0; step < 4000; ++step) {
        const std::string text = random.Below(3) == 0 ? std::to_string(step) : std::string(random.Below(60), 'x');
        const ListEnd end = random.Below(2) == 0 ? ListEnd::kHead : ListEnd::kTail;
        const uint64_t what = random.Below(20);
        if (what < 11 || model.size() < 20) {
          list.Push(end, text, limits);
          model.insert(end == ListEnd::kHead ? model.begin() : model.end(), text);
        } else if (what < 17) {
          const size_t count = 1 + random.Below(step % 500 == 0 ? model.size() - 1 : 4);
          list.EraseEnd(end, count, limits);
          const auto erased = static_cast<ptrdiff_t>(count);
          end == ListEnd::kHead ? model.erase(model.begin(), model.begin() + erased)
                                : model.erase(model.end() - erased, model.end());
        } else {
          const size_t index = random.Below(random.Below(2) == 0 ? 10 : model.size());
          const auto place = model.begin() + static_cast<ptrdiff_t>(index);
          if (what == 17) {
            list.Replace(static_cast<int64_t>(index), text, limits);
            *place = text;
          } else if (what == 18) {
            list.Insert(list.Seek(static_cast<int64_t>(index)), ListSide::kBefore, text, limits);
            model.insert(place, text);
          } else {
            list.EraseRange(index, 1, limits);
            model.erase(place);
          }
        }
        ASSERT_EQ(list.count(), model.size());
        ASSERT_EQ(TextAt(list.SeekEnd(ListEnd::kHead)), model.front());
        ASSERT_EQ(TextAt(list.SeekEnd(ListEnd::kTail)), model.back());
        if (step % 250 == 0) {
          ASSERT_EQ(Contents(list), model);
        }
      }
      EXPECT_EQ(Contents(list), model);
      EXPECT_EQ(Contents(Quicklist(list)), model);
    }
  }
}

TEST(QuicklistTest, HugeElementsAreLentNotCopied) {
  const std::string huge(10000, 'h');
  Quicklist list;
  for (const std::string& text : {std::string("a"), huge, std::string("b")}) list.Push(ListEnd::kTail, text, {-2});
  EXPECT_EQ(list.node_count(), 3u);
  const ListElement element = list.Seek(1).Get();
  ASSERT_NE(element.shared, nullptr);
  EXPECT_EQ(element.shared->view(), huge);
  const SharedBytesRef held(element.shared);
  const Quicklist copy(list);
  EXPECT_EQ(copy.Seek(1).Get().shared, element.shared);
  list.Replace(1, "small", {-2});
  EXPECT_EQ(held.view(), huge);
  EXPECT_EQ(Contents(copy)[1], huge);
}

TEST(QuicklistTest, InnerNodesAreCompressedAndEndsAreNot) {
  const ListLimits limits{-1, 2};
  Quicklist list;
  for (int i = 0; i < 3000; ++i) list.Push(ListEnd::kTail, "some element, number " + std::to_string(i % 10), limits);
  const size_t nodes = list.node_count();
  ASSERT_GT(nodes, 10u);
  EXPECT_EQ(list.compressed_node_count(), nodes - 4);
  const Quicklist plain = [&] {
    Quicklist other;
    for (const std::string& text : Contents(list)) other.Push(ListEnd::kTail, text, {-1, 0});
    return other;
  }();
  EXPECT_LT(list.memory_bytes() * 3, plain.memory_bytes());
  EXPECT_EQ(Contents(list), Contents(plain));
  list.Replace(1500, "other", limits);
  EXPECT_EQ(TextAt(list.Seek(1500)), "other");
  EXPECT_EQ(list.compressed_node_count(), nodes - 4);
  EXPECT_EQ(list.Remove("some element, number 3", 1000, ListEnd::kHead, limits), 300u);
  EXPECT_EQ(list.compressed_node_count(), nodes - 4);
  list.EraseRange(0, list.count() - 20, limits);
  EXPECT_EQ(list.compressed_node_count(), 0u);
}

struct Shape {
  ListLimits limits;
  bool with_huge;
};

class QuicklistModelTest : public testing::TestWithParam<Shape> {};

// Every operation against a plain sequence, with the structure checked as it goes.
TEST_P(QuicklistModelTest, BehavesLikeASequence) {
  const ListLimits limits = GetParam().limits;
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    const auto random_text = [&] {
      const uint64_t kind = random.Below(20);
      if (kind == 0 && GetParam().with_huge)
        return std::string(9000 + random.Below(100), static_cast<char>('A' + random.Below(3)));
      if (kind < 3) return std::string(random.Below(1500), static_cast<char>('f' + random.Below(3)));
      if (kind < 12) return std::to_string(random.Below(30));
      return std::string(random.Below(40), static_cast<char>('a' + random.Below(3)));
    };
    Quicklist list;
    std::vector<std::string> model;
    for (int step = 0; step < 4000; ++step) {
      const std::string text = random_text();
      const size_t index = model.empty() ? 0 : random.Below(model.size());
      const auto offset = static_cast<ptrdiff_t>(index);
      // Grows for a while, then shrinks, over and over.
      const bool grows = step / 500 % 2 == 0;
      uint64_t operation = random.Below(grows ? 10 : 14);
      if (model.empty()) operation = random.Below(2);
      switch (operation) {
        case 0:
        case 2:
          list.Push(ListEnd::kHead, text, limits);
          model.insert(model.begin(), text);
          break;
        case 1:
        case 3:
          list.Push(ListEnd::kTail, text, limits);
          model.push_back(text);
          break;
        case 4:
        case 5:
          list.Insert(list.Seek(static_cast<int64_t>(index)), ListSide::kBefore, text, limits);
          model.insert(model.begin() + offset, text);
          break;
        case 6:
          list.Insert(list.Seek(static_cast<int64_t>(index)), ListSide::kAfter, text, limits);
          model.insert(model.begin() + offset + 1, text);
          break;
        case 7:
        case 8:
          list.Replace(static_cast<int64_t>(index), text, limits);
          model[index] = text;
          break;
        case 9: {
          const std::string wanted = model[index];
          const size_t count_max = 1 + random.Below(4);
          const ListEnd from = random.Below(2) == 0 ? ListEnd::kHead : ListEnd::kTail;
          if (from == ListEnd::kTail) std::reverse(model.begin(), model.end());
          size_t removed = 0;
          for (auto it = model.begin(); it != model.end() && removed < count_max;) {
            if (*it == wanted) {
              it = model.erase(it);
              ++removed;
            } else {
              ++it;
            }
          }
          if (from == ListEnd::kTail) std::reverse(model.begin(), model.end());
          ASSERT_EQ(list.Remove(wanted, count_max, from, limits), removed);
          break;
        }
        default: {
          const size_t count = std::min<size_t>(random.Below(random.Below(10) == 0 ? 200 : 4), model.size() - index);
          list.EraseRange(index, count, limits);
          model.erase(model.begin() + offset, model.begin() + offset + static_cast<ptrdiff_t>(count));
        }
      }
      ASSERT_EQ(list.count(), model.size());
      if (step % 100 == 99) {
        ASSERT_EQ(Contents(list), model);
        ASSERT_EQ(Contents(list, ListEnd::kTail), std::vector<std::string>(model.rbegin(), model.rend()));
        size_t nodes = 0;
        list.ForEachNode([&](bool is_plain, std::string_view bytes) {
          ++nodes;
          ASSERT_TRUE(is_plain || ListpackView::IsValid(bytes, ListpackView::Check::kDeep));
          ASSERT_TRUE(is_plain || ListpackView(bytes).count() > 0);
        });
        ASSERT_EQ(nodes, list.node_count());
        const size_t readable = 2 * static_cast<size_t>(limits.compress_depth);
        ASSERT_LE(list.compressed_node_count(), limits.compress_depth > 0 && nodes > readable ? nodes - readable : 0);
        const Quicklist copy(list);
        ASSERT_EQ(Contents(copy), model);
        const size_t first = model.size() / 3;
        ASSERT_EQ(Walked(list, first, model.size()),
                  std::vector<std::string>(model.begin() + static_cast<ptrdiff_t>(first), model.end()));
        ASSERT_EQ(Walked(list, first, 2).size(), std::min<size_t>(2, model.size() - first));
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Limits, QuicklistModelTest,
                         testing::Values(Shape{{1, 0}, false}, Shape{{2, 1}, true}, Shape{{5, 0}, true},
                                         Shape{{128, 3}, true}, Shape{{-1, 0}, true}, Shape{{-2, 1}, true},
                                         Shape{{-5, 1}, false}));

}  // namespace
}  // namespace kvick

#include "containers/stream_id_tree.h"

#include <gtest/gtest.h>

#include <map>
#include <optional>

#include "base/random.h"

namespace kvick {
namespace {

struct Timed {
  int64_t time = 0;
  uint64_t number = 0;
  int64_t order() const { return time; }
};

using Tree = StreamIdTree<Timed>;
using Model = std::map<StreamId, Timed>;

StreamId IdOf(uint64_t number) { return {number / 7, number % 7}; }

template <typename Cursor, typename Place>
void ExpectSame(const Cursor& at, const Place& place, const Model& model) {
  ASSERT_EQ(at.is_valid(), place != model.end());
  if (!at.is_valid()) return;
  EXPECT_EQ(at.id(), place->first);
  EXPECT_EQ(at.value().number, place->second.number);
  EXPECT_EQ(at.value().time, place->second.time);
}

std::optional<StreamId> EarliestOf(const Model& model) {
  std::optional<StreamId> earliest;
  for (const auto& [id, value] : model) {
    if (!earliest || value.time < model.at(*earliest).time) earliest = id;
  }
  return earliest;
}

void ExpectSameSearches(const Tree& tree, const Model& model, Random& random, uint64_t id_count) {
  const StreamId id = IdOf(random.Below(id_count));
  ExpectSame(tree.Find(id), model.find(id), model);
  ExpectSame(tree.LowerBound(id), model.lower_bound(id), model);
  auto floor = model.upper_bound(id);
  floor = floor == model.begin() ? model.end() : std::prev(floor);
  ExpectSame(tree.Floor(id), floor, model);
  const auto bound = static_cast<int64_t>(random.Below(1000)) - 500;
  auto due = model.lower_bound(id);
  while (due != model.end() && due->second.time > bound) ++due;
  ExpectSame(tree.FirstDue(id, bound), due, model);
  const std::optional<StreamId> earliest = EarliestOf(model);
  ExpectSame(tree.Earliest(), earliest ? model.find(*earliest) : model.end(), model);
}

TEST(StreamIdTreeTest, DoesWhatAMapDoes) {
  constexpr uint64_t kSeed = 20260101;
  for (const uint64_t id_count : {uint64_t{50}, uint64_t{3'000}, uint64_t{15'000}}) {
    SCOPED_TRACE(testing::Message() << "seed " << kSeed << ", " << id_count << " ids");
    Random random(kSeed + id_count);
    Tree tree;
    Model model;
    for (uint64_t step = 0; step < 40'000; ++step) {
      // It grows, then shrinks.
      const bool grows = step < 20'000 ? random.Below(4) != 0 : random.Below(4) == 0;
      const StreamId id = IdOf(random.Below(id_count));
      const Timed value{static_cast<int64_t>(random.Below(1000)) - 500, step};
      if (random.Below(4) == 0) {
        const auto place = model.find(id);
        EXPECT_EQ(tree.Replace(id, value), place != model.end());
        if (place != model.end()) place->second = value;
      } else if (grows) {
        EXPECT_EQ(tree.Insert(id, value), model.emplace(id, value).second);
      } else {
        EXPECT_EQ(tree.Erase(id), model.erase(id) == 1);
      }
      ASSERT_EQ(tree.count(), model.size());
      if (step % 97 == 0) ExpectSameSearches(tree, model, random, id_count);
      if (step % 5'000 == 0) tree.Check();
    }
    tree.Check();
    auto place = model.begin();
    for (auto at = tree.First(); at.is_valid(); at.Next()) ExpectSame(at, place++, model);
    EXPECT_EQ(place, model.end());
    for (auto at = tree.Last(); at.is_valid(); at.Previous()) ExpectSame(at, --place, model);
    EXPECT_EQ(place, model.begin());
  }
}

TEST(StreamIdTreeTest, IdsThatComeInOrderAndGoInOrderLeaveNothing) {
  Tree tree;
  for (uint64_t i = 0; i < 10'000; ++i) {
    tree.Insert(IdOf(i), {static_cast<int64_t>(i), i});
    if (i >= 500) {
      EXPECT_EQ(tree.Earliest().id(), IdOf(i - 500));
      EXPECT_TRUE(tree.Erase(IdOf(i - 500)));
    }
  }
  tree.Check();
  EXPECT_EQ(tree.count(), 500u);
  for (uint64_t i = 9'500; i < 10'000; ++i) EXPECT_TRUE(tree.Erase(IdOf(i)));
  tree.Check();
  EXPECT_EQ(tree.memory_bytes(), 0u);
}

TEST(StreamIdTreeTest, IdsInOrderFillTheirLeaves) {
  StreamIdTree<NoStreamValue> tree;
  constexpr uint64_t kCount = 100'000;
  for (uint64_t i = 0; i < kCount; ++i) tree.Insert(IdOf(i));
  tree.Check();
  EXPECT_LT(tree.memory_bytes(), kCount * 18);  // 16 of them are the id
}

}  // namespace
}  // namespace kvick

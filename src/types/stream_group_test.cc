#include "types/stream_group.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "base/random.h"

namespace kvick {
namespace {

constexpr int64_t kInt64Max = std::numeric_limits<int64_t>::max();

TEST(StreamGroupTest, AnEntryBelongsToOneConsumer) {
  StreamGroup group(StreamId::Min(), 0);
  StreamConsumer& alice = group.AddConsumer("alice", 0);
  StreamConsumer& bob = group.AddConsumer("bob", 0);
  group.Assign({1, 0}, alice, {100, 1});
  group.Assign({2, 0}, alice, {100, 1});
  group.Assign({1, 0}, bob, {200, 5});
  EXPECT_EQ(alice.pending.count(), 1u);
  EXPECT_EQ(bob.pending.count(), 1u);
  EXPECT_EQ(group.Find({1, 0})->consumer, &bob);
  EXPECT_EQ(group.Find({1, 0})->delivery_count, 5);
  EXPECT_TRUE(group.Acknowledge({1, 0}));
  EXPECT_FALSE(group.Acknowledge({1, 0}));
  EXPECT_TRUE(bob.pending.empty());
}

TEST(StreamGroupTest, DeliveryCountsOfAllSizesAreKept) {
  StreamGroup group(StreamId::Min(), 0);
  StreamConsumer& alice = group.AddConsumer("alice", 0);
  for (const int64_t count : {int64_t{0}, int64_t{4294967293}, int64_t{4294967294}, int64_t{4294967295},
                              int64_t{5'000'000'000}, kInt64Max - 1, kInt64Max, int64_t{1}}) {
    group.Assign({1, 0}, alice, {1, count});
    EXPECT_EQ(group.Find({1, 0})->delivery_count, count);
  }
}

TEST(StreamGroupTest, WhatWasGivenBackComesFirstInItsOrder) {
  StreamGroup group(StreamId::Min(), 0);
  StreamConsumer& alice = group.AddConsumer("alice", 0);
  for (uint64_t i = 1; i <= 4; ++i) group.Assign({i, 0}, alice, {static_cast<int64_t>(100 - i), 1});
  group.Return({3, 0}, 1);
  group.Return({1, 0}, 1);
  EXPECT_EQ(group.returned_count(), 2u);
  EXPECT_EQ(group.LongestIdle(1'000, 10), (std::vector<StreamId>{{3, 0}, {1, 0}, {4, 0}, {2, 0}}));
  EXPECT_EQ(group.LongestIdle(97, 10), (std::vector<StreamId>{{3, 0}, {1, 0}, {4, 0}}));
  EXPECT_EQ(group.LongestIdle(1'000, 1), (std::vector<StreamId>{{3, 0}}));
  group.Return({3, 0}, 1);
  EXPECT_EQ(group.LongestIdle(0, 10), (std::vector<StreamId>{{1, 0}, {3, 0}}));
  EXPECT_EQ(group.Find({3, 0})->consumer, nullptr);

  const StreamGroup copy(group);
  EXPECT_EQ(copy.LongestIdle(1'000, 10), group.LongestIdle(1'000, 10));
  EXPECT_EQ(copy.FindConsumer("alice")->pending.count(), 2u);

  group.RemoveConsumer(alice);
  EXPECT_EQ(group.pending_count(), 2u);
  EXPECT_EQ(copy.pending_count(), 4u);
}

// A group that is a list.
struct Model {
  struct Item {
    std::string consumer;  // empty: given back
    int64_t place;
    int64_t count;
  };
  std::map<StreamId, Item> items;
  int64_t returned = 0;

  std::vector<StreamId> LongestIdle(int64_t delivered_max, size_t count_max) const {
    std::vector<std::pair<int64_t, StreamId>> due;
    for (const auto& [id, item] : items) {
      if (item.place <= delivered_max) due.emplace_back(item.place, id);
    }
    std::sort(due.begin(), due.end());
    std::vector<StreamId> ids;
    for (size_t i = 0; i < std::min(count_max, due.size()); ++i) ids.push_back(due[i].second);
    return ids;
  }
};

TEST(StreamGroupTest, DoesWhatAListDoes) {
  constexpr uint64_t kSeed = 77;
  Random random(kSeed);
  StreamGroup group(StreamId::Min(), 0);
  Model model;
  for (int step = 0; step < 40'000; ++step) {
    const StreamId id{random.Below(300), 0};
    const std::string name = "c" + std::to_string(random.Below(5));
    switch (random.Below(6)) {
      case 0:
      case 1:
      case 2: {
        StreamConsumer* consumer = group.FindConsumer(name);
        if (consumer == nullptr) consumer = &group.AddConsumer(name, 0);
        const auto time = static_cast<int64_t>(random.Below(200));
        group.Assign(id, *consumer, {time, step});
        model.items[id] = {name, time, step};
        break;
      }
      case 3:
        group.Return(id, step);
        model.items[id] = {"", std::numeric_limits<int64_t>::min() + model.returned++, step};
        break;
      case 4: EXPECT_EQ(group.Acknowledge(id), model.items.erase(id) == 1); break;
      default:
        if (random.Below(200) != 0 || group.FindConsumer(name) == nullptr) break;
        group.RemoveConsumer(*group.FindConsumer(name));
        std::erase_if(model.items, [&name](const auto& item) { return item.second.consumer == name; });
    }
    ASSERT_EQ(group.pending_count(), model.items.size()) << "seed " << kSeed << ", step " << step;
    if (step % 50 != 0) continue;
    const auto bound = static_cast<int64_t>(random.Below(250)) - 20;
    const size_t count_max = random.Below(20);
    ASSERT_EQ(group.LongestIdle(bound, count_max), model.LongestIdle(bound, count_max))
        << "seed " << kSeed << ", step " << step;
    auto at = group.Seek(StreamId::Min());
    size_t returned_count = 0;
    std::map<std::string, size_t> counts;
    for (const auto& [item_id, item] : model.items) {
      ASSERT_EQ(at.id(), item_id);
      const PendingEntry entry = group.Read(at);
      ASSERT_EQ(entry.consumer == nullptr ? "" : entry.consumer->name, item.consumer);
      ASSERT_EQ(entry.delivery_count, item.count);
      item.consumer.empty() ? ++returned_count : ++counts[item.consumer];
      at.Next();
    }
    ASSERT_EQ(group.returned_count(), returned_count);
    for (const auto& [consumer_name, consumer] : group.consumers()) {
      ASSERT_EQ(consumer->pending.count(), counts[consumer_name]);
    }
  }
}

}  // namespace
}  // namespace kvick

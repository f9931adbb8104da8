// Streams whose entries are added, read and acknowledged by many threads: in a group every entry is delivered as new
// to exactly one consumer, and in the end it was acknowledged once or is pending.
//
// KVICK_STREAM_ENTRIES and KVICK_STREAM_CONSUMERS make it longer: 1000000 and 10000 are worth a minute.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "stress/stress_store.h"
#include "support/threads.h"

namespace kvick::test {
namespace {

size_t NumberFrom(const char* variable, size_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// The ids in a reply of XREADGROUP for one stream.
std::vector<std::string> IdsOf(const Value& reply) {
  std::vector<std::string> ids;
  if (reply.elements.empty()) return ids;
  for (const Value& entry : reply.elements[0].elements[1].elements) ids.push_back(entry.elements[0].text);
  return ids;
}

class StreamsTest : public ::testing::TestWithParam<int> {
 protected:
  StressStore store_;
};

TEST_P(StreamsTest, EveryEntryIsDeliveredOnceAndThenAcknowledgedOrPending) {
  const size_t entry_count = NumberFrom("KVICK_STREAM_ENTRIES", 20'000);
  const size_t consumer_count = NumberFrom("KVICK_STREAM_CONSUMERS", 200);
  const uint64_t seed = Seed();
  {
    StressClient client(store_, seed, 99);
    client.Call({"XGROUP", "CREATE", "stream", "group", "0", "MKSTREAM"});
  }
  std::atomic<size_t> added_count{0};
  std::atomic<size_t> delivered_count{0};
  struct History {
    std::vector<std::string> delivered;
    std::vector<std::string> acknowledged;
  };
  std::vector<History> histories(static_cast<size_t>(GetParam()));
  RunThreads(GetParam(), [&](int thread) {
    StressClient client(store_, seed, thread);
    History& history = histories[static_cast<size_t>(thread)];
    const auto acknowledge = [&](const std::string& id) {
      if (client.Call({"XACK", "stream", "group", id}).integer == 1) history.acknowledged.push_back(id);
    };
    while (delivered_count.load() < entry_count) {
      const std::string consumer = "consumer:" + std::to_string(client.Below(consumer_count));
      switch (client.Below(8)) {
        case 0:
        case 1:
        case 2:
          for (int i = 0; i < 4 && added_count.fetch_add(1) < entry_count; ++i) {
            client.Call({"XADD", "stream", "*", "thread", std::to_string(thread)});
          }
          break;
        case 3:  // what others have
          client.Call({"XAUTOCLAIM", "stream", "group", consumer, "0", "0", "COUNT", "2", "JUSTID"});
          break;
        case 4:
          for (const std::string& id :
               IdsOf(client.Call({"XREADGROUP", "GROUP", "group", consumer, "COUNT", "3", "STREAMS", "stream", "0"}))) {
            acknowledge(id);
          }
          break;
        case 5:
          if (client.Chance(20)) client.Disturb();
          break;
        default: {
          const std::vector<std::string> ids =
              IdsOf(client.Call({"XREADGROUP", "GROUP", "group", consumer, "COUNT", "5", "STREAMS", "stream", ">"}));
          history.delivered.insert(history.delivered.end(), ids.begin(), ids.end());
          delivered_count.fetch_add(ids.size());
          for (size_t i = 0; i < ids.size(); i += 2) acknowledge(ids[i]);
        }
      }
    }
  });

  std::set<std::string> delivered;
  std::set<std::string> left;
  size_t delivery_count = 0;
  for (const History& history : histories) {
    delivery_count += history.delivered.size();
    delivered.insert(history.delivered.begin(), history.delivered.end());
  }
  left = delivered;
  EXPECT_EQ(delivery_count, entry_count);
  EXPECT_EQ(delivered.size(), entry_count) << "some were delivered twice";
  for (const History& history : histories) {
    for (const std::string& id : history.acknowledged) EXPECT_EQ(left.erase(id), 1u) << id << " acknowledged twice";
  }
  StressClient client(store_, seed, 99);
  EXPECT_EQ(client.Call({"XLEN", "stream"}).integer, static_cast<int64_t>(entry_count));
  size_t pending_count = 0;
  for (const Value& item :
       client.Call({"XPENDING", "stream", "group", "-", "+", std::to_string(entry_count)}).elements) {
    ++pending_count;
    EXPECT_EQ(left.erase(item.elements[0].text), 1u) << item.elements[0].text << " is pending and acknowledged";
  }
  EXPECT_TRUE(left.empty()) << left.size() << " neither acknowledged nor pending";
  EXPECT_EQ(client.Call({"XPENDING", "stream", "group"}).elements[0].integer, static_cast<int64_t>(pending_count));
}

INSTANTIATE_TEST_SUITE_P(Threads, StreamsTest, ::testing::Values(1, 2, 4));

}  // namespace
}  // namespace kvick::test

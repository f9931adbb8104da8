// What must hold whatever happens at once: sums, single winners, tokens that are neither lost nor doubled, writes of
// many keys that are seen whole.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/compressed_bytes.h"
#include "stress/stress_store.h"
#include "support/concurrency_commands.h"
#include "support/threads.h"

namespace kvick::test {
namespace {

class InvariantsTest : public ::testing::TestWithParam<int> {
 protected:
  static int thread_count() { return GetParam(); }
  StressStore store_;
};

// Half of the names share a stripe, and a bucket of its table.
std::vector<std::string> Names(const std::string& prefix, size_t count) {
  return Joined(KeysOnOneStripe(prefix, count / 2), KeysAnywhere(prefix + "other:", count - count / 2));
}

TEST_P(InvariantsTest, EveryIncrementCounts) {
  const std::vector<std::string> keys = Names("counter:", 6);
  const uint64_t seed = Seed();
  std::atomic<int64_t> expected{0};
  const Deadline deadline;
  RunThreads(thread_count(), [&](int thread) {
    StressClient client(store_, seed, thread);
    int64_t sum = 0;
    while (!deadline.HasPassed()) {
      const auto amount = static_cast<int64_t>(client.Below(10));
      switch (client.Below(6)) {
        case 0:
          client.Call({"INCR", client.Pick(keys)});
          sum += 1;
          break;
        case 1:
          client.Call({"DECRBY", client.Pick(keys), std::to_string(amount)});
          sum -= amount;
          break;
        case 2:
          client.Call({"MULTI"});
          client.Call({"INCRBY", client.Pick(keys), std::to_string(amount)});
          client.Call({"DECR", client.Pick(keys)});
          EXPECT_EQ(client.Call({"EXEC"}).elements.size(), 2u);
          sum += amount - 1;
          break;
        case 3: client.Disturb(); break;
        case 4:
          if (client.Chance(4)) client.Call({"SWAPDB", "0", "1"});
          break;
        default: client.Call({"INCRBY", client.Pick(keys), std::to_string(amount)}); sum += amount;
      }
    }
    expected.fetch_add(sum);
  });
  int64_t held = 0;
  for (const auto& [place, content] : ContentsOf(store_.engine())) {
    if (place.second.find("counter:") == 0) held += std::stoll(content.first);
  }
  EXPECT_EQ(held, expected.load());
}

TEST_P(InvariantsTest, AConditionalSetHasOneWinner) {
  constexpr size_t kRoundsMax = 200'000;
  const uint64_t seed = Seed();
  std::vector<std::atomic<int>> winners(kRoundsMax);
  std::atomic<size_t> round{0};
  const Deadline deadline;
  RunThreads(thread_count(), [&](int thread) {
    StressClient client(store_, seed, thread);
    const std::string me = std::to_string(thread);
    while (!deadline.HasPassed()) {
      const size_t mine = round.load();
      if (mine + 1 >= kRoundsMax) return;
      const std::string key = "lock:" + std::to_string(mine);
      const bool won = client.Chance(2) ? client.Call({"SET", key, me, "NX"}).text == "OK"
                                        : client.Call({"SETNX", key, me}).integer == 1;
      if (won) {
        winners[mine].fetch_add(1);
        EXPECT_EQ(client.Call({"GET", key}).text, me);
        size_t current = mine;
        round.compare_exchange_strong(current, mine + 1);
      }
      EXPECT_TRUE(client.Call({"SET", "never:" + key, me, "XX"}).IsNull());
      if (client.Chance(8)) client.Disturb();
    }
  });
  for (size_t i = 0; i < round.load(); ++i) ASSERT_EQ(winners[i].load(), 1) << "round " << i;
  EXPECT_GT(round.load(), 0u);
}

TEST_P(InvariantsTest, CompareAndSetLosesNothing) {
  const std::vector<std::string> keys = Names("compared:", 2);
  const uint64_t seed = Seed();
  std::atomic<int64_t> successes{0};
  {
    StressClient client(store_, seed, -1);
    for (const std::string& key : keys) client.Call({"SET", key, "0"});
  }
  const Deadline deadline;
  RunThreads(thread_count(), [&](int thread) {
    StressClient client(store_, seed, thread);
    while (!deadline.HasPassed()) {
      const std::string& key = client.Pick(keys);
      bool done = false;
      if (client.Chance(2)) {
        const std::string old = client.Call({"GET", key}).text;
        done = client.Call({"SET", key, std::to_string(std::stoll(old) + 1), "IFEQ", old}).text == "OK";
      } else {
        client.Call({"WATCH", key});
        const std::string old = client.Call({"GET", key}).text;
        client.Call({"MULTI"});
        client.Call({"SET", key, std::to_string(std::stoll(old) + 1)});
        done = !client.Call({"EXEC"}).IsNull();
      }
      if (done) successes.fetch_add(1);
      if (client.Chance(16)) client.Disturb();
    }
  });
  StressClient client(store_, seed, -1);
  int64_t sum = 0;
  for (const std::string& key : keys) sum += std::stoll(client.Call({"GET", key}).text);
  EXPECT_EQ(sum, successes.load());
  EXPECT_GT(sum, 0);
}

TEST_P(InvariantsTest, TokensAreNeitherLostNorDoubled) {
  const std::vector<std::string> places = Names("place:", 10);
  constexpr int kTokens = 6;
  const uint64_t seed = Seed();
  std::set<std::string> tokens;
  {
    StressClient client(store_, seed, -1);
    for (int i = 0; i < kTokens; ++i) {
      tokens.insert("token" + std::to_string(i));
      client.Call({"SET", places[static_cast<size_t>(i)], "token" + std::to_string(i)});
    }
  }
  const Deadline deadline;
  RunThreads(thread_count(), [&](int thread) {
    StressClient client(store_, seed, thread);
    while (!deadline.HasPassed()) {
      client.Call({"SELECT", std::to_string(client.Below(2))});
      switch (client.Below(12)) {
        case 0: client.Call({"MOVE", client.Pick(places), std::to_string(client.Below(2))}); break;
        case 1: client.Disturb(); break;
        case 2:
          if (client.Chance(4)) client.Call({"SWAPDB", "0", "1"});
          break;
        case 3: {
          const std::string& place = client.Pick(places);
          client.Call({"RENAME", place, place});
          break;
        }
        case 4: client.Call({"COPY", client.Pick(places), client.Pick(places), "DB", "2", "REPLACE"}); break;
        case 5: {
          // All places of both databases in one moment.
          client.Call({"SELECT", "0"});
          client.Call({"MULTI"});
          client.Call(Joined({"MGET"}, places));
          client.Call({"SELECT", "1"});
          client.Call(Joined({"MGET"}, places));
          const Value seen = client.Call({"EXEC"});
          ASSERT_EQ(seen.elements.size(), 3u);
          std::multiset<std::string> found;
          for (const Value& value : seen.elements[0].elements) {
            if (!value.IsNull()) found.insert(value.text);
          }
          for (const Value& value : seen.elements[2].elements) {
            if (!value.IsNull()) found.insert(value.text);
          }
          ASSERT_EQ(found, std::multiset<std::string>(tokens.begin(), tokens.end()));
          break;
        }
        default: client.Call({"RENAMENX", client.Pick(places), client.Pick(places)});
      }
    }
  });
  std::multiset<std::string> held;
  for (const auto& [place, content] : ContentsOf(store_.engine())) {
    if (place.second.find("place:") != 0) continue;
    if (place.first < 2) {
      held.insert(content.first);
    } else {
      EXPECT_TRUE(tokens.count(content.first)) << content.first;
    }
  }
  EXPECT_EQ(held, std::multiset<std::string>(tokens.begin(), tokens.end()));
}

TEST_P(InvariantsTest, WritesOfManyKeysAreSeenWhole) {
  const std::vector<std::string> keys = Names("tagged:", 8);
  const uint64_t seed = Seed();
  std::atomic<int> seen_whole{0};
  const Deadline deadline;
  RunThreads(thread_count(), [&](int thread) {
    StressClient client(store_, seed, thread);
    for (int round = 0; !deadline.HasPassed(); ++round) {
      std::vector<std::string> shuffled = keys;
      for (size_t i = shuffled.size(); i > 1; --i) std::swap(shuffled[i - 1], shuffled[client.Below(i)]);
      const std::string tag = std::to_string(thread) + ":" + std::to_string(round);
      std::vector<std::string> pairs;
      for (const std::string& key : shuffled) pairs.insert(pairs.end(), {key, tag});
      switch (client.Below(8)) {
        case 0: client.Call(Joined({"MSET"}, pairs)); break;
        case 1: client.Call(Joined({"MSETNX"}, pairs)); break;
        case 2: client.Call(Joined({"DEL"}, shuffled)); break;
        case 3:
          if (client.Chance(8)) client.Call({client.Chance(2) ? "FLUSHALL" : "FLUSHDB"});
          break;
        case 4:
          if (client.Chance(4)) client.Call({"SWAPDB", "0", "1"});
          break;
        case 5: client.Disturb(); break;
        default: {
          const Value values = client.Call(Joined({"MGET"}, shuffled));
          ASSERT_EQ(values.elements.size(), keys.size());
          for (const Value& value : values.elements) {
            ASSERT_EQ(value, values.elements[0]) << value.text << " beside " << values.elements[0].text;
          }
          const int64_t count = client.Call(Joined({"EXISTS"}, shuffled)).integer;
          ASSERT_TRUE(count == 0 || count == static_cast<int64_t>(keys.size())) << count;
          ++seen_whole;
        }
      }
    }
  });
  EXPECT_GT(seen_whole.load(), 0);
}

TEST_P(InvariantsTest, KeysOfOneExpiryExpireTogether) {
  const std::vector<std::string> keys = Names("together:", 6);
  const uint64_t seed = Seed();
  const Deadline deadline;
  RunThreads(thread_count(), [&](int thread) {
    StressClient client(store_, seed, thread);
    for (int round = 0; !deadline.HasPassed(); ++round) {
      const std::string tag = std::to_string(thread) + ":" + std::to_string(round);
      std::vector<std::string> pairs;
      for (const std::string& key : keys) pairs.insert(pairs.end(), {key, tag});
      switch (client.Below(6)) {
        case 0: {
          std::vector<std::string> words = Joined({"MSETEX", std::to_string(keys.size())}, pairs);
          client.Call(Joined(words, {"PX", std::to_string(1 + client.Below(4))}));
          break;
        }
        case 1: store_.clock().AdvanceMs(1); break;
        case 2: client.Disturb(); break;
        case 3: client.Call({"GET", client.Pick(keys)}); break;
        default: {
          const Value values = client.Call(Joined({"MGET"}, keys));
          for (const Value& value : values.elements) {
            ASSERT_EQ(value, values.elements[0]) << value.text << " beside " << values.elements[0].text;
          }
        }
      }
    }
  });
}

// Values of one character, of different lengths, so that a value that is torn or another's shows. Settings change
// meanwhile, so all forms meet; what is changed in place becomes plain, what is copied shares its bytes.
TEST_P(InvariantsTest, CompressedValuesAreReadWhole) {
  const std::vector<std::string> keys = Names("packed:", 6);
  const int64_t count_before = CompressedBytes::MeasureUsage().count;
  const uint64_t seed = Seed();
  const Deadline deadline;
  RunThreads(thread_count(), [&](int thread) {
    StressClient client(store_, seed, thread);
    while (!deadline.HasPassed()) {
      const std::string& key = client.Pick(keys);
      const std::string text(300 + 700 * client.Below(8), static_cast<char>('a' + client.Below(26)));
      switch (client.Below(8)) {
        case 0:
        case 1: client.Call({"SET", key, text}); break;
        case 2: client.Call({"MSET", key, text, client.Pick(keys), text}); break;
        case 3: client.Call({"COPY", key, client.Pick(keys), "REPLACE"}); break;
        case 4: client.Call({"SETRANGE", key, "0", text.substr(0, 1)}); break;  // may change the first character
        case 5: {
          const char* const methods[] = {"no", "lz4", "zstd"};
          client.Call(
              {"CONFIG", "SET", "value-compression", methods[client.Below(3)], "value-compression-min-bytes", "0"});
          break;
        }
        default: {
          const std::vector<Value> read = client.Call({"MGET", key, client.Pick(keys), key}).elements;
          ASSERT_EQ(read.size(), 3u);
          EXPECT_EQ(read[0].text, read[2].text);
          for (const Value& value : read) {
            if (value.text.size() < 2) continue;
            EXPECT_EQ(value.text.find_first_not_of(value.text[1], 1), std::string::npos);
          }
        }
      }
      if (client.Chance(16)) client.Disturb();
    }
  });
  StressClient last(store_, seed, -1);
  last.Call({"CONFIG", "SET", "value-compression", "no"});
  last.Call({"FLUSHALL", "SYNC"});
  EXPECT_EQ(CompressedBytes::MeasureUsage().count, count_before);
}

INSTANTIATE_TEST_SUITE_P(Threads, InvariantsTest, ::testing::Values(1, 2, 4, 8), ::testing::PrintToStringParamName());

}  // namespace
}  // namespace kvick::test

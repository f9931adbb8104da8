// The engine's promises to handlers, held by many threads at once: a command sees its keys as if it were alone, an
// exclusive one everything, and nobody waits forever. Commands of their own (tests/support/concurrency_commands.h).
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/random.h"
#include "engine/command_context.h"
#include "engine/engine.h"
#include "engine/local_client.h"
#include "support/concurrency_commands.h"
#include "support/threads.h"

namespace kvick {
namespace {

using test::Call;

// How many threads, and whether the keys share a stripe.
struct Shape {
  int thread_count;
  bool on_one_stripe;
};

std::string NameOf(const ::testing::TestParamInfo<Shape>& info) {
  return std::to_string(info.param.thread_count) + (info.param.on_one_stripe ? "ThreadsOneStripe" : "Threads");
}

class ExecutorConcurrencyTest : public ::testing::TestWithParam<Shape> {
 protected:
  ExecutorConcurrencyTest() : engine_(&settings_, clock_) {
    test::AddConcurrencyCommands(engine_);
    engine_.set_concurrent(true);
  }

  static int thread_count() { return GetParam().thread_count; }
  static std::vector<std::string> Keys(size_t count) {
    return GetParam().on_one_stripe ? test::KeysOnOneStripe("key:", count) : test::KeysAnywhere("key:", count);
  }

  Settings settings_;
  ManualClock clock_;
  Engine engine_;
};

TEST_P(ExecutorConcurrencyTest, NoUpdateIsLost) {
  const std::vector<std::string> keys = Keys(3);
  const uint64_t seed = test::Seed();
  std::atomic<int64_t> added{0};
  const test::Deadline deadline;
  test::RunThreads(thread_count(), [&](int thread) {
    LocalClient client(engine_);
    Random random(seed + static_cast<uint64_t>(thread));
    int64_t sum = 0;
    while (!deadline.HasPassed()) {
      const auto amount = static_cast<int64_t>(random.Below(100));
      Call(client, {"GRIND", keys[random.Below(keys.size())], std::to_string(amount)});
      sum += amount;
    }
    added.fetch_add(sum);
  });
  LocalClient client(engine_);
  EXPECT_EQ(Call(client, {"TOTAL"}).integer, added.load());
}

TEST_P(ExecutorConcurrencyTest, TransfersKeepTheSumThatEveryReaderSees) {
  constexpr int64_t kStart = 1000;
  const std::vector<std::string> keys = Keys(6);
  const uint64_t seed = test::Seed();
  {
    LocalClient client(engine_);
    for (const std::string& key : keys) Call(client, {"PUT", key, std::to_string(kStart)});
  }
  const int64_t expected = kStart * static_cast<int64_t>(keys.size());
  std::vector<std::string> read_all = {"READ"};
  read_all.insert(read_all.end(), keys.begin(), keys.end());
  std::atomic<int> wrong{0};
  const test::Deadline deadline;
  test::RunThreads(thread_count(), [&](int thread) {
    LocalClient client(engine_);
    Random random(seed + static_cast<uint64_t>(thread));
    while (!deadline.HasPassed()) {
      const uint64_t choice = random.Below(16);
      if (choice == 0) {
        if (Call(client, {"TOTAL"}).integer != expected) ++wrong;
      } else if (choice < 5) {
        int64_t sum = 0;
        for (const Value& value : Call(client, read_all).elements) sum += std::stoll(value.text);
        if (sum != expected) ++wrong;
      } else {
        // In either order of the keys, and from a key to itself.
        Call(client, {"TRANSFER", keys[random.Below(keys.size())], keys[random.Below(keys.size())],
                      std::to_string(random.Below(10))});
      }
    }
  });
  EXPECT_EQ(wrong.load(), 0);
  LocalClient client(engine_);
  EXPECT_EQ(Call(client, {"TOTAL"}).integer, expected);
}

TEST_P(ExecutorConcurrencyTest, WritesOfManyKeysAreSeenWhole) {
  const std::vector<std::string> keys = Keys(8);
  const uint64_t seed = test::Seed();
  std::atomic<int> mixed{0};
  const test::Deadline deadline;
  test::RunThreads(thread_count(), [&](int thread) {
    LocalClient client(engine_);
    Random random(seed + static_cast<uint64_t>(thread));
    for (int round = 0; !deadline.HasPassed(); ++round) {
      std::vector<std::string> words = {"READ"};
      const bool writes = random.Below(2) == 0;
      if (writes) words = {"PUTALL", std::to_string(thread) + ":" + std::to_string(round)};
      // All keys in an order of their own, so that an unsorted taking of locks would meet itself.
      std::vector<std::string> shuffled = keys;
      for (size_t i = shuffled.size(); i > 1; --i) std::swap(shuffled[i - 1], shuffled[random.Below(i)]);
      words.insert(words.end(), shuffled.begin(), shuffled.end());
      const Value reply = Call(client, words);
      if (writes) {
        if (random.Below(64) == 0) Call(client, {"EMPTY"});
        continue;
      }
      for (const Value& value : reply.elements) {
        if (!(value == reply.elements[0])) ++mixed;
      }
    }
  });
  EXPECT_EQ(mixed.load(), 0);
}

TEST_P(ExecutorConcurrencyTest, DatabasesChangePlacesBetweenCommands) {
  // Two databases hold one tag each on all keys; EXCHANGE moves them as a whole, and a reader of either sees one tag.
  const std::vector<std::string> keys = Keys(4);
  const uint64_t seed = test::Seed();
  std::vector<std::string> read_all = {"READ"};
  read_all.insert(read_all.end(), keys.begin(), keys.end());
  {
    LocalClient client(engine_);
    for (const std::string database : {"0", "1"}) {
      Call(client, {"CHOOSE", database});
      std::vector<std::string> words = {"PUTALL", "tag" + database};
      words.insert(words.end(), keys.begin(), keys.end());
      Call(client, words);
    }
  }
  std::atomic<int> wrong{0};
  const test::Deadline deadline;
  test::RunThreads(thread_count(), [&](int thread) {
    LocalClient client(engine_);
    Random random(seed + static_cast<uint64_t>(thread));
    while (!deadline.HasPassed()) {
      if (random.Below(10) == 0) Call(client, {"EXCHANGE", "0", "1"});
      Call(client, {"CHOOSE", std::to_string(random.Below(2))});
      const Value reply = Call(client, read_all);
      for (const Value& value : reply.elements) {
        if (value.text != reply.elements[0].text || value.text.empty()) ++wrong;
      }
    }
  });
  EXPECT_EQ(wrong.load(), 0);
}

// Nothing but the gate protects these.
int exclusive_calls = 0;
std::atomic<bool> is_alone{false};
std::atomic<int> met_company{0};

Status Alone(CommandContext& context) {
  is_alone.store(true, std::memory_order_relaxed);
  ++exclusive_calls;
  std::this_thread::yield();
  is_alone.store(false, std::memory_order_relaxed);
  context.Reply().Ok();
  return Status::Ok();
}

Status Beside(CommandContext& context) {
  if (is_alone.load(std::memory_order_relaxed)) ++met_company;
  context.Reply().Integer(exclusive_calls);
  return Status::Ok();
}

constexpr CommandSpec kAloneCommands[] = {
    {.name = "ALONE", .flags = kExclusive, .handler = Alone},
    {.name = "BESIDE", .handler = Beside},
};

TEST_P(ExecutorConcurrencyTest, ExclusiveCommandsRunAlone) {
  engine_.commands().Add(kAloneCommands);
  const uint64_t seed = test::Seed();
  exclusive_calls = 0;
  met_company = 0;
  std::atomic<int> called{0};
  const test::Deadline deadline;
  test::RunThreads(thread_count(), [&](int thread) {
    LocalClient client(engine_);
    Random random(seed + static_cast<uint64_t>(thread));
    int64_t seen = 0;
    while (!deadline.HasPassed()) {
      if (random.Below(8) == 0) {
        Call(client, {"ALONE"});
        ++called;
      }
      // What was changed alone is seen by everyone afterwards, and never goes back.
      const int64_t now = Call(client, {"BESIDE"}).integer;
      if (now < seen) ++met_company;
      seen = now;
    }
  });
  EXPECT_EQ(exclusive_calls, called.load());
  EXPECT_EQ(met_company.load(), 0);
}

int64_t sessions_seen = 0;

// As CLIENT LIST does: walks the sessions of all threads.
Status Census(CommandContext& context) {
  int64_t count = 0;
  context.engine().ForEachExecutor([&count](Executor& executor) {
    for (const Session* session : executor.sessions()) count += session->name.empty() ? 1 : 2;
  });
  sessions_seen = count;
  context.Reply().Integer(count);
  return Status::Ok();
}

Status Rename(CommandContext& context) {
  context.session().name = context.Arg(1);
  context.Reply().Ok();
  return Status::Ok();
}

// As CONFIG SET does: changes what every executor reads.
Status Configure(CommandContext& context) {
  auto& settings = const_cast<Settings&>(context.settings());
  settings.slowlog_log_slower_than_us = sessions_seen;
  settings.max_memory_policy = sessions_seen % 2 == 0 ? EvictionPolicy::kAllKeysLfu : EvictionPolicy::kNoEviction;
  context.Reply().Ok();
  return Status::Ok();
}

constexpr CommandSpec kRegistryCommands[] = {
    {.name = "CENSUS", .flags = kExclusive, .handler = Census},
    {.name = "CONFIGURE", .flags = kExclusive, .handler = Configure},
    {.name = "CALLME", .syntax = "name", .handler = Rename},
};

TEST_P(ExecutorConcurrencyTest, ClientsComeAndGoWhileOthersLookAtThem) {
  engine_.commands().Add(kRegistryCommands);
  const uint64_t seed = test::Seed();
  const test::Deadline deadline;
  test::RunThreads(thread_count(), [&](int thread) {
    Random random(seed + static_cast<uint64_t>(thread));
    while (!deadline.HasPassed()) {
      LocalClient client(engine_);
      Call(client, {"CALLME", "a name that is too long for the small string's own room"});
      for (uint64_t i = random.Below(4); i > 0; --i) {
        EXPECT_GE(Call(client, {"CENSUS"}).integer, 2);
        Call(client, {"CONFIGURE"});
      }
    }
  });
  LocalClient client(engine_);
  EXPECT_EQ(Call(client, {"CENSUS"}).integer, 1);
}

INSTANTIATE_TEST_SUITE_P(Shapes, ExecutorConcurrencyTest,
                         ::testing::Values(Shape{1, false}, Shape{2, false}, Shape{4, false}, Shape{8, false},
                                           Shape{4, true}),
                         NameOf);

}  // namespace
}  // namespace kvick

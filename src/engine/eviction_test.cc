// What keeping `maxmemory` does to keys and to those who use them. Memory is what the test says it is: a hundred bytes
// a key.
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "engine/command_context.h"
#include "engine/local_client.h"
#include "support/concurrency_commands.h"

namespace kvick {
namespace {

using test::Call;

constexpr char kOutOfMemory[] = "-OOM command not allowed when used memory > 'maxmemory'.\r\n";

class EvictedKeys final : public ChangeSink {
 public:
  void OnKeyEvent(int database_index, KeyEventClass event_class, std::string_view event,
                  std::string_view key) override {
    if (event_class != KeyEventClass::kEvicted) return;
    EXPECT_EQ(event, "evicted");
    keys.emplace_back(database_index, key);
  }
  std::vector<std::pair<int, std::string>> keys;
};

Status Take(CommandContext& context) {
  context.Reply().Ok();
  return Status::Ok();
}

constexpr CommandSpec kCommands[] = {
    {.name = "TAKE", .syntax = "key", .flags = kWrite | kDenyOom, .keys = {OneKey(1, kKeyReadWrite)}, .handler = Take},
};

class EvictionTest : public ::testing::Test {
 protected:
  EvictionTest() : engine_(&settings_, clock_) {
    test::AddConcurrencyCommands(engine_);
    engine_.commands().Add(kCommands);
    engine_.hooks.change_sink = &evicted_;
    engine_.memory_limit().MeasureBy([this] {
      uint64_t count = extra_;
      for (int i = 0; i < engine_.database_count(); ++i) count += engine_.database(i).EntryCount();
      return count * 100;
    });
    settings_.max_memory_samples = 64;
    settings_.max_memory_eviction_tenacity = 100;
  }

  void Limit(uint64_t key_count, EvictionPolicy policy) {
    settings_.max_memory_policy = policy;
    settings_.max_memory_bytes = key_count * 100;
    // Memory is looked at before some of the commands only, as long as the limit is kept.
    engine_.memory_limit().Note(MemoryLimit::State::kEvicting);
  }
  uint64_t EvictedCount(LocalClient& client) { return client.executor().stats().evicted_keys.Load(); }

  Settings settings_;
  ManualClock clock_;
  Engine engine_;
  EvictedKeys evicted_;
  uint64_t extra_ = 0;
};

TEST_F(EvictionTest, TheOldestGoBeforeACommandThatOnlyReads) {
  LocalClient client(engine_);
  for (const char* name : {"a", "b", "c", "d"}) {
    Call(client, {"PUT", name, "1"});
    clock_.AdvanceMs(10'000);
  }
  Call(client, {"READ", "a"});
  Limit(2, EvictionPolicy::kAllKeysLru);
  EXPECT_EQ(client.Execute({"READ", "b", "c", "d", "a"}), "*4\r\n$-1\r\n$-1\r\n$1\r\n1\r\n$1\r\n1\r\n");
  EXPECT_EQ(EvictedCount(client), 2u);
  EXPECT_EQ(evicted_.keys, (std::vector<std::pair<int, std::string>>{{0, "b"}, {0, "c"}}));
  EXPECT_EQ(engine_.memory_limit().state(), MemoryLimit::State::kKept);
}

TEST_F(EvictionTest, ReadingDoesNotMakeAKeyLastLongerWhereModificationCounts) {
  settings_.max_memory_policy = EvictionPolicy::kAllKeysLrm;
  LocalClient client(engine_);
  for (const char* name : {"a", "b", "c"}) {
    Call(client, {"PUT", name, "1"});
    clock_.AdvanceMs(10'000);
  }
  Call(client, {"READ", "b"});
  Call(client, {"ADD", "a", "1"});
  Limit(2, EvictionPolicy::kAllKeysLrm);
  EXPECT_EQ(client.Execute({"READ", "a", "b", "c"}), "*3\r\n$1\r\n2\r\n$-1\r\n$1\r\n1\r\n");
}

TEST_F(EvictionTest, AnEvictedKeyIsLoggedAsADeletionOfItsDatabase) {
  const auto reader = engine_.log().Attach();
  LocalClient client(engine_);
  Call(client, {"CHOOSE", "3"});
  Call(client, {"PUT", "a", "1"});
  std::string log;
  reader->Read(&log);
  log.clear();
  Limit(0, EvictionPolicy::kAllKeysRandom);
  settings_.max_memory_bytes = 1;
  client.Execute({"READ", "x"});
  reader->Read(&log);
  EXPECT_EQ(log, "*2\r\n$3\r\nDEL\r\n$1\r\na\r\n");
  Call(client, {"PUT", "a", "1"});
  log.clear();
  reader->Read(&log);
  log.clear();
  settings_.lazy_free_on_eviction = true;
  engine_.memory_limit().Note(MemoryLimit::State::kEvicting);
  client.Execute({"READ", "x"});
  reader->Read(&log);
  EXPECT_EQ(log, "*2\r\n$6\r\nUNLINK\r\n$1\r\na\r\n");
  EXPECT_EQ(evicted_.keys.size(), 2u);
  EXPECT_EQ(evicted_.keys[0], (std::pair<int, std::string>{3, "a"}));
}

TEST_F(EvictionTest, EvictionIsAChangeToWhoWatchesTheKey) {
  LocalClient client(engine_);
  Call(client, {"PUT", "a", "1"});
  const DeclaredKey key{KeyRef::Make("a"), &engine_.database(0), 0};
  client.executor().RunExclusive([&] { client.executor().Watch(client.session(), {&key, 1}); });
  EXPECT_FALSE(client.session().transaction->mark.touched.load());
  Limit(0, EvictionPolicy::kAllKeysRandom);
  settings_.max_memory_bytes = 1;
  client.Execute({"READ", "x"});
  EXPECT_EQ(EvictedCount(client), 1u);
  EXPECT_TRUE(client.session().transaction->mark.touched.load());
}

TEST_F(EvictionTest, WhatMayNotBeEvictedKeepsTheLimitExceededForAsLongAsItStays) {
  LocalClient client(engine_);
  Call(client, {"PUT", "a", "1"});
  Call(client, {"PUT", "b", "1"});
  Limit(1, EvictionPolicy::kVolatileLru);
  // PUT is no command that asks for room.
  EXPECT_EQ(client.Execute({"PUT", "a", "2"}), "+OK\r\n");
  EXPECT_EQ(engine_.memory_limit().state(), MemoryLimit::State::kExceeded);
  EXPECT_TRUE(client.executor().lacks_room());
  clock_.AdvanceMs(250);
  EXPECT_EQ(engine_.memory_limit().exceeded_ms(), 250);
  Call(client, {"DEL", "b"});
  clock_.AdvanceMs(50);
  Call(client, {"READ", "a"});
  EXPECT_FALSE(client.executor().lacks_room());
  EXPECT_EQ(engine_.memory_limit().exceeded_ms(), 0);
  clock_.AdvanceMs(1000);
  EXPECT_EQ(engine_.memory_limit().total_exceeded_ms(), 300);
  EXPECT_EQ(EvictedCount(client), 0u);
}

TEST_F(EvictionTest, NothingIsEvictedInAPauseOrWhileLoading) {
  LocalClient client(engine_);
  Call(client, {"PUT", "a", "1"});
  Limit(0, EvictionPolicy::kAllKeysLru);
  settings_.max_memory_bytes = 1;
  engine_.pause = {clock_.NowMs() + 1000, false};
  Call(client, {"READ", "a"});
  EXPECT_EQ(EvictedCount(client), 0u);
  EXPECT_FALSE(client.executor().lacks_room());
  engine_.pause = {};
  engine_.is_loading = true;
  client.Execute({"READ", "a"});
  EXPECT_EQ(EvictedCount(client), 0u);
  engine_.is_loading = false;
  Call(client, {"READ", "a"});
  EXPECT_EQ(EvictedCount(client), 1u);
}

TEST_F(EvictionTest, WhatTimeDidNotAllowIsEvictedBetweenTurns) {
  settings_.max_memory_eviction_tenacity = 0;
  LocalClient client(engine_);
  for (int i = 0; i < 200; ++i) Call(client, {"PUT", "key:" + std::to_string(i), "1"});
  Limit(10, EvictionPolicy::kAllKeysRandom);
  Call(client, {"READ", "x"});
  EXPECT_EQ(engine_.memory_limit().state(), MemoryLimit::State::kEvicting);
  EXPECT_FALSE(client.executor().lacks_room());
  EXPECT_LT(EvictedCount(client), 100u);
  client.executor().EvictExcess(10'000'000);
  EXPECT_EQ(EvictedCount(client), 190u);
  EXPECT_EQ(engine_.memory_limit().state(), MemoryLimit::State::kKept);
}

TEST_F(EvictionTest, CommandsThatTakeMemoryAreRefusedWhereNothingMayBeEvicted) {
  LocalClient client(engine_);
  Call(client, {"PUT", "a", "1"});
  Limit(0, EvictionPolicy::kNoEviction);
  settings_.max_memory_bytes = 1;
  EXPECT_EQ(client.Execute({"TAKE", "a"}), kOutOfMemory);
  EXPECT_EQ(client.Execute({"READ", "a"}), "*1\r\n$1\r\n1\r\n");
  EXPECT_EQ(client.Execute({"DEL", "a"}), ":1\r\n");
  EXPECT_EQ(client.Execute({"TAKE", "a"}), "+OK\r\n");
  // A replay, such as that of a file, is not refused what was done before.
  extra_ = 5;
  LocalClient replay(engine_);
  replay.executor().ReplayOnly();
  EXPECT_EQ(replay.Execute({"TAKE", "a"}), "+OK\r\n");
}

TEST_F(EvictionTest, ConcurrencyLosesAndCountsNoKeyTwice) {
  constexpr int kThreads = 4;
  constexpr int kKeysPerThread = 1500;
  settings_.max_memory_samples = 5;
  engine_.hooks.change_sink = nullptr;  // it is told in no order
  Limit(200, EvictionPolicy::kAllKeysLru);
  std::atomic<uint64_t> evicted{0};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      LocalClient client(engine_);
      for (int i = 0; i < kKeysPerThread; ++i) {
        client.Execute({"PUT", std::to_string(thread) + ":" + std::to_string(i), "1"});
        if (i % 100 == 0) client.Execute({"EXCHANGE", "0", "1"});
        if (i % 37 == 0) client.executor().EvictExcess(200);
      }
      evicted += EvictedCount(client);
    });
  }
  for (std::thread& thread : threads) thread.join();
  uint64_t left = 0;
  for (int i = 0; i < engine_.database_count(); ++i) left += engine_.database(i).EntryCount();
  EXPECT_EQ(evicted + left, uint64_t{kThreads} * kKeysPerThread);
  EXPECT_EQ(test::ContentsOf(engine_).size(), left);
  // Each thread looks before one of eight commands.
  EXPECT_LE(left, 200u + kThreads * 8);
}

}  // namespace
}  // namespace kvick

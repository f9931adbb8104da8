// What Run and RemoveExpired promise when others are alone in between: each case is arranged, not waited for.
#include "engine/executor.h"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "engine/command_context.h"
#include "engine/local_client.h"
#include "support/concurrency_commands.h"

namespace kvick {
namespace {

using test::Call;

class ExecutorTest : public ::testing::Test {
 protected:
  ExecutorTest() : engine_(&settings_, clock_) { test::AddConcurrencyCommands(engine_); }

  Settings settings_;
  ManualClock clock_;
  Engine engine_;
};

// Calls a function at the first key that expires, under its stripe's lock.
class FirstExpiry final : public ChangeSink {
 public:
  explicit FirstExpiry(std::function<void()> action) : action_(std::move(action)) {}
  void OnKeyEvent(int, KeyEventClass event_class, std::string_view, std::string_view) override {
    if (event_class == KeyEventClass::kExpired && action_) std::exchange(action_, nullptr)();
  }

 private:
  std::function<void()> action_;
};

class ClosedDoor final : public WriteGuard {
 public:
  Status Check() override { return Status::Error("MISCONF no room"); }
};

TEST_F(ExecutorTest, WritesAreRefusedWhileAGuardRefusesThemAndReadsAreNot) {
  ClosedDoor door;
  engine_.hooks.write_guards.push_back(&door);
  LocalClient client(engine_);
  EXPECT_EQ(client.Execute({"PUT", "a", "1"}), "+OK\r\n");
  engine_.write_refusal_count = 1;
  EXPECT_EQ(client.Execute({"PUT", "a", "3"}), "-MISCONF no room\r\n");
  EXPECT_EQ(client.Execute({"READ", "a"}), "*1\r\n$1\r\n1\r\n");
  engine_.write_refusal_count = 0;
  EXPECT_EQ(client.Execute({"PUT", "a", "4"}), "+OK\r\n");
}

TEST_F(ExecutorTest, AReplayExpiresRecordsAndTellsNothingAndIsNotRefusedWhileLoading) {
  const auto reader = engine_.log().Attach();
  int told = 0;
  FirstExpiry sink([&told] { ++told; });
  engine_.hooks.change_sink = &sink;
  engine_.is_loading = true;
  {
    LocalClient replay(engine_);
    replay.executor().ReplayOnly();
    Call(replay, {"PUTEX", "a", "10", "v"});
    clock_.AdvanceMs(1000);
    EXPECT_EQ(replay.Execute({"READ", "a"}), "*1\r\n$1\r\nv\r\n");
  }
  std::string log;
  EXPECT_EQ(reader->Read(&log), 0u);
  EXPECT_EQ(log, "");
  EXPECT_EQ(told, 0);
  LocalClient client(engine_);
  EXPECT_EQ(client.Execute({"READ", "a"}), "-LOADING Redis is loading the dataset in memory\r\n");
  engine_.hooks.change_sink = nullptr;
}

TEST_F(ExecutorTest, ASessionKnowsWhereItsLatestWriteEnds) {
  LocalClient client(engine_);
  Call(client, {"PUT", "a", "1"});
  EXPECT_EQ(client.session().write_position, 0u);
  const auto reader = engine_.log().Attach();
  Call(client, {"PUT", "a", "2"});
  const uint64_t first = client.session().write_position;
  EXPECT_EQ(first, engine_.log().end_position());
  LocalClient other(engine_);
  Call(other, {"PUT", "b", "2"});
  Call(client, {"READ", "a"});
  EXPECT_EQ(client.session().write_position, first);
}

// Lets `work` run alone in a thread of its own and comes back when it stands at the closed gate.
class WaitingCloser {
 public:
  WaitingCloser(Engine& engine, std::function<void()> work)
      : thread_([&engine, work = std::move(work)] { engine.gate().RunExclusive(work); }) {
    while (!engine.gate().is_closed()) std::this_thread::yield();
  }
  ~WaitingCloser() { thread_.join(); }

 private:
  std::thread thread_;
};

TEST_F(ExecutorTest, ExpiryGoesOnInTheNewStripesAfterAFlushInBetween) {
  // More due keys in one stripe than are removed under one lock, so that the gate opens in the middle.
  const std::vector<std::string> keys = test::KeysOnOneStripe("due:", 100);
  LocalClient client(engine_);
  for (const std::string& key : keys) Call(client, {"PUTEX", key, "10", "v"});
  std::optional<WaitingCloser> flush;
  FirstExpiry sink([&] { flush.emplace(engine_, [&] { engine_.database(0).TakeContents(); }); });
  engine_.hooks.change_sink = &sink;
  clock_.AdvanceMs(1000);
  client.executor().RemoveExpired(0, 1, 1'000'000);
  flush.reset();
  engine_.hooks.change_sink = nullptr;
  EXPECT_EQ(engine_.database(0).EntryCount(), 0u);
  EXPECT_LT(client.executor().stats().expired_keys.Load(), keys.size()) << "the flush came too late to test anything";
}

TEST_F(ExecutorTest, ExpiryFollowsDataThatChangesItsDatabase) {
  LocalClient client(engine_);
  for (const int swap_count : {1, 2}) {
    Call(client, {"PUTEX", "due", "10", "v"});
    engine_.gate().RunExclusive([&] {
      for (int i = 0; i < swap_count; ++i) engine_.database(0).SwapContents(engine_.database(1));
    });
    clock_.AdvanceMs(1000);
    client.executor().RemoveExpired(0, 1, 1'000'000);
    EXPECT_EQ(engine_.database(0).EntryCount() + engine_.database(1).EntryCount(), 0u) << swap_count;
  }
}

TEST_F(ExecutorTest, ExpiryStopsWhenAPauseBeginsInBetween) {
  const std::vector<std::string> keys = test::KeysOnOneStripe("due:", 100);
  LocalClient client(engine_);
  for (const std::string& key : keys) Call(client, {"PUTEX", key, "10", "v"});
  std::optional<WaitingCloser> pause;
  FirstExpiry sink([&] {
    pause.emplace(engine_, [&] { engine_.pause = {.until_ms = clock_.NowMs() + 1000, .all_commands = false}; });
  });
  engine_.hooks.change_sink = &sink;
  clock_.AdvanceMs(1000);
  client.executor().RemoveExpired(0, 1, 1'000'000);
  pause.reset();
  engine_.hooks.change_sink = nullptr;
  EXPECT_GE(engine_.database(0).EntryCount(), keys.size() - 32);
}

TEST_F(ExecutorTest, ExpiryReachesEveryStripeWhateverTheNumberOfParts) {
  for (const size_t part_count : {size_t{1}, size_t{2}, size_t{3}, size_t{5}, size_t{7}, size_t{8}, size_t{64}}) {
    LocalClient client(engine_);
    const int last = engine_.database_count() - 1;
    // A key in the very last stripe, and one in every other it happens to take on the way there.
    Call(client, {"CHOOSE", std::to_string(last)});
    for (int i = 0;; ++i) {
      const std::string key = std::to_string(i);
      Call(client, {"PUTEX", key, "10", "v"});
      if (KeyRef::Make(key).stripe_index() == Stripe::kCount - 1) break;
    }
    clock_.AdvanceMs(1000);
    for (size_t part = 0; part < part_count; ++part) client.executor().RemoveExpired(part, part_count, 10'000'000);
    EXPECT_EQ(engine_.database(last).EntryCount(), 0u) << part_count << " parts";
  }
}

TEST_F(ExecutorTest, AKilledSessionRunsNothingMore) {
  LocalClient victim(engine_);
  Call(victim, {"ADD", "a", "1"});
  LocalClient killer(engine_);
  killer.executor().RunExclusive([&] { victim.session().closing = true; });
  EXPECT_EQ(victim.Execute({"ADD", "a", "1"}), "");
  EXPECT_EQ(victim.Execute({"EMPTY"}), "");
  EXPECT_EQ(Call(killer, {"ADD", "a", "0"}).integer, 1);
}

// Calls a function at the first check of keys: after Run has looked at the session, before the command runs.
class FirstCheck final : public SlotGuard {
 public:
  explicit FirstCheck(std::function<void()> action) : action_(std::move(action)) {}
  Status Check(const Session&, const Command&, std::span<const DeclaredKey>) override {
    if (action_) std::exchange(action_, nullptr)();
    return Status::Ok();
  }

 private:
  std::function<void()> action_;
};

TEST_F(ExecutorTest, ASessionKilledWhileItWaitsToBeAloneRunsNothingMore) {
  LocalClient victim(engine_);
  Call(victim, {"ADD", "a", "1"});
  std::optional<WaitingCloser> killer;
  FirstCheck guard([&] { killer.emplace(engine_, [&] { victim.session().closing = true; }); });
  engine_.hooks.slot_guard = &guard;
  EXPECT_EQ(victim.Execute({"EMPTY"}), "");
  killer.reset();
  engine_.hooks.slot_guard = nullptr;
  EXPECT_EQ(test::ContentsOf(engine_).size(), 1u);
}

TEST_F(ExecutorTest, WhatHasExpiredForOneHasExpiredForAll) {
  LocalClient client(engine_);
  Call(client, {"PUTEX", "a", "10", "v"});
  Call(client, {"PUTEX", "b", "10", "v"});
  // A batch that read the clock before the time of both keys came.
  LocalClient late(engine_);
  OutputBuffer out;
  ReplyWriter reply(out, 2);
  const std::string_view words[] = {"READ", "a", "b"};
  late.executor().BeginBatch();
  const Executor::Prepared prepared = late.executor().Prepare(late.session(), words);
  clock_.AdvanceMs(1000);
  std::thread([&] {
    LocalClient other(engine_);
    EXPECT_TRUE(Call(other, {"READ", "a"}).elements[0].IsNull());
  }).join();
  late.executor().Run(late.session(), prepared, reply);
  late.executor().EndBatch();
  EXPECT_EQ(out.ToString(), "*2\r\n$-1\r\n$-1\r\n");
}

TEST_F(ExecutorTest, AClockThatIsSetBackIsFollowed) {
  LocalClient client(engine_);
  Call(client, {"PUTEX", "a", "10", "v"});
  clock_.AdvanceMs(1'000'000);
  EXPECT_TRUE(Call(client, {"READ", "a"}).elements[0].IsNull());
  clock_.AdvanceMs(-900'000);
  Call(client, {"PUTEX", "b", "10", "v"});
  EXPECT_FALSE(Call(client, {"READ", "b"}).elements[0].IsNull());
  clock_.AdvanceMs(10);
  EXPECT_TRUE(Call(client, {"READ", "b"}).elements[0].IsNull());
}

TEST_F(ExecutorTest, ExclusiveWorkNests) {
  LocalClient client(engine_);
  int depth = 0;
  client.executor().RunExclusive([&] {
    client.executor().RunExclusive([&] { depth = client.executor().is_exclusive() ? 2 : 0; });
    EXPECT_TRUE(client.executor().is_exclusive());
  });
  EXPECT_EQ(depth, 2);
  EXPECT_FALSE(client.executor().is_exclusive());
}

}  // namespace
}  // namespace kvick

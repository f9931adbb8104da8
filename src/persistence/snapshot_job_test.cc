// A snapshot holds what was there at the cut, whatever happens while it is written.
#include "persistence/snapshot_job.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "base/block_pool.h"
#include "base/random.h"
#include "commands/families.h"
#include "engine/compaction.h"
#include "engine/local_client.h"
#include "support/concurrency_commands.h"
#include "support/dump_encoder.h"
#include "support/threads.h"
#include "types/hash_value.h"
#include "types/list_value.h"
#include "types/set_value.h"
#include "types/sorted_set_value.h"

namespace kvick {
namespace {

using test::Call;
using test::Dump;

class SnapshotTest : public ::testing::Test {
 protected:
  static constexpr int64_t kStartMs = 1'700'000'000'000;

  SnapshotTest() : clock_(kStartMs), engine_(&settings_, clock_), jobs_(engine_) {
    RegisterHashType();
    RegisterListType();
    RegisterSetType();
    RegisterSortedSetType();
    CommandTable& commands = engine_.commands();
    for (const auto& family :
         {StringCommands(), StringNumericCommands(), StringMultiCommands(), StringRangeCommands(), HashCommands(),
          HashExpiryCommands(), SetCommands(), SetCombinationCommands(), MemberExpiryCommands(), SortedSetCommands(),
          SortedSetRangeCommands(), ListCommands(), GenericCommands(), RelocateCommands(), ExpireCommands(),
          KeyspaceCommands(), TransactionCommands(), ConnectionCommands()}) {
      commands.Add(family);
    }
    engine_.set_concurrent(true);
  }

  // Everything, in one moment.
  Dump DumpNow() {
    auto bytes = std::make_shared<std::string>();
    engine_.gate().RunExclusive([&] { EXPECT_TRUE(jobs_.RunAlone(Request(bytes, nullptr)).ok()); });
    return test::ReadDump(*bytes);
  }

  SnapshotRequest Request(std::shared_ptr<std::string> bytes, Status* done) {
    struct Sink : ByteSink {
      explicit Sink(std::shared_ptr<std::string> to) : bytes(std::move(to)) {}
      Status Write(std::string_view piece) override {
        bytes->append(piece);
        return Status::Ok();
      }
      std::shared_ptr<std::string> bytes;
    };
    return {std::make_shared<test::DumpEncoder>(), std::make_shared<Sink>(std::move(bytes)), nullptr,
            [done](Status status) {
              if (done != nullptr) *done = std::move(status);
            }};
  }

  // Goes on with a pass of compaction, or begins the next one.
  void CompactALittle(LocalClient& client) {
    if (engine_.compaction().share() == 0) engine_.compaction().Begin();
    client.executor().Compact(20);
  }

  Settings settings_;
  ManualClock clock_;
  Engine engine_;
  SnapshotJobs jobs_;
};

std::string Number(Random& random, uint64_t below) { return std::to_string(random.Below(below)); }

// One of the commands that change something, on a few keys of each type, small and large.
std::vector<std::string> RandomChange(Random& random) {
  const std::string string = "s:" + Number(random, 200);
  const std::string hash = "h:" + Number(random, 4);
  const std::string set = "u:" + Number(random, 4);
  const std::string sorted = "z:" + Number(random, 4);
  const std::string list = "l:" + Number(random, 4);
  const std::string part = "part" + Number(random, 3000);
  switch (random.Below(26)) {
    case 0: return {"SET", string, std::string(random.Below(900), 'x')};
    case 1: return {"SET", string, Number(random, 100000), "PX", "100000"};
    case 2: return {"DEL", string};
    case 3: return {"APPEND", string, "more"};
    case 4: return {"SET", "new:" + Number(random, 1000000), "x"};
    case 5: return {"RENAME", string, "s:" + Number(random, 200)};
    case 6: return {"PEXPIRE", random.Below(2) == 0 ? string : hash, "100000"};
    case 7: return {"PERSIST", string};
    case 8:
    case 9: return {"HSET", hash, part, Number(random, 100000)};
    case 10: return {"HDEL", hash, part, "part" + Number(random, 3000)};
    case 11: return {"HPEXPIRE", hash, "100000", "FIELDS", "1", part};
    case 12:
    case 13: return {"SADD", set, part};
    case 14: return {"SREM", set, part};
    case 15: return {"SPOP", set};
    case 16:
    case 17: return {"ZADD", sorted, Number(random, 1000) + ".5", part};
    case 18: return {"ZREM", sorted, part};
    case 19: return {"ZREMRANGEBYRANK", sorted, "0", Number(random, 50)};
    case 20: return {"RPUSH", list, part};
    case 21: return {"LPOP", list};
    case 22: {
      const std::string names[] = {hash, set, sorted, list};
      const std::string& from = names[random.Below(4)];
      return {"RENAME", from, from.substr(0, 2) + Number(random, 4)};
    }
    case 23: {
      const std::string names[] = {hash, set, sorted, list};
      if (random.Below(20) == 0) return {"DEL", names[random.Below(4)]};
      return {"COPY", hash, "h:" + Number(random, 4), "REPLACE"};
    }
    case 24:
      if (random.Below(50) == 0) return {"SET", random.Below(2) == 0 ? hash : sorted, "a string"};
      return {"INCRBY", "n:" + Number(random, 5), "3"};
    default: return {"SETRANGE", string, Number(random, 600), "y"};
  }
}

// The walk and changes take turns in one thread, so that every order of the two comes up, and every failure again.
TEST_F(SnapshotTest, HoldsTheMomentOfTheCutWhateverChangesMeanwhile) {
  LocalClient client(engine_);
  const uint64_t seed = test::Seed();
  for (uint64_t round = 0; round < 4; ++round) {
    Random random(seed + round);
    Call(client, {"SELECT", "0"});
    Call(client, {"FLUSHALL"});
    for (const char* database : {"0", "1"}) {
      Call(client, {"SELECT", database});
      for (int i = 0; i < 8000; ++i) Call(client, RandomChange(random));
      Call(client, {"DEL", "h:0", "h:1", "u:0", "u:1", "z:0", "z:1"});
      for (int i = 0; i < 1600; ++i) {
        const std::string part = "part" + std::to_string(i * 2);
        Call(client, {"HSET", "h:" + std::to_string(i % 2), part, "1"});
        Call(client, {"SADD", "u:" + std::to_string(i % 2), part});
        Call(client, {"ZADD", "z:" + std::to_string(i % 2), std::to_string(i), part});
      }
    }
    if (round % 2 == 0) DumpNow();  // so that the mark of the cut below has either value
    const Dump expected = DumpNow();
    ASSERT_GT(expected.size(), 500u);
    ASSERT_EQ(expected.at({0, "z:1"}).parts.size(), 800u);

    const test::DumpEncoder encoder;
    std::unique_ptr<Snapshot> snapshot;
    engine_.gate().RunExclusive([&] {
      std::vector<Database*> databases;
      for (int i = 0; i < engine_.database_count(); ++i) databases.push_back(&engine_.database(i));
      snapshot = std::make_unique<Snapshot>(databases, encoder);
    });
    EXPECT_EQ(snapshot->key_count(), expected.size());
    std::string bytes;
    const uint64_t changes_a_piece = 1 + random.Below(2000);
    bool goes_on = true;
    while (goes_on) {
      for (uint64_t i = 0; i < changes_a_piece; ++i) {
        if (random.Below(5000) == 0) Call(client, {"SWAPDB", "0", "1"});
        if (random.Below(20000) == 0) Call(client, {"FLUSHDB"});
        if (random.Below(200) == 0) Call(client, {"SELECT", Number(random, 2)});
        if (random.Below(20) == 0) CompactALittle(client);
        Call(client, RandomChange(random));
      }
      goes_on = snapshot->Walk(&bytes);
    }
    EXPECT_EQ(snapshot->pending_bytes(), 0u);
    EXPECT_EQ(snapshot->captured_count(), snapshot->key_count());
    engine_.gate().RunExclusive([&] { snapshot.reset(); });
    const Dump found = test::ReadDump(bytes);
    ASSERT_EQ(found.size(), expected.size()) << "seed " << seed << " round " << round;
    for (const auto& [name, value] : expected) {
      const auto at = found.find(name);
      ASSERT_NE(at, found.end()) << name.second;
      ASSERT_EQ(at->second, value) << name.second << " seed " << seed << " round " << round;
    }
  }
}

// Money that moves between strings, fields and members, by several threads: every snapshot has all of it.
TEST_F(SnapshotTest, TransfersAreWhollyInOrWhollyOut) {
  constexpr int kAccounts = 400;
  constexpr int64_t kStart = 1000;
  {
    LocalClient client(engine_);
    for (int i = 0; i < kAccounts; ++i) {
      Call(client, {"SET", "account:" + std::to_string(i), std::to_string(kStart)});
      Call(client, {"HSET", "bank", std::to_string(i), std::to_string(kStart)});
      Call(client, {"ZADD", "vault", std::to_string(kStart), std::to_string(i)});
    }
    for (int i = 0; i < 20000; ++i) Call(client, {"SET", "filling:" + std::to_string(i), "x"});
  }
  std::atomic<bool> is_over{false};
  const uint64_t seed = test::Seed();
  const auto move = [&](LocalClient& client, Random& random, int64_t amount) {
    const std::string account = Number(random, kAccounts);
    const std::string text = std::to_string(amount);
    switch (random.Below(3)) {
      case 0: Call(client, {"INCRBY", "account:" + account, text}); break;
      case 1: Call(client, {"HINCRBY", "bank", account, text}); break;
      default: Call(client, {"ZINCRBY", "vault", text, account}); break;
    }
  };
  test::RunThreads(5, [&](int thread) {
    if (thread == 4) {
      for (int round = 0; round < 8; ++round) {
        auto bytes = std::make_shared<std::string>();
        Status status = Status::Error("not done");
        engine_.gate().RunExclusive([&] { EXPECT_TRUE(jobs_.Start(Request(bytes, &status)).ok()); });
        jobs_.Wait();
        EXPECT_TRUE(status.ok()) << status.text();
        double sum = 0;
        for (const auto& [name, value] : test::ReadDump(*bytes)) {
          if (name.second.starts_with("filling:") || name.second.starts_with("other:")) continue;
          for (const auto& [part, text] : value.parts) sum += std::stod(text);
        }
        EXPECT_EQ(static_cast<int64_t>(sum), 3 * kAccounts * kStart) << "seed " << seed;
      }
      is_over = true;
      return;
    }
    LocalClient client(engine_);
    Random random(seed + static_cast<uint64_t>(thread));
    while (!is_over) {
      Call(client, {"MULTI"});
      const auto amount = static_cast<int64_t>(random.Below(50));
      move(client, random, amount);
      move(client, random, -amount);
      Call(client, {"EXEC"});
      Call(client, {"SET", "other:" + Number(random, 100000), "x"});
      Call(client, {"DEL", "other:" + Number(random, 100000)});
      if (random.Below(10) == 0) CompactALittle(client);
    }
  });
}

// Entries and blocks of every kind lie scattered after most were deleted. They move together, and are what they were.
TEST_F(SnapshotTest, CompactionLeavesEverythingAsItIs) {
  LocalClient client(engine_);
  LocalClient watcher(engine_);
  // Few pools and sizes, so that there are many pages of each.
  BlockPool::ChooseShardCount(1);
  for (int i = 0; i < 40000; ++i) {
    Call(client, {"SET", "short:" + std::to_string(i), std::to_string(i), "PX", std::to_string(1'000'000 + i)});
    Call(client, {"SET", "long:" + std::to_string(i), std::string(static_cast<size_t>(100 + i / 10 % 4 * 100), 'x')});
    const std::string part = "part" + std::to_string(i);
    Call(client, {"HSET", "hash", part, std::string(static_cast<size_t>(20 + i / 10 % 3 * 30), 'y')});
    if (i % 8 == 0) Call(client, {"HPEXPIRE", "hash", "1000000", "FIELDS", "1", part});
    Call(client, {"SADD", "set", part});
    Call(client, {"ZADD", "sorted", std::to_string(i / 7), part});
    Call(client, {"HSET", "small:" + std::to_string(i % 300), part, "z"});
  }
  for (int i = 0; i < 40000; ++i) {
    if (i % 10 == 3) continue;
    const std::string part = "part" + std::to_string(i);
    Call(client, {"DEL", "short:" + std::to_string(i), "long:" + std::to_string(i)});
    Call(client, {"HDEL", "hash", part});
    Call(client, {"SREM", "set", part});
    Call(client, {"ZREM", "sorted", part});
  }
  Call(watcher, {"WATCH", "short:3", "hash", "sorted"});
  const Dump before = DumpNow();
  const std::string order = client.Execute({"ZRANGE", "sorted", "0", "-1", "WITHSCORES"});
  const size_t page_bytes = BlockPool::PageBytes();
  const size_t waste_bytes = page_bytes - std::min(page_bytes, BlockPool::BlockBytes());

  Compaction& compaction = engine_.compaction();
  compaction.Begin();
  ASSERT_GT(compaction.share(), 0);
  int turns = 0;
  while (compaction.share() != 0) {
    client.executor().Compact(100);
    ++turns;
  }
  compaction.Tend();
  EXPECT_GT(turns, 1);
  const Compaction::Totals totals = compaction.totals();
  EXPECT_GT(totals.moved_keys, 1000u);
  EXPECT_GT(totals.moved_blocks, totals.moved_keys);
  if (page_bytes != 0) {  // under a sanitizer there are no pages
    EXPECT_LT(BlockPool::PageBytes(), page_bytes / 2);
    EXPECT_LT(BlockPool::PageBytes() - BlockPool::BlockBytes(), waste_bytes / 4);
  }
  EXPECT_EQ(DumpNow(), before);
  EXPECT_EQ(client.Execute({"ZRANGE", "sorted", "0", "-1", "WITHSCORES"}), order);
  EXPECT_EQ(Call(client, {"ZRANK", "sorted", "part13"}).integer, 1);
  EXPECT_EQ(Call(client, {"HEXISTS", "hash", "part23"}).integer, 1);
  EXPECT_EQ(Call(client, {"PTTL", "short:33"}).integer, 1'000'033);
  // To move is not to change.
  Call(watcher, {"MULTI"});
  Call(watcher, {"PING"});
  EXPECT_EQ(watcher.Execute({"EXEC"}), "*1\r\n+PONG\r\n");
  // Whoever finds keys by other ways than their name finds them still.
  const int64_t key_count = Call(client, {"DBSIZE"}).integer;
  clock_.AdvanceMs(1'020'020);
  for (int i = 0; i < 100; ++i) client.executor().RemoveExpired(0, 1, 10'000);
  EXPECT_GE(Call(client, {"DBSIZE"}).integer, key_count - 2002);
  EXPECT_LE(Call(client, {"DBSIZE"}).integer, key_count - 2000);
  EXPECT_EQ(Call(client, {"EXISTS", "short:3", "short:19993"}).integer, 0);
  EXPECT_EQ(Call(client, {"EXISTS", "short:39993", "long:3", "long:13"}).integer, 3);
}

TEST_F(SnapshotTest, AJobThatCannotWriteLeavesTheNextOneWhole) {
  LocalClient client(engine_);
  for (int i = 0; i < 20000; ++i) Call(client, {"SET", "k:" + std::to_string(i), "x"});
  for (int i = 0; i < 5000; ++i) Call(client, {"SADD", "set", std::to_string(i) + "x"});
  struct FullSink : ByteSink {
    Status Write(std::string_view /*bytes*/) override { return Status::Error("no space"); }
  };
  Status status;
  SnapshotRequest request = Request(std::make_shared<std::string>(), &status);
  request.sink = std::make_shared<FullSink>();
  engine_.gate().RunExclusive([&] { EXPECT_TRUE(jobs_.Start(request).ok()); });
  for (int i = 0; i < 5000; ++i) Call(client, {"SREM", "set", std::to_string(i) + "x"});
  jobs_.Wait();
  EXPECT_EQ(status.text(), "no space");
  EXPECT_EQ(DumpNow().size(), 20000u);
}

}  // namespace
}  // namespace kvick

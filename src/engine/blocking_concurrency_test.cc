// Blocked calls: order, no lost wake-up, nothing served twice. The commands are made for the test: a "shelf" is a
// string whose bytes are taken one by one.

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "engine/blocking.h"
#include "engine/command_context.h"
#include "engine/local_client.h"

namespace kvick {
namespace {

// PUT key bytes: adds to the shelf.
Status Put(CommandContext& context) {
  KeyTable::Slot slot = context.Find(0);
  const size_t size_before = slot.entry != nullptr ? slot.entry->string().size() : 0;
  char* bytes = context.ResizeString(0, &slot, size_before + context.Arg(2).size());
  context.Arg(2).copy(bytes + size_before, context.Arg(2).size());
  context.Modified(0);
  context.Reply().Integer(static_cast<int64_t>(size_before + context.Arg(2).size()));
  return Status::Ok();
}

// Takes the first byte of the shelf; nothing when it is empty.
std::optional<char> TakeByte(CommandContext& context, size_t ordinal) {
  KeyTable::Slot slot = context.Find(ordinal);
  if (slot.entry == nullptr) return std::nullopt;
  const std::string bytes(slot.entry->string().bytes);
  context.PutString(ordinal, slot, {std::string_view(bytes).substr(1), false});
  if (bytes.size() == 1) context.EraseKey(ordinal);
  return bytes[0];
}

// BTAKE key [key ...] timeout-ms
Status BTake(CommandContext& context) {
  const CommandContext::KeyRange keys = context.ServableKeys(0, context.key_count());
  for (size_t i = keys.first; i < keys.last; ++i) {
    const std::optional<char> byte = TakeByte(context, i);
    if (!byte) continue;
    context.Reply().Bulk(std::string_view(&*byte, 1));
    return Status::Ok();
  }
  KVICK_ASSIGN_OR_RETURN(const int64_t timeout_ms, context.IntegerArg(context.argument_count() - 1));
  return context.Block({.awaited = ValueType::kString, .timeout_ms = timeout_ms, .waited_count = context.key_count()});
}

// BMOVE source destination timeout-ms
Status BMove(CommandContext& context) {
  const std::optional<char> byte = TakeByte(context, 0);
  if (!byte) {
    KVICK_ASSIGN_OR_RETURN(const int64_t timeout_ms, context.IntegerArg(3));
    return context.Block({.awaited = ValueType::kString, .timeout_ms = timeout_ms, .needs_all_keys = true});
  }
  KeyTable::Slot slot = context.Find(1);
  const size_t size_before = slot.entry != nullptr ? slot.entry->string().size() : 0;
  context.ResizeString(1, &slot, size_before + 1)[size_before] = *byte;
  context.Modified(1);
  context.Reply().Bulk(std::string_view(&*byte, 1));
  return Status::Ok();
}

// BPICK key [key ...] byte timeout-ms: answers the first key that has the byte, and leaves it there.
Status BPick(CommandContext& context) {
  const CommandContext::KeyRange keys = context.ServableKeys(0, context.key_count());
  const std::string_view byte = context.Arg(context.argument_count() - 2);
  for (size_t i = keys.first; i < keys.last; ++i) {
    const KeyTable::Slot slot = context.Find(i);
    if (slot.entry == nullptr || std::string(slot.entry->string().bytes).find(byte) == std::string::npos) continue;
    context.Reply().Bulk(context.KeyName(i));
    return Status::Ok();
  }
  return context.Block({.awaited = ValueType::kString, .waited_count = context.key_count()});
}

// BLOOK key: waits for what no key tells, looking every millisecond.
struct Looks {
  std::function<void()> during;  // what else happens while somebody looks
  std::atomic<bool> is_there{false};
} looks;

Status BLook(CommandContext& context) {
  if (looks.is_there) {
    context.Reply().Ok();
    return Status::Ok();
  }
  if (const std::function<void()> during = std::exchange(looks.during, {})) during();
  return context.Block({.awaited = ValueType::kString, .look_again_ms = context.now_ms() + 1});
}

constexpr CommandSpec kCommands[] = {
    {.name = "PUT", .syntax = "key bytes", .flags = kWrite, .keys = {OneKey(1, kKeyReadWrite)}, .handler = Put},
    {.name = "BTAKE",
     .syntax = "key [key ...] timeout",
     .flags = kWrite | kBlocking,
     .keys = {KeyRange(1, -2, 1, kKeyReadWrite)},
     .handler = BTake},
    {.name = "BMOVE",
     .syntax = "source destination timeout",
     .flags = kWrite | kBlocking,
     .keys = {OneKey(1, kKeyReadWrite), OneKey(2, kKeyReadWrite)},
     .handler = BMove},
    {.name = "BPICK",
     .syntax = "key [key ...] byte timeout",
     .flags = kReadonly | kBlocking,
     .keys = {KeyRange(1, -3, 1, kKeyReadOnly)},
     .handler = BPick},
    {.name = "BLOOK",
     .syntax = "key",
     .flags = kReadonly | kBlocking,
     .keys = {OneKey(1, kKeyReadOnly)},
     .handler = BLook},
};

class BlockingConcurrencyTest : public ::testing::Test {
 protected:
  BlockingConcurrencyTest() : engine_(&settings_, clock_) { engine_.commands().Add(kCommands); }

  static std::string WaitFor(LocalClient& client) {
    while (true) {
      if (std::optional<std::string> reply = client.TakeDelivered()) return *reply;
      std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
  }

  Settings settings_;
  ManualClock clock_;
  Engine engine_;
};

TEST_F(BlockingConcurrencyTest, ServesTheWaitersOfAKeyInTheOrderInWhichTheyCame) {
  LocalClient first(engine_);
  LocalClient second(engine_);
  LocalClient producer(engine_);
  EXPECT_EQ(first.Execute({"BTAKE", "a", "b", "0"}), "");
  EXPECT_EQ(second.Execute({"BTAKE", "b", "a", "0"}), "");
  EXPECT_TRUE(first.session().is_waiting());
  EXPECT_EQ(engine_.blocked_client_count.load(), 2);
  producer.Execute({"PUT", "b", "xyz"});
  EXPECT_EQ(first.TakeDelivered(), "$1\r\nx\r\n");
  EXPECT_EQ(second.TakeDelivered(), "$1\r\ny\r\n");
  EXPECT_EQ(first.Execute({"BTAKE", "a", "b", "0"}), "$1\r\nz\r\n");
  EXPECT_EQ(engine_.blocked_client_count.load(), 0);
}

TEST_F(BlockingConcurrencyTest, AnswersThoseWhoseTimeIsUpAndServesThemNoMore) {
  LocalClient waiter(engine_);
  LocalClient producer(engine_);
  waiter.Execute({"BTAKE", "a", "100"});
  clock_.AdvanceMs(99);
  waiter.EndOverdueWaits();
  EXPECT_EQ(waiter.TakeDelivered(), std::nullopt);
  clock_.AdvanceMs(1);
  waiter.EndOverdueWaits();
  EXPECT_EQ(waiter.TakeDelivered(), "*-1\r\n");
  EXPECT_EQ(producer.Execute({"PUT", "a", "x"}), ":1\r\n");
  EXPECT_EQ(producer.Execute({"BTAKE", "a", "0"}), "$1\r\nx\r\n");
}

TEST_F(BlockingConcurrencyTest, HandsOnAlongAChainOfMoves) {
  LocalClient a(engine_);
  LocalClient b(engine_);
  LocalClient c(engine_);
  LocalClient producer(engine_);
  c.Execute({"BTAKE", "k3", "0"});
  b.Execute({"BMOVE", "k2", "k3", "0"});
  a.Execute({"BMOVE", "k1", "k2", "0"});
  EXPECT_EQ(producer.Execute({"PUT", "k1", "x"}), ":1\r\n");
  EXPECT_EQ(a.TakeDelivered(), "$1\r\nx\r\n");
  EXPECT_EQ(b.TakeDelivered(), "$1\r\nx\r\n");
  EXPECT_EQ(c.TakeDelivered(), "$1\r\nx\r\n");
}

TEST_F(BlockingConcurrencyTest, HandsOnAlongAChainThatLeadsBack) {
  LocalClient there(engine_);
  LocalClient back(engine_);
  LocalClient last(engine_);
  LocalClient producer(engine_);
  there.Execute({"BMOVE", "k1", "k2", "0"});
  last.Execute({"BTAKE", "k1", "0"});
  back.Execute({"BMOVE", "k2", "k1", "0"});
  EXPECT_EQ(producer.Execute({"PUT", "k1", "x"}), ":1\r\n");
  EXPECT_EQ(there.TakeDelivered(), "$1\r\nx\r\n");
  EXPECT_EQ(back.TakeDelivered(), "$1\r\nx\r\n");
  EXPECT_EQ(last.TakeDelivered(), "$1\r\nx\r\n");
}

// A writer looks in vain at the very moment in which it is time to look: that must not have been the last look.
TEST_F(BlockingConcurrencyTest, LooksAgainThoughSomebodyLooksInVain) {
  LocalClient waiter(engine_);
  LocalClient producer(engine_);
  looks.is_there = false;
  EXPECT_EQ(waiter.Execute({"BLOOK", "a"}), "");
  clock_.AdvanceMs(1);
  std::thread other;
  looks.during = [&] {
    other = std::thread([&] { waiter.EndOverdueWaits(); });
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  };
  EXPECT_EQ(producer.Execute({"PUT", "a", "x"}), ":1\r\n");
  other.join();
  EXPECT_EQ(waiter.TakeDelivered(), std::nullopt);
  looks.is_there = true;
  clock_.AdvanceMs(1);
  waiter.EndOverdueWaits();
  EXPECT_EQ(waiter.TakeDelivered(), "+OK\r\n");
}

// Two keys become ready at one moment, and the call is served in vain for one of them.
TEST_F(BlockingConcurrencyTest, ServesFromOneKeyWhatAnotherDidNotHave) {
  constexpr int kRounds = 1000;
  std::atomic<bool> done{false};
  std::thread noise([this, &done] {
    LocalClient client(engine_);
    while (!done) {
      client.Execute({"PUT", "left", "n"});
      client.Execute({"BTAKE", "left", "0"});
    }
  });
  LocalClient waiter(engine_);
  LocalClient producer(engine_);
  for (int i = 0; i < kRounds; ++i) {
    EXPECT_EQ(waiter.Execute({"BPICK", "left", "right", "w", "0"}), "");
    EXPECT_EQ(producer.Execute({"PUT", "right", "w"}), ":1\r\n");
    std::optional<std::string> reply = waiter.TakeDelivered();
    for (int patience = 0; !reply && patience < 1'000'000; ++patience) {
      std::this_thread::sleep_for(std::chrono::microseconds(50));
      reply = waiter.TakeDelivered();
    }
    EXPECT_EQ(reply, "$5\r\nright\r\n") << "round " << i;
    if (!reply) break;
    EXPECT_EQ(producer.Execute({"BTAKE", "right", "0"}), "$1\r\nw\r\n");
  }
  done = true;
  noise.join();
}

TEST_F(BlockingConcurrencyTest, LosesNothingAndServesNothingTwice) {
  constexpr int kProducers = 2;
  constexpr int kConsumers = 4;
  constexpr int kItemsPerProducer = 2000;
  std::atomic<int64_t> sum{0};
  std::vector<std::thread> threads;
  for (int p = 0; p < kProducers; ++p) {
    threads.emplace_back([this, p] {
      LocalClient client(engine_);
      for (int i = 0; i < kItemsPerProducer; ++i) {
        const char byte = static_cast<char>(1 + i % 100);
        client.Execute({"PUT", (i + p) % 2 == 0 ? "left" : "right", std::string_view(&byte, 1)});
      }
    });
  }
  // Two movers shift between the shelves, so that keys of two stripes are needed at once.
  constexpr int kItemsPerConsumer = kProducers * kItemsPerProducer / kConsumers;
  for (int c = 0; c < kConsumers; ++c) {
    threads.emplace_back([this, c, &sum] {
      LocalClient client(engine_);
      for (int i = 0; i < kItemsPerConsumer; ++i) {
        std::string reply = c == 0 ? client.Execute({"BTAKE", "middle", "left", "right", "0"})
                                   : client.Execute({"BTAKE", "left", "right", "middle", "0"});
        if (client.session().is_waiting()) reply = WaitFor(client);
        sum += static_cast<unsigned char>(reply[4]);
      }
    });
  }
  std::atomic<bool> done{false};
  std::thread mover([this, &done] {
    LocalClient client(engine_);
    while (!done) {
      client.Execute({"BMOVE", "left", "middle", "1"});
      while (client.session().is_waiting()) {
        clock_.AdvanceMs(1);
        client.EndOverdueWaits();
        if (!client.TakeDelivered()) std::this_thread::yield();
      }
    }
  });
  for (std::thread& thread : threads) thread.join();
  done = true;
  mover.join();
  int64_t expected = 0;
  for (int i = 0; i < kItemsPerProducer; ++i) expected += kProducers * (1 + i % 100);
  EXPECT_EQ(sum.load(), expected);
}

}  // namespace
}  // namespace kvick

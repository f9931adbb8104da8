// The commands on whole databases, where conversations do not reach: what is logged, and that walks meet every key
// that stays while others come and go.
#include <atomic>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "commands/command_fixture.h"
#include "commands/families.h"
#include "resp/reply_decoder.h"

namespace kvick {
namespace {

Value DecodeReply(const std::string& bytes) {
  ReplyDecoder decoder;
  decoder.Feed(bytes);
  Result<std::optional<Value>> reply = decoder.Next();
  EXPECT_TRUE(reply.ok() && reply->has_value());
  return **reply;
}

class KeyspaceTest : public CommandFixture {
 protected:
  KeyspaceTest() : CommandFixture({KeyspaceCommands(), StringCommands()}) {}
};

TEST_F(KeyspaceTest, AFlushIsLoggedEvenWhenNothingWasThere) {
  EXPECT_EQ(Execute("FLUSHALL"), "+OK");
  EXPECT_EQ(Logged(), "FLUSHALL");
  EXPECT_EQ(Execute("FLUSHDB ASYNC"), "+OK");
  EXPECT_EQ(Logged(), "FLUSHDB ASYNC");
}

TEST_F(KeyspaceTest, AFlushWithSyncIsOverWhenTheReplyComesAndTheOtherIsCountedLater) {
  Execute("SET a 1");
  Execute("FLUSHALL SYNC");
  EXPECT_EQ(engine_.lazy_free().freed_objects() + engine_.lazy_free().pending_objects(), 0u);
  Execute("SET a 1");
  Execute("SET b 1");
  Execute("FLUSHALL ASYNC");
  engine_.lazy_free().Drain();
  EXPECT_EQ(engine_.lazy_free().freed_objects(), 2u);
}

TEST_F(KeyspaceTest, WhatNeedsNoOptionFollowsTheConfiguration) {
  settings_.lazy_free_on_user_flush = true;
  Execute("SET a 1");
  Execute("FLUSHDB");
  engine_.lazy_free().Drain();
  EXPECT_EQ(engine_.lazy_free().freed_objects(), 1u);
}

TEST_F(KeyspaceTest, ExpiredKeysThatAWalkMeetsAreRemovedAndLogged) {
  Execute("SET a 1 PX 10");
  clock_.AdvanceMs(20);
  Forget();
  EXPECT_EQ(Execute("SCAN 0 COUNT 100"), "*2\r\n$1\r\n0\r\n*0");
  EXPECT_EQ(Logged(), "DEL a");
  EXPECT_EQ(Events(), "expired:a");
  EXPECT_EQ(Execute("DBSIZE"), ":0");
}

TEST_F(KeyspaceTest, AScanOfASmallDatabaseNeedsFewCalls) {
  for (int i = 0; i < 100; ++i) Execute("SET key:" + std::to_string(i) + " 1");
  std::string cursor = "0";
  int calls = 0;
  do {
    const Value reply = DecodeReply(Execute("SCAN " + cursor) + "\r\n");
    cursor = reply.elements[0].text;
    ++calls;
  } while (cursor != "0");
  EXPECT_LE(calls, 11);
}

// Random keys of one database: with an even hash each is drawn about as often as the others.
TEST_F(KeyspaceTest, RandomKeyDrawsAllKeysAboutEquallyOften) {
  constexpr int kKeyCount = 20;
  constexpr int kDraws = 20'000;
  for (int i = 0; i < kKeyCount; ++i) Execute("SET " + std::to_string(i) + " 1");
  std::map<std::string, int> drawn;
  for (int i = 0; i < kDraws; ++i) ++drawn[Execute("RANDOMKEY")];
  ASSERT_EQ(drawn.size(), static_cast<size_t>(kKeyCount));
  for (const auto& [key, count] : drawn) EXPECT_NEAR(count, kDraws / kKeyCount, kDraws / kKeyCount / 4) << key;
}

std::vector<std::string> Texts(const Value& array) {
  std::vector<std::string> texts;
  for (const Value& element : array.elements) texts.push_back(element.text);
  return texts;
}

// Keys that stay are met by each scan, and KEYS names each once, while other threads make tables grow and shrink.
TEST(KeyspaceConcurrencyTest, WalksMeetEveryKeyThatStaysWhileOthersComeAndGo) {
  constexpr int kStayCount = 2000;
  constexpr int kComeAndGoCount = 30'000;
  Settings settings;
  Engine engine(&settings, SystemClock::Instance());
  for (const auto& family : {GenericCommands(), KeyspaceCommands(), StringCommands()}) engine.commands().Add(family);
  LocalClient walker(engine);
  std::set<std::string> stay;
  for (int i = 0; i < kStayCount; ++i) {
    const std::string name = "stay:" + std::to_string(i);
    walker.Execute({"SET", name, "1"});
    stay.insert(name);
  }
  std::atomic<bool> done{false};
  std::vector<std::thread> changers;
  for (int t = 0; t < 2; ++t) {
    changers.emplace_back([&engine, &done, t] {
      LocalClient client(engine);
      while (!done) {
        for (const char* command : {"SET", "DEL"}) {
          for (int i = t; i < kComeAndGoCount && !done; i += 2) {
            const std::string name = "go:" + std::to_string(i);
            command[0] == 'S' ? client.Execute({"SET", name, "1"}) : client.Execute({"DEL", name});
          }
        }
      }
    });
  }
  for (int round = 0; round < 15; ++round) {
    std::set<std::string> met;
    std::string cursor = "0";
    do {
      const Value reply = DecodeReply(walker.Execute({"SCAN", cursor, "COUNT", "50", "MATCH", "stay:*"}));
      cursor = reply.elements[0].text;
      for (std::string& name : Texts(reply.elements[1])) met.insert(std::move(name));
    } while (cursor != "0");
    EXPECT_EQ(met, stay);
    std::vector<std::string> named = Texts(DecodeReply(walker.Execute({"KEYS", "stay:*"})));
    EXPECT_EQ(named.size(), stay.size());
    EXPECT_EQ(std::set<std::string>(named.begin(), named.end()), stay);
    EXPECT_NE(walker.Execute({"RANDOMKEY"}), "$-1\r\n");
  }
  done = true;
  for (std::thread& changer : changers) changer.join();
}

TEST(KeyspaceConcurrencyTest, FlushesAndSwapsRunBesideWriters) {
  Settings settings;
  Engine engine(&settings, SystemClock::Instance());
  for (const auto& family : {GenericCommands(), KeyspaceCommands(), StringCommands()}) engine.commands().Add(family);
  std::atomic<bool> done{false};
  std::thread writer([&engine, &done] {
    LocalClient client(engine);
    for (int i = 0; !done; ++i) {
      EXPECT_EQ(client.Execute({"SET", std::to_string(i % 5000), "value"}), "+OK\r\n");
    }
  });
  LocalClient client(engine);
  for (int i = 0; i < 200; ++i) {
    EXPECT_EQ(client.Execute({"SWAPDB", "0", "1"}), "+OK\r\n");
    EXPECT_EQ(client.Execute({"FLUSHALL", i % 2 == 0 ? "ASYNC" : "SYNC"}), "+OK\r\n");
  }
  done = true;
  writer.join();
  client.Execute({"FLUSHALL"});
  EXPECT_EQ(client.Execute({"DBSIZE"}), ":0\r\n");
}

}  // namespace
}  // namespace kvick

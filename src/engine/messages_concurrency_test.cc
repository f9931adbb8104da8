// Messages between the clients of many threads: nothing is lost, every publisher keeps its order, and who keeps values
// of his own is told of every change.
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/random.h"
#include "engine/engine.h"
#include "engine/local_client.h"
#include "support/concurrency_commands.h"
#include "support/threads.h"

namespace kvick {
namespace {

class MessagesConcurrencyTest : public ::testing::Test {
 protected:
  static constexpr int kThreads = 4;

  MessagesConcurrencyTest() : engine_(&settings_, clock_) {
    test::AddConcurrencyCommands(engine_);
    engine_.set_concurrent(true);
  }

  Settings settings_;
  ManualClock clock_;
  Engine engine_;
};

// The payloads of the messages in `pushes`, which are RESP2: "*3 $7 message $1 c $N payload", each.
std::vector<std::string> PayloadsOf(const std::string& pushes) {
  std::vector<std::string> payloads;
  size_t at = 0;
  while (at < pushes.size()) {
    const int parts = pushes[at + 1] - '0';
    at = pushes.find("\r\n", at) + 2;
    std::string part;
    for (int i = 0; i < parts; ++i) {
      const size_t header_end = pushes.find("\r\n", at);
      const size_t size = std::stoul(pushes.substr(at + 1, header_end - at - 1));
      part = pushes.substr(header_end + 2, size);
      at = header_end + 2 + size + 2;
    }
    payloads.push_back(part);
  }
  return payloads;
}

TEST_F(MessagesConcurrencyTest, NoMessageIsLostAndEachPublisherKeepsItsOrder) {
  constexpr int kMessages = 500;
  std::atomic<int> ready{0};
  test::RunThreads(kThreads, [&](int thread) {
    LocalClient client(engine_);
    client.executor().BeginBatch();
    if (thread % 2 == 0) {
      engine_.channels().Subscribe(client.session(), ChannelKind::kChannel, "c");
    } else {
      engine_.channels().Subscribe(client.session(), ChannelKind::kPattern, "*");
    }
    client.executor().EndBatch();
    ready.fetch_add(1);
    while (ready.load() < kThreads) std::this_thread::yield();
    std::vector<std::string> received;
    const auto take = [&] {
      for (std::string& payload : PayloadsOf(client.TakePushes())) received.push_back(std::move(payload));
    };
    for (int i = 0; i < kMessages; ++i) {
      const size_t count =
          engine_.channels().Publish(ChannelKind::kChannel, "c", std::to_string(thread) + " " + std::to_string(i));
      ASSERT_EQ(count, size_t{kThreads});
      if (i % 16 == 0) take();
    }
    while (received.size() < size_t{kThreads} * kMessages) take();
    std::vector<int> next(kThreads, 0);
    for (const std::string& payload : received) {
      const int publisher = payload[0] - '0';
      ASSERT_EQ(payload, std::to_string(publisher) + " " + std::to_string(next[static_cast<size_t>(publisher)]++));
    }
    // Nobody leaves before all have published.
    ready.fetch_add(1);
    while (ready.load() < 2 * kThreads) std::this_thread::yield();
  });
  EXPECT_EQ(engine_.channels().channel_count(ChannelKind::kChannel), 0u);
  EXPECT_EQ(engine_.channels().channel_count(ChannelKind::kPattern), 0u);
  EXPECT_EQ(engine_.channels().subscriber_count(), 0u);
}

TEST_F(MessagesConcurrencyTest, SubscriptionsComeAndGoBesidePublishers) {
  const uint64_t seed = test::Seed();
  test::RunThreads(kThreads, [&](int thread) {
    LocalClient client(engine_);
    Random random(seed + static_cast<uint64_t>(thread));
    Channels& channels = engine_.channels();
    for (test::Deadline deadline; !deadline.HasPassed();) {
      const std::string name(1, static_cast<char>('a' + random.Below(4)));
      client.executor().BeginBatch();
      switch (random.Below(5)) {
        case 0: channels.Subscribe(client.session(), ChannelKind::kChannel, name); break;
        case 1: channels.Subscribe(client.session(), ChannelKind::kPattern, name + "*"); break;
        case 2: channels.Unsubscribe(client.session(), ChannelKind::kChannel, name); break;
        case 3: channels.Unsubscribe(client.session(), ChannelKind::kPattern, name + "*"); break;
        default: channels.Publish(ChannelKind::kChannel, name, "x"); break;
      }
      client.executor().EndBatch();
      // Nothing comes of what the session is not subscribed to at present.
      const std::string pushes = client.TakePushes();
      if (client.session().subscriptions == nullptr || client.session().subscriptions->empty()) {
        ASSERT_EQ(pushes, "");
      }
    }
  });
  EXPECT_EQ(engine_.channels().subscriber_count(), 0u);
}

// Each thread writes, and keeps what it read until it is told. When all is quiet, what is kept is what is there.
TEST_F(MessagesConcurrencyTest, NoKeptValueIsStale) {
  const std::vector<std::string> keys = test::KeysAnywhere("key:", 8);
  const uint64_t seed = test::Seed();
  std::atomic<int> quiet{0};
  test::RunThreads(kThreads, [&](int thread) {
    LocalClient client(engine_);
    client.session().protocol = 3;
    client.executor().BeginBatch();
    engine_.tracking().Enable(client.session(), {}, nullptr);
    client.executor().EndBatch();
    Random random(seed + static_cast<uint64_t>(thread));
    std::map<std::string, std::string> kept;
    const auto note = [&] {
      const std::string pushes = client.TakePushes();
      for (const std::string& key : keys) {
        if (pushes.find("\r\n" + key + "\r\n") != std::string::npos) kept.erase(key);
      }
    };
    for (test::Deadline deadline; !deadline.HasPassed();) {
      const std::string& key = keys[random.Below(keys.size())];
      if (random.Below(3) == 0) {
        client.Execute({"ADD", key, "1"});
      } else if (kept.find(key) == kept.end()) {
        // Told before the reply came: of an older value. Told after it: this one is old.
        note();
        kept[key] = client.Execute({"READ", key});
      }
      if (random.Below(8) == 0) note();
    }
    quiet.fetch_add(1);
    while (quiet.load() < kThreads) std::this_thread::yield();
    note();
    for (const auto& [key, value] : kept) EXPECT_EQ(value, client.Execute({"READ", key})) << key;
    quiet.fetch_add(1);
    while (quiet.load() < 2 * kThreads) std::this_thread::yield();
  });
  EXPECT_EQ(engine_.tracking().client_count(), 0u);
  EXPECT_EQ(engine_.tracking().key_count(), 0u);
  EXPECT_EQ(engine_.tracking().item_count(), 0u);
}

}  // namespace
}  // namespace kvick

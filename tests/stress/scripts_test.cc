// Scripts of several threads at once: on keys of their own, on each other's, declared and not.
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <vector>

#include "stress/stress_store.h"
#include "support/concurrency_commands.h"
#include "support/threads.h"

namespace kvick::test {
namespace {

class ScriptsTest : public ::testing::TestWithParam<int> {
 protected:
  static int thread_count() { return GetParam(); }
  static constexpr size_t kAccountCount = 24;
  static constexpr int64_t kStartBalance = 100;

  // Half of them on one stripe.
  std::vector<std::string> MakeAccounts() {
    std::vector<std::string> accounts =
        Joined(KeysOnOneStripe("account:", kAccountCount / 2), KeysAnywhere("account:other:", kAccountCount / 2));
    LocalClient client(store_.engine());
    const std::string balance = std::to_string(kStartBalance);
    for (const std::string& account : accounts) client.Execute({"SET", account, balance});
    return accounts;
  }
  void ExpectBalanced() {
    int64_t sum = 0;
    for (const auto& [place, content] : ContentsOf(store_.engine())) {
      if (place.second.find("account:") == 0) sum += std::stoll(content.first);
    }
    EXPECT_EQ(sum, static_cast<int64_t>(kAccountCount) * kStartBalance);
  }
  static int64_t ExpectedSum() { return static_cast<int64_t>(kAccountCount) * kStartBalance; }

  StressStore store_;
};

constexpr char kTransferDeclared[] =
    "local have = tonumber(redis.call('get', KEYS[1])) "
    "if have < tonumber(ARGV[1]) then return 0 end "
    "redis.call('decrby', KEYS[1], ARGV[1]) redis.call('incrby', KEYS[2], ARGV[1]) return 1";
// The accounts are arguments: nothing is declared. It writes before it reaches the second one.
constexpr char kTransferUndeclared[] =
    "redis.call('decrby', ARGV[2], ARGV[1]) redis.call('incrby', ARGV[3], ARGV[1]) return 1";
// The first one is declared, the second is not.
constexpr char kTransferHalf[] =
    "redis.call('decrby', KEYS[1], ARGV[1]) redis.call('incrby', ARGV[2], ARGV[1]) return 1";
constexpr char kSumUndeclared[] =
    "local sum = 0 for _, name in ipairs(ARGV) do sum = sum + tonumber(redis.call('get', name)) end return sum";
constexpr char kSumByKeys[] =
    "local sum = 0 for _, name in ipairs(redis.call('keys', 'account:*')) do "
    "sum = sum + tonumber(redis.call('get', name)) end return sum";
constexpr char kWriteThenKeys[] =
    "redis.call('decrby', KEYS[1], 1) local n = #redis.call('keys', 'account:*') redis.call('incrby', KEYS[1], 1) "
    "return n";

TEST_P(ScriptsTest, TransfersKeepTheSum) {
  const std::vector<std::string> accounts = MakeAccounts();
  const uint64_t seed = Seed();
  const Deadline deadline;
  RunThreads(thread_count(), [&](int thread) {
    StressClient client(store_, seed, thread);
    const std::vector<std::string> sum_words = Joined({"EVAL", kSumUndeclared, "0"}, accounts);
    while (!deadline.HasPassed()) {
      const std::string amount = std::to_string(client.Below(20));
      const std::string& from = client.Pick(accounts);
      const std::string& to = client.Pick(accounts);
      Value reply;
      switch (client.Below(9)) {
        case 0: reply = client.Call({"EVAL", kTransferDeclared, "2", from, to, amount}); break;
        case 1: reply = client.Call({"EVAL", kTransferUndeclared, "0", amount, from, to}); break;
        case 2: reply = client.Call({"EVAL", kTransferHalf, "1", from, amount, to}); break;
        case 3:
          reply = client.Call(sum_words);
          EXPECT_EQ(reply.integer, ExpectedSum());
          break;
        case 4:
          if (!client.Chance(4)) continue;
          reply = client.Call({"EVAL", kSumByKeys, "0"});
          EXPECT_EQ(reply.integer, ExpectedSum());
          break;
        case 5:
          if (!client.Chance(4)) continue;
          reply = client.Call({"EVAL", kWriteThenKeys, "1", from});
          EXPECT_EQ(reply.integer, static_cast<int64_t>(kAccountCount));
          break;
        case 6: {
          client.Call({"MULTI"});
          client.Call({"EVAL", kTransferHalf, "1", from, amount, to});
          client.Call({"DECR", from});
          client.Call({"EVAL", kTransferUndeclared, "0", amount, to, from});
          client.Call({"INCR", from});
          reply = client.Call({"EXEC"});
          EXPECT_EQ(reply.elements.size(), 4u);
          break;
        }
        case 7:
          // Plain commands on several keys meet scripts that hold some of them.
          client.Call(Joined({"MGET"}, accounts));
          continue;
        default: client.Disturb(); continue;
      }
      EXPECT_FALSE(reply.IsError()) << reply.text;
    }
  });
  ExpectBalanced();
}

// Each new text is a script nobody knows: what is learned of one does not help the next.
TEST_P(ScriptsTest, UnknownScriptsKeepTheSum) {
  const std::vector<std::string> accounts = MakeAccounts();
  const uint64_t seed = Seed();
  const Deadline deadline;
  RunThreads(thread_count(), [&](int thread) {
    StressClient client(store_, seed, thread);
    int64_t number = 0;
    while (!deadline.HasPassed()) {
      const std::string text = std::string(client.Chance(2) ? kTransferHalf : kTransferDeclared) + " -- " +
                               std::to_string(thread) + "/" + std::to_string(++number);
      const std::string& from = client.Pick(accounts);
      const std::string& to = client.Pick(accounts);
      const bool is_half = text.find("ARGV[2]") != std::string::npos;
      const Value reply =
          is_half ? client.Call({"EVAL", text, "1", from, "3", to}) : client.Call({"EVAL", text, "2", from, to, "3"});
      EXPECT_FALSE(reply.IsError()) << reply.text;
    }
  });
  ExpectBalanced();
}

// Functions come and go while they are called.
TEST_P(ScriptsTest, FunctionsAreWholeWhileLibrariesChange) {
  const uint64_t seed = Seed();
  const Deadline deadline;
  RunThreads(thread_count(), [&](int thread) {
    StressClient client(store_, seed, thread);
    const std::string key = "own:" + std::to_string(thread);
    while (!deadline.HasPassed()) {
      switch (client.Below(8)) {
        case 0: {
          const std::string code =
              "#!lua name=lib\nredis.register_function('add', function(keys, args) "
              "return redis.call('incrby', keys[1], args[1]) + 0*" +
              std::to_string(client.Below(5)) + " end)";
          EXPECT_FALSE(client.Call({"FUNCTION", "LOAD", "REPLACE", code}).IsError());
          break;
        }
        case 1: client.Call({"SCRIPT", "FLUSH"}); break;
        case 2: client.Call({"FUNCTION", "LIST", "WITHCODE"}); break;
        case 3: client.Call({"INFO", "memory"}); break;
        default: {
          const Value reply = client.Call({"FCALL", "add", "1", key, "2"});
          if (reply.IsError()) {
            EXPECT_NE(reply.text.find("Function not found"), std::string::npos) << reply.text;
          }
        }
      }
    }
  });
}

INSTANTIATE_TEST_SUITE_P(Threads, ScriptsTest, ::testing::Values(1, 2, 4));

}  // namespace
}  // namespace kvick::test

// Short histories of four clients on few keys, one after the other, each written down and checked: could a store that
// does one thing at a time have answered like this?
#include <gtest/gtest.h>

#include <barrier>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "stress/stress_store.h"
#include "support/concurrency_commands.h"
#include "support/linearizability.h"
#include "support/threads.h"

namespace kvick::test {
namespace {

constexpr int kClients = 4;

class HistoriesTest : public ::testing::Test {
 protected:
  // Rounds of `steps` requests a client, each drawn by `draw`, until the time is over. `prepare` runs before each.
  void CheckRounds(int steps, const std::vector<Request>& prepare, const std::function<Request(StressClient&)>& draw) {
    const uint64_t seed = Seed();
    HistoryRecorder recorder(kClients + 1);
    const Model model = StringCommandsModel();
    StressClient first(store_, seed, kClients);
    int rounds = 0;
    bool goes_on = true;
    const Deadline deadline;
    // Between two rounds one thread, whichever it is, checks and prepares while the others wait.
    const auto between = [&]() noexcept {
      const Verdict verdict = CheckLinearizable(recorder.Take(), model);
      EXPECT_TRUE(verdict.is_linearizable) << "round " << rounds << ": " << verdict.explanation;
      goes_on = verdict.is_linearizable && !deadline.HasPassed();
      ++rounds;
      first.Execute({"FLUSHALL"});
      for (const Request& request : prepare) Run(recorder, first, request);
    };
    std::barrier round_end(kClients, between);
    RunThreads(kClients, [&](int thread) {
      StressClient client(store_, seed, thread);
      while (true) {
        round_end.arrive_and_wait();
        if (!goes_on) return;
        for (int i = 0; i < steps; ++i) {
          Run(recorder, client, draw(client));
          if (client.Chance(3)) std::this_thread::yield();
        }
      }
    });
    EXPECT_GT(rounds, 1);
    RecordProperty("rounds", rounds);
  }

  StressStore store_;

 private:
  static void Run(HistoryRecorder& recorder, StressClient& client, const Request& request) {
    recorder.Record(client.thread(), request, [&] { return client.Execute(request); });
  }
};

const std::vector<std::string> kNumbers = {"1", "2", "3"};

TEST_F(HistoriesTest, SingleKeysAreRegistersAndCounters) {
  const std::vector<std::string> keys = {"a", "b"};
  CheckRounds(8, {}, [&](StressClient& client) -> Request {
    const std::string& key = client.Pick(keys);
    const std::string value = std::to_string(client.Below(100));
    switch (client.Below(10)) {
      case 0: return {"SET", key, value};
      case 1: return {"SETNX", key, value};
      case 2: return {"GETSET", key, value};
      case 3: return {"DEL", key};
      case 4: return {"SET", key, value, "XX", "GET"};
      case 5: return {"GETDEL", key};
      case 6: return {"APPEND", key, client.Pick(kNumbers)};
      case 7: return {"INCR", key};
      default: return {"GET", key};
    }
  });
}

TEST_F(HistoriesTest, CommandsOnManyKeysAreOne) {
  const std::vector<std::string> keys = Joined(KeysOnOneStripe("k", 2), {"x", "y"});
  CheckRounds(5, {}, [&](StressClient& client) -> Request {
    const std::string value = std::to_string(client.Below(100));
    switch (client.Below(8)) {
      case 0: return {"MSET", client.Pick(keys), value, client.Pick(keys), value + "0"};
      case 1: return {"MSETNX", client.Pick(keys), value, client.Pick(keys), value + "0"};
      case 2: return {"DEL", client.Pick(keys), client.Pick(keys)};
      case 3: return {"SET", client.Pick(keys), value};
      case 4: return {"EXISTS", client.Pick(keys), client.Pick(keys)};
      default: return Joined({"MGET"}, keys);
    }
  });
}

TEST_F(HistoriesTest, KeysChangeTheirNamesInOneStep) {
  const std::vector<std::string> keys = Joined(KeysOnOneStripe("k", 2), {"x"});
  CheckRounds(5, {{"SET", keys[0], "one"}, {"SET", keys[2], "two"}}, [&](StressClient& client) -> Request {
    switch (client.Below(8)) {
      case 0: return {"RENAME", client.Pick(keys), client.Pick(keys)};
      case 1: {
        const std::string& from = client.Pick(keys);
        return {"RENAMENX", from, from == keys[0] ? keys[1] : keys[0]};
      }
      case 2: {
        const std::string& from = client.Pick(keys);
        return {"COPY", from, from == keys[0] ? keys[2] : keys[0], "REPLACE"};
      }
      case 3: return {"SETNX", client.Pick(keys), std::to_string(client.Below(100))};
      case 4: return {"GETDEL", client.Pick(keys)};
      default: return Joined({"MGET"}, keys);
    }
  });
}

TEST_F(HistoriesTest, EmptyingEverythingIsOneStep) {
  const std::vector<std::string> keys = {"a", "b", "c"};
  CheckRounds(5, {}, [&](StressClient& client) -> Request {
    switch (client.Below(6)) {
      case 0: return {"FLUSHALL"};
      case 1: return {"INCR", client.Pick(keys)};
      case 2: return {"MSET", "a", "1", "b", "1", "c", "1"};
      default: return Joined({"MGET"}, keys);
    }
  });
}

}  // namespace
}  // namespace kvick::test

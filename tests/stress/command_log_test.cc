// The order of the command log is the order in which changes happened: a second store that repeats the log holds what
// the first one holds, to the byte and the millisecond.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "resp/request_parser.h"
#include "stress/stress_store.h"
#include "support/concurrency_commands.h"
#include "support/threads.h"

namespace kvick::test {
namespace {

// Executes the commands of a log in their order.
void Repeat(std::string_view log, StressClient& client) {
  RequestParser parser;
  const RequestParser::Limits limits;
  RequestParser::Command command;
  while (!log.empty()) {
    ASSERT_EQ(parser.Parse(log, limits, &command), RequestParser::Outcome::kCommand);
    const std::vector<std::string> words(command.arguments.begin(), command.arguments.end());
    const Value reply = client.Call(words);
    ASSERT_FALSE(reply.IsError()) << words[0] << ": " << reply.text;
    log.remove_prefix(command.consumed);
  }
}

class CommandLogTest : public ::testing::TestWithParam<int> {};

TEST_P(CommandLogTest, RepeatedItMakesTheSameStore) {
  const std::vector<std::string> keys = Joined(KeysOnOneStripe("k", 5), KeysAnywhere("other", 5));
  const uint64_t seed = Seed();
  StressStore store;
  std::unique_ptr<CommandLog::Reader> reader;
  store.engine().gate().RunExclusive([&] { reader = store.engine().log().Attach(); });
  const Deadline deadline;
  RunThreads(GetParam(), [&](int thread) {
    StressClient client(store, seed, thread);
    while (!deadline.HasPassed()) {
      const std::string& key = client.Pick(keys);
      const std::string& other = client.Pick(keys);
      const std::string text = std::to_string(thread) + std::string(client.Below(3) * 300, 'x');
      const std::string lifetime_ms = std::to_string(1 + client.Below(20));
      switch (client.Below(24)) {
        case 0: client.Call({"SET", key, text}); break;
        case 1: client.Call({"SET", key, text, "PX", lifetime_ms}); break;
        case 2: client.Call({"SET", key, text, "NX", "GET"}); break;
        case 3: client.Call({"APPEND", key, text}); break;
        case 4: client.Call({"SETRANGE", key, std::to_string(client.Below(600)), text}); break;
        case 5: client.Call({"INCR", "number:" + key}); break;
        case 6: client.Call({"INCRBYFLOAT", "number:" + key, "0.1"}); break;
        case 7: client.Call({"DEL", key, other}); break;
        case 8: client.Call({"RENAME", key, other}); break;
        case 9: client.Call({"COPY", key, other, "REPLACE"}); break;
        case 10: client.Call({"MOVE", key, std::to_string(client.Below(3))}); break;
        case 11: client.Call({"COPY", key, other, "DB", std::to_string(client.Below(3)), "REPLACE"}); break;
        case 12: client.Call({"PEXPIRE", key, lifetime_ms}); break;
        case 13: client.Call({"PERSIST", key}); break;
        case 14: client.Call({"GETEX", key, "PX", lifetime_ms}); break;
        case 15: client.Call({"MSET", key, text, other, text + "!"}); break;
        case 16: client.Call({"SELECT", std::to_string(client.Below(3))}); break;
        case 17: client.Call({"GETDEL", key}); break;
        case 18:
          client.Call({"MULTI"});
          client.Call({"APPEND", key, text});
          client.Call({"SELECT", std::to_string(client.Below(3))});
          client.Call({"APPEND", other, text});
          if (client.Chance(4)) client.Call({"KEYS", "none"});  // makes it run alone
          client.Call({"EXEC"});
          break;
        case 19:
          if (client.Chance(8))
            client.Call({"SWAPDB", std::to_string(client.Below(3)), std::to_string(client.Below(3))});
          break;
        case 20:
          if (client.Chance(16)) client.Call({client.Chance(2) ? "FLUSHALL" : "FLUSHDB"});
          break;
        case 21: client.Disturb(); break;
        default: client.Call({"GET", key});
      }
    }
  });
  std::string log;
  const uint64_t end = reader->Read(&log);
  EXPECT_EQ(end, store.engine().log().end_position());
  // The second store's time stands still before anything expires: only the log removes.
  StressStore copy;
  StressClient client(copy, seed, 0);
  Repeat(log, client);
  EXPECT_EQ(ContentsOf(copy.engine()), ContentsOf(store.engine()));
}

INSTANTIATE_TEST_SUITE_P(Threads, CommandLogTest, ::testing::Values(1, 2, 4, 8), ::testing::PrintToStringParamName());

TEST(CommandLogReaderTest, ReadersComeAndGoWhileOthersWrite) {
  const uint64_t seed = Seed();
  StressStore store;
  const Deadline deadline;
  std::atomic<int> checked{0};
  RunThreads(4, [&](int thread) {
    StressClient client(store, seed, thread);
    while (!deadline.HasPassed()) {
      if (thread != 0) {
        client.Call({"INCR", "a"});
        client.Call({"SELECT", std::to_string(client.Below(2))});
        continue;
      }
      // Whatever moment a reader begins at, what it reads are whole commands in a database it was told of.
      std::unique_ptr<CommandLog::Reader> reader;
      store.engine().gate().RunExclusive([&] { reader = store.engine().log().Attach(); });
      std::string log;
      for (int i = 0; i < 3; ++i) {
        client.Call({"INCR", "a"});
        reader->Read(&log);
      }
      ASSERT_EQ(log.find("*2\r\n$6\r\nSELECT\r\n"), 0u);
      StressStore copy;
      StressClient repeater(copy, seed, 0);
      Repeat(log, repeater);
      ++checked;
    }
  });
  EXPECT_GT(checked.load(), 0);
}

}  // namespace
}  // namespace kvick::test

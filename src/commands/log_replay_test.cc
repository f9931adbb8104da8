// Random commands are executed on one engine and their log on another; both must hold the same in the end.
#include <string>
#include <vector>

#include "base/random.h"
#include "commands/command_fixture.h"
#include "commands/families.h"

namespace kvick {
namespace {

constexpr size_t kKeyCount = 8;

std::string KeyName(size_t index) { return "k" + std::to_string(index); }

const std::initializer_list<std::span<const CommandSpec>>& Families() {
  static const std::initializer_list<std::span<const CommandSpec>> families = {
      ExpireCommands(),        GenericCommands(),     IncrExCommands(),        RelocateCommands(),    StringCommands(),
      StringCompareCommands(), StringMultiCommands(), StringNumericCommands(), StringRangeCommands(),
  };
  return families;
}

// Repeats a log. Its clock stands at the beginning of time: a reader of the log lets nothing expire by itself.
class Replica : public CommandFixture {
 public:
  Replica() : CommandFixture(Families(), 1) {}
  void TestBody() override {}
  void Repeat(std::string_view lines) {
    while (!lines.empty()) {
      const std::string_view line = lines.substr(0, lines.find('\n'));
      lines.remove_prefix(std::min(line.size() + 1, lines.size()));
      if (line.starts_with("SELECT ")) {
        database_index_ = std::stoi(std::string(line.substr(7)));
        continue;
      }
      client_->session().database_index = database_index_;
      const std::string reply = Execute(line);
      EXPECT_FALSE(reply.starts_with('-')) << line << " answers " << reply;
    }
  }
  std::string Ask(const std::string& request) {
    client_->session().database_index = 0;
    return Execute(request);
  }

 private:
  int database_index_ = 0;  // that the log has selected
};

class LogReplayTest : public CommandFixture {
 protected:
  LogReplayTest() : CommandFixture(Families()) {}

  template <size_t N>
  std::string Pick(const char* const (&words)[N]) {
    return words[random_.Below(N)];
  }
  std::string Key() { return KeyName(random_.Below(kKeyCount)); }
  std::string Value() { return Pick({"1", "-7", "12", "abc", "9223372036854775807", "1.5", "x"}); }
  std::string Time() { return Pick({"EX 1", "PX 30", "PX 500", "EXAT 1700000001", "PXAT 1700000000100", "PXAT 1"}); }
  std::string Condition() { return Pick({"", "", " NX", " XX", " IFEQ 1", " IFNE abc", " IFDNE 804b421e12fb0190"}); }

  std::string Request() {
    switch (random_.Below(20)) {
      case 0: return "SET " + Key() + " " + Value() + Condition() + Pick({"", " GET"});
      case 1: return "SET " + Key() + " " + Value() + Condition() + " " + Time();
      case 2: return "SET " + Key() + " " + Value() + " KEEPTTL" + Condition();
      case 3: return "GETEX " + Key() + " " + (random_.Below(4) == 0 ? "PERSIST" : Time());
      case 4: return Pick({"GETDEL ", "DEL ", "UNLINK ", "PERSIST ", "DELEX ", "INCR ", "DECR "}) + Key();
      case 5: return Pick({"GETSET ", "SETNX ", "APPEND ", "DELIFEQ "}) + Key() + " " + Value();
      case 6:
        return Pick({"EXPIRE ", "PEXPIRE "}) + Key() + Pick({" 1", " 0", " 100", " 30"}) + Pick({"", " NX", " GT"});
      case 7: return "PEXPIREAT " + Key() + Pick({" 1", " 1700000000200", " 1700000005000"}) + Pick({"", " XX", " LT"});
      case 8: return Pick({"RENAME ", "RENAMENX "}) + Key() + " " + Key();
      case 9: return "COPY " + Key() + " " + Key() + Pick({"", " REPLACE", " DB 1", " DB 1 REPLACE"});
      case 10: return "MOVE " + Key() + " 1";
      case 11: return "SETRANGE " + Key() + Pick({" 0 ab", " 3 z", " 600 end"});
      case 12: return "INCRBY " + Key() + Pick({" 5", " -9", " 9223372036854775807"});
      case 13: return "INCRBYFLOAT " + Key() + Pick({" 0.1", " -3", " 1e3"});
      case 14: return "INCREX " + Key() + Pick({"", " BYINT 7", " BYFLOAT 0.25"}) + Pick({"", " UBOUND 9 SATURATE"});
      case 15: return "INCREX " + Key() + " " + Time() + Pick({"", " ENX"});
      case 16: return "MSET " + Key() + " " + Value() + " " + Key() + " " + Value();
      case 17: return "MSETNX " + Key() + " " + Value() + " " + Key() + " " + Value();
      case 18:
        return "MSETEX 2 " + Key() + " " + Value() + " " + Key() + " " + Value() + " " + Time() + Pick({"", " NX"});
      default: return "INCREX " + Key() + " PERSIST";
    }
  }

  // Everything that can be asked of the keys of the first database.
  template <typename Ask>
  static std::vector<std::string> State(const Ask& ask) {
    std::vector<std::string> state;
    for (size_t i = 0; i < kKeyCount; ++i) {
      const std::string key = KeyName(i);
      state.push_back(key + " " + ask("GET " + key) + " " + ask("PEXPIRETIME " + key));
    }
    return state;
  }

  Random random_{20240817};
};

TEST_F(LogReplayTest, TheLogRepeatsEveryState) {
  Replica replica;
  for (int round = 0; round < 400; ++round) {
    std::string requests;
    for (int i = 0; i < 25; ++i) {
      const std::string request = Request();
      requests += request + "\n";
      Execute(request);
      clock_.AdvanceMs(static_cast<int64_t>(random_.Below(40)));
    }
    // Asking removes what has expired, and logs it, before the log is read.
    const auto state = State([this](const std::string& request) { return Execute(request); });
    const std::string log = Logged();
    replica.Repeat(log);
    ASSERT_EQ(State([&replica](const std::string& request) { return replica.Ask(request); }), state)
        << "seed 20240817, round " << round << "\nrequests:\n"
        << requests << "log:\n"
        << log;
  }
}

}  // namespace
}  // namespace kvick

// What streams log and announce, and that the log of random commands makes the same stream again.
#include <string>
#include <vector>

#include "base/random.h"
#include "commands/command_fixture.h"
#include "commands/families.h"
#include "types/stream_value.h"

namespace kvick {
namespace {

const std::initializer_list<std::span<const CommandSpec>>& Families() {
  static const std::initializer_list<std::span<const CommandSpec>> families = {
      StreamAddCommands(),       StreamClaimCommands(),   StreamGroupCommands(), StreamIdempotenceCommands(),
      StreamInfoCommands(),      StreamPendingCommands(), StreamRangeCommands(), StreamReadCommands(),
      StreamReadGroupCommands(), StreamRemoveCommands(),  DebugCommands(),       GenericCommands()};
  return families;
}

class StreamTest : public CommandFixture {
 protected:
  StreamTest() : CommandFixture(Families()) { RegisterStreamType(); }

  // Three entries, and a group that has read none of them.
  void MakeGroup() {
    Execute("XADD s 1-1 a 1");
    Execute("XADD s 2-1 a 2");
    Execute("XADD s 3-1 a 3");
    Execute("XGROUP CREATE s g 0");
    Execute("XGROUP CREATECONSUMER s g c");
    Forget();
  }
  std::string NowMs() { return AtMs(0); }
};

TEST_F(StreamTest, XAddLogsTheIdThatItGave) {
  Execute("XADD s * a 1");
  EXPECT_EQ(Logged(), "XADD s " + NowMs() + "-0 a 1");
  EXPECT_EQ(Events(), "new:s xadd:s");
  Execute("XADD s NOMKSTREAM " + NowMs() + "-* a 1");
  EXPECT_EQ(Logged(), "XADD s " + NowMs() + "-1 a 1");
  Execute("XADD missing NOMKSTREAM * a 1");
  EXPECT_EQ(Logged(), "");
  EXPECT_EQ(Events(), "xadd:s");
}

TEST_F(StreamTest, TrimmingIsLoggedExactly) {
  settings_.stream_node_entries_max = 2;
  for (int i = 1; i <= 5; ++i) Execute("XADD s " + std::to_string(i) + "-1 a 1");
  Forget();
  Execute("XADD s MAXLEN ~ 3 6-1 a 1");
  EXPECT_EQ(Logged(), "XADD s MAXLEN = 4 6-1 a 1");
  EXPECT_EQ(Events(), "xadd:s xtrim:s");
  Execute("XTRIM s MINID ~ 6");
  EXPECT_EQ(Logged(), "XTRIM s MINID = 5-1");
  Execute("XTRIM s MAXLEN 1 DELREF");
  EXPECT_EQ(Logged(), "XTRIM s MAXLEN = 1 DELREF");
  EXPECT_EQ(Events(), "xtrim:s xtrim:s");
  Execute("XTRIM s MAXLEN 1");
  EXPECT_EQ(Logged(), "");
  EXPECT_EQ(Events(), "");
}

TEST_F(StreamTest, AnAddedOnceEntryIsLoggedWithItsName) {
  Execute("XADD s IDMP p one * a 1");
  EXPECT_EQ(Logged(), "XADD s " + NowMs() + "-0 a 1\nXIDMPRECORD s p one " + NowMs() + "-0");
  EXPECT_EQ(Execute("XADD s IDMP p one * a 1"), "$15\r\n" + NowMs() + "-0");
  EXPECT_EQ(Logged(), "XIDMPRECORD s p one " + NowMs() + "-0");
}

TEST_F(StreamTest, ReadingInAGroupIsLoggedEntryByEntry) {
  MakeGroup();
  Execute("XREADGROUP GROUP g c COUNT 2 STREAMS s >");
  const std::string claim = "XCLAIM s g c 0 ";
  const std::string rest = " TIME " + NowMs() + " RETRYCOUNT 1 FORCE JUSTID LASTID ";
  EXPECT_EQ(Logged(), "MULTI\n" + claim + "1-1" + rest + "1-1\n" + claim + "2-1" + rest + "2-1\n" +
                          "XGROUP SETID s g 2-1 ENTRIESREAD 2\nEXEC");
  Execute("XREADGROUP GROUP g c NOACK STREAMS s >");
  EXPECT_EQ(Logged(), "XGROUP SETID s g 3-1 ENTRIESREAD 3");
  EXPECT_EQ(Events(), "");
  Execute("XREADGROUP GROUP g newcomer STREAMS s >");
  EXPECT_EQ(Logged(), "XGROUP CREATECONSUMER s g newcomer");
  EXPECT_EQ(Events(), "xgroup-createconsumer:s");
}

TEST_F(StreamTest, ClaimingIsLoggedEntryByEntry) {
  MakeGroup();
  Execute("XREADGROUP GROUP g c STREAMS s >");
  Execute("XDEL s 2-1");
  Execute("XGROUP CREATECONSUMER s g d");
  Forget();
  clock_.AdvanceMs(1000);
  Execute("XAUTOCLAIM s g d 500 - COUNT 2");
  EXPECT_EQ(Logged(), "MULTI\nXCLAIM s g d 0 1-1 TIME " + AtMs(1000) +
                          " RETRYCOUNT 2 FORCE JUSTID LASTID 3-1\nXACK s g 2-1\nEXEC");
  Execute("XCLAIM s g d 5000 3-1");
  EXPECT_EQ(Logged(), "");
  clock_.AdvanceMs(10'000);
  Execute("XREADGROUP GROUP g c CLAIM 10000 COUNT 1 STREAMS s >");
  EXPECT_EQ(Logged(), "XCLAIM s g c 0 3-1 TIME " + AtMs(11'000) + " RETRYCOUNT 2 FORCE JUSTID LASTID 3-1");
}

TEST_F(StreamTest, GroupsAreAnnounced) {
  Execute("XGROUP CREATE s g $ MKSTREAM");
  EXPECT_EQ(Logged(), "XGROUP CREATE s g 0-0 MKSTREAM ENTRIESREAD -1");
  EXPECT_EQ(Events(), "new:s xgroup-create:s");
  Execute("XGROUP SETID s g 5");
  EXPECT_EQ(Logged(), "XGROUP SETID s g 5-0 ENTRIESREAD -1");
  Execute("XGROUP CREATECONSUMER s g c");
  Execute("XGROUP DELCONSUMER s g c");
  Execute("XGROUP DESTROY s g");
  Execute("XSETID s 9-9");
  Execute("XADD s 10-1 a 1");
  Execute("XDEL s 10-1 11-1");
  EXPECT_EQ(Events(),
            "xgroup-setid:s xgroup-createconsumer:s xgroup-delconsumer:s xgroup-destroy:s xsetid:s xadd:s xdel:s");
}

TEST_F(StreamTest, LagIsRightWhereItCanBeTold) {
  MakeGroup();
  const auto lag = [this] {
    const std::string reply = Execute("XINFO GROUPS s");
    const std::string_view tail = std::string_view(reply).substr(reply.find("$3\r\nlag\r\n") + 9);
    return std::string(tail);
  };
  EXPECT_EQ(lag(), ":3");
  Execute("XREADGROUP GROUP g c COUNT 1 STREAMS s >");
  EXPECT_EQ(lag(), ":2");
  Execute("XTRIM s MAXLEN 1");
  EXPECT_EQ(lag(), ":1");
  Execute("XADD s 4-1 a 4");
  Execute("XDEL s 4-1");
  EXPECT_EQ(lag(), "$-1");
  Execute("XREADGROUP GROUP g c STREAMS s >");
  EXPECT_EQ(lag(), "$-1");
  Execute("XADD s 5-1 a 5");
  Execute("XREADGROUP GROUP g c STREAMS s >");
  EXPECT_EQ(lag(), ":0");
}

class StreamReplayTest : public StreamTest {
 protected:
  template <size_t N>
  std::string Pick(const char* const (&words)[N]) {
    return words[random_.Below(N)];
  }
  std::string Key() { return Pick({"s", "t"}); }
  std::string Id() { return std::to_string(random_.Below(9)) + "-" + std::to_string(random_.Below(9)); }
  std::string Group() { return Pick({"g", "h"}); }
  std::string Consumer() { return Pick({"c", "d", "e"}); }
  std::string Policy() { return Pick({"", " KEEPREF", " DELREF", " ACKED"}); }

  std::string Request() {
    switch (random_.Below(20)) {
      case 0: return "XADD " + Key() + " * a 1";
      case 1:
        return "XADD " + Key() + Policy() + Pick({" MAXLEN 5", " MAXLEN ~ 4", " MINID 3-0", " MINID ~ 4"}) + " " +
               std::to_string(random_.Below(9)) + "-* b 2 c 3";
      case 2: return "XADD " + Key() + " IDMP p " + Consumer() + " * a 1";
      case 3: return "XADD " + Key() + " IDMPAUTO p * " + Consumer() + " 1";
      case 4: return "XTRIM " + Key() + Pick({" MAXLEN 3", " MAXLEN ~ 2 LIMIT 4", " MINID 4", " MINID ~ 6"}) + Policy();
      case 5: return "XDEL " + Key() + " " + Id() + " " + Id();
      case 6: return "XDELEX " + Key() + Policy() + " IDS 2 " + Id() + " " + Id();
      case 7: return "XACKDEL " + Key() + " " + Group() + Policy() + " IDS 2 " + Id() + " " + Id();
      case 8: return "XGROUP CREATE " + Key() + " " + Group() + Pick({" 0", " $", " 3-0"}) + " MKSTREAM";
      case 9: return "XGROUP SETID " + Key() + " " + Group() + Pick({" 0", " $", " 3-0", " 4-0 ENTRIESREAD 3"});
      case 10: return Pick({"XGROUP DESTROY ", "XGROUP DELCONSUMER "}) + Key() + " " + Group() + " " + Consumer();
      case 11: return "XACK " + Key() + " " + Group() + " " + Id() + " " + Id();
      case 12:
        return "XNACK " + Key() + " " + Group() + Pick({" FAIL", " SILENT", " FATAL"}) + " IDS 2 " + Id() + " " + Id();
      case 13:
        return "XCLAIM " + Key() + " " + Group() + " " + Consumer() + " " + std::to_string(random_.Below(40)) + " " +
               Id() + " " + Id() + Pick({"", " FORCE", " JUSTID", " IDLE 70 FORCE", " LASTID 5-5", " RETRYCOUNT 9"});
      case 14:
        return "XAUTOCLAIM " + Key() + " " + Group() + " " + Consumer() + " 20 0 COUNT 3" + Pick({"", " JUSTID"});
      case 15: return "XREADGROUP GROUP " + Group() + " " + Consumer() + " STREAMS " + Key() + " " + Id();
      case 16: return "XREADGROUP GROUP " + Group() + " " + Consumer() + " CLAIM 30 COUNT 4 STREAMS " + Key() + " >";
      case 17: return "XSETID " + Key() + " 9-" + std::to_string(random_.Below(99));
      default:
        return "XREADGROUP GROUP " + Group() + " " + Consumer() + Pick({"", " NOACK"}) + " COUNT 2 STREAMS " + Key() +
               " >";
    }
  }

  Random random_{20261121};
};

// Repeats a log, at the same times.
class StreamReplica : public CommandFixture {
 public:
  StreamReplica() : CommandFixture(Families(), kStartMs) {}
  void TestBody() override {}
  void Repeat(std::string_view lines) {
    while (!lines.empty()) {
      const std::string_view line = lines.substr(0, lines.find('\n'));
      lines.remove_prefix(std::min(line.size() + 1, lines.size()));
      const std::string reply = Execute(line);
      EXPECT_FALSE(reply.starts_with('-')) << line << " answers " << reply;
    }
  }
  std::string Ask(const std::string& request) { return Execute(request); }
  void AdvanceMs(int64_t ms) { clock_.AdvanceMs(ms); }
};

TEST_F(StreamReplayTest, TheLogRepeatsEveryState) {
  StreamReplica replica;
  settings_.stream_node_entries_max = 3;
  for (int round = 0; round < 3'000; ++round) {
    if (round % 60 == 0) {
      Execute("DEL s t");
      Execute("XADD s 1-1 a 1");
      Execute("XGROUP CREATE s g 0");
    }
    const std::string request = Request();
    Execute(request);
    const std::string log = Logged();
    replica.Repeat(log);
    for (const std::string question : {"DEBUG DIGEST-VALUE s t", "XINFO GROUPS s", "XPENDING t g"}) {
      ASSERT_EQ(replica.Ask(question), Execute(question))
          << "seed 20261121, round " << round << ": " << request << "\nlog:\n"
          << log;
    }
    const auto pass_ms = static_cast<int64_t>(random_.Below(30));
    clock_.AdvanceMs(pass_ms);
    replica.AdvanceMs(pass_ms);
  }
}

}  // namespace
}  // namespace kvick

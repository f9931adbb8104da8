#include "resp/request_parser.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "resp/input_buffer.h"

namespace kvick {
namespace {

using Outcome = RequestParser::Outcome;
using Words = std::vector<std::string>;

Words WordsOf(const RequestParser::Command& command) { return {command.arguments.begin(), command.arguments.end()}; }

std::string Encode(const Words& words) {
  std::string bytes = "*" + std::to_string(words.size()) + "\r\n";
  for (const std::string& word : words) bytes += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
  return bytes;
}

struct Parsed {
  std::vector<Words> commands;
  std::string error;
  size_t detached_count = 0;
};

// A connection in small: pieces of a stream come in, large arguments are detached when `detaches`.
class Reader {
 public:
  Reader(RequestParser::Limits limits, bool detaches) : limits_(limits), detaches_(detaches) {}

  void Take(std::string_view piece) {
    while (!piece.empty() && parsed_.error.empty()) {
      if (!parser_.is_detached()) {
        input_.Append(piece);
        piece = {};
      } else {
        const std::span<char> room = parser_.DetachedRoom();
        const size_t count = std::min(room.size(), piece.size());
        std::memcpy(room.data(), piece.data(), count);
        parser_.CommitDetached(count);
        piece.remove_prefix(count);
        if (parser_.is_detached()) continue;
      }
      ParseAll();
    }
  }
  const Parsed& parsed() const { return parsed_; }
  RequestParser& parser() { return parser_; }
  InputBuffer& input() { return input_; }

 private:
  void ParseAll() {
    while (!input_.empty()) {
      RequestParser::Command command;
      switch (parser_.Parse(input_.view(), limits_, &command)) {
        case Outcome::kCommand:
          parsed_.detached_count += command.large_arguments.size();
          if (!command.arguments.empty()) parsed_.commands.push_back(WordsOf(command));
          input_.Consume(command.consumed);
          break;
        case Outcome::kIncomplete:
          if (detaches_ && parser_.WantsDetach(limits_)) input_.Truncate(parser_.Detach(input_.view()));
          return;
        case Outcome::kError: parsed_.error = parser_.error(); return;
      }
    }
  }

  RequestParser parser_;
  InputBuffer input_;
  RequestParser::Limits limits_;
  bool detaches_;
  Parsed parsed_;
};

Parsed ParseWhole(std::string_view stream, RequestParser::Limits limits = {}) {
  Reader reader(limits, false);
  reader.Take(stream);
  return reader.parsed();
}

std::string ErrorOf(std::string_view stream, RequestParser::Limits limits = {}) {
  return ParseWhole(stream, limits).error;
}

TEST(RequestParserTest, ArgumentsMayHoldAnyBytes) {
  const Words words = {"SET", "", std::string("a\r\nb\0c", 6), "\xff"};
  const Parsed parsed = ParseWhole(Encode(words) + Encode({"PING"}));
  EXPECT_EQ(parsed.commands, (std::vector<Words>{words, {"PING"}}));
}

TEST(RequestParserTest, ArgumentsAreViewsOfTheBytes) {
  const std::string stream = Encode({"GET", "key"});
  RequestParser parser;
  RequestParser::Command command;
  ASSERT_EQ(parser.Parse(stream, {}, &command), Outcome::kCommand);
  EXPECT_EQ(command.consumed, stream.size());
  EXPECT_GE(command.arguments[1].data(), stream.data());
  EXPECT_LT(command.arguments[1].data(), stream.data() + stream.size());
}

TEST(RequestParserTest, InlineRequestsAreSplitAtBlanksAndQuotes) {
  const Parsed parsed = ParseWhole("SET  key \"a\\x41 b\" 'c d'\r\nPING\n");
  EXPECT_EQ(parsed.commands, (std::vector<Words>{{"SET", "key", "aA b", "c d"}, {"PING"}}));
}

TEST(RequestParserTest, EmptyRequestsHaveNoArguments) {
  const Parsed parsed = ParseWhole("\r\n\n   \r\n*0\r\n*-1\r\nPING\r\n");
  EXPECT_EQ(parsed.error, "");
  EXPECT_EQ(parsed.commands, (std::vector<Words>{{"PING"}}));
}

TEST(RequestParserTest, RefusesWhatIsNoRequest) {
  EXPECT_EQ(ErrorOf("*1\r\n!4\r\n"), "Protocol error: expected '$', got '!'");
  EXPECT_EQ(ErrorOf("*x\r\n"), "Protocol error: invalid multibulk length");
  EXPECT_EQ(ErrorOf("*+1\r\n"), "Protocol error: invalid multibulk length");
  EXPECT_EQ(ErrorOf("*2147483648\r\n"), "Protocol error: invalid multibulk length");
  EXPECT_EQ(ErrorOf("*1\r\n$x\r\n"), "Protocol error: invalid bulk length");
  EXPECT_EQ(ErrorOf("*1\r\n$-1\r\n"), "Protocol error: invalid bulk length");
  // Numbers have no leading zeros, however many digits they have and whether or not all has come.
  for (const std::string zeros : {"0", "00", "000"}) {
    EXPECT_EQ(ErrorOf("*" + zeros + "1\r\n$4\r\nPING\r\n"), "Protocol error: invalid multibulk length") << zeros;
    EXPECT_EQ(ErrorOf("*1\r\n$" + zeros + "4\r\nPING\r\n"), "Protocol error: invalid bulk length") << zeros;
    EXPECT_EQ(ErrorOf("*1\r\n$" + zeros + "4\r\n"), "Protocol error: invalid bulk length") << zeros;
  }
  EXPECT_EQ(ErrorOf("PING \"a\r\n"), "Protocol error: unbalanced quotes in request");
  EXPECT_EQ(ErrorOf(std::string(70'000, 'a')), "Protocol error: too big inline request");
  EXPECT_EQ(ErrorOf("*" + std::string(70'000, '1')), "Protocol error: too big mbulk count string");
  EXPECT_EQ(ErrorOf("*1\r\n$" + std::string(70'000, '1')), "Protocol error: too big bulk count string");
}

TEST(RequestParserTest, TheCommandsBeforeAnErrorAreFound) {
  const Parsed parsed = ParseWhole(Encode({"PING"}) + "*1\r\n!\r\n" + Encode({"PING"}));
  EXPECT_EQ(parsed.commands, (std::vector<Words>{{"PING"}}));
  EXPECT_EQ(parsed.error, "Protocol error: expected '$', got '!'");
}

TEST(RequestParserTest, ABulkMayBeAsLongAsTheLimit) {
  RequestParser::Limits limits;
  limits.bulk_bytes_max = 5;
  EXPECT_EQ(ParseWhole(Encode({"12345"}), limits).commands, (std::vector<Words>{{"12345"}}));
  EXPECT_EQ(ErrorOf("*1\r\n$6\r\n", limits), "Protocol error: invalid bulk length");
}

TEST(RequestParserTest, WhoHasNotAuthenticatedMaySendLittle) {
  RequestParser::Limits limits;
  limits.authenticated = false;
  EXPECT_EQ(ErrorOf("*10\r\n", limits), "");
  EXPECT_EQ(ErrorOf("*11\r\n", limits), "Protocol error: unauthenticated multibulk length");
  EXPECT_EQ(ErrorOf("*1\r\n$16384\r\n", limits), "");
  EXPECT_EQ(ErrorOf("*1\r\n$16385\r\n", limits), "Protocol error: unauthenticated bulk length");
}

TEST(RequestParserTest, ALargeArgumentIsReadIntoMemoryOfItsOwn) {
  const std::string value(100'000, 'v');
  const std::string stream = Encode({"SET", "key", value, "NX"});
  Reader reader({}, true);
  reader.Take(std::string_view(stream).substr(0, 50'000));
  ASSERT_TRUE(reader.parser().is_detached());
  EXPECT_LT(reader.input().size(), 64u) << "only what stands before the argument is kept";
  EXPECT_EQ(reader.parser().detached_bytes() + reader.input().size(), 50'000u);
  reader.Take(std::string_view(stream).substr(50'000));
  EXPECT_EQ(reader.parsed().commands, (std::vector<Words>{{"SET", "key", value, "NX"}}));
  EXPECT_EQ(reader.parsed().detached_count, 1u);
}

TEST(RequestParserTest, ADetachedArgumentIsAViewOfWhatTheCommandHolds) {
  const std::string value(100'000, 'v');
  const std::string stream = Encode({"SET", "key", value});
  RequestParser parser;
  RequestParser::Command command;
  const std::string_view first = std::string_view(stream).substr(0, 1000);
  ASSERT_EQ(parser.Parse(first, {}, &command), Outcome::kIncomplete);
  ASSERT_TRUE(parser.WantsDetach({}));
  const std::string_view kept = first.substr(0, parser.Detach(first));
  const std::span<char> room = parser.DetachedRoom();
  ASSERT_EQ(room.size(), stream.size() - 1000) << "up to the end of the request";
  std::memcpy(room.data(), stream.data() + 1000, room.size());
  parser.CommitDetached(room.size());
  ASSERT_EQ(parser.Parse(kept, {}, &command), Outcome::kCommand);
  ASSERT_EQ(command.large_arguments.size(), 1u);
  EXPECT_EQ(command.arguments[2].data(), command.large_arguments[0].view().data());
  EXPECT_EQ(command.arguments[2], value);
  EXPECT_EQ(command.consumed, kept.size());
}

TEST(RequestParserTest, ACommandThatIsTakenBackIsFoundAgain) {
  const std::string value(100'000, 'v');
  const std::string stream = Encode({"SET", "key", value, "NX"});
  RequestParser parser;
  RequestParser::Command command;
  const std::string_view first = std::string_view(stream).substr(0, 1000);
  ASSERT_EQ(parser.Parse(first, {}, &command), Outcome::kIncomplete);
  std::string kept(first.substr(0, parser.Detach(first)));
  const std::span<char> room = parser.DetachedRoom();
  std::memcpy(room.data(), stream.data() + 1000, room.size());
  parser.CommitDetached(room.size());
  kept += "$2\r\nNX\r\n";
  ASSERT_EQ(parser.Parse(kept, {}, &command), Outcome::kCommand);

  RequestParser other;
  other.Restore(kept, std::move(command));
  RequestParser::Command again;
  const std::string moved = kept;  // the bytes may lie elsewhere by then
  ASSERT_EQ(other.Parse(moved, {}, &again), Outcome::kCommand);
  EXPECT_EQ(WordsOf(again), (Words{"SET", "key", value, "NX"}));
  EXPECT_EQ(again.consumed, kept.size());
}

// Property: however a stream is cut, the same commands and the same error come out, with and without detaching.
TEST(RequestParserTest, AnySplitOfTheInputGivesTheSameCommands) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const auto below = [&random](size_t bound) { return std::uniform_int_distribution<size_t>(0, bound - 1)(random); };
  for (int round = 0; round < 300; ++round) {
    std::string stream;
    std::vector<Words> expected;
    for (size_t i = below(8) + 1; i > 0; --i) {
      const size_t kind = below(10);
      if (kind == 0) {
        stream += "PING \"a b\"\r\n";
        expected.push_back({"PING", "a b"});
      } else if (kind == 1) {
        stream += below(2) == 0 ? "\r\n" : "*0\r\n";
      } else {
        Words words;
        for (size_t n = below(5) + 1; n > 0; --n) {
          const size_t size = below(12) == 0 ? 500 + below(1000) : below(40);
          words.emplace_back(size, static_cast<char>('a' + below(26)));
        }
        stream += Encode(words);
        expected.push_back(std::move(words));
      }
    }
    const bool is_broken = below(4) == 0;
    if (is_broken) stream += "*2\r\n$3\r\nGET\r\n#3\r\n";
    for (const bool detaches : {false, true}) {
      RequestParser::Limits limits;
      limits.detach_bytes_min = static_cast<int64_t>(below(600));
      Reader reader(limits, detaches);
      const size_t piece_max = below(3) == 0 ? 1000 : 40;
      for (size_t at = 0; at < stream.size();) {
        const size_t size = std::min(below(piece_max) + 1, stream.size() - at);
        reader.Take(std::string_view(stream).substr(at, size));
        at += size;
      }
      ASSERT_EQ(reader.parsed().commands, expected) << "round " << round << " detaches " << detaches;
      ASSERT_EQ(reader.parsed().error, is_broken ? "Protocol error: expected '$', got '#'" : "");
      if (!is_broken) ASSERT_TRUE(reader.input().empty());
    }
  }
}

}  // namespace
}  // namespace kvick

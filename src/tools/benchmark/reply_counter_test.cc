#include "tools/benchmark/reply_counter.h"

#include <gtest/gtest.h>

#include <string>

namespace kvick::benchmark {
namespace {

// A simple string, an error, a bulk with a line end inside, nulls, nested and empty arrays, a map, a set, a double,
// and a value with an attribute: eleven replies.
constexpr char kReplies[] =
    "+OK\r\n"
    "-ERR no\r\n"
    "$6\r\na\r\nb\r\n\r\n"
    "$-1\r\n"
    "*-1\r\n"
    "*3\r\n:1\r\n*2\r\n$1\r\nx\r\n*0\r\n$-1\r\n"
    "*0\r\n"
    "%1\r\n+a\r\n*1\r\n:2\r\n"
    "~2\r\n#t\r\n_\r\n"
    ",1.5\r\n"
    "|1\r\n+ttl\r\n:5\r\n*1\r\n|1\r\n+a\r\n+b\r\n:1\r\n";
constexpr uint64_t kReplyCount = 11;

TEST(ReplyCounterTest, CountsEveryTypeWhereverTheStreamIsCut) {
  const std::string stream(kReplies, sizeof(kReplies) - 1);
  for (size_t cut = 0; cut <= stream.size(); ++cut) {
    ReplyCounter counter;
    uint64_t count = counter.Feed(std::string_view(stream).substr(0, cut));
    count += counter.Feed(std::string_view(stream).substr(cut));
    EXPECT_EQ(count, kReplyCount) << "cut at " << cut;
    EXPECT_EQ(counter.error_count(), 1U);
    EXPECT_EQ(counter.first_error(), "ERR no");
    EXPECT_FALSE(counter.is_broken());
  }
}

TEST(ReplyCounterTest, CountsAReplyOnlyWithItsLastByte) {
  const std::string stream(kReplies, sizeof(kReplies) - 1);
  ReplyCounter counter;
  uint64_t count = 0;
  for (const char c : stream.substr(0, stream.size() - 1)) count += counter.Feed({&c, 1});
  EXPECT_EQ(count, kReplyCount - 1);
  EXPECT_EQ(counter.Feed("\n"), 1U);
}

TEST(ReplyCounterTest, SaysWhenTheStreamIsNoProtocol) {
  for (const char* stream : {"HTTP/1.1 400 Bad Request\r\n", "\r\n", "$abc\r\n", "*x\r\n"}) {
    ReplyCounter counter;
    EXPECT_EQ(counter.Feed(stream), 0U);
    EXPECT_TRUE(counter.is_broken()) << stream;
  }
}

}  // namespace
}  // namespace kvick::benchmark

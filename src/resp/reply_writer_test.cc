#include "resp/reply_writer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>

namespace kvick {
namespace {

std::string Written(int protocol, const std::function<void(ReplyWriter&)>& write) {
  OutputBuffer out;
  ReplyWriter reply(out, protocol);
  write(reply);
  return out.ToString();
}

void ExpectWritten(const std::function<void(ReplyWriter&)>& write, const std::string& resp2, const std::string& resp3) {
  EXPECT_EQ(Written(2, write), resp2);
  EXPECT_EQ(Written(3, write), resp3);
}

TEST(ReplyWriterTest, PlainRepliesAreTheSameInBothProtocols) {
  const auto write = [](ReplyWriter& reply) {
    reply.Ok();
    reply.Simple("QUEUED");
    reply.Error("ERR no");
    reply.Integer(0);
    reply.Integer(-7);
    reply.Integer(std::numeric_limits<int64_t>::min());
    reply.Bulk("");
    reply.Bulk("a\r\nb");
    reply.BulkInteger(12);
    reply.Array(0);
    reply.Array(12);
  };
  const std::string expected =
      "+OK\r\n+QUEUED\r\n-ERR no\r\n:0\r\n:-7\r\n:-9223372036854775808\r\n$0\r\n\r\n$4\r\na\r\nb\r\n$2\r\n12\r\n"
      "*0\r\n*12\r\n";
  ExpectWritten(write, expected, expected);
}

TEST(ReplyWriterTest, Resp2GetsWhatItKnowsInPlaceOfTheNewTypes) {
  ExpectWritten([](ReplyWriter& r) { r.Null(); }, "$-1\r\n", "_\r\n");
  ExpectWritten([](ReplyWriter& r) { r.NullArray(); }, "*-1\r\n", "_\r\n");
  ExpectWritten([](ReplyWriter& r) { r.BulkOrNull(std::nullopt); }, "$-1\r\n", "_\r\n");
  ExpectWritten([](ReplyWriter& r) { r.BulkOrNull("x"); }, "$1\r\nx\r\n", "$1\r\nx\r\n");
  ExpectWritten([](ReplyWriter& r) { r.Boolean(true); }, ":1\r\n", "#t\r\n");
  ExpectWritten([](ReplyWriter& r) { r.Boolean(false); }, ":0\r\n", "#f\r\n");
  ExpectWritten([](ReplyWriter& r) { r.Map(2); }, "*4\r\n", "%2\r\n");
  ExpectWritten([](ReplyWriter& r) { r.Set(2); }, "*2\r\n", "~2\r\n");
  ExpectWritten([](ReplyWriter& r) { r.Push(2); }, "*2\r\n", ">2\r\n");
  ExpectWritten([](ReplyWriter& r) { r.BigNumber("123"); }, "$3\r\n123\r\n", "(123\r\n");
  ExpectWritten([](ReplyWriter& r) { r.Verbatim("a b"); }, "$3\r\na b\r\n", "=7\r\ntxt:a b\r\n");
}

TEST(ReplyWriterTest, DoublesWithoutAFractionHaveNoPoint) {
  ExpectWritten([](ReplyWriter& r) { r.Double(1); }, "$1\r\n1\r\n", ",1\r\n");
  ExpectWritten([](ReplyWriter& r) { r.Double(2.5); }, "$3\r\n2.5\r\n", ",2.5\r\n");
  ExpectWritten([](ReplyWriter& r) { r.Double(-INFINITY); }, "$4\r\n-inf\r\n", ",-inf\r\n");
}

TEST(ReplyWriterTest, AnErrorIsOneLine) {
  EXPECT_EQ(Written(2, [](ReplyWriter& r) { r.Error("ERR a\r\nb"); }), "-ERR a  b\r\n");
}

TEST(ReplyWriterTest, LengthsOfAllSizesAreRight) {
  for (const size_t size : {size_t{1}, size_t{9}, size_t{10}, size_t{223}, size_t{224}, size_t{225}, size_t{16'383},
                            size_t{16'384}, size_t{100'000}}) {
    const std::string value(size, 'v');
    EXPECT_EQ(Written(2, [&](ReplyWriter& r) { r.Bulk(value); }), "$" + std::to_string(size) + "\r\n" + value + "\r\n");
  }
}

TEST(ReplyWriterTest, OnlyLargeValuesAreLent) {
  for (const size_t size : {size_t{100}, size_t{100'000}}) {
    SharedBytes* value = SharedBytes::Make(std::string(size, 'v'));
    {
      OutputBuffer out;
      ReplyWriter reply(out, 2);
      reply.Bulk(value);
      EXPECT_EQ(value->IsShared(), size == 100'000);
      EXPECT_EQ(out.ToString(), "$" + std::to_string(size) + "\r\n" + std::string(size, 'v') + "\r\n");
    }
    EXPECT_FALSE(value->IsShared());
    value->Drop();
  }
}

TEST(ReplyWriterTest, AnAggregateMayBeCountedAfterwards) {
  const auto write = [](ReplyWriter& reply) {
    const OutputBuffer::Hole map = reply.Begin();
    reply.Bulk("k");
    const OutputBuffer::Hole list = reply.Begin();
    reply.Integer(1);
    reply.Integer(2);
    reply.End(list, ReplyWriter::Aggregate::kArray, 2);
    reply.End(map, ReplyWriter::Aggregate::kMap, 1);
  };
  ExpectWritten(write, "*2\r\n$1\r\nk\r\n*2\r\n:1\r\n:2\r\n", "%1\r\n$1\r\nk\r\n*2\r\n:1\r\n:2\r\n");
}

TEST(ReplyWriterTest, TheProtocolAndTheBufferMayChangeInBetween) {
  OutputBuffer first;
  OutputBuffer second;
  ReplyWriter reply(first, 2);
  reply.Null();
  reply.set_protocol(3);
  reply.Null();
  reply.set_out(second);
  reply.Ok();
  EXPECT_EQ(first.ToString(), "$-1\r\n_\r\n");
  EXPECT_EQ(second.ToString(), "+OK\r\n");
}

}  // namespace
}  // namespace kvick

#include "resp/reply_decoder.h"

#include <gtest/gtest.h>

#include <cmath>

namespace kvick {
namespace {

using Type = Value::Type;

// Decodes one reply that must be whole and alone in `bytes`.
Value DecodeOne(std::string_view bytes) {
  ReplyDecoder decoder;
  decoder.Feed(bytes);
  Result<std::optional<Value>> reply = decoder.Next();
  EXPECT_TRUE(reply.ok()) << reply.status().text();
  if (!reply.ok() || !reply->has_value()) {
    ADD_FAILURE() << "no reply in " << bytes;
    return Value();
  }
  EXPECT_TRUE(decoder.idle());
  return **reply;
}

std::string ErrorOf(std::string_view bytes, ReplyDecoder::Limits limits = ReplyDecoder::Limits()) {
  ReplyDecoder decoder(limits);
  decoder.Feed(bytes);
  Result<std::optional<Value>> reply = decoder.Next();
  return reply.ok() ? "no error" : std::string(reply.status().text());
}

TEST(ReplyDecoderTest, ReadsEveryScalarType) {
  EXPECT_EQ(DecodeOne("+OK\r\n"), Value::Simple("OK"));
  EXPECT_EQ(DecodeOne("-ERR no\r\n"), Value::Error("ERR no"));
  EXPECT_EQ(DecodeOne("!6\r\nERR\r\nx\r\n"), Value::WithText(Type::kBlobError, "ERR\r\nx"));
  EXPECT_EQ(DecodeOne(":-9223372036854775808\r\n"), Value::Integer(INT64_MIN));
  EXPECT_EQ(DecodeOne(":+7\r\n"), Value::Integer(7));
  EXPECT_EQ(DecodeOne("$4\r\na\r\nb\r\n"), Value::Bulk("a\r\nb"));
  EXPECT_EQ(DecodeOne("$0\r\n\r\n"), Value::Bulk(""));
  EXPECT_EQ(DecodeOne("$-1\r\n"), Value::Null());
  EXPECT_EQ(DecodeOne("_\r\n"), Value::Null());
  EXPECT_EQ(DecodeOne("*-1\r\n").type, Type::kNullArray);
  EXPECT_TRUE(DecodeOne("#t\r\n").boolean);
  EXPECT_FALSE(DecodeOne("#f\r\n").boolean);
  EXPECT_EQ(DecodeOne("(-123456789012345678901234567890\r\n"),
            Value::WithText(Type::kBigNumber, "-123456789012345678901234567890"));
  const Value verbatim = DecodeOne("=8\r\nmkd:a\r\nb\r\n");
  EXPECT_EQ(verbatim.type, Type::kVerbatim);
  EXPECT_EQ(verbatim.format, "mkd");
  EXPECT_EQ(verbatim.text, "a\r\nb");
}

TEST(ReplyDecoderTest, KeepsTheTextOfADoubleBesideItsNumber) {
  const Value value = DecodeOne(",3.10\r\n");
  EXPECT_EQ(value.type, Type::kDouble);
  EXPECT_EQ(value.number, 3.1);
  EXPECT_EQ(value.text, "3.10");
  EXPECT_EQ(DecodeOne(",-inf\r\n").number, -HUGE_VAL);
  EXPECT_TRUE(std::isnan(DecodeOne(",nan\r\n").number));
}

TEST(ReplyDecoderTest, ReadsNestedAggregates) {
  const Value expected = Value::Array({
      Value::Map({{Value::Simple("a"), Value::Set({Value::Integer(1)})}, {Value::Bulk("b"), Value::Array({})}}),
      Value::Push({Value::Null()}),
  });
  EXPECT_EQ(DecodeOne("*2\r\n%2\r\n+a\r\n~1\r\n:1\r\n$1\r\nb\r\n*0\r\n>1\r\n_\r\n"), expected);
}

TEST(ReplyDecoderTest, GivesAnAttributeToTheValueBehindIt) {
  const Value value = DecodeOne("*2\r\n|1\r\n+ttl\r\n:5\r\n*1\r\n:7\r\n:8\r\n");
  ASSERT_EQ(value.elements.size(), 2u);
  EXPECT_EQ(value.elements[0].attributes, (std::vector<Value>{Value::Simple("ttl"), Value::Integer(5)}));
  EXPECT_EQ(value.elements[0].elements, std::vector<Value>{Value::Integer(7)});
  EXPECT_TRUE(value.elements[1].attributes.empty());
  EXPECT_EQ(DecodeOne("|0\r\n+x\r\n"), Value::Simple("x"));
}

TEST(ReplyDecoderTest, ReadsTheSameFromEveryCutOfTheBytes) {
  const std::string bytes =
      "%1\r\n$3\r\nkey\r\n*3\r\n:1\r\n=7\r\ntxt:a\r\n\r\n|1\r\n+a\r\n_\r\n#t\r\n-ERR x\r\n$2\r\n\r\n\r\n";
  ReplyDecoder whole;
  whole.Feed(bytes);
  std::vector<Value> expected;
  for (int i = 0; i < 3; ++i) expected.push_back(**whole.Next());
  for (size_t cut = 1; cut <= bytes.size(); ++cut) {
    ReplyDecoder decoder;
    std::vector<Value> values;
    for (size_t at = 0; at < bytes.size(); at += cut) {
      decoder.Feed(std::string_view(bytes).substr(at, cut));
      while (true) {
        Result<std::optional<Value>> value = decoder.Next();
        ASSERT_TRUE(value.ok()) << cut;
        if (!value->has_value()) break;
        values.push_back(**value);
      }
    }
    EXPECT_EQ(values, expected) << "pieces of " << cut;
    EXPECT_TRUE(decoder.idle());
  }
}

TEST(ReplyDecoderTest, NamesWhatIsWrong) {
  EXPECT_EQ(ErrorOf("?x\r\n"), "Protocol error, got \"?\" as reply type byte");
  EXPECT_EQ(ErrorOf(":12a\r\n"), "Bad integer value");
  EXPECT_EQ(ErrorOf(":\r\n"), "Bad integer value");
  EXPECT_EQ(ErrorOf(",1.x\r\n"), "Bad double value");
  EXPECT_EQ(ErrorOf("#x\r\n"), "Bad bool value");
  EXPECT_EQ(ErrorOf("_x\r\n"), "Bad nil value");
  EXPECT_EQ(ErrorOf("(12x\r\n"), "Bad bignum value");
  EXPECT_EQ(ErrorOf("$x\r\n"), "Bad bulk string length");
  EXPECT_EQ(ErrorOf("$-2\r\n"), "Bulk string length out of range");
  EXPECT_EQ(ErrorOf("!-1\r\n"), "Bulk string length out of range");
  EXPECT_EQ(ErrorOf("$1\r\nabc"), "Protocol error, bulk string without its line end");
  EXPECT_EQ(ErrorOf("*x\r\n"), "Bad multi-bulk length");
  EXPECT_EQ(ErrorOf("%-1\r\n"), "Multi-bulk length out of range");
  EXPECT_EQ(ErrorOf("+a\rb\r\n"), "Protocol error, carriage return without line feed in a reply");
  EXPECT_EQ(ErrorOf("=2\r\ntx\r\n"), "Verbatim string 4 bytes of content type are missing or incorrectly encoded.");
}

TEST(ReplyDecoderTest, StaysFailedAfterAnError) {
  ReplyDecoder decoder;
  decoder.Feed(":x\r\n");
  EXPECT_FALSE(decoder.Next().ok());
  decoder.Feed("+OK\r\n");
  EXPECT_EQ(decoder.Next().status().text(), "Bad integer value");
}

TEST(ReplyDecoderTest, HoldsItsLimits) {
  ReplyDecoder::Limits limits;
  limits.bulk_size_bytes_max = 4;
  limits.line_size_bytes_max = 8;
  limits.element_count_max = 3;
  limits.nesting_max = 2;
  EXPECT_EQ(ErrorOf("$4\r\nabcd\r\n", limits), "no error");
  EXPECT_EQ(ErrorOf("$5\r\n", limits), "Bulk string length out of range");
  EXPECT_EQ(ErrorOf("+12345678\r\n", limits), "no error");
  EXPECT_EQ(ErrorOf("+123456789", limits), "Protocol error, too long line in a reply");
  EXPECT_EQ(ErrorOf("*3\r\n", limits), "no error");
  EXPECT_EQ(ErrorOf("*4\r\n", limits), "Multi-bulk length out of range");
  EXPECT_EQ(ErrorOf("*1\r\n*1\r\n:1\r\n", limits), "no error");
  EXPECT_EQ(ErrorOf("*1\r\n*1\r\n*1\r\n", limits), "Protocol error, reply is nested too deeply");
}

TEST(ReplyDecoderTest, TakesNoMemoryForElementsThatHaveNotCome) {
  // Were room made for what the headers announce, this would take terabytes.
  ReplyDecoder decoder;
  decoder.Feed("*4294967296\r\n%2147483648\r\n+a\r\n*1000000000\r\n:1\r\n$536870912\r\nabc");
  Result<std::optional<Value>> value = decoder.Next();
  ASSERT_TRUE(value.ok()) << value.status().text();
  EXPECT_FALSE(value->has_value());
  EXPECT_FALSE(decoder.idle());
}

}  // namespace
}  // namespace kvick

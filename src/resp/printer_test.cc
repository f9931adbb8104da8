// The expected texts were read off redis-cli 7.0.15, fed with the same bytes.
#include "resp/printer.h"

#include <gtest/gtest.h>

#include "resp/reply_decoder.h"

namespace kvick {
namespace {

Value Decode(std::string_view bytes) {
  ReplyDecoder decoder;
  decoder.Feed(bytes);
  Result<std::optional<Value>> reply = decoder.Next();
  if (!reply.ok() || !reply->has_value()) {
    ADD_FAILURE() << "no reply in " << bytes;
    return Value();
  }
  return **reply;
}

struct Sample {
  std::string bytes;
  std::string formatted;
  std::string raw;
  std::string csv;
  std::string json;
  std::string quoted_json;
};

TEST(PrinterTest, PrintsEveryTypeInEveryMode) {
  const Sample samples[] = {
      {"+a\"b\\c\r\n", "a\"b\\c\n", "a\"b\\c", R"("a\"b\\c")", R"("a\"b\\c")", R"("a\\"b\\\\c")"},
      {"-ERR \"x\"\r\n", "(error) ERR \"x\"\n", "ERR \"x\"\n", R"(ERROR,"ERR \"x\"")", R"(error:"ERR \"x\"")",
       R"(error:"ERR \\"x\\"")"},
      {":-12\r\n", "(integer) -12\n", "-12", "-12", "-12", "-12"},
      {"$8\r\na\"\n\a\x01\xc3\xa9\x7f\r\n", "\"a\\\"\\n\\a\\x01\\xc3\\xa9\\x7f\"\n", "a\"\n\a\x01\xc3\xa9\x7f",
       R"("a\"\n\a\x01\xc3\xa9\x7f")", "\"a\\\"\\n\\u0007\\u0001\xc3\xa9\x7f\"", R"("a\\"\\n\\a\\x01\\xc3\\xa9\\x7f")"},
      {"$5\r\n\f\v\b\t\r\r\n", "\"\\x0c\\x0b\\b\\t\\r\"\n", "\f\v\b\t\r", R"("\x0c\x0b\b\t\r")", R"("\f\u000b\b\t\r")",
       R"("\\x0c\\x0b\\b\\t\\r")"},
      {"$-1\r\n", "(nil)\n", "", "NULL", "null", "null"},
      {"*-1\r\n", "(nil)\n", "", "NULL", "null", "null"},
      {"_\r\n", "(nil)\n", "", "NULL", "null", "null"},
      {",3.1400\r\n", "(double) 3.1400\n", "3.1400", "3.1400", "3.1400", "3.1400"},
      {"#t\r\n", "(true)\n", "(true)", "true", "true", "true"},
      {"#f\r\n", "(false)\n", "(false)", "false", "false", "false"},
      {"=7\r\ntxt:a\nb\r\n", "a\nb\n", "a\nb", R"("a\nb")", R"("a\nb")", R"("a\\nb")"},
      {"*0\r\n", "(empty array)\n", "", "", "[]", "[]"},
      {"%0\r\n", "(empty hash)\n", "", "", "{}", "{}"},
      {"~0\r\n", "(empty set)\n", "", "", "[]", "[]"},
      {"*1\r\n>0\r\n", "1) (empty push)\n", "", "", "[[]]", "[[]]"},
      {"*3\r\n:1\r\n$1\r\na\r\n_\r\n", "1) (integer) 1\n2) \"a\"\n3) (nil)\n", "1\na\n", "1,\"a\",NULL",
       "[1,\"a\",null]", "[1,\"a\",null]"},
      {"~2\r\n:1\r\n*2\r\n:1\r\n:2\r\n", "1~ (integer) 1\n2~ 1) (integer) 1\n   2) (integer) 2\n", "1\n1\n2", "1,1,2",
       "[1,[1,2]]", "[1,[1,2]]"},
      {"*2\r\n-ERR x\r\n+OK\r\n", "1) (error) ERR x\n2) OK\n", "ERR x\n\nOK", "ERROR,\"ERR x\",\"OK\"",
       "[error:\"ERR x\",\"OK\"]", "[error:\"ERR x\",\"OK\"]"},
      {"%2\r\n+a\r\n:1\r\n$1\r\nb\r\n*2\r\n:1\r\n:2\r\n",
       "1# a => (integer) 1\n2# \"b\" => \n   1) (integer) 1\n   2) (integer) 2\n", "a 1\nb 1\n2", "\"a\",1,\"b\",1,2",
       "{\"a\":1,\"b\":[1,2]}", "{\"a\":1,\"b\":[1,2]}"},
      {"%2\r\n:1\r\n,1.5\r\n*1\r\n+k\r\n_\r\n", "1# (integer) 1 => (double) 1.5\n2# 1) k => (nil)\n", "1 1.5\nk ",
       "1,1.5,\"k\",NULL", "{\"1\":1.5,\"[\"k\"]\":null}", "{\"1\":1.5,\"[\"k\"]\":null}"},
  };
  for (const Sample& sample : samples) {
    SCOPED_TRACE(sample.bytes);
    const Value value = Decode(sample.bytes);
    EXPECT_EQ(Print(value, PrintMode::kFormatted), sample.formatted);
    EXPECT_EQ(Print(value, PrintMode::kRaw), sample.raw);
    EXPECT_EQ(Print(value, PrintMode::kCsv), sample.csv);
    EXPECT_EQ(Print(value, PrintMode::kJson), sample.json);
    EXPECT_EQ(Print(value, PrintMode::kQuotedJson), sample.quoted_json);
  }
}

TEST(PrinterTest, AlignsIndexesAndIndentsWhatIsNested) {
  std::string bytes = "*2\r\n*2\r\n:1\r\n*0\r\n*11\r\n";
  for (int i = 0; i < 10; ++i) bytes += ":1\r\n";
  bytes += "*2\r\n+a\r\n+b\r\n";
  EXPECT_EQ(PrintFormatted(Decode(bytes)),
            "1) 1) (integer) 1\n"
            "   2) (empty array)\n"
            "2)  1) (integer) 1\n"
            "    2) (integer) 1\n"
            "    3) (integer) 1\n"
            "    4) (integer) 1\n"
            "    5) (integer) 1\n"
            "    6) (integer) 1\n"
            "    7) (integer) 1\n"
            "    8) (integer) 1\n"
            "    9) (integer) 1\n"
            "   10) (integer) 1\n"
            "   11) 1) a\n"
            "       2) b\n");
}

TEST(PrinterTest, StartsAMapValueOfSeveralElementsOnItsOwnLine) {
  EXPECT_EQ(
      PrintFormatted(Decode("%2\r\n+a\r\n%1\r\n+x\r\n+y\r\n+b\r\n%2\r\n+p\r\n~2\r\n:1\r\n:2\r\n*1\r\n:1\r\n+z\r\n")),
      "1# a => 1# x => y\n"
      "2# b => \n"
      "   1# p => \n"
      "      1~ (integer) 1\n"
      "      2~ (integer) 2\n"
      "   2# 1) (integer) 1 => z\n");
  EXPECT_EQ(PrintFormatted(Decode("%1\r\n*2\r\n:1\r\n:2\r\n+v\r\n")), "1# 1) (integer) 1\n   2) (integer) 2 => v\n");
}

// redis-cli 7.0 refuses these three types; the texts are ours.
TEST(PrinterTest, PrintsBigNumbersBlobErrorsAndAttributes) {
  EXPECT_EQ(PrintFormatted(Decode("(12345678901234567890\r\n")), "(bignum) 12345678901234567890\n");
  EXPECT_EQ(PrintJson(Decode("(12345678901234567890\r\n")), "12345678901234567890");
  EXPECT_EQ(PrintFormatted(Decode("!5\r\nERR x\r\n")), "(error) ERR x\n");
  EXPECT_EQ(PrintFormatted(Decode("*1\r\n|2\r\n+ttl\r\n:5\r\n+n\r\n_\r\n+v\r\n")),
            "1) 1| ttl => (integer) 5\n   2| n => (nil)\n   v\n");
  EXPECT_EQ(PrintRaw(Decode("|1\r\n+ttl\r\n:5\r\n+v\r\n")), "v");
}

TEST(PrinterTest, JoinsRawElementsWithTheGivenDelimiter) {
  EXPECT_EQ(PrintRaw(Decode("*2\r\n+a\r\n*2\r\n+b\r\n+c\r\n"), ", "), "a, b, c");
}

}  // namespace
}  // namespace kvick

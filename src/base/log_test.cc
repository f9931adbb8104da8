#include "base/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <nlohmann/json.hpp>
#include <string>

namespace kvick {
namespace {

using Timestamp = LogTimestampFormat;

class LogTest : public ::testing::Test {
 protected:
  LogTest() { UseZone("UTC"); }
  ~LogTest() override { UseZone("UTC"); }

  static void UseZone(const char* zone) {
    setenv("TZ", zone, 1);
    tzset();
  }
  static LogLine Line(std::string_view text) {
    // 2023-11-14 22:13:20.123 UTC
    return {.level = LogLevel::kWarning, .role = 'M', .pid = 42, .now_us = 1'700'000'000'123'456, .text = text};
  }
};

TEST_F(LogTest, TextIsAsUsersKnowIt) {
  EXPECT_EQ(FormatLogLine(Line("a \"b\""), LogFormat::kText, Timestamp::kLegacy),
            "42:M 14 Nov 2023 22:13:20.123 # a \"b\"\n");
  LogLine line = Line("x");
  line.level = LogLevel::kNotice;
  line.role = 'S';
  EXPECT_EQ(FormatLogLine(line, LogFormat::kText, Timestamp::kMilliseconds), "42:S 1700000000123 * x\n");
}

TEST_F(LogTest, TimestampsNameTheZone) {
  EXPECT_EQ(FormatLogLine(Line("x"), LogFormat::kText, Timestamp::kIso8601),
            "42:M 2023-11-14T22:13:20.123+00:00 # x\n");
  UseZone("WST+3:30");  // west of Greenwich
  EXPECT_EQ(FormatLogLine(Line("x"), LogFormat::kText, Timestamp::kIso8601),
            "42:M 2023-11-14T18:43:20.123-03:30 # x\n");
}

TEST_F(LogTest, LogfmtQuotesTheMessage) {
  EXPECT_EQ(FormatLogLine(Line("a \"b\" \\ c\nd\te\x01\x7f \xc3\xa4"), LogFormat::kLogfmt, Timestamp::kIso8601),
            "pid=42 role=master timestamp=\"2023-11-14T22:13:20.123+00:00\" level=warning "
            "message=\"a \\\"b\\\" \\\\ c\\nd\\te\\x01\\x7f \xc3\xa4\"\n");
}

TEST_F(LogTest, JsonIsOneObjectALine) {
  const std::string text = "a \"b\" \\ c\nd\te\x01 \xc3\xa4 \xf0\x9f\x98\x80";
  const std::string line = FormatLogLine(Line(text), LogFormat::kJson, Timestamp::kLegacy);
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  const nlohmann::json object = nlohmann::json::parse(line);
  EXPECT_EQ(object.at("message"), text);
  EXPECT_EQ(object.at("pid"), 42);
  EXPECT_EQ(object.at("role"), "master");
  EXPECT_EQ(object.at("level"), "warning");
  EXPECT_EQ(object.at("timestamp"), "14 Nov 2023 22:13:20.123");
  EXPECT_EQ(nlohmann::json::parse(FormatLogLine(Line(""), LogFormat::kJson, Timestamp::kMilliseconds)).at("timestamp"),
            1'700'000'000'123);
}

TEST_F(LogTest, JsonIsValidWhateverTheBytesAre) {
  // A lone continuation, a cut sequence, an overlong one, a surrogate, beyond the last code point.
  for (const std::string text :
       {"\x80", "a\xc3", "\xc0\xaf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xff"}) {
    const std::string line = FormatLogLine(Line(text), LogFormat::kJson, Timestamp::kLegacy);
    const std::string message = nlohmann::json::parse(line).at("message");
    EXPECT_NE(message.find("\xef\xbf\xbd"), std::string::npos) << line;
  }
}

}  // namespace
}  // namespace kvick

#include "observability/call_logs.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string_view>

#include "base/clock.h"
#include "engine/session.h"

namespace kvick {
namespace {

constexpr CommandSpec kRows[] = {
    {.name = "PLAIN", .syntax = "value [value ...]"},
    {.name = "SECRET", .syntax = "value [value ...]", .flags = kSensitive},
    {.name = "HIDDEN", .syntax = "value", .flags = kSkipSlowlog},
    {.name = "BOX", .arity = -2},
    {.name = "BOX SECRET", .syntax = "value [value ...]", .flags = kSensitive},
    {.name = "MIXED",
     .syntax = "value [value ...]",
     .flags = kSensitive,
     .is_secret = [](const Engine&, std::span<const std::string_view>, size_t index) { return index == 2; }},
};

class CallLogsTest : public ::testing::Test {
 protected:
  CallLogsTest() { engine_.commands().Add(kRows); }

  void Call(std::initializer_list<std::string_view> arguments) {
    const std::vector<std::string_view> words(arguments);
    const Command* container = nullptr;
    CallRecord record{&session_, engine_.commands().Resolve(words, &container), words};
    record.duration_us = 20'000;
    record.finished_us = 5'000'000;
    record.request_bytes = request_bytes_;
    record.reply_bytes = reply_bytes_;
    log_.OnNotableCall(record);
  }
  std::vector<std::string> LatestArguments() { return log_.Latest(CallLogKind::kSlow, 1)[0].arguments; }

  using Words = std::vector<std::string>;
  Settings settings_;
  ManualClock clock_;
  Engine engine_{&settings_, clock_};
  Session session_;
  uint64_t request_bytes_ = 0;
  uint64_t reply_bytes_ = 0;
  CallLogs log_{engine_};
};

TEST_F(CallLogsTest, KeepsTheLatestFirst) {
  settings_.slowlog_entries_max = 2;
  Call({"plain", "1"});
  Call({"plain", "2"});
  Call({"plain", "3"});
  ASSERT_EQ(log_.size(CallLogKind::kSlow), 2u);
  EXPECT_EQ(log_.Latest(CallLogKind::kSlow, -1)[0].arguments, (Words{"plain", "3"}));
  EXPECT_EQ(log_.Latest(CallLogKind::kSlow, -1)[0].id, 2);
  EXPECT_EQ(log_.Latest(CallLogKind::kSlow, -1)[1].id, 1);
  EXPECT_EQ(log_.Latest(CallLogKind::kSlow, 0).size(), 0u);
  settings_.slowlog_entries_max = 1;
  log_.Trim();
  EXPECT_EQ(log_.size(CallLogKind::kSlow), 1u);
  log_.Clear(CallLogKind::kSlow);
  EXPECT_EQ(log_.size(CallLogKind::kSlow), 0u);
  Call({"plain", "4"});
  EXPECT_EQ(log_.Latest(CallLogKind::kSlow, 1)[0].id, 3);  // ids go on
}

TEST_F(CallLogsTest, ShortensWhatIsLong) {
  settings_.slowlog_entry_arguments_max = 3;
  settings_.slowlog_entry_string_max_bytes = 5;
  Call({"plain", "12345", "123456"});
  EXPECT_EQ(LatestArguments(), (Words{"plain", "12345", "12345... (1 more bytes)"}));
  Call({"plain", "1", "2", "3"});
  EXPECT_EQ(LatestArguments(), (Words{"plain", "1", "... (2 more arguments)"}));
  EXPECT_EQ(log_.Latest(CallLogKind::kSlow, 1)[0].argument_count, 4u);
}

TEST_F(CallLogsTest, HidesSecrets) {
  Call({"secret", "a", "b"});
  EXPECT_EQ(LatestArguments(), (Words{"secret", "(redacted)", "(redacted)"}));
  Call({"box", "secret", "a"});
  EXPECT_EQ(LatestArguments(), (Words{"box", "secret", "(redacted)"}));
  Call({"mixed", "a", "b", "c"});
  EXPECT_EQ(LatestArguments(), (Words{"mixed", "a", "(redacted)", "c"}));
}

TEST_F(CallLogsTest, EachLogHasItsThreshold) {
  settings_.slowlog_log_slower_than_us = 20'001;
  settings_.large_request_bytes_min = 100;
  settings_.large_reply_bytes_min = 200;
  request_bytes_ = 100;
  reply_bytes_ = 199;
  Call({"plain", "1"});
  EXPECT_EQ(log_.size(CallLogKind::kSlow), 0u);
  ASSERT_EQ(log_.size(CallLogKind::kLargeRequest), 1u);
  EXPECT_EQ(log_.Latest(CallLogKind::kLargeRequest, 1)[0].amount, 100);
  EXPECT_EQ(log_.size(CallLogKind::kLargeReply), 0u);
  EXPECT_EQ(log_.last_id(CallLogKind::kLargeReply), -1);
  request_bytes_ = 0;
  reply_bytes_ = 200;
  Call({"plain", "2"});
  EXPECT_EQ(log_.size(CallLogKind::kLargeRequest), 1u);
  ASSERT_EQ(log_.size(CallLogKind::kLargeReply), 1u);
  EXPECT_EQ(log_.Latest(CallLogKind::kLargeReply, 1)[0].amount, 200);
  EXPECT_EQ(log_.Latest(CallLogKind::kLargeReply, 1)[0].id, 0);  // each log counts for itself
  Call({"hidden", "3"});
  EXPECT_EQ(log_.size(CallLogKind::kLargeReply), 1u);
  settings_.large_reply_bytes_min = -1;
  Call({"plain", "4"});
  EXPECT_EQ(log_.size(CallLogKind::kLargeReply), 1u);
}

}  // namespace
}  // namespace kvick

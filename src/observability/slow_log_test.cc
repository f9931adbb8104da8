#include "observability/slow_log.h"

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
    {.name = "BOX", .arity = -2},
    {.name = "BOX SECRET", .syntax = "value [value ...]", .flags = kSensitive},
    {.name = "MIXED",
     .syntax = "value [value ...]",
     .flags = kSensitive,
     .is_secret = [](const Engine&, std::span<const std::string_view>, size_t index) { return index == 2; }},
};

class SlowLogTest : public ::testing::Test {
 protected:
  SlowLogTest() { engine_.commands().Add(kRows); }

  void Call(std::initializer_list<std::string_view> arguments) {
    const std::vector<std::string_view> words(arguments);
    const Command* container = nullptr;
    log_.OnSlowCall({&session_, engine_.commands().Resolve(words, &container), words, 20'000, 5'000'000});
  }
  std::vector<std::string> LatestArguments() { return log_.Latest(1)[0].arguments; }

  using Words = std::vector<std::string>;
  Settings settings_;
  ManualClock clock_;
  Engine engine_{&settings_, clock_};
  Session session_;
  SlowLog log_{engine_};
};

TEST_F(SlowLogTest, KeepsTheLatestFirst) {
  settings_.slowlog_entries_max = 2;
  Call({"plain", "1"});
  Call({"plain", "2"});
  Call({"plain", "3"});
  ASSERT_EQ(log_.size(), 2u);
  EXPECT_EQ(log_.Latest(-1)[0].arguments, (Words{"plain", "3"}));
  EXPECT_EQ(log_.Latest(-1)[0].id, 2);
  EXPECT_EQ(log_.Latest(-1)[1].id, 1);
  EXPECT_EQ(log_.Latest(0).size(), 0u);
  settings_.slowlog_entries_max = 1;
  log_.Trim();
  EXPECT_EQ(log_.size(), 1u);
  log_.Clear();
  EXPECT_EQ(log_.size(), 0u);
  Call({"plain", "4"});
  EXPECT_EQ(log_.Latest(1)[0].id, 3);  // ids go on
}

TEST_F(SlowLogTest, ShortensWhatIsLong) {
  settings_.slowlog_entry_arguments_max = 3;
  settings_.slowlog_entry_string_max_bytes = 5;
  Call({"plain", "12345", "123456"});
  EXPECT_EQ(LatestArguments(), (Words{"plain", "12345", "12345... (1 more bytes)"}));
  Call({"plain", "1", "2", "3"});
  EXPECT_EQ(LatestArguments(), (Words{"plain", "1", "... (2 more arguments)"}));
  EXPECT_EQ(log_.Latest(1)[0].argument_count, 4u);
}

TEST_F(SlowLogTest, HidesSecrets) {
  Call({"secret", "a", "b"});
  EXPECT_EQ(LatestArguments(), (Words{"secret", "(redacted)", "(redacted)"}));
  Call({"box", "secret", "a"});
  EXPECT_EQ(LatestArguments(), (Words{"box", "secret", "(redacted)"}));
  Call({"mixed", "a", "b", "c"});
  EXPECT_EQ(LatestArguments(), (Words{"mixed", "a", "(redacted)", "c"}));
}

}  // namespace
}  // namespace kvick

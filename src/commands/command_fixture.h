// For the unit tests of commands: an engine in this process, with the clock in the test's hand, that tells what was
// logged and announced.
//
//   class ExpireTest : public CommandFixture { protected: ExpireTest() : CommandFixture({ExpireCommands()}) {} };
//   TEST_F(ExpireTest, ...) { Execute("SET a 1"); EXPECT_EQ(Logged(), "SET a 1"); EXPECT_EQ(Events(), "new:a set:a"); }
//
// Requests are words between single blanks; '' is the empty word.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "engine/engine.h"
#include "engine/local_client.h"

namespace kvick {

class CommandFixture : public ::testing::Test {
 protected:
  static constexpr int64_t kStartMs = 1'700'000'000'000;

  explicit CommandFixture(std::initializer_list<std::span<const CommandSpec>> families, int64_t start_ms = kStartMs)
      : clock_(start_ms), engine_(&settings_, clock_) {
    for (const auto& family : families) engine_.commands().Add(family);
    engine_.hooks.change_sink = &sink_;
    log_reader_ = engine_.log().Attach();
    client_ = std::make_unique<LocalClient>(engine_);
  }

  static std::vector<std::string_view> Words(std::string_view request) {
    std::vector<std::string_view> words;
    while (!request.empty()) {
      const size_t blank = std::min(request.find(' '), request.size());
      const std::string_view word = request.substr(0, blank);
      words.push_back(word == "''" ? std::string_view("") : word);
      request.remove_prefix(std::min(blank + 1, request.size()));
    }
    return words;
  }

  // The reply without the line end of its last line.
  std::string Execute(std::string_view request) { return Execute(std::span<const std::string_view>(Words(request))); }
  std::string Execute(std::span<const std::string_view> arguments) {
    std::string reply = client_->Execute(arguments);
    if (reply.ends_with("\r\n")) reply.resize(reply.size() - 2);
    return reply;
  }

  // What was logged since the last call, one command a line. The first SELECT 0 is left out.
  std::string Logged() {
    std::string bytes;
    log_reader_->Read(&bytes);
    std::string lines;
    size_t at = 0;
    const auto number = [&] {
      const size_t end = bytes.find("\r\n", at);
      const size_t value = std::stoul(bytes.substr(at + 1, end - at - 1));
      at = end + 2;
      return value;
    };
    while (at < bytes.size()) {
      std::string line;
      for (size_t left = number(); left > 0; --left) {
        const size_t size = number();
        line += (line.empty() ? "" : " ") + bytes.substr(at, size);
        at += size + 2;
      }
      if (line == "SELECT 0" && !was_selected_) {
        was_selected_ = true;
        continue;
      }
      lines += (lines.empty() ? "" : "\n") + line;
    }
    return lines;
  }

  // The events since the last call, as "new:key set:key"; "set:key@1" where the database is not 0.
  std::string Events() { return std::exchange(sink_.events, std::string()); }

  // Forgets what was logged and announced so far.
  void Forget() {
    Logged();
    Events();
  }

  std::string AtMs(int64_t offset_ms) { return std::to_string(kStartMs + offset_ms); }

  struct Sink final : ChangeSink {
    void OnKeyEvent(int database_index, KeyEventClass /*event_class*/, std::string_view event,
                    std::string_view key) override {
      if (!events.empty()) events += ' ';
      events += std::string(event) + ':' + std::string(key);
      if (database_index != 0) events += '@' + std::to_string(database_index);
    }
    std::string events;
  };

  Settings settings_;
  ManualClock clock_;
  Sink sink_;
  Engine engine_;
  std::unique_ptr<CommandLog::Reader> log_reader_;
  std::unique_ptr<LocalClient> client_;
  bool was_selected_ = false;
};

}  // namespace kvick

// Player plays one conversation at a time on a server and tells what did not match.
//
// Each file gets an empty keyspace and connections of its own. One more connection, the control connection, is for
// what is not part of the conversation: FLUSHALL, CONFIG, the clock, looking whether a client blocks.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "tools/client/connection.h"
#include "tools/client/server_address.h"
#include "tools/kvt/conversation.h"

namespace kvick::kvt {

struct PlayOptions {
  client::ServerAddress address;
  int resp = 2;
  bool oracle = false;  // the server is the oracle: leave out what it does not know
  int64_t reply_timeout_ms = 5000;
};

// What one file came to.
struct Outcome {
  struct Failure {
    size_t line_number = 0;
    std::string source;  // the line of the file
    std::string what;    // one or more lines, indented
  };

  size_t passed_count = 0;
  size_t skipped_count = 0;
  std::vector<Failure> failures;
  std::string skip_reason;  // when the whole file was left out
  // For --update: the lines each failed exchange got, by the index of its step.
  std::map<size_t, std::vector<std::string>> observed;
};

class Player {
 public:
  explicit Player(PlayOptions options) : options_(std::move(options)) {}

  // An error when the server cannot be used at all; everything else is in the outcome.
  Result<Outcome> Play(const Conversation& conversation);

 private:
  struct Client {
    client::Connection connection;
    std::deque<std::vector<std::string>> sent;  // commands whose reply @receive has still to take
    std::deque<Value> pushes;                   // came while a reply was waited for
  };

  // The lines of a reply, none when none came in time; an error when the connection broke.
  using Lines = std::optional<std::vector<std::string>>;

  [[nodiscard]] bool IsLeftOut(const Step& step) const;
  // A step that is no exchange; an error is a failure of the test.
  Status Perform(const Step& step);
  // Sends the exchange and returns what came back as lines.
  Result<Lines> Exchange(const Step& step);
  Result<Lines> Call(const Step& step);
  Result<Lines> Receive(const Step& step);
  Result<Lines> ExchangeRaw(const Step& step);
  Status Advance(int64_t advance_ms);
  Status SetConfig(const std::string& name, const std::string& value);
  Status RestoreConfig();
  Status SendAndWaitUntilBlocked(const Step& step);
  std::optional<int64_t> CountBlockedClients();

  Result<client::Connection> OpenClient();
  Result<Client*> FindOrOpen(const std::string& name);
  const std::string& NameOf(const Step& step) const { return step.client.empty() ? current_client_ : step.client; }
  void CloseClients();

  const PlayOptions options_;
  std::optional<client::Connection> control_;
  std::map<std::string, Client> clients_;
  std::string current_client_;
  std::vector<std::pair<std::string, std::string>> config_before_;
};

}  // namespace kvick::kvt

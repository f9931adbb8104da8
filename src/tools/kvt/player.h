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
#include "tools/kvt/command_facts.h"
#include "tools/kvt/conversation.h"

namespace kvick::kvt {

struct PlayOptions {
  client::ServerAddress address;
  int resp = 2;
  bool oracle = false;        // the server is the oracle: leave out what it does not know
  bool in_multi = false;      // each command is sent as a transaction of its own
  bool in_script = false;     // each command is sent from a script
  bool after_reload = false;  // the data is saved and loaded before each command that reads
  bool unpacked = false;      // the server packs no small values: what shows that is not compared
  int64_t reply_timeout_ms = 30'000;
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
    bool has_transaction = false;               // the conversation itself is between MULTI and EXEC
    bool watches = false;

    // After a command of the conversation.
    void NoteTransaction(const std::vector<std::string>& arguments);
  };

  // The lines of a reply, none when none came in time; an error when the connection broke.
  using Lines = std::optional<std::vector<std::string>>;

  [[nodiscard]] bool IsLeftOut(const Step& step) const;
  // For --unpacked: the same lines, and their order is nobody's promise.
  bool MatchesInOpenOrder(const Step& step, const std::vector<std::string>& got);
  // A step that is no exchange; an error is a failure of the test.
  Status Perform(const Step& step);
  // Sends the exchange and returns what came back as lines.
  Result<Lines> Exchange(const Step& step);
  Result<Lines> Call(const Step& step);
  [[nodiscard]] bool GoesIntoMulti(const Step& step, const Client& client);
  [[nodiscard]] bool GoesIntoScript(const Step& step, const Client& client);
  Result<std::optional<Value>> CallInScript(Client* client, const std::vector<std::string>& arguments);
  // Before a command that reads, unless a client has begun what a load would end.
  Status ReloadBefore(const Step& step);
  // The next reply; pushes that come before it are kept, unless it is one itself.
  Result<std::optional<Value>> ReceiveReply(Client* client, bool may_be_push);
  // Sends MULTI, the command, EXEC: the command's reply.
  Result<std::optional<Value>> CallInMulti(Client* client, const std::vector<std::string>& arguments);
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
  CommandFacts facts_;
};

}  // namespace kvick::kvt

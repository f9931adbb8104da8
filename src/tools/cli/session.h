// Session: the connection of kvick-cli with what belongs to it: login, protocol, database, transaction. After a
// connection was lost the next Connect brings back all of it but the transaction.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "resp/value.h"
#include "tools/cli/options.h"
#include "tools/client/connection.h"

namespace kvick::cli {

class Session {
 public:
  explicit Session(const Options& options);

  // Connects, logs in, selects the protocol and the database. What the server refuses of that is told on standard
  // error and is no failure; the failure's text is for people, with the address.
  Status Connect();
  void Disconnect();
  // Another server, by "connect host port" or a redirection of the cluster.
  void SetAddress(const std::string& host, int port);

  [[nodiscard]] bool connected() const { return connection_.has_value(); }
  [[nodiscard]] client::Connection& connection() { return *connection_; }

  // Takes note of what a command has changed: SELECT, AUTH, HELLO, MULTI, EXEC, DISCARD, RESET.
  void Note(const std::vector<std::string>& arguments, const Value& reply);

  // "127.0.0.1:6379[1](TX)> "
  [[nodiscard]] std::string Prompt(bool subscribed) const;

 private:
  void Login();
  void SelectProtocol();
  void SelectDatabase();

  client::ServerAddress address_;
  std::string user_;
  std::optional<std::string> password_;
  Protocol protocol_;
  int database_;         // the one commands go to
  int database_wanted_;  // the one to select after a reconnection; differs while SELECT in MULTI is queued
  bool in_transaction_ = false;
  std::optional<client::Connection> connection_;
};

}  // namespace kvick::cli

#include "tools/cli/session.h"

#include <cstdio>
#include <utility>

#include "base/bytes.h"
#include "base/numbers.h"

namespace kvick::cli {
namespace {

void TellError(const std::string& text) { std::fprintf(stderr, "%s\n", text.c_str()); }

}  // namespace

Session::Session(const Options& options)
    : address_(options.address),
      user_(options.user),
      password_(options.password),
      protocol_(options.protocol),
      database_(options.database),
      database_wanted_(options.database) {}

Status Session::Connect() {
  Disconnect();
  Result<client::Connection> connection = client::Connection::Open(address_);
  if (!connection.ok()) {
    return Status::Error("Could not connect to Redis at " + address_.Text() + ": " +
                         std::string(connection.status().text()));
  }
  connection_ = std::move(connection).value();
  Login();
  SelectProtocol();
  SelectDatabase();
  return Status::Ok();
}

void Session::Disconnect() {
  connection_.reset();
  in_transaction_ = false;
}

void Session::SetAddress(const std::string& host, int port) {
  Disconnect();
  address_.host = host;
  address_.port = port;
  address_.socket_path.clear();
}

void Session::Login() {
  if (!password_) return;
  const Result<Value> reply =
      user_.empty() ? connection_->Call({"AUTH", *password_}) : connection_->Call({"AUTH", user_, *password_});
  if (!reply.ok()) return TellError("AUTH failed: " + std::string(reply.status().text()));
  if (reply.value().IsError()) TellError("AUTH failed: " + reply.value().text);
}

void Session::SelectProtocol() {
  if (protocol_ != Protocol::kResp3 && protocol_ != Protocol::kResp3IfPossible) return;
  const Result<Value> reply = connection_->Call({"HELLO", "3"});
  const bool refused = reply.ok() && reply.value().IsError();
  if (refused && protocol_ == Protocol::kResp3) TellError("HELLO 3 failed: " + reply.value().text);
}

void Session::SelectDatabase() {
  database_ = 0;
  if (database_wanted_ == 0) return;
  const Result<Value> reply = connection_->Call({"SELECT", std::to_string(database_wanted_)});
  if (!reply.ok()) return;
  if (reply.value().IsError()) {
    TellError("SELECT " + std::to_string(database_wanted_) + " failed: " + reply.value().text);
  } else {
    database_ = database_wanted_;
  }
}

void Session::Note(const std::vector<std::string>& arguments, const Value& reply) {
  const auto is = [&](std::string_view name, size_t count) {
    return arguments.size() == count && EqualsIgnoreCase(arguments[0], name);
  };
  if (is("EXEC", 1) || is("DISCARD", 1)) {
    in_transaction_ = false;
    database_ = database_wanted_;
    return;
  }
  if (reply.IsError()) return;
  if (is("SELECT", 2)) {
    const std::optional<int64_t> database = ParseInt64(arguments[1]);
    if (!database) return;
    database_wanted_ = static_cast<int>(*database);
    if (!in_transaction_) database_ = database_wanted_;
  } else if (is("AUTH", 2)) {
    user_.clear();
    password_ = arguments[1];
  } else if (is("AUTH", 3)) {
    user_ = arguments[1];
    password_ = arguments[2];
  } else if (is("MULTI", 1)) {
    in_transaction_ = true;
  } else if (is("RESET", 1)) {
    in_transaction_ = false;
    database_ = database_wanted_ = 0;
    password_.reset();
    protocol_ = Protocol::kDefault;
  } else if (arguments.size() >= 2 && EqualsIgnoreCase(arguments[0], "HELLO")) {
    if (arguments[1] == "3") protocol_ = Protocol::kResp3;
    if (arguments[1] == "2") protocol_ = Protocol::kResp2;
  }
}

std::string Session::Prompt(bool subscribed) const {
  if (!connected()) return "not connected> ";
  std::string prompt = address_.socket_path.empty() ? address_.Text() : "redis " + address_.socket_path;
  if (database_ != 0) prompt += "[" + std::to_string(database_) + "]";
  if (in_transaction_) prompt += "(TX)";
  if (subscribed) prompt += "(subscribed mode)";
  return prompt + "> ";
}

}  // namespace kvick::cli

#include "tools/kvt/player.h"

#include <algorithm>
#include <string_view>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/numbers.h"
#include "tools/client/reply_text.h"
#include "tools/kvt/expectation.h"

namespace kvick::kvt {
namespace {

constexpr std::string_view kFirstClient = "main";
constexpr std::string_view kNothingLine = "(nothing)";
constexpr std::string_view kClosedLine = "(closed)";
// How long a reply that must not come is waited for.
constexpr int64_t kNothingWaitMs = 100;
// How long a command sent with & may take until the server counts it as blocked.
constexpr int64_t kBlockedWaitMs = 300;
constexpr int64_t kSurplusWaitMs = 10;
constexpr int64_t kFinishWaitMs = 300;

// Commands whose reply is a push in RESP3.
bool IsSubscription(const std::vector<std::string>& arguments) {
  for (const std::string_view name :
       {"SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE"}) {
    if (EqualsIgnoreCase(arguments[0], name)) return true;
  }
  return false;
}

bool IsOnly(const std::vector<std::string>& lines, std::string_view line) {
  return lines.size() == 1 && lines[0] == line;
}

// Refusals that have another text when a script is refused: by the interpreter, or by the rules of a user.
bool IsOfScriptsOnly(std::string_view line) {
  constexpr std::string_view kRefusals[] = {"(error) ERR wrong number of arguments", "(error) ERR unknown ",
                                            "(error) NOPERM"};
  return std::any_of(std::begin(kRefusals), std::end(kRefusals),
                     [line](std::string_view refusal) { return line.starts_with(refusal); });
}

// The numbers of a script are doubles: beyond 53 bits they are not what the command answered.
bool HasHugeInteger(std::string_view line) {
  constexpr std::string_view kMark = "(integer) ";
  constexpr int64_t kExactMax = int64_t{1} << 53;
  const size_t found = line.find(kMark);
  if (found == std::string_view::npos) return false;
  const std::optional<int64_t> number = ParseInt64(line.substr(found + kMark.size()));
  return number && (*number > kExactMax || *number < -kExactMax);
}

// Bytes as quoted lines, cut behind each line feed.
std::vector<std::string> QuotedLines(std::string_view bytes) {
  std::vector<std::string> lines;
  while (!bytes.empty()) {
    const size_t end = bytes.find('\n');
    const size_t size_bytes = end == std::string_view::npos ? bytes.size() : end + 1;
    lines.push_back(QuoteArgument(bytes.substr(0, size_bytes)));
    bytes.remove_prefix(size_bytes);
  }
  return lines;
}

// The bytes that the quoted lines of an expectation stand for.
std::string UnquotedBytes(const std::vector<std::string>& lines) {
  std::string bytes;
  for (const std::string& line : lines) {
    std::vector<std::string> parts;
    if (line == kClosedLine || !SplitArguments(line, &parts)) continue;
    for (const std::string& part : parts) bytes += part;
  }
  return bytes;
}

}  // namespace

Result<Outcome> Player::Play(const Conversation& conversation) {
  Outcome outcome;
  if (options_.oracle && conversation.UsesClock()) {
    outcome.skip_reason = "@clock needs a server whose clock can be moved";
    outcome.skipped_count = conversation.ExchangeCount();
    return outcome;
  }
  KVICK_ASSIGN_OR_RETURN(control_, client::Connection::Open(options_.address));
  KVICK_ASSIGN_OR_RETURN(const Value flushed, control_->Call({"FLUSHALL"}));
  if (flushed.IsError()) return Status::Error("FLUSHALL: " + flushed.text);
  current_client_ = kFirstClient;

  for (size_t i = 0; i < conversation.steps.size(); ++i) {
    const Step& step = conversation.steps[i];
    const auto fail = [&](std::string what) {
      outcome.failures.push_back({step.line_number, step.source, std::move(what)});
    };
    if (step.modifiers.resp != 0 && step.modifiers.resp != options_.resp) continue;
    if (IsLeftOut(step)) {
      if (step.IsExchange()) ++outcome.skipped_count;
      continue;
    }
    if (!step.IsExchange()) {
      if (const Status status = Perform(step); !status.ok()) fail("    " + std::string(status.text()) + "\n");
      continue;
    }
    Result<Lines> got = Exchange(step);
    if ((options_.oracle && !step.modifiers.oracle_differs.empty()) ||
        (options_.unpacked && !step.modifiers.packed.empty()) ||
        (options_.after_reload && !step.modifiers.reloaded.empty())) {
      ++outcome.skipped_count;  // played, because later exchanges build on it, but not compared
    } else if (!got.ok()) {
      fail("    " + std::string(got.status().text()) + "\n");
    } else if (!got->has_value()) {
      fail("    no reply within " + std::to_string(options_.reply_timeout_ms) + " ms\n");
    } else if (Matches(step.expected, **got, step.modifiers) || MatchesInOpenOrder(step, **got)) {
      ++outcome.passed_count;
    } else {
      fail(Difference(step.expected, **got, step.modifiers));
      outcome.observed[i] = **got;
    }
  }
  if (const Status status = RestoreConfig(); !status.ok()) {
    outcome.failures.push_back(
        {conversation.lines.size(), "(end of file)", "    " + std::string(status.text()) + "\n"});
  }
  CloseClients();
  return outcome;
}

bool Player::MatchesInOpenOrder(const Step& step, const std::vector<std::string>& got) {
  if (!options_.unpacked || step.arguments.empty() || step.modifiers.order != Order::kExact) return false;
  Modifiers modifiers = step.modifiers;
  modifiers.order = Order::kLines;
  return facts_.Find(*control_, step.arguments).has_open_order && Matches(step.expected, got, modifiers);
}

bool Player::IsLeftOut(const Step& step) const { return options_.oracle && step.modifiers.since > kOracleVersion; }

Status Player::Perform(const Step& step) {
  switch (step.kind) {
    case Step::Kind::kClient: {
      current_client_ = step.client;
      Result<Client*> client = FindOrOpen(current_client_);
      return client.ok() ? Status::Ok() : client.status();
    }
    case Step::Kind::kClock: return Advance(step.advance_ms);
    case Step::Kind::kConfig: return SetConfig(step.arguments[0], step.arguments[1]);
    default: return SendAndWaitUntilBlocked(step);
  }
}

Result<Player::Lines> Player::Exchange(const Step& step) {
  Result<Lines> lines = step.kind == Step::Kind::kCall  ? Call(step)
                        : step.kind == Step::Kind::kRaw ? ExchangeRaw(step)
                                                        : Receive(step);
  // Whatever still comes on a connection that broke or did not answer in time would be taken for a later reply.
  if (!lines.ok() || !lines->has_value()) clients_.erase(NameOf(step));
  return lines;
}

Result<Player::Lines> Player::Call(const Step& step) {
  KVICK_ASSIGN_OR_RETURN(Client* const client, FindOrOpen(NameOf(step)));
  if (options_.after_reload) KVICK_RETURN_IF_ERROR(ReloadBefore(step));
  std::optional<Value> reply;
  if (GoesIntoMulti(step, *client)) {
    KVICK_ASSIGN_OR_RETURN(reply, CallInMulti(client, step.arguments));
  } else if (GoesIntoScript(step, *client)) {
    KVICK_ASSIGN_OR_RETURN(reply, CallInScript(client, step.arguments));
  } else {
    KVICK_RETURN_IF_ERROR(client->connection.Send(step.arguments));
    KVICK_ASSIGN_OR_RETURN(reply, ReceiveReply(client, IsSubscription(step.arguments)));
    client->NoteTransaction(step.arguments);
  }
  if (!reply) return Lines();
  return Lines(SplitLines(client::TerminalText(step.arguments, *reply)));
}

Result<std::optional<Value>> Player::ReceiveReply(Client* client, bool may_be_push) {
  while (true) {
    KVICK_ASSIGN_OR_RETURN(std::optional<Value> reply, client->connection.Receive(options_.reply_timeout_ms));
    if (!reply || reply->type != Value::Type::kPush || may_be_push) return reply;
    client->pushes.push_back(*std::move(reply));
  }
}

bool Player::GoesIntoMulti(const Step& step, const Client& client) {
  return options_.in_multi && step.modifiers.direct.empty() && !client.has_transaction && !client.watches &&
         !facts_.Find(*control_, step.arguments).needs_own_exchange;
}

Result<std::optional<Value>> Player::CallInMulti(Client* client, const std::vector<std::string>& arguments) {
  KVICK_RETURN_IF_ERROR(client->connection.Send({"MULTI"}));
  KVICK_RETURN_IF_ERROR(client->connection.Send(arguments));
  KVICK_RETURN_IF_ERROR(client->connection.Send({"EXEC"}));
  KVICK_ASSIGN_OR_RETURN(const std::optional<Value> began, ReceiveReply(client, /*may_be_push=*/false));
  KVICK_ASSIGN_OR_RETURN(std::optional<Value> queued, ReceiveReply(client, /*may_be_push=*/false));
  KVICK_ASSIGN_OR_RETURN(std::optional<Value> done, ReceiveReply(client, /*may_be_push=*/false));
  if (!began || !queued || !done) return std::optional<Value>();
  // Refused before it was queued (and EXEC for that): the refusal is what the client is told.
  if (queued->IsError()) return queued;
  if (done->type != Value::Type::kArray || done->elements.size() != 1) return done;
  return std::optional<Value>(std::move(done->elements[0]));
}

bool Player::GoesIntoScript(const Step& step, const Client& client) {
  if (!options_.in_script || !step.modifiers.direct.empty() || !step.modifiers.unscripted.empty()) return false;
  if (client.has_transaction || client.watches) return false;
  if (!step.expected.empty() && IsOfScriptsOnly(step.expected[0])) return false;
  if (std::any_of(step.expected.begin(), step.expected.end(), HasHugeInteger)) return false;
  return facts_.Find(*control_, step.arguments).is_for_scripts;
}

Result<std::optional<Value>> Player::CallInScript(Client* client, const std::vector<std::string>& arguments) {
  std::vector<std::string> request = {"COMMAND", "GETKEYS"};
  std::vector<std::string> names;
  if (facts_.Find(*control_, arguments).has_keys) {
    request.insert(request.end(), arguments.begin(), arguments.end());
    KVICK_ASSIGN_OR_RETURN(const Value keys, control_->Call(request));
    for (const Value& key : keys.elements) names.push_back(key.text);
  }
  request = {"EVAL", "return redis.pcall(unpack(ARGV))", std::to_string(names.size())};
  request.insert(request.end(), names.begin(), names.end());
  request.insert(request.end(), arguments.begin(), arguments.end());
  KVICK_RETURN_IF_ERROR(client->connection.Send(request));
  return ReceiveReply(client, /*may_be_push=*/false);
}

Status Player::ReloadBefore(const Step& step) {
  if (!step.modifiers.reloaded.empty() || !facts_.Find(*control_, step.arguments).is_readonly) return Status::Ok();
  for (const auto& [name, client] : clients_) {
    if (client.has_transaction || client.watches || !client.sent.empty()) return Status::Ok();
  }
  KVICK_ASSIGN_OR_RETURN(const Value reply, control_->Call({"DEBUG", "RELOAD"}));
  return reply.IsError() ? Status::Error("DEBUG RELOAD: " + reply.text) : Status::Ok();
}

void Player::Client::NoteTransaction(const std::vector<std::string>& arguments) {
  const auto is = [&](std::string_view name) { return EqualsIgnoreCase(arguments[0], name); };
  if (is("MULTI")) {
    has_transaction = true;
  } else if (is("WATCH")) {
    watches = true;
  } else if (is("EXEC") || is("DISCARD") || is("RESET")) {
    has_transaction = watches = false;
  } else if (is("UNWATCH") && !has_transaction) {
    watches = false;
  }
}

Result<Player::Lines> Player::Receive(const Step& step) {
  KVICK_ASSIGN_OR_RETURN(Client* const client, FindOrOpen(NameOf(step)));
  std::optional<Value> reply;
  if (!client->pushes.empty()) {
    reply = std::move(client->pushes.front());
    client->pushes.pop_front();
  } else {
    const bool expects_nothing = IsOnly(step.expected, kNothingLine);
    KVICK_ASSIGN_OR_RETURN(reply,
                           client->connection.Receive(expects_nothing ? kNothingWaitMs : options_.reply_timeout_ms));
    if (!reply && expects_nothing) return Lines({std::string(kNothingLine)});
  }
  if (!reply) return Lines();
  std::vector<std::string> arguments;
  if (reply->type != Value::Type::kPush && !client->sent.empty()) {
    arguments = std::move(client->sent.front());
    client->sent.pop_front();
  }
  return Lines(SplitLines(client::TerminalText(arguments, *reply)));
}

Result<Player::Lines> Player::ExchangeRaw(const Step& step) {
  KVICK_ASSIGN_OR_RETURN(Client* const client, FindOrOpen(NameOf(step)));
  const std::string expected = UnquotedBytes(step.expected);
  const bool expects_close = !step.expected.empty() && step.expected.back() == kClosedLine;
  client::Connection& connection = client->connection;
  KVICK_RETURN_IF_ERROR(connection.SendBytes(step.bytes));
  // Without an expectation (a file that --update fills in) whatever comes within a moment is the reply.
  const size_t wanted_size_bytes = expected.empty() ? 1 : expected.size();
  const bool expects_nothing = expected.empty() && !step.expected.empty() && !expects_close;
  const int64_t timeout_ms = expects_nothing ? kNothingWaitMs : options_.reply_timeout_ms;
  KVICK_ASSIGN_OR_RETURN(client::Connection::ReceivedBytes got, connection.ReceiveBytes(wanted_size_bytes, timeout_ms));
  if (!got.closed) {
    KVICK_ASSIGN_OR_RETURN(
        client::Connection::ReceivedBytes more,
        connection.ReceiveBytes(SIZE_MAX, expects_close ? options_.reply_timeout_ms : kSurplusWaitMs));
    got.bytes += more.bytes;
    got.closed = more.closed;
  }
  // Cut as the file cuts them when they are the same bytes, so that only real differences show.
  std::vector<std::string> lines = QuotedLines(got.bytes);
  if (got.bytes == expected && !step.expected.empty()) {
    lines = step.expected;
    if (expects_close) lines.pop_back();
  }
  if (got.closed) {
    lines.emplace_back(kClosedLine);
    clients_.erase(NameOf(step));
  }
  return Lines(std::move(lines));
}

Status Player::Advance(int64_t advance_ms) {
  KVICK_ASSIGN_OR_RETURN(const Value reply, control_->Call({"DEBUG", "ADVANCE-CLOCK", std::to_string(advance_ms)}));
  return reply.IsError() ? Status::Error("DEBUG ADVANCE-CLOCK: " + reply.text) : Status::Ok();
}

Status Player::SetConfig(const std::string& name, const std::string& value) {
  KVICK_ASSIGN_OR_RETURN(const Value before, control_->Call({"CONFIG", "GET", name}));
  if (before.elements.size() != 2) return Status::Error("CONFIG GET " + name + ": no such setting");
  KVICK_ASSIGN_OR_RETURN(const Value reply, control_->Call({"CONFIG", "SET", name, value}));
  if (reply.IsError()) return Status::Error("CONFIG SET: " + reply.text);
  config_before_.emplace_back(name, before.elements[1].text);
  return Status::Ok();
}

Status Player::RestoreConfig() {
  Status status;
  while (!config_before_.empty()) {
    const auto [name, value] = std::move(config_before_.back());
    config_before_.pop_back();
    const Result<Value> reply = control_->Call({"CONFIG", "SET", name, value});
    if (!reply.ok()) return reply.status();
    if (reply.value().IsError()) status = Status::Error("restoring " + name + ": " + reply.value().text);
  }
  return status;
}

Status Player::SendAndWaitUntilBlocked(const Step& step) {
  KVICK_ASSIGN_OR_RETURN(Client* const client, FindOrOpen(NameOf(step)));
  const std::optional<int64_t> count_before = CountBlockedClients();
  KVICK_RETURN_IF_ERROR(client->connection.Send(step.arguments));
  client->sent.push_back(step.arguments);
  // The next command may come from another connection. It must not overtake this one, so either the server counts
  // one more blocked client first, or a reply is on its way. Neither comes for a paused server or CLIENT REPLY
  // OFF: then the time passes.
  const int64_t deadline_ms = SystemClock::Instance().MonotonicMs() + kBlockedWaitMs;
  while (SystemClock::Instance().MonotonicMs() < deadline_ms) {
    const std::optional<int64_t> count = CountBlockedClients();
    if (count && count_before && *count > *count_before) break;
    if (client->connection.HasInput(/*timeout_ms=*/2)) break;
  }
  return Status::Ok();
}

std::optional<int64_t> Player::CountBlockedClients() {
  constexpr std::string_view kField = "blocked_clients:";
  if (!control_ || !control_->Send({"INFO", "clients"}).ok()) return std::nullopt;
  Result<std::optional<Value>> reply = control_->Receive(kBlockedWaitMs);
  if (!reply.ok() || !reply->has_value()) {
    // A paused server answers later: that answer must not be taken for another one's.
    Result<client::Connection> fresh = client::Connection::Open(options_.address);
    if (fresh.ok()) control_ = std::move(fresh).value();
    return std::nullopt;
  }
  const std::string& text = (*reply)->text;
  const size_t found = text.find(kField);
  if (found == std::string::npos) return std::nullopt;
  const size_t begin = found + kField.size();
  return ParseInt64(std::string_view(text).substr(begin, text.find('\r', begin) - begin));
}

Result<client::Connection> Player::OpenClient() {
  KVICK_ASSIGN_OR_RETURN(client::Connection connection, client::Connection::Open(options_.address));
  if (options_.resp == 3) {
    KVICK_ASSIGN_OR_RETURN(const Value reply, connection.Call({"HELLO", "3"}));
    if (reply.IsError()) return Status::Error("HELLO 3: " + reply.text);
  }
  return connection;
}

Result<Player::Client*> Player::FindOrOpen(const std::string& name) {
  auto found = clients_.find(name);
  if (found == clients_.end()) {
    KVICK_ASSIGN_OR_RETURN(client::Connection connection, OpenClient());
    found = clients_.emplace(name, Client{.connection = std::move(connection)}).first;
  }
  return &found->second;
}

void Player::CloseClients() {
  for (auto& [name, client] : clients_) client.connection.Finish(kFinishWaitMs);
  clients_.clear();
  control_.reset();
}

}  // namespace kvick::kvt

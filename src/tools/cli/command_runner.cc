#include "tools/cli/command_runner.h"

#include <poll.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <initializer_list>
#include <optional>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/numbers.h"

namespace kvick::cli {
namespace {

volatile sig_atomic_t interrupted = 0;

// While it lives, Ctrl-C sets a mark instead of ending the program.
class InterruptGuard {
 public:
  InterruptGuard() {
    interrupted = 0;
    struct sigaction action {};
    action.sa_handler = [](int) { interrupted = 1; };
    sigaction(SIGINT, &action, &before_);  // no SA_RESTART: poll is to return
  }
  ~InterruptGuard() { sigaction(SIGINT, &before_, nullptr); }
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

 private:
  struct sigaction before_ {};
};

// While it lives, a key can be read without Return, and is not shown. The key stays in the queue, for the line
// editor.
class KeyMode {
 public:
  KeyMode() {
    if (tcgetattr(STDIN_FILENO, &before_) != 0) return;
    termios mode = before_;
    mode.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    active_ = tcsetattr(STDIN_FILENO, TCSADRAIN, &mode) == 0;
  }
  ~KeyMode() {
    if (active_) tcsetattr(STDIN_FILENO, TCSADRAIN, &before_);
  }
  KeyMode(const KeyMode&) = delete;
  KeyMode& operator=(const KeyMode&) = delete;

 private:
  termios before_{};
  bool active_ = false;
};

bool IsOneOf(const std::vector<std::string>& arguments, std::initializer_list<std::string_view> names) {
  return std::any_of(names.begin(), names.end(),
                     [&](std::string_view name) { return EqualsIgnoreCase(arguments[0], name); });
}

bool BeginsStream(const std::vector<std::string>& arguments) {
  return IsOneOf(arguments, {"SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE"});
}

bool Unsubscribes(const std::vector<std::string>& arguments) {
  return IsOneOf(arguments, {"UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE"});
}

bool IsMessage(const Value& value) {
  return (value.type == Value::Type::kArray || value.type == Value::Type::kPush) && !value.elements.empty() &&
         value.elements[0].IsString();
}

}  // namespace

CommandOutcome CommandRunner::Fail(const Status& status) {
  session_->Disconnect();
  ForgetStream();
  Output::PrintError("Error: " + std::string(status.text()));
  return CommandOutcome::kFailed;
}

void CommandRunner::ForgetStream() {
  channel_count_ = 0;
  shard_channel_count_ = 0;
  monitoring_ = false;
}

Status CommandRunner::Send(const std::vector<std::string>& arguments) {
  if (session_->connection().Send(arguments).ok()) return Status::Ok();
  // The server may have closed an idle connection: one more try on a new one.
  KVICK_RETURN_IF_ERROR(session_->Connect());
  return session_->connection().Send(arguments);
}

Status CommandRunner::SendInStream(const std::vector<std::string>& arguments) {
  return session_->connection().Send(arguments);
}

Result<Value> CommandRunner::ReceiveReply(bool push_is_reply) {
  while (true) {
    KVICK_ASSIGN_OR_RETURN(Value reply, session_->connection().Receive());
    if (reply.type != Value::Type::kPush || push_is_reply) return reply;
    if (output_->shows_pushes()) output_->PrintPush(reply);
  }
}

CommandOutcome CommandRunner::Run(const std::vector<std::string>& arguments) {
  if (!session_->connected()) {
    if (const Status status = session_->Connect(); !status.ok()) {
      Output::PrintError(std::string(status.text()));
      return CommandOutcome::kFailed;
    }
  }
  if (const Status status = Send(arguments); !status.ok()) return Fail(status);
  const bool begins_stream = BeginsStream(arguments);
  const bool unsubscribes = Unsubscribes(arguments);
  Result<Value> reply = ReceiveReply(begins_stream || unsubscribes);
  if (reply.ok()) reply = FollowRedirection(arguments, std::move(reply).value());
  if (!reply.ok()) {
    if (!IsOneOf(arguments, {"SHUTDOWN"})) return Fail(reply.status());
    session_->Disconnect();  // as it should be
    return CommandOutcome::kDone;
  }
  session_->Note(arguments, *reply);
  if (reply->IsError() && exit_on_error_ && interaction_ == Interaction::kCommand) {
    Output::PrintError(reply->text);
    return CommandOutcome::kErrorReply;
  }
  if (begins_stream && IsMessage(*reply)) {
    NoteSubscription(*reply);
    if (output_->mode() != PrintMode::kRaw) {
      output_->PrintText(interaction_ == Interaction::kTerminal
                             ? "Reading messages... (press Ctrl-C to quit or any key to type command)\n"
                             : "Reading messages... (press Ctrl-C to quit)\n");
    }
  }
  output_->Print(arguments, *reply);
  if (unsubscribes) {
    // One confirmation a channel.
    for (size_t i = 2; i < arguments.size(); ++i) {
      Result<Value> more = ReceiveReply(/*push_is_reply=*/true);
      if (!more.ok()) return Fail(more.status());
      output_->Print(arguments, *more);
    }
  }
  monitoring_ = IsOneOf(arguments, {"MONITOR"}) && reply->type == Value::Type::kSimpleString && reply->text == "OK";
  if (streaming() && interaction_ != Interaction::kTerminal) Stream();
  return CommandOutcome::kDone;
}

CommandRunner::StreamEnd CommandRunner::Stream() {
  std::optional<InterruptGuard> interrupt_guard;
  std::optional<KeyMode> key_mode;
  const bool on_terminal = interaction_ == Interaction::kTerminal;
  if (on_terminal) {
    interrupt_guard.emplace();
    key_mode.emplace();
  }
  while (streaming()) {
    Result<std::optional<Value>> message = session_->connection().Receive(/*timeout_ms=*/0);
    if (!message.ok()) {
      Fail(message.status());
      return StreamEnd::kOver;
    }
    if (message->has_value()) {
      NoteSubscription(**message);
      output_->Print({}, **message);
      continue;
    }
    pollfd waited[2] = {{session_->connection().descriptor(), POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
    const bool waits_for_key = on_terminal && !monitoring_;
    const int count = poll(waited, waits_for_key ? 2 : 1, -1);
    if (interrupted != 0 && on_terminal) return StreamEnd::kInterrupted;
    if (count > 0 && waits_for_key && waited[1].revents != 0) return StreamEnd::kKey;
  }
  return StreamEnd::kOver;
}

void CommandRunner::NoteSubscription(const Value& message) {
  if (message.type == Value::Type::kSimpleString && message.text == "RESET") ForgetStream();
  if (!IsMessage(message) || message.elements.size() != 3 || message.elements[2].type != Value::Type::kInteger) return;
  const std::string& kind = message.elements[0].text;
  if (kind == "subscribe" || kind == "psubscribe" || kind == "unsubscribe" || kind == "punsubscribe") {
    channel_count_ = message.elements[2].integer;
  } else if (kind == "ssubscribe" || kind == "sunsubscribe") {
    shard_channel_count_ = message.elements[2].integer;
  }
}

Result<Value> CommandRunner::FollowRedirection(const std::vector<std::string>& arguments, Value reply) {
  constexpr int kRedirectionsMax = 16;  // of a command; a cluster in order needs two
  for (int i = 0; follow_redirections_ && reply.IsError() && i < kRedirectionsMax; ++i) {
    std::vector<std::string> words;
    if (!SplitArguments(reply.text, &words) || words.size() < 3) break;
    const bool asks = words[0] == "ASK";
    if (!asks && words[0] != "MOVED") break;
    const size_t colon = words[2].rfind(':');
    if (colon == std::string::npos) break;
    const std::optional<int64_t> port = ParseInt64(words[2].substr(colon + 1));
    if (!port) break;
    if (output_->is_terminal()) {
      output_->PrintText("-> Redirected to slot [" + words[1] + "] located at " + words[2] + "\n");
    }
    session_->SetAddress(words[2].substr(0, colon), static_cast<int>(*port));
    KVICK_RETURN_IF_ERROR(session_->Connect());
    if (asks) {
      KVICK_ASSIGN_OR_RETURN(const Value asking, session_->connection().Call({"ASKING"}));
      if (asking.IsError()) return asking;
    }
    KVICK_RETURN_IF_ERROR(session_->connection().Send(arguments));
    KVICK_ASSIGN_OR_RETURN(reply, ReceiveReply(/*push_is_reply=*/false));
  }
  return reply;
}

}  // namespace kvick::cli

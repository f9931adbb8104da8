#include "scripting/debug_session.h"

#include <pthread.h>

#include <chrono>
#include <optional>
#include <system_error>
#include <utility>

#include "base/log.h"
#include "base/numbers.h"
#include "engine/errors.h"
#include "scripting/scripting.h"

namespace kvick {
namespace {

// How often a session that waits for its client looks whether it is to end.
constexpr int kLookMs = 100;
constexpr int kSendPatienceMs = 5000;
constexpr int kReleasePatienceMs = 10'000;
// What a client may say at once to a debugger.
constexpr int64_t kWordCountMax = 1024;
constexpr int64_t kWordBytesMax = 1024;
constexpr size_t kInputBytesMax = size_t{2} << 20;
constexpr size_t kNumberBytesMax = 20;

// A line like "*2": its number, if it is whole.
struct NumberLine {
  bool is_bad = false;
  std::optional<int64_t> number;
};

NumberLine TakeNumberLine(std::string_view* rest, char type) {
  NumberLine line;
  if (rest->empty()) return line;
  const size_t end = rest->find("\r\n");
  if ((*rest)[0] != type || (end == std::string_view::npos && rest->size() > kNumberBytesMax)) {
    line.is_bad = true;
  } else if (end != std::string_view::npos) {
    line.number = ParseInt64(rest->substr(1, end - 1));
    line.is_bad = !line.number;
    rest->remove_prefix(end + 2);
  }
  return line;
}

}  // namespace

DebugPort::Arrival TakeDebuggerCommand(std::string* input, std::vector<std::string>* words) {
  using Arrival = DebugPort::Arrival;
  words->clear();
  std::string_view rest(*input);
  const NumberLine count = TakeNumberLine(&rest, '*');
  if (count.is_bad) return Arrival::kBadProtocol;
  if (!count.number) return Arrival::kGone;
  if (*count.number < 1 || *count.number > kWordCountMax) return Arrival::kBadProtocol;
  for (int64_t i = 0; i < *count.number; ++i) {
    const NumberLine size = TakeNumberLine(&rest, '$');
    if (size.is_bad) return Arrival::kBadProtocol;
    if (!size.number) return Arrival::kGone;
    if (*size.number < 1 || *size.number > kWordBytesMax) return Arrival::kBadProtocol;
    const auto bytes = static_cast<size_t>(*size.number);
    if (rest.size() < bytes + 2) return Arrival::kGone;
    words->emplace_back(rest.substr(0, bytes));
    rest.remove_prefix(bytes + 2);
  }
  input->erase(0, input->size() - rest.size());
  return Arrival::kWords;
}

DebugSession::DebugSession(std::shared_ptr<Executor> executor, MakeDebugStore make_store, Request request,
                           const Session& former, std::unique_ptr<ClientSocket> socket)
    : own_executor_(std::move(executor)),
      executor_(*own_executor_),
      make_store_(make_store),
      request_(std::move(request)),
      socket_(std::move(socket)),
      patience_ms_(executor_.engine().settings().busy_reply_threshold_ms),
      idle_timeout_ms_(int64_t{executor_.engine().settings().idle_timeout_s} * 1000) {
  session_.id = former.id;
  session_.database_index = former.database_index;
  session_.protocol = former.protocol;
  session_.restrictions = former.restrictions & Session::kRestrictedUser;
  session_.no_evict = former.no_evict;
  session_.no_touch = former.no_touch;
  session_.user = former.user;
  session_.acl_user = former.acl_user;
  session_.name = former.name;
  session_.library_name = former.library_name;
  session_.library_version = former.library_version;
  session_.address = former.address;
  session_.local_address = former.local_address;
  session_.fd = socket_->fd();
  session_.is_unix_socket = former.is_unix_socket;
  session_.is_local = former.is_local;
  session_.connected_ms = former.connected_ms;
  session_.last_active_ms = former.last_active_ms;
  session_.last_command = former.last_command;
  session_.command_count = former.command_count;
  session_.write_position = former.write_position;
  session_.transport = this;
  executor_.AddSession(&session_);
  executor_.engine().client_count.fetch_add(1, std::memory_order_relaxed);
}

DebugSession::~DebugSession() { Join(); }

void DebugSession::Start() {
  try {
    thread_ = std::thread([this] {
      pthread_setname_np(pthread_self(), "debugger");
      Run();
      has_ended_.store(true, std::memory_order_release);
    });
  } catch (const std::system_error& error) {
    Log(LogLevel::kWarning, std::string("Can't start a thread to debug a script: ") + error.what());
    LeaveExecutor();
    has_ended_.store(true, std::memory_order_release);
  }
}

void DebugSession::Join() {
  if (thread_.joinable()) thread_.join();
}

SessionTransport::Usage DebugSession::MeasureUsage() const {
  Usage usage;
  usage.total_memory_bytes = sizeof(DebugSession);
  usage.is_readable = true;
  return usage;
}

void DebugSession::RequestClose() {
  session_.closing = true;
  Dismiss();
}

void DebugSession::Send(std::span<const std::string> lines) {
  std::string text = "*" + std::to_string(lines.size()) + "\r\n";
  for (const std::string& line : lines) {
    text += '+';
    text += line;
    text += "\r\n";
  }
  if (!is_gone_ && !socket_->Send(text, kSendPatienceMs)) is_gone_ = true;
}

void DebugSession::ReadMore(int wait_ms) {
  if (input_.size() < kInputBytesMax && socket_->Read(&input_, wait_ms) == ClientSocket::Outcome::kClosed) {
    is_gone_ = true;
  }
}

bool DebugSession::IsGone() {
  if (is_dismissed_.load(std::memory_order_relaxed)) is_gone_ = true;
  if (!is_gone_) ReadMore(0);
  return is_gone_;
}

DebugPort::Arrival DebugSession::Receive(std::vector<std::string>* words) {
  const Clock& clock = executor_.engine().clock();
  const int64_t start_ms = clock.MonotonicMs();
  while (true) {
    const Arrival arrival = TakeDebuggerCommand(&input_, words);
    if (arrival != Arrival::kGone) return arrival;
    ReadMore(kLookMs);
    if (is_dismissed_.load(std::memory_order_relaxed)) is_gone_ = true;
    if (idle_timeout_ms_ > 0 && clock.MonotonicMs() - start_ms > idle_timeout_ms_) is_gone_ = true;
    // What it said before it left counts.
    if (is_gone_) return TakeDebuggerCommand(&input_, words);
  }
}

void DebugSession::Run() {
  OutputBuffer out;
  request_.is_in_place ? RunInPlace(&out) : RunOnCopy(&out);
  WaitForRelease();
  if (request_.wants_reply && !is_gone_) socket_->Send(out.ToString(), kSendPatienceMs);
  executor_.BeginBatch();
  LeaveExecutor();
  executor_.EndBatch();
}

void DebugSession::LeaveExecutor() {
  executor_.RemoveSession(&session_);
  executor_.engine().client_count.fetch_sub(1, std::memory_order_relaxed);
  socket_.reset();
}

void DebugSession::RunInPlace(OutputBuffer* out) {
  ScriptDebugger debugger(*this, executor_.engine().clock(), request_.words[1],
                          {.ends_when_left = false, .patience_ms = patience_ms_});
  RunDebugged(executor_, session_, debugger, out);
}

void DebugSession::RunOnCopy(OutputBuffer* out) {
  const std::unique_ptr<DebugStore> store = make_store_(executor_);
  Session session;
  session.id = session_.id;
  session.database_index = session_.database_index;
  session.protocol = session_.protocol;
  session.is_internal = true;
  ScriptDebugger debugger(*this, executor_.engine().clock(), request_.words[1],
                          {.ends_when_left = true, .patience_ms = patience_ms_});
  debugger.before_call = [&](const Command& command, std::span<const std::string_view> words) {
    return PrepareCopy(*store, session.database_index, command, words);
  };
  RunDebugged(store->executor(), session, debugger, out);
}

void DebugSession::RunDebugged(Executor& executor, Session& session, ScriptDebugger& debugger, OutputBuffer* out) {
  const std::vector<std::string_view> words(request_.words.begin(), request_.words.end());
  ReplyWriter reply(*out, session.protocol);
  ExecutorScripts& scripts = ExecutorScripts::Of(executor);
  scripts.debugger = &debugger;
  executor.BeginBatch();
  executor.RunScriptAlone(session, executor.Prepare(session, words), reply);
  executor.EndBatch();
  scripts.debugger = nullptr;
  debugger.Finish();
}

Status DebugSession::PrepareCopy(DebugStore& store, int database_index, const Command& command,
                                 std::span<const std::string_view> words) {
  KVICK_RETURN_IF_ERROR(Authorize(database_index, words));
  if (command.has(kAdmin) || (command.spec->categories & kAclAdmin) != 0) {
    return errors::Generic("the debugger's copy is of data, not of the server: use SCRIPT DEBUG SYNC");
  }
  if (command.RunsAlone(words) || command.has(kWalksKeyspace)) return store.BringEverything();
  return store.BringKeys(DeclareKeys(store.executor().engine(), database_index, command, words));
}

Status DebugSession::Authorize(int database_index, std::span<const std::string_view> words) {
  Status status;
  executor_.BeginBatch();
  Engine& engine = executor_.engine();
  session_.database_index = database_index;
  const Command* container = nullptr;
  const Command* command = engine.commands().Resolve(words, &container);
  if (command != nullptr && engine.hooks.authorizer != nullptr &&
      (session_.restrictions & Session::kRestrictedUser) != 0) {
    const std::vector<DeclaredKey> keys = DeclareKeys(engine, database_index, *command, words);
    status = engine.hooks.authorizer->Authorize(session_, *command, words, keys, CallOrigin::kScript);
  }
  executor_.EndBatch();
  return status;
}

void DebugSession::WaitForRelease() {
  const ReleaseGate& gate = executor_.engine().release_gate();
  for (int waited_ms = 0; waited_ms < kReleasePatienceMs && !gate.IsReleased(session_.write_position); ++waited_ms) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

}  // namespace kvick

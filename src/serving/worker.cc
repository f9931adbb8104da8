#include "serving/worker.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "base/assert.h"
#include "base/log.h"

namespace kvick {
namespace {

constexpr int64_t kExpiryIntervalUs = 20'000;
constexpr int64_t kSlowTimerUs = 100'000;
// Of each interval, how much active expiry may take.
constexpr int64_t kExpiryBudgetUs = 5'000;
constexpr int kIdleWaitMs = 100;
constexpr int kPausedWaitMs = 10;
constexpr size_t kWritePieces = 64;
// A connection's own input buffer larger than this is given back when it is used up.
constexpr size_t kInputKeptBytes = size_t{16} * 1024;

}  // namespace

Connection::Usage Connection::MeasureUsage() const {
  Usage usage;
  usage.query_bytes = input_.size();
  usage.query_free_bytes = input_.capacity() > 22 ? input_.capacity() - input_.size() : 0;
  usage.output_bytes = output_.size_bytes();
  usage.output_memory_bytes = output_.memory_bytes();
  usage.total_memory_bytes =
      sizeof(Connection) + (input_.capacity() > 22 ? input_.capacity() : 0) + usage.output_memory_bytes;
  usage.events = (epoll_events_ & EPOLLOUT) != 0 ? "rw" : "r";
  return usage;
}

void Connection::RequestClose() {
  session_.closing = true;
  worker_.Post([worker = &worker_, fd = fd(), id = session_.id] {
    const auto found = worker->connections_.find(fd);
    if (found != worker->connections_.end() && found->second->session_.id == id) worker->Doom(*found->second);
  });
}

Worker::Worker(Engine& engine, int index, int worker_count)
    : engine_(engine),
      index_(index),
      worker_count_(worker_count),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      executor_(engine),
      read_buffer_(new char[kReadBytes]),
      batch_(kBatchCommands) {
  KVICK_ASSERT(epoll_.get() >= 0);
  Watch(mailbox_.fd(), [this] { mailbox_.RunAll(); });
}

Worker::~Worker() { Join(); }

Status Worker::Start() {
  try {
    thread_ = std::thread([this] {
      pthread_setname_np(pthread_self(), ("worker_" + std::to_string(index_)).c_str());
      Run();
    });
  } catch (const std::system_error& error) {
    return Status::Error(std::string("Fatal: Can't initialize IO thread. Error message: ") + error.what());
  }
  return Status::Ok();
}

void Worker::RequestStop() {
  stopping_.store(true, std::memory_order_relaxed);
  mailbox_.Post([] {});
}

void Worker::Join() {
  if (thread_.joinable()) thread_.join();
}

void Worker::Watch(int fd, std::function<void()> ready) {
  watched_[fd] = std::move(ready);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  KVICK_ASSERT(epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0);
}

void Worker::Unwatch(int fd) {
  watched_.erase(fd);
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

void Worker::Adopt(FileDescriptor socket, bool is_unix_socket) {
  // std::function wants a copyable callable, so the descriptor travels as a number.
  mailbox_.Post([this, fd = socket.Release(), is_unix_socket] { AddConnection(FileDescriptor(fd), is_unix_socket); });
}

void Worker::AddConnection(FileDescriptor socket, bool is_unix_socket) {
  const int fd = socket.get();
  auto owned = std::make_unique<Connection>(*this, std::move(socket));
  Connection& connection = *owned;
  Session& session = connection.session_;
  session.id = engine_.NextSessionId();
  session.fd = fd;
  session.transport = &connection;
  session.is_unix_socket = is_unix_socket;
  session.protocol = static_cast<int>(engine_.settings().client_default_resp);
  session.connected_ms = session.last_active_ms = engine_.clock().NowMs();
  if (is_unix_socket) {
    session.address = session.local_address = engine_.settings().unix_socket + ":0";
  } else {
    const Endpoints endpoints = TcpEndpoints(fd);
    session.address = endpoints.peer;
    session.local_address = endpoints.local;
    session.is_local = endpoints.is_loopback;
    ConfigureTcp(fd, engine_.settings().tcp_keepalive_s);
  }
  if (engine_.hooks.authorizer != nullptr) engine_.hooks.authorizer->Admit(session);
  executor_.stats().connection_count.Add(1);
  // Others read the list of sessions in exclusive moments; it changes inside the gate only.
  executor_.BeginBatch();
  executor_.AddSession(&session);
  executor_.EndBatch();
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  connection.epoll_events_ = EPOLLIN;
  connections_.emplace(fd, std::move(owned));
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) Doom(connection);
}

void Worker::Run() {
  epoll_event events[kEventCount];
  while (!stopping_.load(std::memory_order_relaxed)) {
    const int count = epoll_wait(epoll_.get(), events, kEventCount, WaitMs());
    const int64_t start_us = engine_.clock().MonotonicUs();
    for (int i = 0; i < count; ++i) {
      const int fd = events[i].data.fd;
      const auto found = connections_.find(fd);
      if (found == connections_.end()) {
        const auto watched = watched_.find(fd);
        if (watched != watched_.end()) watched->second();
        continue;
      }
      Connection& connection = *found->second;
      if ((events[i].events & EPOLLOUT) != 0 && !connection.is_doomed_) OnWritable(connection);
      if ((events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && !connection.is_doomed_) OnReadable(connection);
    }
    RunTimers();
    CloseDoomed();
    executor_.stats().loop_count.Add(1);
    executor_.stats().loop_duration_us.Add(static_cast<uint64_t>(engine_.clock().MonotonicUs() - start_us));
  }
  // A message that hands over a connection must not be lost with its descriptor.
  mailbox_.RunAll();
  for (const auto& [fd, connection] : connections_) {
    if (!connection->output_.empty() && !connection->is_doomed_) Send(*connection, connection->output_);
  }
  for (const auto& [fd, connection] : connections_) Doom(*connection);
  CloseDoomed();
}

void Worker::OnReadable(Connection& connection) {
  // With nothing left over, bytes are read into the worker's buffer and executed there; else behind the rest.
  std::string& input = connection.input_;
  const bool shared = input.empty();
  size_t kept = 0;
  char* target = read_buffer_.get();
  size_t capacity = kReadBytes;
  if (!shared) {
    kept = input.size();
    const size_t expected = connection.parser_ ? connection.parser_->expected_bytes() : 0;
    // A large argument gets its memory as it comes, doubling, and never more than it announced.
    capacity = expected > kept ? std::min(expected - kept, std::max(kept, kReadBytes)) : kReadBytes;
    input.resize(kept + capacity);
    target = input.data() + kept;
  }
  const ssize_t got = read(connection.fd(), target, capacity);
  if (got <= 0) {
    if (!shared) input.resize(kept);
    if (got == 0 || (errno != EAGAIN && errno != EINTR)) Doom(connection);
    return;
  }
  const auto size = static_cast<size_t>(got);
  connection.session_.input_bytes += size;
  executor_.stats().input_bytes.Add(size);
  executor_.stats().read_count.Add(1);
  std::string_view bytes(target, size);
  if (!shared) {
    input.resize(kept + size);
    bytes = input;
    if (input.size() > engine_.settings().client_query_buffer_limit_bytes) {
      Log(LogLevel::kWarning, "Closing client that reached max query buffer length: id=" +
                                  std::to_string(connection.session_.id) + " addr=" + connection.session_.address);
      executor_.stats().query_limit_disconnections.Add(1);
      Doom(connection);
      return;
    }
  }
  const size_t used = ExecuteAll(connection, bytes);
  if (shared) {
    if (used < size) input.assign(target + used, size - used);
  } else {
    input.erase(0, used);
    if (input.empty() && input.capacity() > kInputKeptBytes) std::string().swap(input);
  }
}

size_t Worker::ExecuteAll(Connection& connection, std::string_view bytes) {
  Session& session = connection.session_;
  OutputBuffer& out = connection.output_.empty() ? reply_buffer_ : connection.output_;
  ReplyWriter reply(out, session.protocol);
  // The parser keeps its progress in an unfinished command with the connection, and is borrowed otherwise.
  std::unique_ptr<RequestParser> own = std::move(connection.parser_);
  RequestParser* parser = own ? own.get() : &parser_;
  if (!own) parser_.Reset();
  size_t used = 0;
  bool go_on = true;
  executor_.BeginBatch();
  while (go_on && used < bytes.size()) {
    size_t count = 0;
    size_t parsed = used;
    RequestParser::Outcome outcome = RequestParser::Outcome::kCommand;
    prepared_.clear();
    RequestParser::Limits limits;
    limits.bulk_bytes_max = engine_.settings().proto_max_bulk_len_bytes;
    limits.authenticated = (session.restrictions & Session::kUnauthenticated) == 0;
    while (count < kBatchCommands && parsed < bytes.size()) {
      RequestParser::Command& command = batch_[count];
      outcome = parser->Parse(bytes.substr(parsed), limits, &command);
      if (outcome != RequestParser::Outcome::kCommand) break;
      parsed += command.consumed;
      if (command.arguments.empty()) {
        if (count == 0)
          used = parsed;  // nothing to execute before it
        else
          batch_[count - 1].consumed += command.consumed;
        continue;
      }
      prepared_.push_back(executor_.Prepare(session, command.arguments));
      ++count;
      // What comes after an authentication is read by other rules.
      if (!limits.authenticated) break;
    }
    executor_.Prefetch();
    for (size_t i = 0; i < count && go_on; ++i) {
      const Executor::Outcome result = executor_.Run(session, prepared_[i], reply);
      if (result != Executor::Outcome::kDone) {
        if (result == Executor::Outcome::kPaused) {
          connection.is_paused_ = true;
          paused_.push_back(&connection);
        }
        go_on = false;
        break;
      }
      used += batch_[i].consumed;
      if (session.closing || session.close_after_reply) go_on = false;
      if (out.size_bytes() > 0 && IsOverOutputLimit(connection, out.size_bytes())) go_on = false;
    }
    executor_.ForgetPrepared();
    if (!go_on) break;
    if (outcome == RequestParser::Outcome::kError) {
      reply.Error("ERR " + parser->error());
      session.close_after_reply = true;
      break;
    }
    if (outcome == RequestParser::Outcome::kIncomplete) {
      if (!own) {
        own = std::make_unique<RequestParser>(std::move(parser_));
        parser_ = RequestParser();
      }
      break;
    }
  }
  executor_.EndBatch();
  if (go_on && used < bytes.size()) connection.parser_ = std::move(own);
  Send(connection, out);
  if (session.closing) Doom(connection);
  UpdateInterest(connection);
  return used;
}

bool Worker::IsOverOutputLimit(Connection& connection, size_t pending_bytes) {
  const OutputBufferLimit& limit =
      engine_.settings().client_output_buffer_limits[static_cast<size_t>(OutputBufferClass::kNormal)];
  bool over = limit.hard_limit_bytes != 0 && pending_bytes >= limit.hard_limit_bytes;
  if (limit.soft_limit_bytes != 0 && pending_bytes >= limit.soft_limit_bytes) {
    const int64_t now_ms = engine_.clock().NowMs();
    if (connection.soft_limit_since_ms_ == 0) connection.soft_limit_since_ms_ = now_ms;
    over = over || now_ms - connection.soft_limit_since_ms_ > limit.soft_limit_s * 1000;
  } else {
    connection.soft_limit_since_ms_ = 0;
  }
  if (!over) return false;
  Log(LogLevel::kWarning, "Client id=" + std::to_string(connection.session_.id) +
                              " addr=" + connection.session_.address +
                              " scheduled to be closed ASAP for overcoming of output buffer limits.");
  executor_.stats().output_limit_disconnections.Add(1);
  connection.session_.closing = true;
  return true;
}

void Worker::Send(Connection& connection, OutputBuffer& out) {
  while (!out.empty() && !connection.session_.closing) {
    iovec pieces[kWritePieces];
    const size_t count = out.Peek(pieces, kWritePieces);
    const ssize_t sent = count == 1 ? send(connection.fd(), pieces[0].iov_base, pieces[0].iov_len, MSG_NOSIGNAL)
                                    : writev(connection.fd(), pieces, static_cast<int>(count));
    if (sent < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN) {
        out.Clear();
        return Doom(connection);
      }
      break;
    }
    const auto size = static_cast<size_t>(sent);
    connection.session_.output_bytes += size;
    executor_.stats().output_bytes.Add(size);
    executor_.stats().write_count.Add(1);
    out.Consume(size);
  }
  if (connection.session_.closing) out.Clear();
  if (out.empty()) {
    connection.soft_limit_since_ms_ = 0;
    if (&out == &connection.output_) connection.output_ = OutputBuffer();
    if (connection.session_.close_after_reply) Doom(connection);
  } else if (&out != &connection.output_) {
    connection.output_.Swap(out);
  }
}

void Worker::OnWritable(Connection& connection) {
  Send(connection, connection.output_);
  if (!connection.is_doomed_) UpdateInterest(connection);
}

void Worker::UpdateInterest(Connection& connection) {
  if (connection.is_doomed_) return;
  uint32_t events = 0;
  if (!connection.is_paused_ && !connection.session_.close_after_reply) events |= EPOLLIN;
  if (!connection.output_.empty()) events |= EPOLLOUT;
  if (events == connection.epoll_events_) return;
  connection.epoll_events_ = events;
  epoll_event event{};
  event.events = events;
  event.data.fd = connection.fd();
  epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, connection.fd(), &event);
}

void Worker::Doom(Connection& connection) {
  if (std::exchange(connection.is_doomed_, true)) return;
  doomed_.push_back(&connection);
}

void Worker::CloseDoomed() {
  if (doomed_.empty()) return;
  executor_.BeginBatch();
  for (Connection* connection : doomed_) {
    executor_.RemoveSession(&connection->session_);
    paused_.erase(std::remove(paused_.begin(), paused_.end(), connection), paused_.end());
    engine_.client_count.fetch_sub(1, std::memory_order_relaxed);
    connections_.erase(connection->fd());
  }
  doomed_.clear();
  executor_.EndBatch();
}

int Worker::WaitMs() const {
  if (!paused_.empty()) return kPausedWaitMs;
  for (int i = 0; i < engine_.database_count(); ++i) {
    if (engine_.database(i).may_hold_expiring()) return kExpiryIntervalUs / 1000;
  }
  return kIdleWaitMs;
}

void Worker::RunTimers() {
  const int64_t now_us = engine_.clock().MonotonicUs();
  if (!paused_.empty()) ResumePaused();
  if (now_us >= next_expiry_us_) {
    next_expiry_us_ = now_us + kExpiryIntervalUs;
    executor_.RemoveExpired(static_cast<size_t>(index_), static_cast<size_t>(worker_count_), kExpiryBudgetUs);
  }
  if (now_us >= next_slow_timer_us_) {
    next_slow_timer_us_ = now_us + kSlowTimerUs;
    CloseIdle();
  }
}

void Worker::ResumePaused() {
  std::vector<Connection*> waiting;
  waiting.swap(paused_);
  for (Connection* connection : waiting) {
    connection->is_paused_ = false;
    if (connection->is_doomed_) continue;
    // Executed from a buffer of its own: what is left goes back, in front of nothing.
    std::string bytes = std::move(connection->input_);
    connection->input_.clear();
    const size_t used = ExecuteAll(*connection, bytes);
    connection->input_ = bytes.substr(used);
  }
}

void Worker::CloseIdle() {
  const int64_t timeout_ms = int64_t{engine_.settings().idle_timeout_s} * 1000;
  const int64_t now_ms = engine_.clock().NowMs();
  for (const auto& [fd, connection] : connections_) {
    if (connection->is_doomed_) continue;
    if (timeout_ms > 0 && !connection->is_paused_ && now_ms - connection->session_.last_active_ms > timeout_ms) {
      Log(LogLevel::kVerbose, "Closing idle client");
      Doom(*connection);
    } else if (!connection->output_.empty() && IsOverOutputLimit(*connection, connection->output_.size_bytes())) {
      Doom(*connection);
    }
  }
}

}  // namespace kvick

#include "serving/worker.h"

#include <pthread.h>
#include <sys/epoll.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "base/assert.h"
#include "base/log.h"
#include "engine/client_line.h"
#include "engine/compaction.h"
#include "engine/transaction.h"
#include "net/client_socket.h"

namespace kvick {
namespace {

constexpr int64_t kExpiryIntervalUs = 20'000;
constexpr int64_t kSlowTimerUs = 100'000;
// What clients hold is measured this often; at every timer while there are few.
constexpr int kTimersPerMeasure = 10;
constexpr size_t kFewConnections = 100;
// Of each interval, how much active expiry may take.
constexpr int64_t kExpiryBudgetUs = 5'000;
// What commands could not evict is evicted between turns, and how long a worker without commands waits in between.
constexpr int64_t kEvictionBudgetUs = 1'000;
constexpr int64_t kEvictionWaitMs = 1;
constexpr int64_t kCompactionIntervalUs = 1'000;
constexpr int kIdleWaitMs = 100;
constexpr int kPausedWaitMs = 10;

thread_local Worker* own_worker = nullptr;  // whose thread this is

}  // namespace

// One that never arrives, because the worker has stopped, is closed and no longer counted.
struct Worker::Arrival {
  Arrival(Engine& to, FileDescriptor client, bool is_unix, std::shared_ptr<const TlsContext> context)
      : engine(to), socket(std::move(client)), is_unix_socket(is_unix), tls(std::move(context)) {}
  Arrival(const Arrival&) = delete;
  Arrival& operator=(const Arrival&) = delete;
  ~Arrival() {
    if (socket.get() >= 0) engine.client_count.fetch_sub(1, std::memory_order_relaxed);
  }

  Engine& engine;
  FileDescriptor socket;
  bool is_unix_socket;
  std::shared_ptr<const TlsContext> tls;
};

Connection::Usage Connection::MeasureUsage() const {
  Usage usage;
  const bool is_executing = !executing_.empty();
  const bool reads_worker_buffer = is_executing && input_.empty();
  const size_t detached_bytes = parser_ ? parser_->detached_bytes() : 0;
  usage.query_bytes = (is_executing ? executing_.size() : input_.size()) + detached_bytes;
  usage.query_free_bytes =
      reads_worker_buffer ? Worker::kReadBytes - executing_.size() : input_.capacity() - input_.size();
  usage.argument_bytes = parser_ ? parser_->argument_bytes() : 0;
  const OutputBuffer& replies = replies_ != nullptr ? *replies_ : output_;
  const OutputBuffer::Shape shape = replies.MeasureShape();
  usage.reply_buffer_bytes = shape.block_bytes;
  usage.reply_buffer_used_bytes = shape.block_used_bytes;
  usage.reply_peak_bytes = std::max(reply_peak_bytes_, replies.size_bytes());
  usage.reply_list_count = shape.rest_count;
  usage.reply_list_count += held_.size();
  usage.reply_list_bytes = shape.rest_memory_bytes + held_bytes_;
  usage.total_memory_bytes = sizeof(Connection) + held_bytes_ + (parser_ ? sizeof(RequestParser) : 0) +
                             input_.capacity() + detached_bytes + shape.block_bytes + shape.rest_memory_bytes;
  usage.input_bytes = input_bytes_;
  usage.output_bytes = output_bytes_;
  usage.read_count = read_count_;
  usage.parsed_command_count = parsed_command_count_;
  usage.parsed_batch_count = parsed_batch_count_;
  usage.thread_index = worker_.index();
  usage.is_readable = (epoll_events_ & EPOLLIN) != 0;
  usage.is_writable = (epoll_events_ & EPOLLOUT) != 0;
  return usage;
}

void Connection::RequestClose() {
  session_.closing = true;
  worker_.Post([worker = &worker_, fd = fd(), id = session_.id] {
    const auto found = worker->connections_.find(fd);
    if (found != worker->connections_.end() && found->second->session_.id == id) worker->Doom(*found->second);
  });
}

void Connection::DeliverUnblocked(uint64_t session_id, std::string reply) {
  worker_.Post([worker = &worker_, fd = fd(), session_id, reply = std::move(reply)] {
    const auto found = worker->connections_.find(fd);
    if (found == worker->connections_.end() || found->second->session_.id != session_id) return;
    worker->Resume(*found->second, reply);
  });
}

PushPort& Connection::push_port() { return worker_; }

bool Connection::HandOver(Successor successor) {
  successor_ = std::move(successor);
  session_.close_after_reply = true;
  return true;
}

Worker::Worker(Engine& engine, int index, int worker_count)
    : engine_(engine),
      index_(index),
      worker_count_(worker_count),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      executor_(engine),
      wall_ahead_ms_(engine.clock().NowMs() - engine.clock().MonotonicMs()),
      scratch_(&own_scratch_) {
  KVICK_ASSERT(epoll_.get() >= 0);
  executor_.stats().worker_index = index;
  executor_.serve_while_busy = [this] { ServeWhileBusy(); };
  Watch(mailbox_.fd(), [this] { RunMessages(); });
  engine_.release_gate().Add(this);
}

Worker::~Worker() {
  engine_.release_gate().Remove(this);
  Join();
}

Status Worker::Start() {
  try {
    thread_ = std::thread([this] {
      pthread_setname_np(pthread_self(), ("worker_" + std::to_string(index_)).c_str());
      own_worker = this;
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

void Worker::Adopt(FileDescriptor socket, bool is_unix_socket, std::shared_ptr<const TlsContext> tls) {
  {
    MutexLock lock(arrivals_mutex_);
    arrivals_.push_back(std::make_unique<Arrival>(engine_, std::move(socket), is_unix_socket, std::move(tls)));
  }
  mailbox_.Post([this] { TakeArrivals(); });
}

void Worker::Deliver(std::shared_ptr<const PushMessage> message, std::vector<PushTarget> targets) {
  if (own_worker == this && running_ != nullptr && message->kind == PushMessage::Kind::kInvalidation) {
    const uint64_t own_id = running_->connection.session_.id;
    const auto own = std::find_if(targets.begin(), targets.end(),
                                  [own_id](const PushTarget& target) { return target.session_id == own_id; });
    if (own != targets.end()) {
      targets.erase(own);
      running_->invalidations.push_back(message);
      if (targets.empty()) return;
    }
  }
  mailbox_.Post(Mailbox::Push{std::move(message), std::move(targets)});
  if (own_worker != nullptr && own_worker->running_ != nullptr && mailbox_.is_crowded()) {
    own_worker->running_->crowds = true;
  }
}

void Worker::RunMessages() {
  executor_.stats().message_count.Add(mailbox_.RunAll([this](Mailbox::Push& push) { AppendPush(push); }));
  SendPushes();
}

void Worker::TakeArrivals() {
  std::vector<std::unique_ptr<Arrival>> arrivals;
  {
    MutexLock lock(arrivals_mutex_);
    arrivals.swap(arrivals_);
  }
  for (const auto& arrival : arrivals) AddConnection(*arrival);
}

void Worker::AddConnection(Arrival& arrival) {
  const int fd = arrival.socket.get();
  const bool is_unix_socket = arrival.is_unix_socket;
  auto owned = std::make_unique<Connection>(*this, std::move(arrival.socket));
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
  executor_.AddSession(&session);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  connection.epoll_events_ = EPOLLIN;
  connections_.emplace(fd, std::move(owned));
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) return Doom(connection);
  if (arrival.tls != nullptr && !BeginTls(connection, *arrival.tls).ok()) Doom(connection);
}

void Worker::Run() {
  epoll_event events[kEventCount];
  while (!stopping_.load(std::memory_order_relaxed)) {
    const int count = epoll_wait(epoll_.get(), events, kEventCount, WaitMs());
    const int64_t start_us = engine_.clock().MonotonicUs();
    executor_.stats().turn_started_us.Set(static_cast<uint64_t>(start_us));
    // The whole turn is spent inside the gate: connections and the list of sessions stand still for others whenever
    // they look, which is between two commands or while we sleep.
    executor_.BeginBatch();
    handshake_steps_left_ = engine_.settings().max_new_tls_connections_per_cycle;
    const uint64_t events_before = executor_.stats().client_event_count.Load();
    for (int i = 0; i < count; ++i) {
      Serve(events[i].data.fd, events[i].events);
      if (gathered_count_ == kGatheredMax) RunGathered();
    }
    RunGathered();
    if (!unread_.empty()) ReadOn();
    if (!paused_.empty() && start_us >= next_resume_us_) {
      next_resume_us_ = start_us + kPausedWaitMs * 1000;
      ResumePaused();
    }
    executor_.EndOverdueWaits();
    if (!holding_.empty()) WriteLog();
    ReleaseReplies();
    const bool runs_timers = !engine_.timers_paused.load(std::memory_order_relaxed);
    if (runs_timers && start_us >= next_slow_timer_us_) {
      next_slow_timer_us_ = start_us + kSlowTimerUs;
      CloseIdle();
      // Many are not looked at so often.
      if (++timers_since_measure_ >= kTimersPerMeasure || connections_.size() <= kFewConnections) {
        timers_since_measure_ = 0;
        MeasureClients();
      }
    }
    CloseDoomed();
    executor_.EndBatch();
    YieldToLog();
    if (runs_timers && start_us >= next_expiry_us_) {
      next_expiry_us_ = start_us + kExpiryIntervalUs;
      executor_.RemoveExpired(static_cast<size_t>(index_), static_cast<size_t>(worker_count_), kExpiryBudgetUs);
    }
    if (runs_timers && engine_.memory_limit().state() == MemoryLimit::State::kEvicting) {
      executor_.EvictExcess(kEvictionBudgetUs);
    }
    // Of each interval, a percentage.
    const int compaction_share = runs_timers ? engine_.compaction().share() : 0;
    if (compaction_share != 0 && start_us >= next_compaction_us_) {
      next_compaction_us_ = start_us + kCompactionIntervalUs;
      executor_.Compact(kCompactionIntervalUs * compaction_share / 100);
    }
    executor_.stats().loop_count.Add(1);
    if (executor_.stats().client_event_count.Load() != events_before) executor_.stats().serving_loop_count.Add(1);
    executor_.stats().loop_duration_us.Add(static_cast<uint64_t>(engine_.clock().MonotonicUs() - start_us));
  }
  executor_.BeginBatch();
  // A message that hands over a connection must not be lost with its descriptor.
  RunMessages();
  ReleaseReplies();
  for (const auto& [fd, connection] : connections_) {
    if (!connection->output_.empty() && !connection->is_doomed_) Send(*connection, connection->output_);
  }
  for (const auto& [fd, connection] : connections_) Doom(*connection);
  CloseDoomed();
  executor_.EndBatch();
}

void Worker::Serve(int fd, uint32_t events) {
  const auto found = connections_.find(fd);
  if (found == connections_.end()) {
    RunGathered();
    const auto watched = watched_.find(fd);
    if (watched != watched_.end()) watched->second();
    return;
  }
  Connection& connection = *found->second;
  if (connection.is_doomed_) return;
  if (connection.tls_ != nullptr && !connection.tls_->is_established()) return ContinueHandshake(connection);
  if ((events & EPOLLOUT) != 0) OnWritable(connection);
  if ((events & ~uint32_t{EPOLLOUT}) == 0 || connection.is_doomed_) return;
  if ((connection.epoll_events_ & EPOLLIN) != 0) {
    executor_.stats().client_event_count.Add(1);
    if (MayGather(connection)) return Gather(connection);
    RunGathered();  // it needs the buffer
    OnReadable(connection);
  } else {
    // Not reading at present (paused, or about to end), so this is the end of the connection or of the client's side.
    Doom(connection);
  }
}

void Worker::ServeWhileBusy() {
  if (serves_while_busy_) return;
  serves_while_busy_ = true;
  executor_.stats().turn_started_us.Set(static_cast<uint64_t>(engine_.clock().MonotonicUs()));  // not stuck
  if (busy_scratch_ == nullptr) busy_scratch_ = std::make_unique<Scratch>();
  Scratch* const interrupted = std::exchange(scratch_, busy_scratch_.get());
  TakeArrivals();
  handshake_steps_left_ = engine_.settings().max_new_tls_connections_per_cycle;
  epoll_event events[kEventCount];
  const int count = epoll_wait(epoll_.get(), events, kEventCount, 0);
  for (int i = 0; i < count; ++i) {
    const int fd = events[i].data.fd;
    // Messages may reach for stripes.
    if (fd == mailbox_.fd()) continue;
    const auto found = connections_.find(fd);
    // Whose script it is, whose commands come behind it, and who waits for something else, has to wait.
    const bool is_waiting =
        found != connections_.end() && (!found->second->executing_.empty() || found->second->session_.is_waiting());
    if (!is_waiting) Serve(fd, events[i].events);
  }
  if (!unread_.empty()) ReadOn();
  scratch_ = interrupted;
  serves_while_busy_ = false;
}

void Worker::Doom(Connection& connection) {
  if (std::exchange(connection.is_doomed_, true)) return;
  doomed_.push_back(&connection);
}

void Worker::CloseDoomed() {
  for (Connection* connection : doomed_) {
    executor_.RemoveSession(&connection->session_);
    paused_.erase(std::remove(paused_.begin(), paused_.end(), connection), paused_.end());
    holding_.erase(std::remove(holding_.begin(), holding_.end(), connection), holding_.end());
    if (connection->is_unread_) unread_.erase(std::remove(unread_.begin(), unread_.end(), connection), unread_.end());
    engine_.client_count.fetch_sub(1, std::memory_order_relaxed);
    const int fd = connection->fd();
    if (connection->successor_ != nullptr && !connection->session_.closing) {
      epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
      connection->successor_(connection->session_, std::make_unique<ClientSocket>(std::move(connection->socket_),
                                                                                  std::move(connection->tls_)));
    }
    connections_.erase(fd);
  }
  doomed_.clear();
}

int Worker::WaitMs() const {
  if (!unread_.empty()) return 0;
  if (!paused_.empty()) return kPausedWaitMs;
  int64_t wait_ms = kIdleWaitMs;
  for (int i = 0; i < engine_.database_count(); ++i) {
    if (engine_.database(i).may_hold_expiring()) wait_ms = kExpiryIntervalUs / 1000;
  }
  if (engine_.compaction().share() != 0) wait_ms = kCompactionIntervalUs / 1000;
  if (engine_.memory_limit().state() == MemoryLimit::State::kEvicting) wait_ms = kEvictionWaitMs;
  const int64_t deadline_ms = executor_.next_wait_deadline_ms();
  if (deadline_ms != INT64_MAX) wait_ms = std::clamp<int64_t>(deadline_ms - engine_.clock().MonotonicMs(), 0, wait_ms);
  return static_cast<int>(wait_ms);
}

void Worker::Resume(Connection& connection, std::string_view reply) {
  executor_.FinishWaiting(connection.session_);
  if (connection.is_doomed_) return;
  // What was told before comes before: a command that runs now may end a subscription.
  if (!connection.pushes_.empty()) SendPushesOf(connection);
  // Somebody else ran the command, and has recorded by now what it changed.
  if (engine_.log().is_active()) connection.session_.write_position = engine_.log().end_position();
  OutputBuffer out;
  out.Append(reply);
  Answer(connection, out);
  ExecuteInput(connection);
}

void Worker::Pause(Connection& connection) {
  connection.session_.is_paused = true;
  paused_.push_back(&connection);
}

// Those whose command has to wait on come back into the list.
void Worker::ResumePaused() {
  std::vector<Connection*> waiting;
  waiting.swap(paused_);
  for (Connection* connection : waiting) {
    connection->session_.is_paused = false;
    if (!connection->is_doomed_) ExecuteInput(*connection);
  }
}

void Worker::MeasureClients() {
  uint64_t held_bytes = 0;
  uint64_t input_bytes_max = 0;
  uint64_t output_bytes_max = 0;
  for (const auto& [fd, connection] : connections_) {
    const Session& session = connection->session_;
    const Connection::Usage usage = connection->MeasureUsage();
    held_bytes += usage.total_memory_bytes;
    if (session.transaction != nullptr) held_bytes += session.transaction->queued_bytes;
    input_bytes_max = std::max<uint64_t>(input_bytes_max, usage.query_bytes);
    output_bytes_max = std::max<uint64_t>(output_bytes_max, usage.reply_peak_bytes);
  }
  ExecutorStats& stats = executor_.stats();
  stats.client_bytes.Set(held_bytes);
  stats.client_input_bytes_max.Set(input_bytes_max);
  stats.client_output_bytes_max.Set(output_bytes_max);
}

void Worker::FollowClock() {
  constexpr int64_t kJumpMinMs = 1000;
  const int64_t now_ms = engine_.clock().NowMs();
  const int64_t jump_ms = now_ms - engine_.clock().MonotonicMs() - wall_ahead_ms_;
  if (std::abs(jump_ms) < kJumpMinMs) return;
  wall_ahead_ms_ += jump_ms;
  Log(LogLevel::kNotice, "The system's clock was set by " + std::to_string(jump_ms) + " ms");
  // What was noted since the jump is right as it is: behind a jump back it is what does not lie in the future.
  const auto move = [=](int64_t* time_ms) {
    if (jump_ms > 0 || *time_ms > now_ms) *time_ms = std::min(*time_ms + jump_ms, now_ms);
  };
  for (const auto& [fd, connection] : connections_) {
    move(&connection->session_.last_active_ms);
    move(&connection->session_.connected_ms);
    move(&connection->reply_peak_since_ms_);
    if (connection->soft_limit_since_ms_ != 0) move(&connection->soft_limit_since_ms_);
  }
}

void Worker::CloseIdle() {
  FollowClock();
  const int64_t timeout_ms = int64_t{engine_.settings().idle_timeout_s} * 1000;
  const int64_t login_timeout_ms = int64_t{engine_.settings().unauthenticated_timeout_s} * 1000;
  const int64_t now_ms = executor_.now_ms();
  for (const auto& [fd, connection] : connections_) {
    const Session& session = connection->session_;
    if (connection->is_doomed_) continue;
    const bool may_idle = session.is_waiting() || session.type() != ClientType::kNormal;
    if (timeout_ms > 0 && !may_idle && now_ms - session.last_active_ms > timeout_ms) {
      Log(LogLevel::kVerbose, "Closing idle client");
      Doom(*connection);
    } else if (login_timeout_ms > 0 && now_ms - session.connected_ms > login_timeout_ms &&
               engine_.MustAuthenticate(session)) {
      Log(LogLevel::kVerbose, "Closing client that has not authenticated");
      Doom(*connection);
    } else if (IsOverHandshakeTime(*connection, now_ms)) {
      Log(LogLevel::kVerbose, "Closing client that has not finished its TLS handshake");
      Doom(*connection);
    } else if (connection->has_replies() &&
               IsOverOutputLimit(*connection, connection->output_.size_bytes() + connection->held_bytes_)) {
      Doom(*connection);
    }
  }
}

}  // namespace kvick

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
#include "engine/client_line.h"
#include "engine/compaction.h"
#include "engine/transaction.h"

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
constexpr size_t kWritePieces = 64;
// A connection's own input buffer larger than this is cut to what it holds when that is little.
constexpr size_t kInputKeptBytes = size_t{16} * 1024;
constexpr int64_t kReplyPeakPeriodMs = 5000;
// Pushes of at least so many bytes are lent to the connections; below it a copy is cheaper than a piece of its own.
constexpr size_t kPushLentMin = size_t{16} * 1024;
constexpr size_t kPushesKept = 16;
// A block of replies: as many as there are buffered without anybody asking for it.
constexpr size_t kUnauthenticatedOutputBytesMax = size_t{16} * 1024;

thread_local const Worker* own_worker = nullptr;  // whose thread this is

OutputBufferClass OutputClassOf(ClientType type) {
  switch (type) {
    case ClientType::kReplica: return OutputBufferClass::kReplica;
    case ClientType::kPubSub: return OutputBufferClass::kPubSub;
    case ClientType::kNormal:
    case ClientType::kPrimary: break;
  }
  return OutputBufferClass::kNormal;
}

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
  mailbox_.Post([this, message = std::move(message), targets = std::move(targets)] { AppendPush(message, targets); });
}

void Worker::RunMessages() {
  executor_.stats().message_count.Add(mailbox_.RunAll());
  SendPushes();
}

void Worker::AppendPush(const std::shared_ptr<const PushMessage>& message, const std::vector<PushTarget>& targets) {
  pushes_.push_back(message);
  for (const PushTarget& target : targets) {
    const auto found = connections_.find(target.fd);
    if (found == connections_.end()) continue;
    Connection& connection = *found->second;
    const Session& session = connection.session_;
    if (session.id != target.session_id || connection.is_doomed_ || connection.is_ending()) continue;
    SharedBytes* bytes = BytesToPush(session, *message, target);
    if (bytes == nullptr) continue;
    if (connection.pushes_.empty()) pushed_.push_back(&connection);
    connection.pushes_.push_back(bytes);
    connection.pushed_bytes_ += bytes->size();
    // Who reads too slowly must not make us keep more than the limit until the messages are all there.
    IsOverOutputLimit(connection, connection.output_.size_bytes() + connection.pushed_bytes_);
  }
}

// What many messages brought is sent at once.
void Worker::SendPushes() {
  for (Connection* connection : pushed_) {
    if (!connection->pushes_.empty()) SendPushesOf(*connection);
  }
  pushed_.clear();
  pushes_.clear();
}

// Through the buffer of replies, which is warm, and keeps only what the socket does not take.
void Worker::SendPushesOf(Connection& connection) {
  OutputBuffer& out = ReplyBufferFor(connection);
  for (SharedBytes* bytes : connection.pushes_) {
    if (bytes->size() >= kPushLentMin) {
      out.AppendShared(SharedBytesRef(bytes));
    } else {
      out.Append(bytes->view());
    }
  }
  // Room for a few is kept for the next turn.
  if (connection.pushes_.capacity() > kPushesKept) {
    connection.pushes_ = {};
  } else {
    connection.pushes_.clear();
  }
  connection.pushed_bytes_ = 0;
  NoteReplyPeak(connection, out.size_bytes());
  Answer(connection, out);
  if (connection.session_.closing) Doom(connection);
  UpdateInterest(connection);
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

void Worker::OnReadable(Connection& connection) {
  // With nothing left over, bytes are read into the worker's buffer and executed there; else behind the rest. Those of
  // a large argument go where they will stay.
  InputBuffer& input = connection.input_;
  RequestParser* parser = connection.parser_.get();
  const bool is_detached = parser != nullptr && parser->is_detached();
  const bool is_shared = input.empty();
  std::span<char> target;
  if (is_detached) {
    target = parser->DetachedRoom();
  } else if (is_shared) {
    target = {scratch_->read_buffer.get(), kReadBytes};
  } else {
    target = {input.Reserve(kReadBytes), kReadBytes};
  }
  const size_t size = Read(connection, target);
  if (size == 0) return;
  if (is_shared) {
    const std::string_view bytes(target.data(), size);
    input.Append(KeepUnfinished(connection, bytes.substr(ExecuteAll(connection, bytes))));
    return;
  }
  if (is_detached) {
    parser->CommitDetached(size);
  } else {
    input.Commit(size);
  }
  if (input.size() + (parser != nullptr ? parser->detached_bytes() : 0) >
      engine_.settings().client_query_buffer_limit_bytes) {
    Log(LogLevel::kWarning,
        "Closing client that reached max query buffer length: " + ClientLine(connection.session_, executor_.now_ms()));
    executor_.stats().query_limit_disconnections.Add(1);
    return Doom(connection);
  }
  if (is_detached && parser->is_detached()) return;
  ExecuteInput(connection);
  if (input.capacity() > kInputKeptBytes && input.size() < input.capacity() / 4) input.Shrink();
}

// Reads once and counts it. 0: there is nothing to execute, and what had to be done was done.
size_t Worker::Read(Connection& connection, std::span<char> target) {
  TlsStream* const tls = connection.tls_.get();
  const ssize_t got = tls == nullptr ? read(connection.fd(), target.data(), target.size()) : tls->Read(target);
  if (got < 0) {
    if (errno != EAGAIN && errno != EINTR) Doom(connection);
    if (tls != nullptr && tls->read_waits_for_room()) UpdateInterest(connection);
    return 0;
  }
  if (tls != nullptr && tls->has_unread()) NoteUnread(connection);
  if (got == 0) {
    if (IsLogged(LogLevel::kVerbose)) {
      Log(LogLevel::kVerbose, "Client closed connection " + ClientLine(connection.session_, executor_.now_ms()));
    }
    OnEndOfInput(connection);
    return 0;
  }
  const auto size = static_cast<size_t>(got);
  connection.session_.last_active_ms = executor_.now_ms();
  connection.input_bytes_ += size;
  connection.last_read_bytes_ = static_cast<uint32_t>(size);
  ++connection.read_count_;
  executor_.stats().input_bytes.Add(size);
  executor_.stats().read_count.Add(1);
  return size;
}

// Clients that send a command or a few at a time, and of whose input nothing is left over.
bool Worker::MayGather(const Connection& connection) const {
  return !serves_while_busy_ && connection.input_.empty() && connection.parser_ == nullptr &&
         connection.last_read_bytes_ < kLittleBytes;
}

// Reads and prepares, but does not run yet: RunGathered does, for several connections at once.
void Worker::Gather(Connection& connection) {
  if (gathered_count_ == 0) {
    scratch_->prepared.clear();
    executor_.ForgetPrepared();
  }
  const std::span<char> target(scratch_->read_buffer.get() + gathered_count_ * kGatheredBytes, kGatheredBytes);
  const size_t size = Read(connection, target);
  if (size == 0) return;
  Gathered& gathered = gathered_[gathered_count_++];
  gathered.connection = &connection;
  gathered.bytes = {target.data(), size};
  connection.executing_ = gathered.bytes;
  scratch_->parser.Reset();
  gathered.batch = ParseBatch(connection.session_, scratch_->parser, gathered.bytes, scratch_->prepared.size());
  // What is not whole commands to the end takes the longer way.
  gathered.is_whole = gathered.batch.outcome == RequestParser::Outcome::kCommand && gathered.batch.size == size;
  if (!gathered.is_whole) scratch_->prepared.resize(gathered.batch.begin);
}

// The keys of all these connections' commands are prefetched together: a client that waits for each reply gets what
// otherwise only a pipeline gets.
void Worker::RunGathered() {
  if (gathered_count_ == 0) return;
  executor_.Prefetch();
  const std::span<Gathered> all(gathered_.data(), std::exchange(gathered_count_, 0));
  for (Gathered& gathered : all) {
    if (!gathered.is_whole) continue;
    Connection& connection = *gathered.connection;
    OutputBuffer& out = ReplyBufferFor(connection);
    ReplyWriter reply(out, connection.session_.protocol);
    connection.replies_ = &out;
    size_t used = gathered.batch.skipped;
    RunBatch(connection, gathered.batch, gathered.bytes, &used, reply);
    if (connection.is_ending()) used = gathered.bytes.size();
    FinishExecution(connection, out);
    connection.input_.Append(KeepUnfinished(connection, gathered.bytes.substr(used)));
  }
  executor_.ForgetPrepared();
  for (Gathered& gathered : all) {
    if (gathered.is_whole) continue;
    Connection& connection = *gathered.connection;
    const size_t used = ExecuteAll(connection, gathered.bytes);
    connection.input_.Append(KeepUnfinished(connection, gathered.bytes.substr(used)));
  }
}

void Worker::ExecuteInput(Connection& connection) {
  InputBuffer& input = connection.input_;
  input.Consume(ExecuteAll(connection, input.view()));
  input.Truncate(KeepUnfinished(connection, input.view()).size());
}

// What has to be kept of `rest`, the bytes that were not used up: all but the beginning of a large argument, which
// gets memory of its own.
std::string_view Worker::KeepUnfinished(Connection& connection, std::string_view rest) {
  RequestParser* parser = connection.parser_.get();
  if (parser == nullptr || !parser->WantsDetach({})) return rest;
  return rest.substr(0, parser->Detach(rest));
}

// A client may send its commands, shut down its side and wait for the replies.
void Worker::OnEndOfInput(Connection& connection) {
  if (!connection.has_replies() || connection.session_.type() != ClientType::kNormal) return Doom(connection);
  connection.session_.close_after_reply = true;
  UpdateInterest(connection);
}

Worker::Batch Worker::ParseBatch(const Session& session, RequestParser& parser, std::string_view bytes, size_t begin) {
  Batch batch;
  batch.begin = begin;
  RequestParser::Limits limits;
  limits.bulk_bytes_max = engine_.settings().proto_max_bulk_len_bytes;
  limits.authenticated = !engine_.MustAuthenticate(session);
  while (begin + batch.count < kBatchCommands && batch.size < bytes.size()) {
    RequestParser::Command& command = scratch_->batch[begin + batch.count];
    batch.outcome = parser.Parse(bytes.substr(batch.size), limits, &command);
    if (batch.outcome != RequestParser::Outcome::kCommand) break;
    batch.size += command.consumed;
    if (command.arguments.empty()) {
      if (batch.count == 0) {
        batch.skipped = batch.size;
      } else {
        scratch_->batch[begin + batch.count - 1].consumed += command.consumed;
      }
      continue;
    }
    if (!serves_while_busy_) {
      scratch_->prepared.push_back(executor_.Prepare(session, command.arguments));
      scratch_->prepared.back().large_arguments = command.large_arguments;
    }
    ++batch.count;
    // What comes after an authentication is read by other rules.
    if (!limits.authenticated) break;
  }
  return batch;
}

bool Worker::RunBatch(Connection& connection, const Batch& batch, std::string_view bytes, size_t* used,
                      ReplyWriter& reply) {
  Session& session = connection.session_;
  connection.parsed_command_count_ += batch.count;
  connection.parsed_batch_count_ += batch.count > 0 ? 1 : 0;
  executor_.stats().parsed_command_count.Add(batch.count);
  if (batch.count > 0) executor_.stats().parsed_batch_count.Add(1);
  Running running{connection, {}};
  for (size_t i = batch.begin; i < batch.begin + batch.count; ++i) {
    RequestParser::Command& command = scratch_->batch[i];
    Running* const interrupted = std::exchange(running_, &running);  // a script that others are served meanwhile
    const Executor::Outcome outcome = serves_while_busy_ ? executor_.RunWhileBusy(session, command.arguments, reply)
                                                         : executor_.Run(session, scratch_->prepared[i], reply);
    running_ = interrupted;
    for (const std::shared_ptr<const PushMessage>& invalidation : running.invalidations) {
      if (SharedBytes* bytes = BytesToPush(session, *invalidation, TargetOf(session)))
        reply.out().Append(bytes->view());
    }
    running.invalidations.clear();
    if (outcome != Executor::Outcome::kDone) {
      if (outcome == Executor::Outcome::kPaused) Postpone(connection, bytes.substr(*used), &command);
      return false;
    }
    *used += command.consumed;
    command.Release();
    const bool is_over =
        connection.replies_->size_bytes() > 0 && IsOverOutputLimit(connection, connection.replies_->size_bytes());
    if (is_over || connection.is_ending() || session.blocked != nullptr) return false;
  }
  return true;
}

size_t Worker::ExecuteAll(Connection& connection, std::string_view bytes) {
  Session& session = connection.session_;
  OutputBuffer& out = ReplyBufferFor(connection);
  ReplyWriter reply(out, session.protocol);
  // The parser keeps its progress in an unfinished command with the connection, and is borrowed otherwise.
  std::unique_ptr<RequestParser> own = std::move(connection.parser_);
  RequestParser* parser = own ? own.get() : &scratch_->parser;
  if (!own) scratch_->parser.Reset();
  connection.executing_ = bytes;
  connection.replies_ = &out;
  size_t used = 0;
  bool go_on = true;
  while (go_on && used < bytes.size()) {
    scratch_->prepared.clear();
    const std::string_view rest = bytes.substr(used);
    const Batch batch = ParseBatch(session, *parser, rest, 0);
    if (!serves_while_busy_) executor_.Prefetch();
    size_t used_of_rest = batch.skipped;
    go_on = RunBatch(connection, batch, rest, &used_of_rest, reply);
    used += used_of_rest;
    if (!serves_while_busy_) executor_.ForgetPrepared();
    if (!go_on) break;
    if (batch.outcome == RequestParser::Outcome::kError) {
      Log(LogLevel::kVerbose, parser->error() + " from client: " + ClientLine(connection.session_, executor_.now_ms()));
      if (session.reply_mode == Session::ReplyMode::kOn) reply.Error("ERR " + parser->error());
      session.close_after_reply = true;
      break;
    }
    if (batch.outcome == RequestParser::Outcome::kIncomplete) {
      if (!own) {
        own = std::make_unique<RequestParser>(std::move(scratch_->parser));
        scratch_->parser = RequestParser();
      }
      break;
    }
  }
  if (connection.is_ending()) {
    used = bytes.size();  // the rest is ignored
  } else if (go_on && used < bytes.size()) {
    connection.parser_ = std::move(own);
  }
  FinishExecution(connection, out);
  return used;
}

void Worker::FinishExecution(Connection& connection, OutputBuffer& out) {
  connection.executing_ = {};
  connection.replies_ = nullptr;
  NoteReplyPeak(connection, out.size_bytes());
  Answer(connection, out);
  if (connection.session_.closing) Doom(connection);
  UpdateInterest(connection);
}

// While replies may be held back, new ones are kept apart from those that need not be.
OutputBuffer& Worker::ReplyBufferFor(Connection& connection) {
  return connection.output_.empty() || engine_.release_gate().holds_back() || !connection.held_.empty()
             ? scratch_->reply_buffer
             : connection.output_;
}

void Worker::Answer(Connection& connection, OutputBuffer& out) {
  if (&out == &connection.output_) return Send(connection, out);
  if (!connection.held_.empty() || !engine_.release_gate().IsReleased(connection.session_.write_position)) {
    return Hold(connection, out);
  }
  if (connection.output_.empty()) return Send(connection, out);
  connection.output_.AppendAll(std::move(out));
  Send(connection, connection.output_);
}

// The command waits for the end of CLIENT PAUSE. Its bytes stay as they are, but a detached argument is not among them.
void Worker::Postpone(Connection& connection, std::string_view bytes, RequestParser::Command* command) {
  connection.session_.is_paused = true;
  paused_.push_back(&connection);
  if (command->large_arguments.empty()) return;
  connection.parser_ = std::make_unique<RequestParser>();
  connection.parser_->Restore(bytes, std::move(*command));
}

// The peak is that of the latest period, so that a single large reply is not shown forever.
void Worker::NoteReplyPeak(Connection& connection, size_t pending_bytes) {
  const int64_t now_ms = executor_.now_ms();
  if (now_ms - connection.reply_peak_since_ms_ > kReplyPeakPeriodMs) {
    connection.reply_peak_since_ms_ = now_ms;
    connection.reply_peak_bytes_ = 0;
  }
  connection.reply_peak_bytes_ = std::max(connection.reply_peak_bytes_, pending_bytes);
}

bool Worker::IsOverOutputLimit(Connection& connection, size_t pending_bytes) {
  const Session& session = connection.session_;
  const OutputBufferLimit& limit =
      engine_.settings().client_output_buffer_limits[static_cast<size_t>(OutputClassOf(session.type()))];
  bool over = limit.hard_limit_bytes != 0 && pending_bytes >= limit.hard_limit_bytes;
  if (limit.soft_limit_bytes != 0 && pending_bytes >= limit.soft_limit_bytes) {
    const int64_t now_ms = executor_.now_ms();
    if (connection.soft_limit_since_ms_ == 0) connection.soft_limit_since_ms_ = now_ms;
    over = over || now_ms - connection.soft_limit_since_ms_ > limit.soft_limit_s * 1000;
  } else {
    connection.soft_limit_since_ms_ = 0;
  }
  // Who has not authenticated cannot make us keep replies that he does not read.
  over = over || (pending_bytes > kUnauthenticatedOutputBytesMax && engine_.MustAuthenticate(session));
  if (!over) return false;
  Log(LogLevel::kWarning, "Client " + ClientLine(session, executor_.now_ms()) +
                              " scheduled to be closed ASAP for overcoming of output buffer limits.");
  executor_.stats().output_limit_disconnections.Add(1);
  connection.session_.closing = true;
  return true;
}

void Worker::Send(Connection& connection, OutputBuffer& out) {
  Session& session = connection.session_;
  while (!out.empty() && !session.closing) {
    iovec pieces[kWritePieces];
    const size_t count = out.Peek(pieces, kWritePieces);
    msghdr message{};
    message.msg_iov = pieces;
    message.msg_iovlen = count;
    const ssize_t sent = connection.tls_ != nullptr ? connection.tls_->Write({pieces, count})
                         : count == 1 ? send(connection.fd(), pieces[0].iov_base, pieces[0].iov_len, MSG_NOSIGNAL)
                                      : sendmsg(connection.fd(), &message, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN) {
        out.Clear();
        return Doom(connection);
      }
      break;
    }
    const auto size = static_cast<size_t>(sent);
    session.last_active_ms = executor_.now_ms();
    connection.output_bytes_ += size;
    executor_.stats().output_bytes.Add(size);
    executor_.stats().write_count.Add(1);
    out.Consume(size);
  }
  if (session.closing) out.Clear();
  if (out.empty()) {
    connection.soft_limit_since_ms_ = 0;
    if (&out == &connection.output_) connection.output_ = OutputBuffer();
    if (session.close_after_reply && connection.held_.empty()) Doom(connection);
  } else if (&out != &connection.output_) {
    connection.output_.Swap(out);
  }
}

void Worker::OnWritable(Connection& connection) {
  Send(connection, connection.output_);
  if (connection.is_doomed_) return;
  if (connection.tls_ != nullptr && connection.tls_->read_waits_for_room()) NoteUnread(connection);
  UpdateInterest(connection);
}

void Worker::UpdateInterest(Connection& connection) {
  if (connection.is_doomed_) return;
  uint32_t events = 0;
  if (connection.session_.is_waiting()) {
    events |= EPOLLRDHUP;  // a client that leaves takes its waiting commands with it
  } else if (!connection.is_ending()) {
    events |= EPOLLIN;
  }
  if (!connection.output_.empty()) events |= EPOLLOUT;
  if (connection.tls_ != nullptr && (events & EPOLLIN) != 0) {
    if (connection.tls_->read_waits_for_room()) events |= EPOLLOUT;
    // After a wait, during which it was not read.
    if (connection.tls_->has_unread()) NoteUnread(connection);
  }
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
  for (Connection* connection : doomed_) {
    executor_.RemoveSession(&connection->session_);
    paused_.erase(std::remove(paused_.begin(), paused_.end(), connection), paused_.end());
    holding_.erase(std::remove(holding_.begin(), holding_.end(), connection), holding_.end());
    if (connection->is_unread_) unread_.erase(std::remove(unread_.begin(), unread_.end(), connection), unread_.end());
    engine_.client_count.fetch_sub(1, std::memory_order_relaxed);
    connections_.erase(connection->fd());
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

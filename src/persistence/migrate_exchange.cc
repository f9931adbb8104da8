#include "persistence/migrate_exchange.h"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/clock.h"
#include "base/log.h"
#include "resp/request_encoder.h"

namespace kvick {
namespace {

constexpr size_t kLineMax = size_t{64} << 10;

// Not blocking: the connection may still be on its way.
FileDescriptor OpenConnection(const MigrateTarget& target) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(target.host.c_str(), target.port.c_str(), &hints, &found) != 0) return {};
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> addresses(found, freeaddrinfo);
  for (const addrinfo* address = found; address != nullptr; address = address->ai_next) {
    FileDescriptor socket(::socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (socket.get() < 0) continue;
    // Without the right to mark it goes on unmarked, as listeners do.
    static_cast<void>(MarkSocket(socket.get(), target.mark));
    if (!target.source_address.empty() && !BindSource(socket.get(), address->ai_family, target.source_address))
      continue;
    if (connect(socket.get(), address->ai_addr, address->ai_addrlen) != 0 && errno != EINPROGRESS) continue;
    ConfigureTcp(socket.get(), 0);
    return socket;
  }
  return {};
}

}  // namespace

std::optional<MigrateConnections::Connection> MigrateConnections::Take(const MigrateTarget& target) {
  MutexLock lock(mutex_);
  const auto place = kept_.find(target.name());
  if (place == kept_.end()) return std::nullopt;
  Connection connection = std::move(place->second.connection);
  kept_.erase(place);
  connection.was_kept = true;
  return connection;
}

void MigrateConnections::Keep(const MigrateTarget& target, Connection connection, int64_t now_ms) {
  MutexLock lock(mutex_);
  if ((connection.tls != nullptr) != (tls_ != nullptr)) return;  // the rules have changed meanwhile
  if (kept_.size() >= kKeptMax) kept_.erase(kept_.begin());
  kept_.emplace(target.name(), Kept{std::move(connection), now_ms});
}

void MigrateConnections::UseTls(std::shared_ptr<const TlsContext> context) {
  MutexLock lock(mutex_);
  if (tls_ == context) return;
  tls_ = std::move(context);
  kept_.clear();
}

std::shared_ptr<const TlsContext> MigrateConnections::tls() const {
  MutexLock lock(mutex_);
  return tls_;
}

void MigrateConnections::CloseIdle(int64_t now_ms) {
  MutexLock lock(mutex_);
  std::erase_if(kept_, [now_ms](const auto& named) { return named.second.kept_ms + kKeptMs < now_ms; });
}

MigrateExchange::MigrateExchange(MigrateConnections& connections, Request request)
    : connections_(connections), request_(std::move(request)), tls_(connections.tls()), progress_ms_(now_ms()) {
  connections_.CloseIdle(progress_ms_);
  if (std::optional<MigrateConnections::Connection> kept = connections_.Take(request_.target)) {
    connection_ = std::move(*kept);
  } else if (!Connect()) {
    return;
  }
  Begin();
}

MigrateExchange::~MigrateExchange() = default;

int64_t MigrateExchange::now_ms() const { return SystemClock::Instance().MonotonicMs(); }

bool MigrateExchange::Connect() {
  connection_ = {.socket = OpenConnection(request_.target)};
  bool is_open = connection_.socket.get() >= 0;
  if (is_open && tls_ != nullptr) {
    auto stream = TlsStream::Make(*tls_, connection_.socket.get());
    is_open = stream.ok();
    if (is_open) connection_.tls = std::move(stream).value();
    handshake_ = TlsStream::Progress::kWantsWrite;
  }
  if (is_open) return true;
  status_ = Status::Error("IOERR error or timeout connecting to the client");
  is_done_ = true;
  return false;
}

void MigrateExchange::Begin() {
  out_.clear();
  in_.clear();
  replies_.clear();
  written_ = 0;
  preamble_left_ = 0;
  preamble_error_.clear();
  if (!request_.authentication.empty()) {
    AppendRequest(request_.authentication, &out_);
    ++preamble_left_;
  }
  if (connection_.database_index != request_.database_index) {
    AppendRequest({"SELECT", std::to_string(request_.database_index)}, &out_);
    ++preamble_left_;
  }
  for (const std::string& command : request_.commands) out_ += command;
  progress_ms_ = now_ms();
}

void MigrateExchange::Step(int64_t wait_ms) {
  const int64_t until_ms = now_ms() + wait_ms;
  while (!is_done_) {
    const bool goes_on = ShakeHands() && (written_ == out_.size() || WriteSome()) && ReadSome();
    if (is_done_) return;
    const int64_t now = now_ms();
    const bool is_late = now - progress_ms_ >= request_.timeout_ms;
    if (!goes_on || is_late) {
      // A connection that was kept may have been closed there meanwhile; nothing was done then.
      if (connection_.was_kept && !has_heard_ && !has_retried_ && !is_late) {
        has_retried_ = true;
        if (Connect()) Begin();
        continue;
      }
      return Fail(written_ < out_.size() ? "writing" : "reading");
    }
    if (now >= until_ms) return;
    pollfd waited{connection_.socket.get(), AwaitedEvents(), 0};
    const int64_t patience_ms = std::min(until_ms - now, request_.timeout_ms - (now - progress_ms_));
    poll(&waited, 1, static_cast<int>(std::max<int64_t>(patience_ms, 1)));
  }
}

short MigrateExchange::AwaitedEvents() const {
  switch (handshake_) {
    case TlsStream::Progress::kWantsRead: return POLLIN;
    case TlsStream::Progress::kWantsWrite: return POLLOUT;
    case TlsStream::Progress::kDone:
    case TlsStream::Progress::kFailed: break;
  }
  return static_cast<short>(POLLIN | (written_ < out_.size() ? POLLOUT : 0));
}

bool MigrateExchange::ShakeHands() {
  if (connection_.tls == nullptr || connection_.tls->is_established()) return true;
  const TlsStream::Progress progress = connection_.tls->Handshake();
  if (progress == TlsStream::Progress::kFailed) {
    Log(LogLevel::kWarning,
        "MIGRATE: no TLS connection to " + request_.target.name() + ": " + connection_.tls->failure());
    return false;
  }
  handshake_ = progress;
  return true;
}

bool MigrateExchange::WriteSome() {
  if (handshake_ != TlsStream::Progress::kDone) return true;
  while (written_ < out_.size()) {
    const iovec piece{out_.data() + written_, out_.size() - written_};
    const ssize_t count = connection_.tls != nullptr ? connection_.tls->Write({&piece, 1})
                                                     : send(connection_.socket.get(), piece.iov_base, piece.iov_len,
                                                            MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count < 0 && errno == EINTR) continue;
    // ENOTCONN: still on its way.
    if (count < 0) return errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOTCONN;
    written_ += static_cast<size_t>(count);
    progress_ms_ = now_ms();
  }
  return true;
}

bool MigrateExchange::ReadSome() {
  if (handshake_ != TlsStream::Progress::kDone) return true;
  char buffer[4096];
  while (!is_done_) {
    const ssize_t count = connection_.tls != nullptr
                              ? connection_.tls->Read(buffer)
                              : recv(connection_.socket.get(), buffer, sizeof(buffer), MSG_DONTWAIT);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOTCONN;
    if (count == 0) return false;
    has_heard_ = true;
    progress_ms_ = now_ms();
    in_.append(buffer, static_cast<size_t>(count));
    size_t begin = 0;
    for (size_t end; !is_done_ && (end = in_.find("\r\n", begin)) != std::string::npos; begin = end + 2) {
      heard_bytes_ = end + 2;
      TakeLine(std::string_view(in_).substr(begin, end - begin));
    }
    in_.erase(0, begin);
    if (in_.size() > kLineMax) return false;
  }
  return true;
}

void MigrateExchange::TakeLine(std::string_view line) {
  const bool is_error = !line.empty() && line[0] == '-';
  const std::string_view error = is_error ? line.substr(1) : std::string_view();
  if (preamble_left_ > 0) {
    --preamble_left_;
    if (is_error && preamble_error_.empty()) preamble_error_ = error;
  } else {
    replies_.emplace_back(!preamble_error_.empty() ? std::string_view(preamble_error_) : error);
    if (!replies_.back().empty() && status_.ok()) {
      status_ = Status::Error("ERR Target instance replied with error: " + replies_.back());
    }
  }
  if (preamble_left_ == 0 && replies_.size() == request_.commands.size()) Finish();
}

void MigrateExchange::Fail(std::string_view what) {
  status_ = Status::Error("IOERR error or timeout " + std::string(what) + " to target instance");
  is_done_ = true;
  connection_ = {};
}

void MigrateExchange::Finish() {
  is_done_ = true;
  // After an error nobody knows which database is selected there.
  connection_.database_index = status_.ok() ? request_.database_index : -1;
  // Whoever says more than it was asked is not understood.
  if (in_.size() == heard_bytes_) connections_.Keep(request_.target, std::move(connection_), now_ms());
  connection_ = {};
}

}  // namespace kvick

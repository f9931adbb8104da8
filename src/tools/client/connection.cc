#include "tools/client/connection.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <memory>
#include <utility>

#include "base/clock.h"
#include "resp/request_encoder.h"

namespace kvick::client {
namespace {

constexpr size_t kReadSizeBytes = size_t{64} << 10;

Status ErrnoError() { return Status::Error(std::strerror(errno)); }

Result<int> OpenUnix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) return Status::Error("socket path too long");
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return ErrnoError();
  if (connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    const Status status = ErrnoError();
    close(descriptor);
    return status;
  }
  return descriptor;
}

// Tries the addresses of the name in order; the last failure is told.
Result<int> OpenTcp(const std::string& host, int port) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found); error != 0) {
    return Status::Error(gai_strerror(error));
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, freeaddrinfo);
  Status status = Status::Error("no address");
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    const int descriptor = socket(one->ai_family, one->ai_socktype | SOCK_CLOEXEC, one->ai_protocol);
    if (descriptor < 0) {
      status = ErrnoError();
      continue;
    }
    if (connect(descriptor, one->ai_addr, one->ai_addrlen) == 0) {
      const int on = 1;
      // Without it every small request of a pipeline waits for the acknowledgement of the one before.
      (void)setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
      (void)setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
      return descriptor;
    }
    status = ErrnoError();
    close(descriptor);
  }
  return status;
}

}  // namespace

Result<Connection> Connection::Open(const ServerAddress& address) {
  Result<int> descriptor =
      address.socket_path.empty() ? OpenTcp(address.host, address.port) : OpenUnix(address.socket_path);
  if (!descriptor.ok()) return descriptor.status();
  Connection connection(*descriptor);
  if (address.tls != nullptr) KVICK_RETURN_IF_ERROR(connection.Shake(address));
  return connection;
}

Status Connection::Shake(const ServerAddress& address) {
  if (fcntl(descriptor_, F_SETFL, O_NONBLOCK) != 0) return ErrnoError();
  KVICK_ASSIGN_OR_RETURN(tls_, TlsStream::Make(*address.tls, descriptor_, address.tls_server_name));
  while (true) {
    switch (tls_->Handshake()) {
      case TlsStream::Progress::kDone: return Status::Ok();
      case TlsStream::Progress::kFailed: return Status::Error("SSL_connect failed: " + tls_->failure_reason());
      case TlsStream::Progress::kWantsRead: KVICK_RETURN_IF_ERROR(WaitFor(POLLIN)); break;
      case TlsStream::Progress::kWantsWrite: KVICK_RETURN_IF_ERROR(WaitFor(POLLOUT)); break;
    }
  }
}

Status Connection::WaitFor(short events) const {
  pollfd waited{descriptor_, events, 0};
  if (poll(&waited, 1, -1) < 0 && errno != EINTR) return ErrnoError();
  return Status::Ok();
}

Connection::Connection(Connection&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      tls_(std::move(other.tls_)),
      decoder_(std::move(other.decoder_)),
      read_buffer_(std::move(other.read_buffer_)) {}

Connection& Connection::operator=(Connection&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(tls_, other.tls_);
  std::swap(decoder_, other.decoder_);
  std::swap(read_buffer_, other.read_buffer_);
  return *this;
}

Connection::~Connection() {
  tls_.reset();  // says goodbye through the socket
  if (descriptor_ >= 0) close(descriptor_);
}

Status Connection::Send(const std::vector<std::string>& arguments) { return SendBytes(EncodeRequest(arguments)); }

Status Connection::SendBytes(std::string_view bytes) {
  while (!bytes.empty()) {
    const iovec piece{const_cast<char*>(bytes.data()), bytes.size()};
    const ssize_t size =
        tls_ != nullptr ? tls_->Write({&piece, 1}) : send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (size < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN) return ErrnoError();
      KVICK_RETURN_IF_ERROR(WaitFor(POLLOUT));
      continue;
    }
    bytes.remove_prefix(static_cast<size_t>(size));
  }
  return Status::Ok();
}

Result<size_t> Connection::TrySendBytes(std::string_view bytes) {
  const iovec piece{const_cast<char*>(bytes.data()), bytes.size()};
  const ssize_t size = tls_ != nullptr ? tls_->Write({&piece, 1})
                                       : send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (size >= 0) return static_cast<size_t>(size);
  if (errno == EAGAIN || errno == EINTR) return size_t{0};
  return ErrnoError();
}

Result<Connection::Wait> Connection::WaitReadable(int64_t timeout_ms) const {
  if (tls_ != nullptr && tls_->has_unread()) return Wait::kReadable;
  pollfd waited{descriptor_, POLLIN, 0};
  const auto limited = static_cast<int>(std::min<int64_t>(timeout_ms, std::numeric_limits<int>::max()));
  const int count = poll(&waited, 1, limited);
  if (count < 0 && errno != EINTR) return ErrnoError();
  return count > 0 ? Wait::kReadable : Wait::kTimePassed;
}

Result<size_t> Connection::ReadSome() {
  read_buffer_.resize(kReadSizeBytes);
  while (true) {
    const ssize_t size =
        tls_ != nullptr ? tls_->Read(read_buffer_) : read(descriptor_, read_buffer_.data(), read_buffer_.size());
    if (size > 0) return static_cast<size_t>(size);
    if (size == 0) return Status::Error("Server closed the connection");
    if (errno == EAGAIN) return size_t{0};  // a message of the protocol's own, or a part of one
    if (errno != EINTR) return ErrnoError();
  }
}

Result<std::optional<Value>> Connection::Receive(int64_t timeout_ms) {
  const int64_t deadline_ms = SystemClock::Instance().MonotonicMs() + std::max<int64_t>(timeout_ms, 0);
  while (true) {
    KVICK_ASSIGN_OR_RETURN(std::optional<Value> reply, decoder_.Next());
    if (reply) return reply;
    const int64_t left_ms =
        timeout_ms < 0 ? kNoTimeout : std::max<int64_t>(deadline_ms - SystemClock::Instance().MonotonicMs(), 0);
    KVICK_ASSIGN_OR_RETURN(const Wait wait, WaitReadable(left_ms));
    if (wait == Wait::kTimePassed) return std::optional<Value>();
    KVICK_ASSIGN_OR_RETURN(const size_t size_bytes, ReadSome());
    decoder_.Feed(std::string_view(read_buffer_).substr(0, size_bytes));
  }
}

Result<Value> Connection::Receive() {
  while (true) {
    KVICK_ASSIGN_OR_RETURN(std::optional<Value> reply, Receive(kNoTimeout));
    if (reply) return *std::move(reply);
  }
}

Result<Value> Connection::Call(const std::vector<std::string>& arguments) {
  KVICK_RETURN_IF_ERROR(Send(arguments));
  while (true) {
    KVICK_ASSIGN_OR_RETURN(Value reply, Receive());
    if (reply.type != Value::Type::kPush) return reply;
  }
}

Result<Connection::ReceivedBytes> Connection::ReceiveBytes(size_t size_bytes, int64_t timeout_ms) {
  const int64_t deadline_ms = SystemClock::Instance().MonotonicMs() + timeout_ms;
  ReceivedBytes received{{}, false};
  while (received.bytes.size() < size_bytes) {
    const int64_t left_ms = std::max<int64_t>(deadline_ms - SystemClock::Instance().MonotonicMs(), 0);
    KVICK_ASSIGN_OR_RETURN(const Wait wait, WaitReadable(left_ms));
    if (wait == Wait::kTimePassed) break;
    const Result<size_t> read_size_bytes = ReadSome();
    if (!read_size_bytes.ok()) {
      received.closed = true;
      break;
    }
    received.bytes.append(read_buffer_, 0, read_size_bytes.value());
  }
  return received;
}

bool Connection::HasInput(int64_t timeout_ms) const {
  if (has_pending_bytes()) return true;
  const Result<Wait> wait = WaitReadable(timeout_ms);
  return !wait.ok() || wait.value() == Wait::kReadable;
}

void Connection::Finish(int64_t timeout_ms) {
  shutdown(descriptor_, SHUT_WR);
  const int64_t deadline_ms = SystemClock::Instance().MonotonicMs() + timeout_ms;
  while (true) {
    const int64_t left_ms = deadline_ms - SystemClock::Instance().MonotonicMs();
    if (left_ms <= 0) return;
    const Result<Wait> wait = WaitReadable(left_ms);
    if (!wait.ok()) return;
    if (wait.value() == Wait::kReadable && !ReadSome().ok()) return;
  }
}

}  // namespace kvick::client

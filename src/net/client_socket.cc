#include "net/client_socket.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace kvick {
namespace {

constexpr size_t kReadBytes = 4096;

}  // namespace

bool ClientSocket::WaitFor(short events, int wait_ms) const {
  pollfd watched{socket_.get(), events, 0};
  return poll(&watched, 1, wait_ms) > 0;
}

ClientSocket::Outcome ClientSocket::Read(std::string* target, int wait_ms) {
  char bytes[kReadBytes];
  // TLS may hold bytes that have left the socket, and may need a second look after it has read what is no data.
  for (int look = 0; look < 2; ++look) {
    const ssize_t got = tls_ != nullptr ? tls_->Read(bytes) : read(socket_.get(), bytes, sizeof(bytes));
    if (got > 0) {
      target->append(bytes, static_cast<size_t>(got));
      return Outcome::kDone;
    }
    if (got == 0 || (errno != EAGAIN && errno != EINTR)) return Outcome::kClosed;
    const short events = tls_ != nullptr && tls_->read_waits_for_room() ? POLLOUT : POLLIN;
    if (look > 0 || !WaitFor(events, wait_ms)) break;
  }
  return Outcome::kNothing;
}

bool ClientSocket::Send(std::string_view bytes, int patience_ms) {
  while (!bytes.empty()) {
    const iovec piece{const_cast<char*>(bytes.data()), bytes.size()};
    const ssize_t sent =
        tls_ != nullptr ? tls_->Write({&piece, 1}) : send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      bytes.remove_prefix(static_cast<size_t>(sent));
      continue;
    }
    if (sent < 0 && errno == EINTR) continue;
    if (sent == 0 || errno != EAGAIN || !WaitFor(POLLOUT, patience_ms)) return false;
  }
  return true;
}

}  // namespace kvick

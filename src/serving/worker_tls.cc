// Worker: connections over TLS. Handshakes are steps between those of other clients; what is left of a read in the
// library's buffers is read on without waiting for epoll.
#include <sys/epoll.h>
#include <sys/socket.h>

#include <atomic>
#include <optional>
#include <utility>

#include "base/log.h"
#include "serving/protected_mode.h"
#include "serving/worker.h"

namespace kvick {
namespace {

// A handshake takes two round trips and a few milliseconds of work.
constexpr int64_t kHandshakeMaxMs = 10'000;

void LogKernelUseOnce(const TlsStream& stream) {
  static std::atomic<bool> is_logged{false};
  if (is_logged.load(std::memory_order_relaxed) || is_logged.exchange(true)) return;
  const TlsStream::KernelUse use = stream.MeasureKernelUse();
  const auto word = [](bool is_used) { return std::string(is_used ? "by the kernel" : "by OpenSSL"); };
  Log(LogLevel::kNotice, "TLS: encrypted " + word(use.sends) + ", decrypted " + word(use.receives));
}

}  // namespace

Status Worker::BeginTls(Connection& connection, const TlsContext& context) {
  auto stream = TlsStream::Make(context, connection.fd());
  if (!stream.ok()) {
    Log(LogLevel::kWarning, "Error accepting a client connection: " + std::string(stream.status().text()));
    return stream.status();
  }
  connection.tls_ = std::move(stream).value();
  return Status::Ok();
}

// A step may cost a millisecond of arithmetic, so there are few of them in a turn, and everybody else is served in
// between. Whose turn it was not is ready still: epoll tells again.
void Worker::ContinueHandshake(Connection& connection) {
  if (handshake_steps_left_ == 0) return;
  --handshake_steps_left_;
  uint32_t events = EPOLLIN;
  switch (connection.tls_->Handshake()) {
    case TlsStream::Progress::kDone: return OnEstablished(connection);
    case TlsStream::Progress::kFailed: return FailHandshake(connection);
    case TlsStream::Progress::kWantsWrite: events = EPOLLOUT; break;
    case TlsStream::Progress::kWantsRead: break;
  }
  WatchFor(connection, events);
}

void Worker::OnEstablished(Connection& connection) {
  Session& session = connection.session_;
  LogKernelUseOnce(*connection.tls_);
  session.last_active_ms = executor_.now_ms();
  const std::string_view refusal = RefusalOfStranger(engine_, session.is_local);
  if (!refusal.empty()) {
    executor_.stats().rejected_connection_count.Add(1);
    const iovec piece{const_cast<char*>(refusal.data()), refusal.size()};
    static_cast<void>(connection.tls_->Write({&piece, 1}));
    return Doom(connection);
  }
  Authorizer* const authorizer = engine_.hooks.authorizer;
  if (engine_.settings().tls_user_is_common_name && authorizer != nullptr) {
    const std::optional<std::string> name = connection.tls_->PeerCommonName();
    if (name && !authorizer->AdmitAs(session, *name)) {
      Log(LogLevel::kVerbose, "TLS: the client's certificate names no enabled user");
    }
  }
  UpdateInterest(connection);
}

void Worker::FailHandshake(Connection& connection) {
  Log(LogLevel::kWarning, "Error accepting a client connection: " + connection.tls_->failure());
  Doom(connection);
}

bool Worker::IsOverHandshakeTime(const Connection& connection, int64_t now_ms) const {
  return connection.tls_ != nullptr && !connection.tls_->is_established() &&
         now_ms - connection.session_.connected_ms > kHandshakeMaxMs;
}

void Worker::NoteUnread(Connection& connection) {
  if (!std::exchange(connection.is_unread_, true)) unread_.push_back(&connection);
}

// Who must not be read at present comes back into the list when he may again (UpdateInterest).
void Worker::ReadOn() {
  std::vector<Connection*> unread;
  unread.swap(unread_);
  for (Connection* connection : unread) {
    connection->is_unread_ = false;
    const bool may_read = (connection->epoll_events_ & EPOLLIN) != 0 && connection->executing_.empty();
    if (may_read && !connection->is_doomed_) OnReadable(*connection);
  }
}

}  // namespace kvick

#include "net/tls_stream.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

#include "base/assert.h"

namespace kvick {
namespace {

constexpr size_t kRecordBytesMax = size_t{16} * 1024;
// So many records are handed to the other side at once. One at a time costs a packet each; of many, the other side
// hears so late that it sleeps meanwhile and has to be woken, which costs more: with values of 64 KiB on a local
// connection, pairs took a server 37.6 µs a value, single records 39.0, fours 48.1.
constexpr size_t kRecordsTogether = 2;
// After so many bytes, who asked for more has to ask again: the other side may send as fast as they are read, and
// others wait.
constexpr size_t kReadAtOnceMax = size_t{256} * 1024;
// X.520 allows 64 characters, each of up to four bytes.
constexpr int kCommonNameBytesMax = 256;

// Small pieces are put together here, so that they share a record.
thread_local char record_buffer[kRecordBytesMax];

// Errors that somebody else left behind would be taken for ours.
void ForgetOldErrors() {
  if (ERR_peek_error() != 0) ERR_clear_error();
}

// Between a call of a stream and the socket under it, in one thread.
struct SocketUse {
  bool more_follows = false;  // of what is written: the system may wait for it
  bool is_drained = true;     // the latest read came short
};
thread_local SocketUse socket_use;

// OpenSSL's own sockets are written to by write(2), which sends SIGPIPE where the other side has gone. A program that
// embeds kvick, and kvick-cli behind a pipe, want that signal to mean what it always does. What is to leave together
// with what follows at once waits for it in the socket.
int SendRecord(BIO* bio, const char* bytes, int size) {
  BIO_clear_retry_flags(bio);
  const int flags = MSG_NOSIGNAL | (socket_use.more_follows ? MSG_MORE : 0);
  const ssize_t sent = send(static_cast<int>(BIO_get_fd(bio, nullptr)), bytes, static_cast<size_t>(size), flags);
  if (sent < 0 && BIO_sock_should_retry(static_cast<int>(sent)) != 0) BIO_set_retry_write(bio);
  return static_cast<int>(sent);
}

int ReceiveRecords(BIO* bio, char* target, int size) {
  static const auto read_socket = BIO_meth_get_read(BIO_s_socket());
  const int got = read_socket(bio, target, size);
  socket_use.is_drained = got < size;
  return got;
}

BIO_METHOD* MakeRecordSocketMethod() {
  const BIO_METHOD* socket = BIO_s_socket();
  BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK | BIO_TYPE_DESCRIPTOR, "record socket");
  KVICK_ASSERT(method != nullptr);
  BIO_meth_set_write(method, SendRecord);
  BIO_meth_set_read(method, ReceiveRecords);
  BIO_meth_set_ctrl(method, BIO_meth_get_ctrl(socket));
  BIO_meth_set_create(method, BIO_meth_get_create(socket));
  BIO_meth_set_destroy(method, BIO_meth_get_destroy(socket));
  return method;
}

bool AttachRecordSocket(SSL* ssl, int fd) {
  static const BIO_METHOD* const method = MakeRecordSocketMethod();
  BIO* bio = BIO_new(method);
  if (bio == nullptr) return false;
  BIO_set_fd(bio, fd, BIO_NOCLOSE);
  SSL_set_bio(ssl, bio, bio);
  return true;
}

// For the kernel's help the socket has to be OpenSSL's own kind, until it is known that there is none.
bool AttachSocket(SSL* ssl, int fd, bool uses_kernel) {
  return uses_kernel ? SSL_set_fd(ssl, fd) == 1 : AttachRecordSocket(ssl, fd);
}

// Sends what waits for more to follow. TCP_NODELAY stays as it is.
void SendWithheld(int fd) {
  const int off = 0;
  setsockopt(fd, IPPROTO_TCP, TCP_CORK, &off, sizeof(off));
}

// The bytes of pieces, from the front.
class PieceReader {
 public:
  explicit PieceReader(std::span<const iovec> pieces) : pieces_(pieces) {
    for (const iovec& piece : pieces) left_ += piece.iov_len;
    Skip(0);
  }
  size_t left() const { return left_; }

  // The next bytes, as many as fit a record: where they are, or put together in `buffer`. The same however the pieces
  // lie, because OpenSSL wants what it could not send offered again.
  std::string_view NextRecord(char* buffer) const {
    const size_t size = std::min(left_, kRecordBytesMax);
    std::span<const iovec> pieces = pieces_;
    size_t skipped = used_of_first_;
    if (pieces.front().iov_len - skipped >= size) return {static_cast<char*>(pieces.front().iov_base) + skipped, size};
    for (size_t filled = 0; filled < size; pieces = pieces.subspan(1), skipped = 0) {
      const size_t taken = std::min(pieces.front().iov_len - skipped, size - filled);
      std::memcpy(buffer + filled, static_cast<char*>(pieces.front().iov_base) + skipped, taken);
      filled += taken;
    }
    return {buffer, size};
  }

  void Skip(size_t size) {
    left_ -= size;
    used_of_first_ += size;
    while (!pieces_.empty() && used_of_first_ >= pieces_.front().iov_len) {
      used_of_first_ -= pieces_.front().iov_len;
      pieces_ = pieces_.subspan(1);
    }
  }

 private:
  std::span<const iovec> pieces_;
  size_t used_of_first_ = 0;
  size_t left_ = 0;
};

}  // namespace

Result<std::unique_ptr<TlsStream>> TlsStream::Make(const TlsContext& context, int fd, const std::string& server_name) {
  ForgetOldErrors();
  SSL* ssl = SSL_new(context.get());
  if (ssl == nullptr) return Status::Error(TakeTlsError());
  std::unique_ptr<TlsStream> stream(new TlsStream(ssl, context.uses_kernel()));
  const bool is_named = server_name.empty() || SSL_set_tlsext_host_name(ssl, server_name.c_str()) == 1;
  if (!is_named || !AttachSocket(ssl, fd, context.uses_kernel())) return Status::Error(TakeTlsError());
  if (context.side() == TlsSide::kServer) {
    SSL_set_accept_state(ssl);
  } else {
    SSL_set_connect_state(ssl);
  }
  return stream;
}

TlsStream::~TlsStream() {
  if (is_established_ && !is_broken_ && !has_unsent_) {
    ForgetOldErrors();
    SSL_shutdown(ssl_);
  }
  SSL_free(ssl_);
  ForgetOldErrors();
}

TlsStream::Progress TlsStream::Handshake() {
  ForgetOldErrors();
  const int result = SSL_do_handshake(ssl_);
  if (result == 1) {
    const KernelUse use = MeasureKernelUse();
    if (uses_kernel_ && !use.sends && !use.receives) uses_kernel_ = !AttachRecordSocket(ssl_, SSL_get_fd(ssl_));
    is_established_ = true;
    // What the client sent right behind its last message of the handshake.
    has_unread_ = SSL_has_pending(ssl_) == 1;
    return Progress::kDone;
  }
  const int reason = errno;
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_READ: return Progress::kWantsRead;
    case SSL_ERROR_WANT_WRITE: return Progress::kWantsWrite;
    default: break;
  }
  is_broken_ = true;
  const unsigned long error = ERR_peek_error();
  if (error == 0) {
    failure_ = failure_reason_ = reason != 0 ? std::strerror(reason) : "Connection closed";
  } else {
    const char* text = ERR_reason_error_string(error);
    failure_ = TakeTlsError();
    failure_reason_ = text != nullptr ? text : failure_;
  }
  return Progress::kFailed;
}

ssize_t TlsStream::Read(std::span<const iovec> targets) {
  if (end_) {
    has_unread_ = false;
    errno = end_->error;
    return end_->result;
  }
  ForgetOldErrors();
  read_waits_for_room_ = false;
  has_unread_ = false;
  socket_use.is_drained = uses_kernel_;  // whose sockets do not tell
  size_t size = 0;
  for (const iovec& target : targets) {
    for (size_t filled = 0; filled < target.iov_len;) {
      const int room = static_cast<int>(std::min<size_t>(target.iov_len - filled, INT_MAX));
      const int got = SSL_read(ssl_, static_cast<char*>(target.iov_base) + filled, room);
      if (got <= 0) {
        const ssize_t result = ReadFailure(got);
        // OpenSSL tells of an end once, and the bytes that were read come before it.
        if (result == 0 || errno != EAGAIN) {
          end_ = {result, errno};
          has_unread_ = size > 0;
        }
        return size > 0 ? static_cast<ssize_t>(size) : result;
      }
      filled += static_cast<size_t>(got);
      size += static_cast<size_t>(got);
      if (SSL_has_pending(ssl_) == 0 && socket_use.is_drained) return static_cast<ssize_t>(size);
      if (size >= kReadAtOnceMax) break;
    }
    if (size >= kReadAtOnceMax) break;
  }
  has_unread_ = SSL_has_pending(ssl_) != 0;
  return static_cast<ssize_t>(size);
}

ssize_t TlsStream::ReadFailure(int result) {
  const int reason = errno;
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_WRITE: read_waits_for_room_ = true; [[fallthrough]];
    case SSL_ERROR_WANT_READ: errno = EAGAIN; return -1;
    case SSL_ERROR_ZERO_RETURN: return 0;
    case SSL_ERROR_SYSCALL: errno = reason != 0 ? reason : ECONNRESET; break;
    default:
      // Most clients just close. The protocol's own framing tells whether something is missing.
      if (ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
        is_broken_ = true;
        ERR_clear_error();
        return 0;
      }
      errno = EPROTO;
  }
  is_broken_ = true;
  ERR_clear_error();
  return -1;
}

ssize_t TlsStream::Write(std::span<const iovec> pieces) {
  if (write_error_ != 0) {
    errno = write_error_;
    return -1;
  }
  ForgetOldErrors();
  PieceReader rest(pieces);
  size_t size = 0;
  for (size_t count = 1; rest.left() > 0; ++count) {
    const std::string_view record = rest.NextRecord(record_buffer);
    socket_use.more_follows = rest.left() > record.size() && count % kRecordsTogether != 0;
    const int sent = SSL_write(ssl_, record.data(), static_cast<int>(record.size()));
    socket_use.more_follows = false;
    if (sent <= 0) {
      const ssize_t result = WriteFailure(sent);
      if (has_unsent_ && size > 0) SendWithheld(SSL_get_fd(ssl_));
      return size > 0 ? static_cast<ssize_t>(size) : result;
    }
    has_unsent_ = false;
    rest.Skip(static_cast<size_t>(sent));
    size += static_cast<size_t>(sent);
  }
  return static_cast<ssize_t>(size);
}

ssize_t TlsStream::WriteFailure(int result) {
  const int reason = errno;
  const int error = SSL_get_error(ssl_, result);
  if (error == SSL_ERROR_WANT_WRITE) {
    has_unsent_ = true;
    errno = EAGAIN;
    return -1;
  }
  is_broken_ = true;
  ERR_clear_error();
  write_error_ = errno = error == SSL_ERROR_SYSCALL && reason != 0 ? reason : EPROTO;
  return -1;
}

std::optional<std::string> TlsStream::PeerCommonName() const {
  if (SSL_get_verify_result(ssl_) != X509_V_OK) return std::nullopt;
  const X509* certificate = SSL_get0_peer_certificate(ssl_);
  return certificate == nullptr ? std::nullopt : CommonNameOf(*certificate);
}

TlsStream::KernelUse TlsStream::MeasureKernelUse() const {
  return {BIO_get_ktls_send(SSL_get_wbio(ssl_)) != 0, BIO_get_ktls_recv(SSL_get_rbio(ssl_)) != 0};
}

std::optional<std::string> CommonNameOf(const X509& certificate) {
  const X509_NAME* subject = X509_get_subject_name(&certificate);
  const int index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (index < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, index) >= 0) return std::nullopt;
  const ASN1_STRING* value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index));
  unsigned char* text = nullptr;
  const int size = ASN1_STRING_to_UTF8(&text, value);
  if (size < 0) {
    ForgetOldErrors();
    return std::nullopt;
  }
  std::string name(reinterpret_cast<const char*>(text), static_cast<size_t>(size));
  OPENSSL_free(text);
  if (size == 0 || size > kCommonNameBytesMax || name.find('\0') != std::string::npos) return std::nullopt;
  return name;
}

}  // namespace kvick

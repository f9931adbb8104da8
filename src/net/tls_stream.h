// TlsStream: TLS over one socket that does not block.
//
// It reads and writes as readv(2) and writev(2) do, so that who serves plain connections too has one path: a count of
// bytes, 0 at the end of the stream, -1 with errno otherwise, which is EAGAIN when the socket must become ready first.
// Two things are different. Bytes may have left the socket and not been asked for yet: when has_unread() is true, epoll
// will not tell. And a write that could not be finished is to be repeated with the same bytes, and whatever came behind
// them, before anything else is sent.
//
// One thread at a time.
#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/status.h"
#include "net/tls_context.h"

using SSL = struct ssl_st;
using X509 = struct x509_st;

namespace kvick {

class TlsStream {
 public:
  // The socket stays the caller's and outlives the stream. A client may name the server that it wants (SNI).
  static Result<std::unique_ptr<TlsStream>> Make(const TlsContext& context, int fd,
                                                 const std::string& server_name = {});
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;
  // Tells the other side that this is the end, if the socket takes that at once.
  ~TlsStream();

  enum class Progress { kDone, kWantsRead, kWantsWrite, kFailed };
  // One step of the handshake: as far as the socket goes. Nothing is read or written before it is done.
  Progress Handshake();
  bool is_established() const { return is_established_; }
  // Why the handshake failed, in OpenSSL's words.
  const std::string& failure() const { return failure_; }
  const std::string& failure_reason() const { return failure_reason_; }

  // As many bytes as there are and fit.
  ssize_t Read(std::span<const iovec> targets);
  ssize_t Read(std::span<char> target) {
    const iovec all{target.data(), target.size()};
    return Read({&all, 1});
  }
  // As many of the pieces' bytes as the socket takes, in records that are full but the last. Pieces of a record and
  // more are encrypted from where they are; small ones are put together first.
  ssize_t Write(std::span<const iovec> pieces);

  // The latest Read filled its targets and left bytes behind, which are not in the socket any more.
  bool has_unread() const { return has_unread_; }
  // Reading cannot go on before something was written that the protocol owes the other side.
  bool read_waits_for_room() const { return read_waits_for_room_; }

  // The name in the certificate that the other side has proved to be its own. None: it showed no certificate, or one
  // without a name that can be trusted to be read as it was meant (CommonNameOf).
  std::optional<std::string> PeerCommonName() const;
  // Whether the kernel encrypts and decrypts.
  struct KernelUse {
    bool sends = false;
    bool receives = false;
  };
  KernelUse MeasureKernelUse() const;

 private:
  TlsStream(SSL* ssl, bool uses_kernel) : ssl_(ssl), uses_kernel_(uses_kernel) {}

  // errno for a failed call, and what it says of the stream.
  ssize_t ReadFailure(int result);
  ssize_t WriteFailure(int result);

  SSL* const ssl_;
  bool uses_kernel_;  // or may come to use it, before the handshake is done
  bool is_established_ = false;
  bool is_broken_ = false;   // nothing may be sent any more
  bool has_unsent_ = false;  // a record was begun and has to be finished first
  bool has_unread_ = false;
  bool read_waits_for_room_ = false;
  int write_error_ = 0;  // once there was one, writing fails with it
  // Once there was one, reading comes to no other.
  struct End {
    ssize_t result;
    int error;
  };
  std::optional<End> end_;
  std::string failure_;
  std::string failure_reason_;
};

// The one common name of a certificate's subject, as UTF-8. None when there is not exactly one, when it is empty or
// longer than 64 characters can be, or has a zero in it: others would read another name there.
std::optional<std::string> CommonNameOf(const X509& certificate);

}  // namespace kvick

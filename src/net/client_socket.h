// ClientSocket: a connected socket that one thread has for itself, plain or TLS: it waits, within limits, for what it
// reads and sends.
//
// One thread at a time.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "net/socket.h"
#include "net/tls_stream.h"

namespace kvick {

class ClientSocket {
 public:
  // The socket does not block; `tls` is null or established, and lies over it.
  ClientSocket(FileDescriptor socket, std::unique_ptr<TlsStream> tls)
      : socket_(std::move(socket)), tls_(std::move(tls)) {}
  ClientSocket(const ClientSocket&) = delete;
  ClientSocket& operator=(const ClientSocket&) = delete;

  enum class Outcome { kDone, kNothing, kClosed };
  // Appends what there is to `target`, waiting for it for at most `wait_ms`.
  Outcome Read(std::string* target, int wait_ms);
  // Sends all of `bytes`; false when the other side has gone, or takes nothing for `patience_ms`.
  bool Send(std::string_view bytes, int patience_ms);

  int fd() const { return socket_.get(); }

 private:
  bool WaitFor(short events, int wait_ms) const;

  FileDescriptor socket_;
  std::unique_ptr<TlsStream> tls_;
};

}  // namespace kvick

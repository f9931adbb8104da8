// Where a server listens: host and port, or a unix socket.
#pragma once

#include <memory>
#include <string>

#include "net/tls_context.h"

namespace kvick::client {

struct ServerAddress {
  std::string host = "127.0.0.1";
  int port = 6379;
  std::string socket_path;                // when set, it is used instead of host and port
  std::shared_ptr<const TlsContext> tls;  // null: plain
  std::string tls_server_name;            // which server is meant, where several share an address

  // "127.0.0.1:6379", "[::1]:6379", "/run/kvick.sock"
  [[nodiscard]] std::string Text() const;
};

}  // namespace kvick::client

// Where a server listens: host and port, or a unix socket.
#pragma once

#include <string>

namespace kvick::client {

struct ServerAddress {
  std::string host = "127.0.0.1";
  int port = 6379;
  std::string socket_path;  // when set, it is used instead of host and port

  // "127.0.0.1:6379", "[::1]:6379", "/run/kvick.sock"
  [[nodiscard]] std::string Text() const;
};

}  // namespace kvick::client

#include "tools/client/server_address.h"

namespace kvick::client {

std::string ServerAddress::Text() const {
  if (!socket_path.empty()) return socket_path;
  const bool is_ipv6 = host.find(':') != std::string::npos;
  return (is_ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

}  // namespace kvick::client

#include "net/socket.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace kvick {
namespace {

std::string FormatAddress(const sockaddr_storage& address) {
  char text[INET6_ADDRSTRLEN] = "?";
  if (address.ss_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &address, sizeof(in));
    inet_ntop(AF_INET, &in.sin_addr, text, sizeof(text));
    return std::string(text) + ":" + std::to_string(ntohs(in.sin_port));
  }
  sockaddr_in6 in{};
  std::memcpy(&in, &address, sizeof(in));
  inet_ntop(AF_INET6, &in.sin6_addr, text, sizeof(text));
  return "[" + std::string(text) + "]:" + std::to_string(ntohs(in.sin6_port));
}

bool IsLoopback(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &address, sizeof(in));
    return (ntohl(in.sin_addr.s_addr) >> 24) == 127;
  }
  sockaddr_in6 in{};
  std::memcpy(&in, &address, sizeof(in));
  if (IN6_IS_ADDR_LOOPBACK(&in.sin6_addr)) return true;
  return IN6_IS_ADDR_V4MAPPED(&in.sin6_addr) && in.sin6_addr.s6_addr[12] == 127;
}

Status SystemError(const std::string& what) { return Status::Error(what + ": " + std::strerror(errno)); }

}  // namespace

FileDescriptor::~FileDescriptor() {
  if (fd_ >= 0) close(fd_);
}

Result<FileDescriptor> ListenTcp(const std::string& address, int port, int backlog, ListenFailure* failure) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  hints.ai_family = AF_UNSPEC;
  const char* host = address.c_str();
  if (address == "*") {
    host = nullptr;
    hints.ai_family = AF_INET;
  } else if (address == "::*") {
    host = nullptr;
    hints.ai_family = AF_INET6;
  }
  addrinfo* found = nullptr;
  const int lookup = getaddrinfo(host, std::to_string(port).c_str(), &hints, &found);
  if (lookup != 0) {
    *failure = {gai_strerror(lookup), lookup == EAI_ADDRFAMILY || lookup == EAI_NONAME};
    return Status::Error(failure->reason);
  }
  FileDescriptor listener(socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int on = 1;
  const char* step = "socket: ";
  bool ok = listener.get() >= 0;
  if (ok && found->ai_family == AF_INET6) {
    step = "setsockopt: ";
    ok = setsockopt(listener.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) == 0;
  }
  if (ok) {
    step = "bind: ";
    ok = setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
         bind(listener.get(), found->ai_addr, found->ai_addrlen) == 0;
  }
  if (ok) {
    step = "listen: ";
    ok = listen(listener.get(), backlog) == 0;
  }
  const int error = errno;
  freeaddrinfo(found);
  if (!ok) {
    *failure = {std::string(step) + std::strerror(error), error == EADDRNOTAVAIL || error == EAFNOSUPPORT ||
                                                              error == EPROTONOSUPPORT || error == ESOCKTNOSUPPORT ||
                                                              error == EPFNOSUPPORT || error == ENOPROTOOPT};
    return Status::Error(failure->reason);
  }
  return listener;
}

Result<FileDescriptor> ListenUnix(const std::string& path, unsigned permissions, int backlog) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) return Status::Error("the path of the unix socket is too long");
  std::memcpy(address.sun_path, path.data(), path.size());
  unlink(path.c_str());
  FileDescriptor listener(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (listener.get() < 0) return SystemError("socket");
  if (bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
    return SystemError("bind");
  if (listen(listener.get(), backlog) != 0) return SystemError("listen");
  if (permissions != 0 && chmod(path.c_str(), static_cast<mode_t>(permissions)) != 0) return SystemError("chmod");
  return listener;
}

FileDescriptor Accept(int listener, bool* out_of_descriptors) {
  *out_of_descriptors = false;
  while (true) {
    const int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) return FileDescriptor(fd);
    if (errno == EINTR || errno == ECONNABORTED) continue;
    *out_of_descriptors = errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS;
    return {};
  }
}

bool MarkSocket(int fd, unsigned mark) {
  return mark == 0 || setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) == 0;
}

bool BindSource(int fd, int family, const std::string& address) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST;
  hints.ai_family = family;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(address.c_str(), nullptr, &hints, &found) != 0) return false;
  const bool is_bound = bind(fd, found->ai_addr, found->ai_addrlen) == 0;
  freeaddrinfo(found);
  return is_bound;
}

void ConfigureTcp(int fd, int keepalive_s) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  if (keepalive_s <= 0) return;
  // Three probes a third of the interval apart: a dead peer is noticed within twice the interval.
  const int interval_s = keepalive_s / 3 > 0 ? keepalive_s / 3 : 1;
  const int probe_count = 3;
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &keepalive_s, sizeof(keepalive_s));
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof(interval_s));
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probe_count, sizeof(probe_count));
}

Endpoints TcpEndpoints(int fd) {
  Endpoints endpoints;
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0) {
    endpoints.peer = FormatAddress(address);
    endpoints.is_loopback = IsLoopback(address);
  } else {
    endpoints.peer = "?:0";
  }
  size = sizeof(address);
  endpoints.local = getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0 ? FormatAddress(address) : "?:0";
  return endpoints;
}

}  // namespace kvick

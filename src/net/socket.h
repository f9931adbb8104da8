// Sockets as file descriptors that close themselves, and the few ways in which kvick opens them.
#pragma once

#include <string>
#include <utility>

#include "base/status.h"

namespace kvick {

class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  ~FileDescriptor();

  int get() const { return fd_; }
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

// Why a listener could not be made. `unavailable`: the address family or the address does not exist here.
struct ListenFailure {
  std::string reason;
  bool unavailable = false;
};

// Listens on a numeric address or host name; not blocking. `*` and `::*` stand for all addresses of IPv4 and IPv6.
Result<FileDescriptor> ListenTcp(const std::string& address, int port, int backlog, ListenFailure* failure);
// Replaces a socket file that nobody listens on. `permissions` 0 leaves the umask's.
Result<FileDescriptor> ListenUnix(const std::string& path, unsigned permissions, int backlog);

// Accepts one connection, not blocking; an invalid descriptor when none waits.
FileDescriptor Accept(int listener, bool* out_of_descriptors);

// Gives the packets of the socket a mark for the system's packet filter; connections accepted from it inherit it. False
// without the right to do so; 0 is no mark.
bool MarkSocket(int fd, unsigned mark);
// Makes connections of a new socket come from the numeric address; false when the address is not of this machine or
// family.
bool BindSource(int fd, int family, const std::string& address);

// No delay, and keep-alive probes every `keepalive_s` seconds (0: none).
void ConfigureTcp(int fd, int keepalive_s);

struct Endpoints {
  std::string peer;  // "127.0.0.1:50000", "[::1]:50000"
  std::string local;
  bool is_loopback = false;
};
Endpoints TcpEndpoints(int fd);

}  // namespace kvick

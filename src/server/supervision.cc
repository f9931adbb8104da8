#include "server/supervision.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "base/log.h"
#include "net/socket.h"

namespace kvick {
namespace {

constexpr char kNotifySocket[] = "NOTIFY_SOCKET";
constexpr char kUpstartJob[] = "UPSTART_JOB";

bool StopForUpstart() {
  if (getenv(kUpstartJob) == nullptr) {
    Log(LogLevel::kWarning, "upstart supervision requested, but UPSTART_JOB not found!");
    return false;
  }
  Log(LogLevel::kNotice, "supervised by upstart, will stop to signal readiness.");
  raise(SIGSTOP);
  unsetenv(kUpstartJob);
  return true;
}

}  // namespace

Supervisor Supervisor::Find(SupervisedMode mode) {
  if (mode == SupervisedMode::kAuto) {
    if (getenv(kUpstartJob) != nullptr) mode = SupervisedMode::kUpstart;
    if (getenv(kNotifySocket) != nullptr) mode = SupervisedMode::kSystemd;
  }
  Supervisor supervisor;
  if (mode == SupervisedMode::kUpstart && StopForUpstart()) supervisor.kind_ = Kind::kUpstart;
  if (mode == SupervisedMode::kSystemd) {
    if (getenv(kNotifySocket) == nullptr) {
      Log(LogLevel::kWarning, "systemd supervision error: NOTIFY_SOCKET not found!");
    } else {
      Log(LogLevel::kNotice,
          "Supervised by systemd. Please make sure you set appropriate values for TimeoutStartSec and TimeoutStopSec "
          "in your service unit.");
      supervisor.kind_ = Kind::kSystemd;
      supervisor.Notify("STATUS=kvick is loading...\n");
    }
  }
  return supervisor;
}

// One datagram to the socket that the environment names; '@' stands for the zero byte of an abstract address.
void Supervisor::Notify(std::string_view state) const {
  if (kind_ != Kind::kSystemd) return;
  const char* path = getenv(kNotifySocket);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const size_t length = path == nullptr ? 0 : std::strlen(path);
  if (length < 2 || length >= sizeof(address.sun_path) || (path[0] != '@' && path[0] != '/')) {
    return Log(LogLevel::kWarning, "systemd supervision error: invalid NOTIFY_SOCKET");
  }
  std::memcpy(address.sun_path, path, length);
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length);
  const FileDescriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (sendto(socket.get(), state.data(), state.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address),
             size) < 0) {
    Log(LogLevel::kWarning, std::string("systemd supervision error: cannot notify: ") + std::strerror(errno));
  }
}

}  // namespace kvick

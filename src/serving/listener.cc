#include "serving/listener.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "base/log.h"
#include "serving/protected_mode.h"

namespace kvick {
namespace {

constexpr std::string_view kTooManyClients = "-ERR max number of clients reached\r\n";

}  // namespace

Status Listeners::OpenPort(Port* port) {
  const Settings& settings = engine_.settings();
  const int number = port->is_tls ? settings.tls_port : settings.port;
  if (number == 0) return Status::Ok();
  std::vector<std::shared_ptr<Listener>> opened;
  for (const std::string& bind : settings.bind) {
    if (bind.empty()) continue;  // `bind ""`: nowhere
    const bool optional = bind[0] == '-';
    const std::string address = optional ? bind.substr(1) : bind;
    ListenFailure failure;
    Result<FileDescriptor> socket = ListenTcp(address, number, settings.tcp_backlog, &failure);
    if (!socket.ok()) {
      Log(LogLevel::kWarning, "Warning: Could not create server TCP listening socket " + address + ":" +
                                  std::to_string(number) + ": " + failure.reason);
      if (optional && failure.unavailable) continue;
      return Status::Error("Failed listening on port " + std::to_string(number) +
                           (port->is_tls ? " (TLS), aborting." : " (TCP), aborting."));
    }
    if (!MarkSocket(socket->get(), settings.socket_mark_id)) {
      Log(LogLevel::kWarning,
          std::string("Could not mark the listening socket (socket-mark-id): ") + std::strerror(errno));
    }
    opened.push_back(std::make_shared<Listener>(Listener{.socket = std::move(socket).value(), .is_tls = port->is_tls}));
  }
  port->open = std::move(opened);
  return Status::Ok();
}

Status Listeners::Open() {
  const Settings& settings = engine_.settings();
  KVICK_RETURN_IF_ERROR(OpenPort(&tcp_));
  KVICK_RETURN_IF_ERROR(OpenPort(&tls_));
  if (!settings.unix_socket.empty()) {
    Result<FileDescriptor> socket =
        ListenUnix(settings.unix_socket, settings.unix_socket_permissions, settings.tcp_backlog);
    if (!socket.ok()) {
      return Status::Error("Failed opening Unix socket: " + std::string(socket.status().text()));
    }
    unix_ = std::make_shared<Listener>(Listener{.socket = std::move(socket).value(), .is_unix_socket = true});
    Watch(unix_);
  }
  if (!has_tcp() && !has_tls() && !has_unix()) return Status::Error("Configured to not listen anywhere, exiting.");
  for (const Port* port : {&tcp_, &tls_}) {
    for (const auto& listener : port->open) Watch(listener);
  }
  return Status::Ok();
}

void Listeners::Watch(const std::shared_ptr<Listener>& listener) {
  workers_[0]->Watch(listener->socket.get(), [this, listener] { AcceptAll(*listener); });
}

// The worker's list of watched descriptors is its own, so it is told by mail. Until it has read that, the old sockets
// stay open but do not listen any more, which is what others can see.
Status Listeners::Reopen(Port* port) {
  std::vector<std::shared_ptr<Listener>> old = std::move(port->open);
  port->open.clear();
  for (const auto& listener : old) shutdown(listener->socket.get(), SHUT_RDWR);
  const Status status = OpenPort(port);
  workers_[0]->Post([this, old = std::move(old), opened = port->open] {
    for (const auto& listener : old) workers_[0]->Unwatch(listener->socket.get());
    for (const auto& listener : opened) Watch(listener);
  });
  return status;
}

void Listeners::Close() {
  tcp_.open.clear();
  tls_.open.clear();
  if (unix_ == nullptr) return;
  Log(LogLevel::kNotice, "Removing the unix socket file.");
  unlink(engine_.settings().unix_socket.c_str());
  unix_ = nullptr;
}

bool Listeners::Admits(int fd, const Listener& listener) {
  std::string_view refusal;
  if (engine_.client_count.load(std::memory_order_relaxed) >= int64_t{engine_.settings().max_clients}) {
    refusal = kTooManyClients;
  } else if (!listener.is_unix_socket && !listener.is_tls) {
    refusal = RefusalOfStranger(engine_, TcpEndpoints(fd).is_loopback);
  }
  if (refusal.empty()) return true;
  workers_[0]->executor().stats().rejected_connection_count.Add(1);
  // Over TLS nothing can be said before the handshake, which is what there is no room for.
  if (!listener.is_tls) static_cast<void>(send(fd, refusal.data(), refusal.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
  return false;
}

void Listeners::LogAccepted(int fd, bool is_unix_socket) const {
  if (!IsLogged(LogLevel::kVerbose)) return;
  Log(LogLevel::kVerbose, is_unix_socket ? "Accepted connection to " + engine_.settings().unix_socket
                                         : "Accepted " + TcpEndpoints(fd).peer);
}

void Listeners::AcceptAll(const Listener& listener) {
  // The rest waits until others were served: the socket is reported again.
  const unsigned accepts_max = engine_.settings().max_new_connections_per_cycle;
  for (unsigned i = 0; i < accepts_max; ++i) {
    bool out_of_descriptors = false;
    FileDescriptor client = Accept(listener.socket.get(), &out_of_descriptors);
    if (client.get() < 0) {
      if (out_of_descriptors) Log(LogLevel::kWarning, "Error accepting a client connection: out of file descriptors");
      return;
    }
    LogAccepted(client.get(), listener.is_unix_socket);
    if (!Admits(client.get(), listener)) continue;
    engine_.client_count.fetch_add(1, std::memory_order_relaxed);
    workers_[next_worker_++ % workers_.size()]->Adopt(std::move(client), listener.is_unix_socket,
                                                      listener.is_tls ? tls_contexts_.incoming() : nullptr);
  }
}

}  // namespace kvick

#include "serving/listener.h"

#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"

namespace kvick {
namespace {

// Whoever comes could do what the default user may.
bool DefaultUserHasNoPassword(const Engine& engine) {
  return engine.hooks.authorizer == nullptr || engine.hooks.authorizer->DefaultUserHasNoPassword();
}

// So many clients are accepted before others are served again.
constexpr int kAcceptsPerTurn = 1000;

constexpr std::string_view kTooManyClients = "-ERR max number of clients reached\r\n";
constexpr std::string_view kProtectedMode =
    "-DENIED Redis is running in protected mode because protected mode is enabled and no password is set for the "
    "default "
    "user. In this mode connections are only accepted from the loopback interface. If you want to connect from "
    "external "
    "computers to Redis you may adopt one of the following solutions: 1) Just disable protected mode sending the "
    "command "
    "'CONFIG SET protected-mode no' from the loopback interface by connecting to Redis from the same host the server "
    "is "
    "running, however MAKE SURE Redis is not publicly accessible from internet if you do so. Use CONFIG REWRITE to "
    "make "
    "this change permanent. 2) Alternatively you can just disable the protected mode by editing the Redis "
    "configuration "
    "file, and setting the protected mode option to 'no', and then restarting the server. 3) If you started the server "
    "manually just for testing, restart it with the '--protected-mode no' option. 4) Set up an authentication password "
    "for the default user. NOTE: You only need to do one of the above things in order for the server to start "
    "accepting "
    "connections from the outside.\r\n";

}  // namespace

Status Listeners::OpenTcp() {
  const Settings& settings = engine_.settings();
  if (settings.port == 0) return Status::Ok();
  std::vector<std::shared_ptr<Listener>> opened;
  for (const std::string& bind : settings.bind) {
    if (bind.empty()) continue;  // `bind ""`: nowhere
    const bool optional = bind[0] == '-';
    const std::string address = optional ? bind.substr(1) : bind;
    ListenFailure failure;
    Result<FileDescriptor> socket = ListenTcp(address, settings.port, settings.tcp_backlog, &failure);
    if (!socket.ok()) {
      Log(LogLevel::kWarning, "Warning: Could not create server TCP listening socket " + address + ":" +
                                  std::to_string(settings.port) + ": " + failure.reason);
      if (optional && failure.unavailable) continue;
      return Status::Error("Failed listening on port " + std::to_string(settings.port) + " (TCP), aborting.");
    }
    opened.push_back(std::make_shared<Listener>(Listener{std::move(socket).value(), false}));
  }
  tcp_ = std::move(opened);
  return Status::Ok();
}

Status Listeners::Open() {
  const Settings& settings = engine_.settings();
  KVICK_RETURN_IF_ERROR(OpenTcp());
  if (!settings.unix_socket.empty()) {
    Result<FileDescriptor> socket =
        ListenUnix(settings.unix_socket, settings.unix_socket_permissions, settings.tcp_backlog);
    if (!socket.ok()) {
      return Status::Error("Failed opening Unix socket: " + std::string(socket.status().text()));
    }
    unix_ = std::make_shared<Listener>(Listener{std::move(socket).value(), true});
    Watch(unix_);
  }
  if (tcp_.empty() && unix_ == nullptr) return Status::Error("Configured to not listen anywhere, exiting.");
  for (const auto& listener : tcp_) Watch(listener);
  return Status::Ok();
}

void Listeners::Watch(const std::shared_ptr<Listener>& listener) {
  workers_[0]->Watch(listener->socket.get(), [this, listener] { AcceptAll(*listener); });
}

// The worker's list of watched descriptors is its own, so it is told by mail. Until it has read that, the old sockets
// stay open but do not listen any more, which is what others can see.
Status Listeners::ReopenTcp() {
  std::vector<std::shared_ptr<Listener>> old = std::move(tcp_);
  tcp_.clear();
  for (const auto& listener : old) shutdown(listener->socket.get(), SHUT_RDWR);
  const Status status = OpenTcp();
  workers_[0]->Post([this, old = std::move(old), opened = tcp_] {
    for (const auto& listener : old) workers_[0]->Unwatch(listener->socket.get());
    for (const auto& listener : opened) Watch(listener);
  });
  return status;
}

void Listeners::Close() {
  tcp_.clear();
  if (unix_ == nullptr) return;
  Log(LogLevel::kNotice, "Removing the unix socket file.");
  unlink(engine_.settings().unix_socket.c_str());
  unix_ = nullptr;
}

bool Listeners::Admits(int fd, bool is_unix_socket) {
  const Settings& settings = engine_.settings();
  std::string_view refusal;
  if (engine_.client_count.load(std::memory_order_relaxed) >= int64_t{settings.max_clients}) {
    refusal = kTooManyClients;
  } else if (!is_unix_socket && settings.protected_mode && DefaultUserHasNoPassword(engine_) &&
             !TcpEndpoints(fd).is_loopback) {
    refusal = kProtectedMode;
  }
  if (refusal.empty()) return true;
  workers_[0]->executor().stats().rejected_connection_count.Add(1);
  static_cast<void>(send(fd, refusal.data(), refusal.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
  return false;
}

void Listeners::LogAccepted(int fd, bool is_unix_socket) const {
  if (!IsLogged(LogLevel::kVerbose)) return;
  Log(LogLevel::kVerbose, is_unix_socket ? "Accepted connection to " + engine_.settings().unix_socket
                                         : "Accepted " + TcpEndpoints(fd).peer);
}

void Listeners::AcceptAll(const Listener& listener) {
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    bool out_of_descriptors = false;
    FileDescriptor client = Accept(listener.socket.get(), &out_of_descriptors);
    if (client.get() < 0) {
      if (out_of_descriptors) Log(LogLevel::kWarning, "Error accepting a client connection: out of file descriptors");
      return;
    }
    LogAccepted(client.get(), listener.is_unix_socket);
    if (!Admits(client.get(), listener.is_unix_socket)) continue;
    engine_.client_count.fetch_add(1, std::memory_order_relaxed);
    workers_[next_worker_++ % workers_.size()]->Adopt(std::move(client), listener.is_unix_socket);
  }
}

}  // namespace kvick

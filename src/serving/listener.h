// Listeners: the sockets on which clients arrive. One worker accepts and deals new clients out to all workers in turn,
// so that they are spread evenly.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "engine/engine.h"
#include "serving/tls_contexts.h"
#include "serving/worker.h"

namespace kvick {

class Listeners {
 public:
  // `workers` outlive it; the first one accepts. So does `tls`, which has contexts whenever there is a port for TLS.
  Listeners(Engine& engine, std::vector<std::unique_ptr<Worker>>& workers, const TlsContexts& tls)
      : engine_(engine), workers_(workers), tls_contexts_(tls) {}
  Listeners(const Listeners&) = delete;
  Listeners& operator=(const Listeners&) = delete;

  // Opens what the settings say: bind, port, tls-port, unixsocket. Before the workers start.
  Status Open();
  // Listens where `bind` and the port say now, and no more where they said before. On failure nothing listens there,
  // and the next call tries again. In an exclusive moment.
  Status ReopenTcp() { return Reopen(&tcp_); }
  Status ReopenTls() { return Reopen(&tls_); }
  // After the workers have stopped: takes no more clients, removes the socket file.
  void Close();
  bool has_tcp() const { return !tcp_.open.empty(); }
  bool has_tls() const { return !tls_.open.empty(); }
  bool has_unix() const { return unix_ != nullptr; }

 private:
  // Shared with the accepting worker, which may still be at it when the listener was replaced.
  struct Listener {
    FileDescriptor socket;
    bool is_unix_socket = false;
    bool is_tls = false;
  };
  // One port on all addresses.
  struct Port {
    bool is_tls;
    std::vector<std::shared_ptr<Listener>> open;
  };
  Status OpenPort(Port* port);
  Status Reopen(Port* port);
  // The worker accepts from it from now on; before it starts, or through its mailbox.
  void Watch(const std::shared_ptr<Listener>& listener);
  void AcceptAll(const Listener& listener);
  void LogAccepted(int fd, bool is_unix_socket) const;
  // False, and the reason is sent to the client, when it may not come in.
  bool Admits(int fd, const Listener& listener);

  Engine& engine_;
  std::vector<std::unique_ptr<Worker>>& workers_;
  const TlsContexts& tls_contexts_;
  Port tcp_{.is_tls = false, .open = {}};
  Port tls_{.is_tls = true, .open = {}};
  std::shared_ptr<Listener> unix_;
  size_t next_worker_ = 0;
};

}  // namespace kvick

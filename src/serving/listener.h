// Listeners: the sockets on which clients arrive. One worker accepts and deals new clients out to all workers in turn,
// so that they are spread evenly.
#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "engine/engine.h"
#include "serving/worker.h"

namespace kvick {

class Listeners {
 public:
  // `workers` outlive it; the first one accepts.
  Listeners(Engine& engine, std::vector<std::unique_ptr<Worker>>& workers) : engine_(engine), workers_(workers) {}
  Listeners(const Listeners&) = delete;
  Listeners& operator=(const Listeners&) = delete;

  // Opens what the settings say: bind, port, unixsocket. Before the workers start.
  Status Open();
  // In the accepting worker's thread or after the workers have stopped: takes no more clients, removes the socket file.
  void Close();
  bool has_tcp() const { return tcp_count_ > 0; }
  bool has_unix() const { return has_unix_; }

 private:
  struct Listener {
    FileDescriptor socket;
    bool is_unix_socket;
  };
  Status OpenTcp();
  void AcceptAll(const Listener& listener);
  // False, and the reason is sent to the client, when it may not come in.
  bool Admits(int fd, bool is_unix_socket);

  Engine& engine_;
  std::vector<std::unique_ptr<Worker>>& workers_;
  std::vector<Listener> listeners_;
  size_t tcp_count_ = 0;
  bool has_unix_ = false;
  size_t next_worker_ = 0;
};

}  // namespace kvick

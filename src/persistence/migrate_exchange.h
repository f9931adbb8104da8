// MigrateExchange: what MIGRATE says to another server, and hears: values to restore, and for each whether it was.
//
//   MigrateExchange exchange(target, connections, timeout_ms, preamble, commands);
//   while (!exchange.is_done()) exchange.Step(10);       // waits for the network at most so many milliseconds
//
// It never blocks longer than Step is told: whoever drives it decides how long others wait. Only the name of the target
// is resolved at once, as long as that takes: addresses are better than names.
//
// MigrateConnections keeps connections for the next exchange with the same target, for ten seconds, and knows whether
// new ones are to use TLS. Any thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "base/sync.h"
#include "net/socket.h"
#include "net/tls_stream.h"

namespace kvick {

struct MigrateTarget {
  std::string host;
  std::string port;
  // Of our end (bind-source-addr, socket-mark-id).
  std::string source_address = {};
  unsigned mark = 0;

  std::string name() const { return host + ":" + port; }
};

class MigrateConnections {
 public:
  struct Connection {
    FileDescriptor socket;
    std::unique_ptr<TlsStream> tls;  // null: plain
    int64_t database_index = -1;     // selected there
    bool was_kept = false;
  };

  std::optional<Connection> Take(const MigrateTarget& target) KVICK_EXCLUDES(mutex_);
  void Keep(const MigrateTarget& target, Connection connection, int64_t now_ms) KVICK_EXCLUDES(mutex_);
  // Whether new connections use TLS, and how; null: they are plain. Forgets those that were made by other rules.
  void UseTls(std::shared_ptr<const TlsContext> context) KVICK_EXCLUDES(mutex_);
  std::shared_ptr<const TlsContext> tls() const KVICK_EXCLUDES(mutex_);
  // Closes what nobody has used for long.
  void CloseIdle(int64_t now_ms) KVICK_EXCLUDES(mutex_);

 private:
  struct Kept {
    Connection connection;
    int64_t kept_ms;
  };
  static constexpr int64_t kKeptMs = 10'000;
  static constexpr size_t kKeptMax = 64;

  mutable Mutex mutex_;
  std::multimap<std::string, Kept> kept_ KVICK_GUARDED_BY(mutex_);
  std::shared_ptr<const TlsContext> tls_ KVICK_GUARDED_BY(mutex_);
};

class MigrateExchange {
 public:
  struct Request {
    MigrateTarget target;
    int64_t database_index = 0;
    int64_t timeout_ms = 1000;                // without any progress
    std::vector<std::string> authentication;  // a command, if there is one
    std::vector<std::string> commands;        // encoded, each with one reply of one line
  };

  MigrateExchange(MigrateConnections& connections, Request request);
  ~MigrateExchange();
  MigrateExchange(const MigrateExchange&) = delete;
  MigrateExchange& operator=(const MigrateExchange&) = delete;

  // Goes on as far as the network lets it, waiting for it at most so long in all.
  void Step(int64_t wait_ms);
  bool is_done() const { return is_done_; }

  // Whether the command with this index was done there.
  bool WasDone(size_t index) const { return index < replies_.size() && replies_[index].empty(); }
  // The error it was answered, empty if it was done.
  std::string_view ErrorOf(size_t index) const { return replies_[index]; }
  size_t reply_count() const { return replies_.size(); }
  // What the client is told when something went wrong: the first error.
  const Status& status() const { return status_; }

 private:
  bool Connect();
  void Begin();
  // Each goes on without waiting; false when the connection failed.
  bool ShakeHands();
  bool WriteSome();
  bool ReadSome();
  void TakeLine(std::string_view line);
  // What the socket must be ready for before anything goes on.
  short AwaitedEvents() const;
  void Fail(std::string_view what);
  void Finish();
  int64_t now_ms() const;

  MigrateConnections& connections_;
  const Request request_;
  const std::shared_ptr<const TlsContext> tls_;
  MigrateConnections::Connection connection_;
  TlsStream::Progress handshake_ = TlsStream::Progress::kDone;
  std::string out_;
  size_t written_ = 0;
  std::string in_;
  size_t heard_bytes_ = 0;    // of `in_`: whole lines that were taken
  size_t preamble_left_ = 0;  // replies to AUTH and SELECT that are still to come
  std::string preamble_error_;
  std::vector<std::string> replies_;
  int64_t progress_ms_;
  bool has_retried_ = false;
  bool has_heard_ = false;
  bool is_done_ = false;
  Status status_;
};

}  // namespace kvick

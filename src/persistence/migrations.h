// Migrations: the MIGRATE calls of an engine that wait for the network, and the connections that they share. Any
// thread.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>

#include "base/sync.h"
#include "persistence/migrate_exchange.h"

namespace kvick {

class Migration;

class Migrations {
 public:
  Migrations();
  ~Migrations();

  MigrateConnections& connections() { return connections_; }
  // The call of this session, which waits; null when there is none.
  std::unique_ptr<Migration> Take(uint64_t session_id) KVICK_EXCLUDES(mutex_);
  void Put(uint64_t session_id, std::unique_ptr<Migration> migration) KVICK_EXCLUDES(mutex_);
  // Forgets what nobody has looked at for long, because its client has gone.
  void Tend(int64_t now_ms) KVICK_EXCLUDES(mutex_);

 private:
  static constexpr int64_t kForgottenAfterMs = 60'000;
  struct Waiting {
    std::unique_ptr<Migration> migration;
    int64_t put_ms;
  };

  MigrateConnections connections_;
  Mutex mutex_;
  std::unordered_map<uint64_t, Waiting> waiting_ KVICK_GUARDED_BY(mutex_);
};

}  // namespace kvick

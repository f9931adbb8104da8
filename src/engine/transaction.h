// Transaction: what MULTI and WATCH have gathered for one session.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "keyspace/key_watchers.h"

namespace kvick {

class Database;

struct Transaction {
  struct WatchedKey {
    Database* database;
    std::string name;
  };

  bool is_aborted = false;  // a command could not be queued: EXEC will refuse
  std::vector<std::vector<std::string>> queued;
  size_t queued_bytes = 0;
  uint64_t queued_flags = 0;  // of all queued commands together

  std::vector<WatchedKey> watched;
  WatchMark mark;  // set when a watched key changed
};

}  // namespace kvick

// Loading a data set: an RDB file, or what a primary sends.
//
//   RdbLoadProgress progress;
//   KVICK_ASSIGN_OR_RETURN(auto file, FileSource::Open("dump.rdb"));
//   KVICK_ASSIGN_OR_RETURN(const RdbLoaded loaded, LoadRdb(engine, file.get(), options, &progress));
//
// The calling thread cuts the bytes into records; others decode and insert them (RdbFileReader says why). Nobody
// executes commands meanwhile, or only such as the caller lets through: keys are inserted under the locks of their
// stripes, functions are added by the calling thread, which must be the only one to touch them.
//
// Keys that have expired are left out if the caller wants so, and collections without parts always. What fails says why
// and where; what was inserted until then stays.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"
#include "engine/engine.h"
#include "persistence/byte_source.h"

namespace kvick {

struct RdbLoadOptions {
  size_t worker_count = 1;     // threads that decode; 0: the calling thread does
  bool drops_expired = true;   // false on a replica, and for the base of an append-only file
  bool replaces_keys = false;  // instead of failing when a key exists
  bool verifies_checksum = true;
};

// Any thread may read while it goes on.
struct RdbLoadProgress {
  std::atomic<uint64_t> bytes_total{0};  // 0: not known
  std::atomic<uint64_t> bytes_read{0};
  std::atomic<uint64_t> keys_loaded{0};
  std::atomic<uint64_t> keys_expired{0};
  std::atomic<uint64_t> empty_keys{0};
  std::atomic<bool> is_cancelled{false};  // to be set by whoever does not want the rest
};

// What the file says of itself.
struct RdbLoaded {
  int version = 0;
  uint64_t end_position = 0;  // where an append-only file goes on
  std::string rest;           // what was read of that, for sources that cannot go back
  bool is_aof_base = false;
  std::string server_version;
  int64_t created_s = 0;
  std::string replication_id;
  int64_t replication_offset = -1;
  int replication_database = -1;
};

Result<RdbLoaded> LoadRdb(Engine& engine, ByteSource* source, const RdbLoadOptions& options, RdbLoadProgress* progress);

}  // namespace kvick

// RdbFileWriter: the frame around the records of a data set: what comes in front of them, and the end with its
// checksum.
//
//   RdbFileWriter writer(&sink, settings.rdb_checksum);
//   KVICK_RETURN_IF_ERROR(writer.Begin(info));
//   ... writer.Append(records) as often as there are some, made by an RdbEncoder of the same version ...
//   KVICK_RETURN_IF_ERROR(writer.Finish());
//
// One thread uses it. It keeps nothing: each call has written when it returns.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/status.h"
#include "persistence/byte_sink.h"
#include "persistence/rdb_format.h"

namespace kvick {

// Where a replica that loads the file stands in the history of its primary.
struct RdbReplicationInfo {
  std::string_view id;
  int64_t offset = 0;
  int stream_database = 0;
};

struct RdbFileInfo {
  int version = kRdbVersionLowest;
  int64_t created_s = 0;
  uint64_t used_memory_bytes = 0;
  bool is_aof_base = false;
  std::optional<RdbReplicationInfo> replication;
  std::span<const std::string> functions;  // texts of libraries
  bool compresses = true;
};

class RdbFileWriter {
 public:
  RdbFileWriter(ByteSink* sink, bool computes_checksum) : sink_(*sink), computes_checksum_(computes_checksum) {}

  Status Begin(const RdbFileInfo& info);
  Status Append(std::string_view records);
  Status Finish();

  uint64_t bytes_written() const { return bytes_written_; }

 private:
  ByteSink& sink_;
  const bool computes_checksum_;
  uint64_t sum_ = 0;
  uint64_t bytes_written_ = 0;
};

// Behind SelectDatabase: how many keys follow, and how many of them expire. A hint.
void AppendRdbDatabaseSize(uint64_t key_count, uint64_t expiring_count, std::string* out);

}  // namespace kvick

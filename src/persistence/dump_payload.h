// What DUMP answers and RESTORE takes: one value, with the version of the RDB format and a checksum behind it
// (rdb_format.h).
//
//   const std::string payload = MakeDumpPayload(entry, settings);
//
//   KVICK_ASSIGN_OR_RETURN(const DumpPayload parts, SplitDumpPayload(payload));
//   RdbValueReader reader(limits, now_ms, parts.dialect());
//   KVICK_RETURN_IF_ERROR(ReadDumpValue(parts, now_ms, &reader, &value));
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"
#include "config/settings.h"
#include "keyspace/entry.h"
#include "persistence/rdb_value_reader.h"

namespace kvick {

namespace errors {
Status WrongDumpPayload();  // "ERR DUMP payload version or checksum are wrong"
Status BadDumpData();       // "ERR Bad data format"
}  // namespace errors

// The newest version that this server is to write: rdb-version, or what it knows.
int RdbVersionCeiling(const Settings& settings);

// In the oldest version that holds the value without loss, unless that is newer than `version_max`.
std::string MakeDumpPayload(const Entry& entry, bool compresses, int version_max);
inline std::string MakeDumpPayload(const Entry& entry, const Settings& settings, int version_max) {
  return MakeDumpPayload(entry, settings.rdb_compression, version_max);
}
inline std::string MakeDumpPayload(const Entry& entry, const Settings& settings) {
  return MakeDumpPayload(entry, settings, RdbVersionCeiling(settings));
}

struct DumpPayload {
  std::string_view body;
  int version = 0;

  RdbDialect dialect() const { return {.is_valkey = version >= kRdbVersionValkey, .is_payload = true}; }
};
// Looks at the end only: version and checksum.
Result<DumpPayload> SplitDumpPayload(std::string_view payload);
// What is wrong with it goes to the log; the client learns only that something is.
Status ReadDumpValue(const DumpPayload& payload, int64_t now_ms, RdbValueReader* reader, RdbValue* value);

}  // namespace kvick

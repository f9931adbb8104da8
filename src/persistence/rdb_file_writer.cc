#include "persistence/rdb_file_writer.h"

#include "base/crc64.h"
#include "base/version.h"
#include "persistence/rdb_bytes.h"

namespace kvick {
namespace {

void AppendOpcode(RdbOpcode opcode, std::string* out) { out->push_back(static_cast<char>(opcode)); }

void AppendAux(std::string_view name, std::string_view value, std::string* out) {
  AppendOpcode(RdbOpcode::kAux, out);
  AppendRdbString(out, name, false);
  AppendRdbString(out, value, false);
}

}  // namespace

Status RdbFileWriter::Begin(const RdbFileInfo& info) {
  const std::string digits = std::to_string(info.version);
  std::string out(kRdbMagic);
  out.append(kRdbHeaderBytes - kRdbMagic.size() - digits.size(), '0');
  out += digits;
  AppendAux("redis-ver", kCompatibleVersion, &out);
  AppendAux("redis-bits", "64", &out);
  AppendAux("ctime", std::to_string(info.created_s), &out);
  AppendAux("used-mem", std::to_string(info.used_memory_bytes), &out);
  if (info.replication) {
    AppendAux("repl-stream-db", std::to_string(info.replication->stream_database), &out);
    AppendAux("repl-id", info.replication->id, &out);
    AppendAux("repl-offset", std::to_string(info.replication->offset), &out);
  }
  AppendAux("aof-base", info.is_aof_base ? "1" : "0", &out);
  for (const std::string& text : info.functions) {
    AppendOpcode(RdbOpcode::kFunction, &out);
    AppendRdbString(&out, text, info.compresses);
  }
  return Append(out);
}

Status RdbFileWriter::Append(std::string_view records) {
  if (computes_checksum_) sum_ = Crc64(records, sum_);
  bytes_written_ += records.size();
  return sink_.Write(records);
}

Status RdbFileWriter::Finish() {
  std::string end;
  AppendOpcode(RdbOpcode::kEnd, &end);
  if (computes_checksum_) sum_ = Crc64(end, sum_);
  AppendRdbInt64(&end, static_cast<int64_t>(sum_));
  bytes_written_ += end.size();
  return sink_.Write(end);
}

void AppendRdbDatabaseSize(uint64_t key_count, uint64_t expiring_count, std::string* out) {
  AppendOpcode(RdbOpcode::kResizeDatabase, out);
  AppendRdbLength(out, key_count);
  AppendRdbLength(out, expiring_count);
}

}  // namespace kvick

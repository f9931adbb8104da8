#include "persistence/dump_payload.h"

#include <algorithm>
#include <cstring>

#include "base/crc64.h"
#include "base/log.h"
#include "persistence/rdb_encoder.h"

namespace kvick {

namespace errors {
Status WrongDumpPayload() { return Status::Error("ERR DUMP payload version or checksum are wrong"); }
Status BadDumpData() { return Status::Error("ERR Bad data format"); }
}  // namespace errors

int RdbVersionCeiling(const Settings& settings) {
  return settings.rdb_version == 0 ? kRdbVersionNewest : settings.rdb_version;
}

std::string MakeDumpPayload(const Entry& entry, bool compresses, int version_max) {
  const int version = std::min(RdbEncoder::RequiredVersion(entry), version_max);
  const RdbEncoder encoder({.version = version, .compresses = compresses});
  std::string payload;
  encoder.AppendValue(entry, &payload);
  payload.push_back(static_cast<char>(version));
  payload.push_back(static_cast<char>(version >> 8));
  AppendRdbInt64(&payload, static_cast<int64_t>(Crc64(payload)));
  return payload;
}

Result<DumpPayload> SplitDumpPayload(std::string_view payload) {
  if (payload.size() < kRdbFooterBytes) return errors::WrongDumpPayload();
  const std::string_view checked = payload.substr(0, payload.size() - kRdbChecksumBytes);
  uint16_t version;
  uint64_t checksum;
  std::memcpy(&version, payload.data() + payload.size() - kRdbFooterBytes, sizeof(version));
  std::memcpy(&checksum, checked.data() + checked.size(), sizeof(checksum));
  const bool is_known =
      version <= kRdbVersionNewest || (version >= kRdbVersionValkey && version <= kRdbVersionValkeyNewest);
  if (!is_known || checksum != Crc64(checked)) return errors::WrongDumpPayload();
  return DumpPayload{payload.substr(0, payload.size() - kRdbFooterBytes), version};
}

Status ReadDumpValue(const DumpPayload& payload, int64_t now_ms, RdbValueReader* reader, RdbValue* value) {
  const auto refuse = [](std::string_view why) {
    Log(LogLevel::kWarning, "RESTORE: bad data format: " + std::string(why));
    return errors::BadDumpData();
  };
  RdbBytes bytes(payload.body);
  const uint8_t type = bytes.TakeByte();
  switch (reader->Read(type, &bytes, value)) {
    case RdbValueReader::Outcome::kFailed: return refuse(bytes.ToStatus().text());
    case RdbValueReader::Outcome::kEmpty: return refuse("a collection without parts");
    case RdbValueReader::Outcome::kRead: break;
  }
  // Nobody minds what else is there; only our own addition means something.
  if (bytes.is_at_end() || bytes.TakeByte() != static_cast<uint8_t>(RdbOpcode::kAux)) return Status::Ok();
  std::string scratch;
  if (bytes.TakeString(&scratch) != kRdbMemberExpiry) return Status::Ok();
  const std::string_view moments = bytes.TakeString(&scratch);
  if (!bytes.ok()) return refuse(bytes.ToStatus().text());
  const Status status = RdbValueReader::SetMemberExpiry(moments, now_ms, value);
  return status.ok() ? Status::Ok() : refuse(status.text());
}

}  // namespace kvick

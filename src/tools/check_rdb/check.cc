#include "tools/check_rdb/check.h"

#include <algorithm>
#include <optional>

#include "base/bytes.h"
#include "base/crc64.h"
#include "config/settings.h"
#include "persistence/byte_source.h"
#include "persistence/rdb_bytes.h"
#include "persistence/rdb_file_reader.h"
#include "persistence/rdb_format.h"
#include "persistence/rdb_value_reader.h"
#include "persistence/value_limits.h"

namespace kvick {
namespace {

constexpr std::string_view kTypeNames[] = {
    "string",
    "list-linked",
    "set-hashtable",
    "zset-v1",
    "hash-hashtable",
    "zset-v2",
    "module-pre-release",
    "module-value",
    "",
    "hash-zipmap",
    "list-ziplist",
    "set-intset",
    "zset-ziplist",
    "hash-ziplist",
    "quicklist",
    "stream",
    "hash-listpack",
    "zset-listpack",
    "quicklist-v2",
    "stream-v2",
    "set-listpack",
    "stream-v3",
    "hash-hashtable-md-pre-release",
    "hash-listpack-md-pre-release",
    "hash-hashtable-md",
    "hash-listpack-md",
    "stream-v4",
    "stream-v5",
    "array",
    "hash-template-listpack",
    "hash-template-listpack-reference",
    "hash-template-values",
    "hash-template-values-reference",
};
static_assert(std::size(kTypeNames) == kRdbTypeMax + 1);
constexpr int kNoType = -1;

class FileCheck {
 public:
  FileCheck(std::string_view file, const RdbCheck& check) : file_(file), check_(check), bytes_(file) {}

  bool Run();

 private:
  bool ReadHeader();
  // What follows the byte; false at the end of the data set.
  bool ReadItem(uint8_t opcode);
  void ReadAux();
  void ReadModuleAux();
  void ReadKey(uint8_t type);
  bool CheckSum();
  void Say(uint64_t offset, const std::string& text) {
    check_.print("[offset " + std::to_string(offset) + "] " + text);
  }
  void SayCounts();
  bool Refuse(uint64_t offset, const std::string& problem);
  void TellProgress();

  const std::string_view file_;
  const RdbCheck& check_;
  RdbBytes bytes_;
  int version_ = 0;
  RdbDialect dialect_;
  RdbHashTemplates templates_;
  std::string doing_ = "start";
  std::optional<std::string> key_;
  int key_type_ = 0;
  std::string problem_;  // what the file says that cannot be; empty: bytes_ says what is wrong
  std::optional<int64_t> expiry_ms_;
  uint64_t key_count_ = 0;
  uint64_t expiring_count_ = 0;
  uint64_t expired_count_ = 0;
  uint64_t told_bytes_ = 0;
};

void FileCheck::SayCounts() {
  check_.print("[info] " + std::to_string(key_count_) + " keys read");
  check_.print("[info] " + std::to_string(expiring_count_) + " expires");
  check_.print("[info] " + std::to_string(expired_count_) + " already expired");
}

bool FileCheck::Refuse(uint64_t offset, const std::string& problem) {
  check_.print("--- RDB ERROR DETECTED ---");
  Say(offset, problem);
  check_.print("[additional info] While doing: " + doing_);
  if (key_) check_.print("[additional info] Reading key '" + *key_ + "'");
  if (key_type_ != kNoType) {
    const std::string_view name = key_type_ <= kRdbTypeMax ? kTypeNames[key_type_] : "unknown";
    check_.print("[additional info] Reading type " + std::to_string(key_type_) + " (" + std::string(name) + ")");
  }
  SayCounts();
  return false;
}

void FileCheck::TellProgress() {
  constexpr uint64_t kStepBytes = uint64_t{1} << 20;
  if (!check_.progress || bytes_.place() < told_bytes_ + kStepBytes) return;
  told_bytes_ = bytes_.place();
  check_.progress(told_bytes_, file_.size());
}

bool FileCheck::ReadHeader() {
  StringSource source(file_.substr(0, kRdbHeaderBytes));
  RdbFileReader reader(&source, {});
  const Status status = reader.ReadHeader();
  if (!status.ok()) {
    return Refuse(file_.size() < kRdbHeaderBytes ? 0 : kRdbHeaderBytes, std::string(status.text()));
  }
  version_ = reader.version();
  dialect_ = reader.dialect();
  dialect_.templates = &templates_;
  bytes_.TakeBytes(kRdbHeaderBytes);
  return true;
}

bool FileCheck::Run() {
  if (!ReadHeader()) return false;
  while (true) {
    doing_ = "read-type";
    if (!ReadItem(bytes_.TakeByte()) && bytes_.ok() && problem_.empty()) break;
    if (!problem_.empty()) return Refuse(bytes_.place(), problem_);
    if (bytes_.is_short()) return Refuse(bytes_.failed_position(), "Unexpected EOF reading RDB file");
    if (!bytes_.ok()) {
      const std::string offset = std::to_string(bytes_.position());
      return Refuse(bytes_.failed_position(),
                    "Internal error in RDB reading offset " + offset + " -> " + bytes_.problem());
    }
    TellProgress();
  }
  if (!CheckSum()) return false;
  Say(bytes_.place(), "\\o/ RDB looks OK! \\o/");
  SayCounts();
  return true;
}

bool FileCheck::CheckSum() {
  constexpr int kVersionWithChecksum = 5;
  if (version_ < kVersionWithChecksum) return true;
  doing_ = "check-sum";
  const uint64_t sum = Crc64(file_.substr(0, bytes_.place()));
  const auto stored = static_cast<uint64_t>(bytes_.TakeInt64());
  if (!bytes_.ok()) return Refuse(bytes_.failed_position(), "Unexpected EOF reading RDB file");
  if (stored == 0) {
    Say(bytes_.place(), "RDB file was saved with checksum disabled: no check performed.");
  } else if (stored != sum) {
    return Refuse(bytes_.place(), "RDB CRC error");
  } else {
    Say(bytes_.place(), "Checksum OK");
  }
  return true;
}

bool FileCheck::ReadItem(uint8_t opcode) {
  if (!bytes_.ok()) return true;
  std::string scratch;
  switch (static_cast<RdbOpcode>(opcode)) {
    case RdbOpcode::kExpirySeconds:
      doing_ = "read-expire";
      expiry_ms_ = int64_t{bytes_.TakeInt32()} * 1000;
      return true;
    case RdbOpcode::kExpiryMs:
      doing_ = "read-expire";
      expiry_ms_ = bytes_.TakeInt64();
      return true;
    case RdbOpcode::kFrequency: bytes_.TakeByte(); return true;
    case RdbOpcode::kIdle: bytes_.TakeLength(); return true;
    case RdbOpcode::kEnd: return false;
    case RdbOpcode::kSelectDatabase: {
      doing_ = "read-len";
      const uint64_t index = bytes_.TakeLength();
      if (bytes_.ok()) Say(bytes_.place(), "Selecting DB ID " + std::to_string(index));
      return true;
    }
    case RdbOpcode::kResizeDatabase:
    case RdbOpcode::kSlotInfo:
      doing_ = "read-len";
      if (opcode == static_cast<uint8_t>(RdbOpcode::kSlotInfo)) bytes_.TakeLength();
      bytes_.TakeLength();
      bytes_.TakeLength();
      return true;
    case RdbOpcode::kKeyMetadata:
      if (!dialect_.is_valkey) break;
      bytes_.SkipString();
      for (uint64_t left = bytes_.TakeLength(); left > 0 && bytes_.ok(); --left) {
        bytes_.TakeLength();
        bytes_.TakeLength();
      }
      return true;
    case RdbOpcode::kHashTemplates: {
      const uint64_t id = bytes_.TakeLength();
      std::vector<std::string> names = TakeRdbTemplateNames(&bytes_);
      templates_.emplace(id, std::move(names));
      return true;
    }
    case RdbOpcode::kAux: ReadAux(); return true;
    case RdbOpcode::kModuleAux: ReadModuleAux(); return true;
    case RdbOpcode::kFunctionCandidate: problem_ = "Pre-release function format not supported."; return true;
    case RdbOpcode::kFunction:
      doing_ = "read-function";
      bytes_.SkipString();
      return true;
    default: break;
  }
  if (opcode > kRdbTypeMax || kTypeNames[opcode].empty()) {
    problem_ = "Invalid object type: " + std::to_string(opcode);
    return true;
  }
  ReadKey(opcode);
  return true;
}

void FileCheck::ReadAux() {
  doing_ = "read-aux";
  std::string name_scratch;
  std::string scratch;
  const std::string_view name = bytes_.TakeString(&name_scratch);
  const std::string_view value = bytes_.TakeString(&scratch);
  // Bytes, and many of them.
  if (!bytes_.ok() || name == kRdbMemberExpiry) return;
  Say(bytes_.place(), "AUX FIELD " + std::string(name) + " = '" + std::string(value) + "'");
}

void FileCheck::ReadModuleAux() {
  doing_ = "read-module-aux";
  RdbBytes ahead = bytes_;
  const uint64_t id = ahead.TakeLength();
  if (ahead.ok()) {
    // As it is announced: behind its id, with when it applies.
    RdbBytes announced = ahead;
    announced.TakeLength();
    announced.TakeLength();
    if (announced.ok()) Say(announced.place(), "MODULE AUX for: " + RdbModuleName(id));
  }
  SkipRdbValue(static_cast<uint8_t>(RdbType::kModule), dialect_, &bytes_);
}

void FileCheck::ReadKey(uint8_t type) {
  key_type_ = type;
  doing_ = "read-key";
  std::string scratch;
  const std::string_view name = bytes_.TakeString(&scratch);
  if (!bytes_.ok()) return;
  key_ = std::string(name);
  ++key_count_;
  doing_ = "read-object-value";
  if (type == static_cast<uint8_t>(RdbType::kModule)) {
    SkipRdbValue(type, dialect_, &bytes_);
  } else {
    const Settings settings;
    RdbValueReader reader(ValueLimits::Of(settings), check_.now_ms, dialect_);
    RdbValue value;
    static_cast<void>(reader.Read(type, &bytes_, &value));
  }
  if (!bytes_.ok()) return;
  if (expiry_ms_) ++expiring_count_;
  if (expiry_ms_ && *expiry_ms_ < check_.now_ms) ++expired_count_;
  expiry_ms_.reset();
  key_.reset();
  key_type_ = kNoType;
}

}  // namespace

bool CheckRdb(std::string_view file, const RdbCheck& check) { return FileCheck(file, check).Run(); }

}  // namespace kvick

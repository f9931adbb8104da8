#include "persistence/rdb_file_reader.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <limits>
#include <optional>
#include <utility>

#include "base/crc64.h"
#include "base/numbers.h"

namespace kvick {
namespace {

constexpr uint64_t kSlotCount = 16'384;

// "12" of "0012", which is no number in its canonical form.
std::optional<int> ParseVersion(std::string_view digits) {
  int version = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    version = version * 10 + (c - '0');
  }
  return version;
}

}  // namespace

Status RdbFileReader::ReadHeader() {
  bool is_at_end = false;
  while (buffer_.size() < kRdbHeaderBytes && !is_at_end) KVICK_RETURN_IF_ERROR(Fill(kRdbHeaderBytes, &is_at_end));
  const std::string_view header = std::string_view(buffer_).substr(0, kRdbHeaderBytes);
  if (header.size() < kRdbHeaderBytes) return Status::Error("Unexpected EOF reading RDB file");
  dialect_.is_valkey = header.substr(0, kRdbMagicValkey.size()) == kRdbMagicValkey;
  const std::string_view magic = dialect_.is_valkey ? kRdbMagicValkey : kRdbMagic;
  const std::optional<int> version = ParseVersion(header.substr(magic.size()));
  if (header.substr(0, magic.size()) != magic || !version) {
    return Status::Error("Wrong signature trying to load DB from file");
  }
  version_ = *version;
  const bool is_known = dialect_.is_valkey ? version_ >= kRdbVersionValkey && version_ <= kRdbVersionValkeyNewest
                                           : version_ >= kRdbVersionMin && version_ <= kRdbVersionNewest;
  if (!is_known) return Status::Error("Can't handle RDB format version " + std::to_string(version_));
  place_ = kRdbHeaderBytes;
  return Status::Ok();
}

Status RdbFileReader::Fill(uint64_t wanted_end, bool* is_at_end) {
  const uint64_t total = source_.total_bytes();
  if (total != 0 && wanted_end != 0 && position_ + wanted_end > total) {
    *is_at_end = true;
    return Status::Ok();
  }
  // What is wanted is believed only as far as a file of this size exists; otherwise the buffer doubles. A socket brings
  // little at a time, and all that the buffer grows by is written with zeros first: so it grows by little, too.
  const size_t before = buffer_.size();
  size_t size = before + kSocketBytes;
  if (total != 0) {
    const uint64_t left = total - std::min(position_, total);
    size = static_cast<size_t>(std::min<uint64_t>(std::max(kBatchBytes, before * 2), left));
    size = std::max<size_t>(size, static_cast<size_t>(std::min(wanted_end, total)));
  } else if (wanted_end > size) {
    size = std::max<size_t>(size, static_cast<size_t>(std::min<uint64_t>(wanted_end, before * 2)));
  }
  size = std::max(size, before);
  buffer_.resize(size);
  size_t filled = before;
  while (filled < size) {
    Result<size_t> count = source_.Read(buffer_.data() + filled, size - filled);
    if (!count.ok()) {
      buffer_.resize(filled);
      return count.status();
    }
    if (*count == 0) break;
    filled += *count;
    // From a socket: what has come is worked on.
    if (total == 0 && filled >= wanted_end) break;
  }
  buffer_.resize(filled);
  *is_at_end = filled == before;
  return Status::Ok();
}

void RdbFileReader::SumUpTo(size_t place) {
  if (options_.verifies_checksum) sum_ = Crc64(std::string_view(buffer_).substr(summed_, place - summed_), sum_);
  summed_ = place;
}

void RdbFileReader::HandOver(RdbBatch* batch) {
  SumUpTo(place_);
  batch->position = position_;
  batch->templates = templates_;
  std::string rest = buffer_.substr(place_);
  position_ += place_;
  buffer_.resize(place_);
  batch->bytes = std::move(buffer_);
  buffer_ = std::move(rest);
  place_ = 0;
  summed_ = 0;
}

Status RdbFileReader::Problem(const RdbBytes& bytes) const {
  if (bytes.is_short()) {
    return Status::Error("Internal error in RDB reading offset " + std::to_string(position_ + buffer_.size()) +
                         " -> Unexpected EOF reading RDB file");
  }
  return Status::Error("Internal error in RDB reading offset " + std::to_string(bytes.position()) + " -> " +
                       bytes.problem());
}

Result<RdbItem> RdbFileReader::Next(RdbBatch* batch) {
  RdbItem item;
  batch->records.clear();
  while (batch->records.size() < kBatchRecordsMax) {
    KVICK_ASSIGN_OR_RETURN(const Step step, ReadOne(batch, &item));
    if (step == Step::kNeedsMore && !batch->records.empty()) break;
    if (step == Step::kItem) break;
  }
  if (!batch->records.empty()) {
    HandOver(batch);
  } else if (place_ >= kBatchBytes / 2) {
    // Nobody wants the bytes in front.
    SumUpTo(place_);
    buffer_.erase(0, place_);
    position_ += place_;
    place_ = summed_ = 0;
  }
  return item;
}

Result<RdbFileReader::Step> RdbFileReader::ReadOne(RdbBatch* batch, RdbItem* item) {
  RdbBytes bytes(std::string_view(buffer_).substr(place_), position_ + place_);
  Step step = Step::kSkipped;
  std::string scratch;
  const auto opcode = bytes.TakeByte();
  switch (static_cast<RdbOpcode>(opcode)) {
    case RdbOpcode::kSelectDatabase: {
      const uint64_t index = bytes.TakeLength();
      if (index > std::numeric_limits<int>::max()) bytes.Fail("impossible number of a database");
      if (bytes.ok()) database_index_ = static_cast<uint32_t>(index);
      break;
    }
    case RdbOpcode::kResizeDatabase:
      item->key_count = bytes.TakeLength();
      bytes.TakeLength();
      item->database_index = database_index_;
      item->kind = RdbItem::Kind::kSize;
      step = Step::kItem;
      break;
    case RdbOpcode::kSlotInfo: {
      const uint64_t slot = bytes.TakeLength();
      bytes.TakeLength();
      bytes.TakeLength();
      if (bytes.ok() && slot >= kSlotCount) bytes.Fail("impossible number of a slot");
      break;
    }
    case RdbOpcode::kKeyMetadata:
      if (!dialect_.is_valkey) {
        bytes.Fail("metadata of a module's class, which this server does not have");
        break;
      }
      bytes.SkipString();  // a slot import that was under way: its keys follow as all others
      for (uint64_t left = bytes.TakeLength(); left > 0 && bytes.ok(); --left) {
        const uint64_t first = bytes.TakeLength();
        const uint64_t last = bytes.TakeLength();
        if (bytes.ok() && (first > last || last >= kSlotCount)) bytes.Fail("impossible range of slots");
      }
      break;
    case RdbOpcode::kHashTemplates: {
      const uint64_t id = bytes.TakeLength();
      std::vector<std::string> names = TakeRdbTemplateNames(&bytes);
      if (!bytes.ok()) break;
      // Batches that were handed out may still be decoded.
      templates_ = templates_ == nullptr         ? std::make_shared<RdbHashTemplates>()
                   : templates_.use_count() == 1 ? templates_
                                                 : std::make_shared<RdbHashTemplates>(*templates_);
      dialect_.templates = templates_.get();
      if (!templates_->emplace(id, std::move(names)).second) bytes.Fail("duplicate template of hashes");
      break;
    }
    case RdbOpcode::kFunction:
      item->value = bytes.TakeString(&scratch);
      item->kind = RdbItem::Kind::kFunction;
      step = Step::kItem;
      break;
    case RdbOpcode::kFunctionCandidate: bytes.Fail("Pre-release function format not supported."); break;
    case RdbOpcode::kModuleAux: KVICK_RETURN_IF_ERROR(ReadModuleAux(&bytes)); break;
    case RdbOpcode::kAux: {
      item->name = bytes.TakeString(&scratch);
      if (item->name == kRdbMemberExpiry) {
        bytes.SkipString();
        step = SkipRecord(&bytes, bytes.TakeByte());
        break;
      }
      item->value = bytes.TakeString(&scratch);
      item->kind = RdbItem::Kind::kAux;
      step = Step::kItem;
      break;
    }
    case RdbOpcode::kEnd:
      KVICK_RETURN_IF_ERROR(ReadEnd(&bytes));
      item->kind = RdbItem::Kind::kEnd;
      step = Step::kItem;
      break;
    default: step = SkipRecord(&bytes, opcode); break;
  }
  if (bytes.ok()) {
    if (step == Step::kRecord) batch->records.push_back({place_, bytes.place(), database_index_});
    place_ += bytes.place();
    return step;
  }
  *item = {};
  if (!bytes.is_short()) return Problem(bytes);
  if (!batch->records.empty()) return Step::kNeedsMore;
  bool is_at_end = false;
  KVICK_RETURN_IF_ERROR(Fill(place_ + bytes.wanted_end(), &is_at_end));
  if (is_at_end) return Problem(bytes);
  return Step::kNeedsMore;
}

RdbFileReader::Step RdbFileReader::SkipRecord(RdbBytes* bytes, uint8_t type) {
  for (; bytes->ok(); type = bytes->TakeByte()) {
    const auto opcode = static_cast<RdbOpcode>(type);
    if (opcode == RdbOpcode::kExpiryMs) {
      bytes->TakeInt64();
    } else if (opcode == RdbOpcode::kExpirySeconds) {
      bytes->TakeInt32();
    } else if (opcode == RdbOpcode::kIdle) {
      bytes->TakeLength();
    } else if (opcode == RdbOpcode::kFrequency) {
      bytes->TakeByte();
    } else {
      break;
    }
  }
  bytes->SkipString();
  if (bytes->ok()) SkipRdbValue(type, dialect_, bytes);
  while (bytes->ok() && SkipTrailingAux(bytes)) continue;
  return Step::kRecord;
}

// What another lineage of servers writes behind a set or a hash whose parts expire.
bool RdbFileReader::SkipTrailingAux(RdbBytes* bytes) {
  RdbBytes ahead = *bytes;
  // There is always something behind a record: the end at least.
  if (ahead.TakeByte() != static_cast<uint8_t>(RdbOpcode::kAux)) {
    if (!ahead.ok()) *bytes = ahead;
    return false;
  }
  std::string scratch;
  const std::string_view name = ahead.TakeString(&scratch);
  const bool is_ours = name == kRdbKeyDbMember || name == kRdbKeyDbMoment;
  if (is_ours) ahead.SkipString();
  if (is_ours || !ahead.ok()) *bytes = ahead;
  return is_ours;
}

Status RdbFileReader::ReadModuleAux(RdbBytes* bytes) {
  const uint64_t id = bytes->TakeLength();
  if (!bytes->ok()) return Status::Ok();
  return Status::Error("The RDB file contains AUX module data I can't load: no matching module '" + RdbModuleName(id) +
                       "'");
}

Status RdbFileReader::ReadEnd(RdbBytes* bytes) {
  constexpr int kVersionWithChecksum = 5;
  if (version_ < kVersionWithChecksum) return Status::Ok();
  const size_t end_place = place_ + bytes->place();
  const auto stored = static_cast<uint64_t>(bytes->TakeInt64());
  if (!bytes->ok() || !options_.verifies_checksum || stored == 0) return Status::Ok();
  SumUpTo(end_place);
  has_checksum_ = true;
  if (sum_ == stored) return Status::Ok();
  char text[128];
  std::snprintf(text, sizeof(text), "Wrong RDB checksum expected: (%" PRIx64 ") but got (%" PRIx64 "). Aborting now.",
                stored, sum_);
  return Status::Error(text);
}

}  // namespace kvick

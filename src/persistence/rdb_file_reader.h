// RdbFileReader cuts an RDB file into the records of its keys, without looking into their values: what one thread can
// do as fast as bytes come, so that several others decode.
//
//   RdbFileReader reader(&source, {});
//   KVICK_RETURN_IF_ERROR(reader.ReadHeader());
//   while (true) {
//     RdbBatch batch;
//     KVICK_ASSIGN_OR_RETURN(const RdbItem item, reader.Next(&batch));
//     ... hand batch to somebody; item is what lies behind its records ...
//     if (item.kind == RdbItem::Kind::kEnd) break;
//   }
//
// Memory: a batch is a buffer of a MiB, and longer only for a record that is, as far as its bytes have come. Errors say
// what is wrong and at which position. Not thread safe; what it hands out belongs to the caller.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "persistence/byte_source.h"
#include "persistence/rdb_bytes.h"
#include "persistence/rdb_format.h"
#include "persistence/rdb_value_reader.h"

namespace kvick {

// Records that lie in one buffer.
struct RdbBatch {
  struct Record {
    size_t begin;
    size_t size;
    uint32_t database_index;
  };

  std::string bytes;
  uint64_t position = 0;  // of bytes[0] in the file
  std::vector<Record> records;
  std::shared_ptr<const RdbHashTemplates> templates;

  std::string_view BytesOf(const Record& record) const {
    return std::string_view(bytes).substr(record.begin, record.size);
  }
};

// What is no record.
struct RdbItem {
  enum class Kind : uint8_t {
    kNone,      // the batch is full
    kAux,       // name, value
    kFunction,  // value: the library
    kSize,      // of the database whose keys follow
    kEnd,       // of the data set
  };
  Kind kind = Kind::kNone;
  std::string name;
  std::string value;
  uint32_t database_index = 0;
  uint64_t key_count = 0;
};

class RdbFileReader {
 public:
  struct Options {
    bool verifies_checksum = true;
  };

  RdbFileReader(ByteSource* source, const Options& options) : source_(*source), options_(options) {}

  // The first nine bytes. The error is what the log says.
  Status ReadHeader();
  int version() const { return version_; }
  const RdbDialect& dialect() const { return dialect_; }

  Result<RdbItem> Next(RdbBatch* batch);

  // Behind what was given out: at the end, where an append-only file goes on.
  uint64_t position() const { return position_ + place_; }
  uint64_t bytes_read() const { return position_ + buffer_.size(); }
  // What was read beyond that.
  std::string_view rest() const { return std::string_view(buffer_).substr(place_); }
  // The file has a checksum, and it was right.
  bool has_checksum() const { return has_checksum_; }

 private:
  static constexpr size_t kBatchBytes = size_t{1} << 20;
  static constexpr size_t kSocketBytes = size_t{64} * 1024;
  static constexpr size_t kBatchRecordsMax = 8192;

  enum class Step : uint8_t { kRecord, kItem, kSkipped, kNeedsMore };

  Result<Step> ReadOne(RdbBatch* batch, RdbItem* item);
  // What follows the opcode; the record goes on when it is an attribute.
  Step SkipRecord(RdbBytes* bytes, uint8_t type);
  bool SkipTrailingAux(RdbBytes* bytes);
  Status ReadModuleAux(RdbBytes* bytes);
  Status ReadEnd(RdbBytes* bytes);
  Status Fill(uint64_t wanted_end, bool* is_at_end);
  void HandOver(RdbBatch* batch);
  // The checksum includes all bytes up to here.
  void SumUpTo(size_t place);
  Status Problem(const RdbBytes& bytes) const;

  ByteSource& source_;
  const Options options_;
  int version_ = 0;
  RdbDialect dialect_;
  std::shared_ptr<RdbHashTemplates> templates_;

  std::string buffer_;
  uint64_t position_ = 0;  // of buffer_[0]
  size_t place_ = 0;       // behind what was cut
  size_t summed_ = 0;
  uint64_t sum_ = 0;
  bool has_checksum_ = false;
  uint32_t database_index_ = 0;
};

}  // namespace kvick

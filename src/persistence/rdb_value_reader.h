// RdbValueReader: one value out of its bytes, as RDB files and payloads hold it, of any type and age.
//
//   RdbValueReader reader(ValueLimits::Of(settings), now_ms);
//   RdbBytes bytes(record);
//   RdbValue value;
//   switch (reader.Read(type, &bytes, &value)) { ... }
//
// Nothing is trusted: packed values are walked from end to end, names that occur twice are refused, sizes are compared
// with what is there before they allocate (RdbBytes). This is what sanitize-dump-payload asks for; the cost is small
// enough for it to be done whatever that says.
//
// Thread rule: one thread uses a reader; it keeps memory for the next value.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "persistence/rdb_bytes.h"
#include "persistence/rdb_format.h"
#include "persistence/value_limits.h"
#include "types/value_type.h"

namespace kvick {

// A value that was read. Owns its collection until somebody takes it.
class RdbValue {
 public:
  RdbValue() = default;
  RdbValue(const RdbValue&) = delete;
  RdbValue& operator=(const RdbValue&) = delete;
  ~RdbValue() { Clear(); }

  ValueType type() const { return type_; }
  // Of a string: lies in the bytes that were read or in the reader, until it reads again.
  std::string_view text() const { return text_; }
  // Of a small collection: its bytes, where the string of others lies. Nothing for other values.
  const std::optional<PackedValue>& packed() const { return packed_; }
  // Of everything else.
  void* object() const { return object_; }
  void* TakeObject() { return std::exchange(object_, nullptr); }
  // A packed value becomes an object.
  void Unpack() {
    if (packed_) object_ = OperationsOf(type_).unpack(*packed_);
    packed_.reset();
  }

  void SetText(std::string_view text) {
    Clear();
    type_ = ValueType::kString;
    text_ = text;
  }
  void SetPacked(ValueType type, const PackedValue& packed) {
    Clear();
    type_ = type;
    packed_ = packed;
  }
  template <typename Value>
  void SetObject(std::unique_ptr<Value> value) {
    Clear();
    type_ = Value::kType;
    object_ = value.release();
  }
  void Clear() {
    if (object_ != nullptr) OperationsOf(type_).destroy(object_);
    object_ = nullptr;
    packed_.reset();
  }

 private:
  ValueType type_ = ValueType::kString;
  std::string_view text_;
  std::optional<PackedValue> packed_;
  void* object_ = nullptr;
};

// Names of fields that many hashes of a file share.
using RdbHashTemplates = std::map<uint64_t, std::vector<std::string>>;

// What the rest of the file says about how its values are to be read.
struct RdbDialect {
  bool is_valkey = false;
  bool is_payload = false;
  const RdbHashTemplates* templates = nullptr;
};

class RdbValueReader {
 public:
  enum class Outcome : uint8_t {
    kRead,
    kEmpty,   // a collection without parts: such keys do not exist
    kFailed,  // `bytes` says why
  };

  RdbValueReader(const ValueLimits& limits, int64_t now_ms, const RdbDialect& dialect = {})
      : limits_(limits), now_ms_(now_ms), dialect_(dialect) {}

  Outcome Read(uint8_t type, RdbBytes* bytes, RdbValue* value);
  // Members of `value`, which must be a set, expire: the value of an AUX item kRdbMemberExpiry.
  static Status SetMemberExpiry(std::string_view moments, int64_t now_ms, RdbValue* value);
  static Status SetMemberExpiry(std::string_view member, int64_t expiry_ms, int64_t now_ms, RdbValue* value);

 private:
  struct HashExpiryForm;
  struct NamedText {
    std::string_view name;
    std::string text;
  };
  // Finds what occurs twice among the elements of packed values.
  class SeenElements {
   public:
    void Reset(size_t count);
    // False when it was there.
    bool Add(const ListpackValue& value);

   private:
    std::vector<ListpackValue> slots_;
    std::vector<uint8_t> used_;
  };

  void ReadList(RdbBytes& bytes, RdbValue* value);
  void ReadListNodes(RdbType type, RdbBytes& bytes, RdbValue* value);
  void ReadSet(RdbBytes& bytes, RdbValue* value);
  void ReadIntset(RdbBytes& bytes, RdbValue* value);
  void ReadSetListpack(RdbBytes& bytes, RdbValue* value);
  void ReadSortedSet(RdbType type, RdbBytes& bytes, RdbValue* value);
  // `pack` may lie in the bytes: it is copied when the value wants another form.
  void ReadSortedSetPack(const ListpackView& pack, RdbBytes& bytes, RdbValue* value);
  void ReadHash(RdbBytes& bytes, const HashExpiryForm& form, RdbValue* value);
  void ReadHashPack(const ListpackView& pack, RdbBytes& bytes, RdbValue* value);
  void ReadHashMoments(RdbBytes& bytes, RdbValue* value);
  void ReadTemplateHash(RdbType type, RdbBytes& bytes, RdbValue* value);
  void SetCompactHash(std::vector<NamedText> fields, RdbBytes& bytes, RdbValue* value);
  void ReadArray(RdbBytes& bytes, RdbValue* value);
  void RefuseModule(RdbType type, RdbBytes& bytes);

  // A listpack from the file, where it lies or in `first_`; an empty one when it fails.
  ListpackView TakeListpack(RdbBytes& bytes);
  // In `converted_`.
  ListpackView TakeZiplist(RdbBytes& bytes);
  // Whether no two of every `stride` elements are equal.
  bool IsWithoutDuplicates(const ListpackView& pack, size_t stride);

  const ValueLimits limits_;
  const int64_t now_ms_;
  const RdbDialect dialect_;
  bool is_empty_ = false;
  SeenElements seen_;
  std::string text_;   // of a string value
  std::string first_;  // of parts
  std::string second_;
  std::vector<ScoredMember*> members_;
  Listpack converted_;  // from an older form
  std::string problem_;
};

// Leaves the bytes behind a value of the type, or fails, at once when they do not suffice (RdbBytes::is_short). Looks
// at lengths only.
void SkipRdbValue(uint8_t type, const RdbDialect& dialect, RdbBytes* bytes);
// The names of a template, as 0xF2 items and self-contained hashes have them.
std::vector<std::string> TakeRdbTemplateNames(RdbBytes* bytes);
// "vectorset" out of a module's id.
std::string RdbModuleName(uint64_t id);

}  // namespace kvick

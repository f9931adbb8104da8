// Entry: a key, its metadata and, when it is small, its value, in one block of memory.
//
//   0        1       2 3 4          5            6 7            8
//   +--------+-------+--------------+------------+--------------+----------+----------+-----+-------+
//   | type   | flags | access clock | key length | value length | expiry   | key len. | key | value |
//   | form   | uses  | 24 bits      | if < 255   | if inline    | 8 bytes  | 4 bytes  |     |       |
//   +--------+-------+--------------+------------+--------------+----------+----------+-----+-------+
//                                                                 optional   optional
//
// The value is one of (ValueForm)
//   inline      the bytes themselves, while the whole block stays within kInlineBlockMax
//   integer     eight bytes, for strings that are the canonical text of a 64-bit integer
//   shared      a pointer to SharedBytes, for longer strings
//   compressed  a pointer to CompressedBytes, for long strings where the settings ask for it
//   object      a pointer to a collection (types/), described by ValueOperations
//   packed      the bytes of a small collection, within the same limit as inline ones
//
// A 16-byte key with a 16-byte value is 40 bytes, 48 with an expiry. Entries are made, changed and freed only by
// Database, under the lock of the key's stripe; an Entry has no thread rule of its own.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/compressed_bytes.h"
#include "base/shared_bytes.h"
#include "types/value_type.h"

namespace kvick {

class BlockPool;

enum class ValueForm : uint8_t { kInline = 0, kInteger = 1, kShared = 2, kObject = 3, kPacked = 4, kCompressed = 5 };

// The value of a string entry, read where it lies: valid until the entry changes. What was compressed lies in the
// innermost UnpackScope, and lasts as long as that.
struct StringRef {
  bool is_integer = false;
  int64_t integer = 0;
  std::string_view bytes;         // unset when is_integer
  SharedBytes* shared = nullptr;  // set when `bytes` lies in it

  // The bytes in every case; an integer is printed into `buffer` (kInt64TextMax bytes).
  std::string_view Text(char* buffer) const;
  size_t size() const;
};

// What to store as a string value.
struct StringInput {
  std::string_view bytes;
  // False keeps the bytes as they are even if they read as an integer.
  bool try_integer = true;
  // Entry::is_raw of the result: what is built byte by byte (APPEND, SETRANGE, bitmaps) answers "raw".
  bool is_raw = !try_integer;
  // Memory that holds exactly these bytes, when there is such: a long value keeps it instead of copying.
  SharedBytes* shared = nullptr;
  // The same bytes compressed, when they are to be kept so.
  CompressedBytes* compressed = nullptr;
};

class Entry {
 public:
  static constexpr int64_t kNoExpiry = -1;
  static constexpr size_t kInlineBlockMax = 512;

  std::string_view key() const { return {data() + KeyOffset(), key_size()}; }
  size_t key_size() const {
    if ((flags_ & kLongKey) == 0) return short_key_size_;
    uint32_t size;
    std::memcpy(&size, data() + (has_expiry() ? 8 : 0), sizeof(size));
    return size;
  }
  ValueType type() const { return static_cast<ValueType>(type_and_form_ & 0x0f); }
  ValueForm form() const { return static_cast<ValueForm>(type_and_form_ >> 4); }

  bool has_expiry() const { return (flags_ & kHasExpiry) != 0; }
  // Milliseconds since 1970, or kNoExpiry.
  int64_t expiry_ms() const {
    if (!has_expiry()) return kNoExpiry;
    int64_t value;
    std::memcpy(&value, data(), sizeof(value));
    return value;
  }
  // Whether the expiry index holds an item for this entry at or before its expiry.
  bool is_in_expiry_index() const { return (flags_ & kInExpiryIndex) != 0; }
  // Strings that APPEND or SETRANGE made answer "raw" whatever their length.
  bool is_raw() const { return (flags_ & kRaw) != 0; }

  // Whether the present cut has captured the entry, or the last one: Snapshot knows which value means what.
  bool mark() const { return (flags_ & kMark) != 0; }

  // 24 bits whose meaning the eviction policy decides: a clock, or a clock and a frequency.
  uint32_t access() const {
    return static_cast<uint32_t>(access_[0]) | static_cast<uint32_t>(access_[1]) << 8 |
           static_cast<uint32_t>(access_[2]) << 16;
  }
  void set_access(uint32_t value) {
    access_[0] = static_cast<uint8_t>(value);
    access_[1] = static_cast<uint8_t>(value >> 8);
    access_[2] = static_cast<uint8_t>(value >> 16);
  }
  // Two bits more, which count uses (access_clock.h).
  uint8_t uses() const { return static_cast<uint8_t>(flags_ >> kUsesShift); }
  void set_uses(uint8_t value) {
    flags_ = static_cast<uint8_t>((flags_ & ((1u << kUsesShift) - 1)) | static_cast<unsigned>(value) << kUsesShift);
  }

  // type() must be kString. Costs unpacking when the value is compressed: value_size() knows how long it is without.
  StringRef string() const;
  // form() must be kObject; with kShared, the SharedBytes.
  void* object() const { return ReadValuePointer(); }
  // Where they lie. form() must be kPacked.
  char* packed_bytes() { return data() + ValueOffset(); }
  // form() must be kPacked.
  PackedValue packed() const {
    return {{data() + ValueOffset(), inline_size_}, static_cast<uint8_t>((flags_ & kPackedKind) != 0 ? 1 : 0)};
  }

  // What OBJECT ENCODING answers.
  std::string_view encoding_name() const;

  // Bytes of a string, items of a collection (0 where ValueOperations::item_count is not there).
  uint64_t value_size() const;

  // What the block and what hangs from it occupy.
  size_t block_bytes() const;
  size_t memory_bytes() const;

 private:
  friend class EntryStore;

  static constexpr uint8_t kHasExpiry = 1;
  static constexpr uint8_t kInExpiryIndex = 2;
  static constexpr uint8_t kLongKey = 4;
  static constexpr uint8_t kRaw = 8;
  static constexpr uint8_t kPackedKind = 16;
  static constexpr uint8_t kMark = 32;
  static constexpr int kUsesShift = 6;
  static constexpr size_t kShortKeyMax = 255;

  char* data() { return reinterpret_cast<char*>(this) + sizeof(Entry); }
  const char* data() const { return reinterpret_cast<const char*>(this) + sizeof(Entry); }
  size_t KeyOffset() const { return (has_expiry() ? 8u : 0u) + ((flags_ & kLongKey) != 0 ? 4u : 0u); }
  size_t ValueOffset() const { return KeyOffset() + key_size(); }
  bool holds_bytes() const { return form() == ValueForm::kInline || form() == ValueForm::kPacked; }
  size_t ValueBytes() const { return holds_bytes() ? inline_size_ : 8u; }
  void set_form(ValueForm form) {
    type_and_form_ = static_cast<uint8_t>((type_and_form_ & 0x0f) | static_cast<unsigned>(form) << 4);
  }
  // A long string.
  bool hangs_bytes() const { return form() == ValueForm::kShared || form() == ValueForm::kCompressed; }
  CompressedBytes* compressed() const { return static_cast<CompressedBytes*>(ReadValuePointer()); }
  // What a long string occupies beside the block.
  size_t HangingBytes() const;
  void* ReadValuePointer() const {
    void* pointer;
    std::memcpy(&pointer, data() + ValueOffset(), sizeof(pointer));
    return pointer;
  }

  uint8_t type_and_form_;
  uint8_t flags_;
  uint8_t access_[3];
  uint8_t short_key_size_;
  uint16_t inline_size_;
};
static_assert(sizeof(Entry) == 8);

// A collection for reading, whichever way its entry holds it. Valid until the entry changes.
class CollectionView {
 public:
  explicit CollectionView(const Entry& entry);
  CollectionView(const CollectionView&) = delete;
  CollectionView& operator=(const CollectionView&) = delete;

  const void* get() const { return value_; }

 private:
  ValueStorage storage_;
  const void* value_;
};

// Makes, reshapes and frees entries in the blocks of one pool. A function that returns an Entry* may have moved
// the entry: the caller puts the result where the old pointer was.
class EntryStore {
 public:
  // The key must be at most 512 MiB (the protocol's limit on an argument).
  static Entry* MakeString(BlockPool& pool, std::string_view key, StringInput value, int64_t expiry_ms);
  static Entry* MakeObject(BlockPool& pool, std::string_view key, ValueType type, void* object, int64_t expiry_ms);
  // A small collection from its bytes: in the entry if they fit.
  static Entry* MakePacked(BlockPool& pool, std::string_view key, ValueType type, const PackedValue& packed,
                           int64_t expiry_ms);

  // Whether a collection's bytes may lie in the entry of this key.
  static bool FitsPacked(const Entry& entry, size_t size) {
    return FitsInline(entry.key_size(), entry.has_expiry(), size);
  }
  // A collection changes the way it is held: the entry gets its bytes, or a pointer to it. What the entry held before
  // is not freed, being that collection.
  [[nodiscard]] static Entry* HoldPacked(BlockPool& pool, Entry* entry, const PackedValue& packed);
  [[nodiscard]] static Entry* HoldObject(BlockPool& pool, Entry* entry, void* object);

  // Makes room in the packed bytes, which must fit then: `inserted` bytes at `at` in the place of `erased` ones.
  [[nodiscard]] static Entry* SplicePacked(BlockPool& pool, Entry* entry, size_t at, size_t erased, size_t inserted);

  // Replaces the value, of whatever type it was, by a string. The expiry stays. In place when the size allows.
  [[nodiscard]] static Entry* ReplaceByString(BlockPool& pool, Entry* entry, StringInput value);
  // Overwrites an integer; form() must be kInteger.
  static void ReplaceInteger(Entry* entry, int64_t value) { WriteValue(entry, &value, sizeof(value)); }
  // Sets or, with kNoExpiry, removes the expiry.
  [[nodiscard]] static Entry* SetExpiry(BlockPool& pool, Entry* entry, int64_t expiry_ms);
  static void SetInExpiryIndex(Entry* entry, bool value);
  static void SetMark(Entry* entry, bool value) {
    entry->flags_ = static_cast<uint8_t>(value ? entry->flags_ | Entry::kMark : entry->flags_ & ~Entry::kMark);
  }

  // A string of `size` bytes ready to be written at the pointer that comes back, the old bytes kept up to the
  // smaller size and zeros after them. Used by APPEND, SETRANGE and SETBIT; grows with slack, so that appending
  // is amortised O(bytes appended). The entry may move: `*entry` is updated.
  static char* ResizeString(BlockPool& pool, Entry** entry, size_t size);

  // Moves the value of `source` under another key; `source` is freed, its value is not.
  static Entry* MoveValue(BlockPool& pool, Entry* source, std::string_view key, int64_t expiry_ms);
  static Entry* CopyValue(BlockPool& pool, const Entry* source, std::string_view key, int64_t expiry_ms);

  // Frees the block and the value.
  static void Free(Entry* entry);
  // Frees the block, and with it what lies in it; a value that hangs from it lives on elsewhere.
  static void FreeBlock(Entry* entry);
  // Large values: freeing them is work for the background.
  static bool IsExpensiveToFree(const Entry* entry);

 private:
  struct Shape {
    std::string_view key;
    ValueType type;
    ValueForm form;
    size_t value_bytes;
    int64_t expiry_ms;
  };
  static Entry* MakeBlock(BlockPool& pool, const Shape& shape);
  // What an entry keeps when it gets another block; in the latter case, its expiry changes.
  static void KeepBits(Entry* made, const Entry* before);
  static void KeepBitsButIndexed(Entry* made, const Entry* before);
  static void FreeValue(Entry* entry);
  static ValueForm FormOfLong(const StringInput& value);
  // Makes the entry hold the bytes, or the same compressed, by a pointer; what it held before is not dropped.
  static void HoldLong(Entry* entry, const StringInput& value);
  static void DropLong(ValueForm form, void* bytes);
  // What the packed bytes of a block refer to.
  static void HoldReference(ValueType type, const PackedValue& packed);
  static void DropReference(const Entry* entry);
  static void SetRaw(Entry* entry, bool value) {
    entry->flags_ = static_cast<uint8_t>(value ? entry->flags_ | Entry::kRaw : entry->flags_ & ~Entry::kRaw);
  }
  static bool FitsInline(size_t key_size, bool has_expiry, size_t value_size);
  static void WriteValue(Entry* entry, const void* bytes, size_t count) {
    std::memcpy(entry->data() + entry->ValueOffset(), bytes, count);
  }
};

}  // namespace kvick

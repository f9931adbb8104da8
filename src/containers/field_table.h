// FieldTable: the fields of a large hash.
//
// A field is one small block; what most fields do not need is left out. 16 bytes of name and 16 of value take 40, and
// some ten more in the table (tag_table.h).
//
//   +--------------------+-------+-----------------+-----------------+-------------+------+-------+
//   | name size (7 bits) | value | name size       | value size      | expiry      | name | value |
//   | has expiry (1 bit) | size  | u32, if u7 is   | u32, if u8 is   | i64, if the |      |       |
//   |                    | u8    | 127             | 255             | bit is set  |      |       |
//   +--------------------+-------+-----------------+-----------------+-------------+------+-------+
//
// Thread rule: none of its own; const methods may run together.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/secret_hash.h"
#include "containers/expiry_index.h"
#include "containers/part_listener.h"
#include "containers/tag_table.h"

namespace kvick {

class Field {
 public:
  static constexpr int64_t kNoExpiry = -1;

  static Field* Make(BlockPool& pool, std::string_view name, std::string_view value, int64_t expiry_ms);
  static void Free(Field* field);

  std::string_view name() const { return {data() + NameOffset(), name_size()}; }
  std::string_view value() const { return {data() + NameOffset() + name_size(), value_size()}; }
  bool has_expiry() const { return (head_ & kHasExpiry) != 0; }
  // Milliseconds since 1970, or kNoExpiry.
  int64_t expiry_ms() const {
    if (!has_expiry()) return kNoExpiry;
    int64_t expiry;
    std::memcpy(&expiry, data() + SizesBytes(), sizeof(expiry));
    return expiry;
  }
  size_t block_bytes() const { return sizeof(Field) + NameOffset() + name_size() + value_size(); }

 private:
  friend class FieldTable;

  static constexpr uint8_t kHasExpiry = 0x80;
  static constexpr uint8_t kLongName = 0x7f;
  static constexpr uint8_t kLongValue = 0xff;

  char* data() { return reinterpret_cast<char*>(this) + sizeof(Field); }
  const char* data() const { return reinterpret_cast<const char*>(this) + sizeof(Field); }
  bool has_long_name() const { return (head_ & kLongName) == kLongName; }
  bool has_long_value() const { return short_value_size_ == kLongValue; }
  uint32_t ReadSize(size_t offset) const {
    uint32_t size;
    std::memcpy(&size, data() + offset, sizeof(size));
    return size;
  }
  size_t name_size() const { return has_long_name() ? ReadSize(0) : head_ & kLongName; }
  size_t value_size() const { return has_long_value() ? ReadSize(has_long_name() ? 4 : 0) : short_value_size_; }
  size_t SizesBytes() const { return (has_long_name() ? 4u : 0u) + (has_long_value() ? 4u : 0u); }
  size_t NameOffset() const { return SizesBytes() + (has_expiry() ? 8u : 0u); }

  uint8_t head_;
  uint8_t short_value_size_;
};
static_assert(sizeof(Field) == 2);

struct FieldKind {
  using Entry = Field;
  static std::string_view KeyOf(const Field& field) { return field.name(); }
};
extern template class TagTable<FieldKind>;

// When a field expires, and the present time, which the order of expiries is kept by.
struct FieldExpiry {
  int64_t expiry_ms = Field::kNoExpiry;
  int64_t now_ms = 0;
};

class FieldTable {
 public:
  FieldTable() = default;
  FieldTable(const FieldTable&) = delete;
  FieldTable& operator=(const FieldTable&) = delete;
  ~FieldTable();

  size_t count() const { return table_.entry_count(); }
  // Null when there is none. Valid until the field changes.
  const Field* Find(std::string_view name) const { return table_.Find(name, SecretHash(name)).entry; }
  // Makes room for so many fields in all.
  void Reserve(size_t field_count) { table_.Reserve(field_count); }
  // Adds the field or replaces its value and expiry; true when it is new.
  bool Set(std::string_view name, std::string_view value, FieldExpiry expiry = {});
  // The field must be there.
  void SetExpiry(std::string_view name, FieldExpiry expiry);
  bool Erase(std::string_view name);
  // A field drawn by `random` (any 64-bit number), each about as likely. The table must not be empty.
  const Field& Draw(uint64_t random) const { return *table_.RandomEntry(random); }

  // How many fields have an expiry, and a moment at or before the earliest of them (ExpiryIndex::kNever).
  size_t expiring_count() const { return expiring_count_; }
  int64_t next_due_ms() const { return expiry_index_ == nullptr ? ExpiryIndex::kNever : expiry_index_->next_due_ms(); }
  // Erases fields whose time has passed, looking at `count_max` at most; `on_erase(name)` is called before each.
  template <typename OnErase>
  void EraseDue(int64_t now_ms, size_t count_max, OnErase&& on_erase) {
    while (count_max > 0 && next_due_ms() <= now_ms) {
      uint32_t items[kDueBatch];
      const size_t taken = expiry_index_->TakeDue(now_ms, items, std::min(count_max, kDueBatch));
      for (size_t i = 0; i < taken; ++i) {
        const Field* due = TakeDue(items[i], now_ms);
        if (due == nullptr) continue;
        on_erase(due->name());
        EraseField(due);
      }
      count_max -= taken;
    }
  }

  // Calls `visit(const Field&)` for the fields until it returns false.
  template <typename Visit>
  void ForEach(Visit&& visit) const {
    bool goes_on = true;
    for (size_t i = 0; i < table_.bucket_count() && goes_on; ++i) {
      table_.VisitBucket(i, [&](const Field* field) { goes_on = goes_on && visit(*field); });
    }
  }
  // The fields at `position` of a scan (TagTable) are visited; the position behind them comes back, 0 at the end.
  template <typename Visit>
  uint64_t Scan(uint64_t position, Visit&& visit) const {
    return table_.ScanBucket(position, &visit, [](void* context, Field* field) {
      (*static_cast<std::remove_reference_t<Visit>*>(context))(*field);
    });
  }

  // Moves what the mover wants to be moved of the fields at `position`; the position behind them comes back, 0 at the
  // end.
  uint64_t MoveBlocks(uint64_t position, BlockMover& mover);

  // Who is told of changes; null: nobody.
  void ListenWith(PartListener* listener) { listener_ = listener; }

  size_t memory_bytes() const {
    return table_.memory_bytes() + field_bytes_ + (expiry_index_ != nullptr ? expiry_index_->memory_bytes() : 0);
  }

 private:
  using Slot = TagTable<FieldKind>::Slot;
  static constexpr size_t kDueBatch = 16;

  BlockPool& pool() const;
  Field* MakeField(std::string_view name, std::string_view value, int64_t expiry_ms);
  void FreeField(Field* field);
  void Replace(const Slot& slot, uint64_t hash, std::string_view value, FieldExpiry expiry);
  void EraseField(const Field* field);
  void EraseAt(const Slot& slot, uint64_t hash);
  void CountExpiry(int64_t old_expiry_ms, FieldExpiry expiry, uint64_t hash);
  void RebuildExpiryIndex(int64_t now_ms);
  // The earliest field with this hash, if it is due; otherwise it stays in the index, for later.
  const Field* TakeDue(uint32_t hash, int64_t now_ms);
  void TellOfChange(const Field& field) {
    if (listener_ != nullptr) listener_->BeforeChange({field.name(), field.value(), field.expiry_ms()});
  }

  TagTable<FieldKind> table_;
  size_t field_bytes_ = 0;
  size_t expiring_count_ = 0;
  std::unique_ptr<ExpiryIndex> expiry_index_;  // made with the first expiry; each expiring field has an item in it
  PartListener* listener_ = nullptr;
};

}  // namespace kvick

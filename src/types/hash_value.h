// HashValue: the value of a hash key.
//
//   HashValue hash;
//   hash.Set("name", "Ada", limits);
//   if (const auto field = hash.Find("name", texts)) Use(field->value);
//
// It begins as a listpack of names and values and becomes a table when it outgrows the limits. With the first field
// expiry a listpack becomes one of names, values and moments (0: none), in the order of the moments, those without
// one last; neither form is ever left for a smaller one.
//
// A compact hash (MakeCompact) has its names in a template that it shares with others (types/compact_fields.h): its
// fields are in the order of their names. It stays compact, with another template when fields come or go, until a field
// is to expire.
//
// Fields whose moment has passed stay until somebody erases them: who reads compares FieldView::expiry_ms with the
// time. Thread rule: that of its key.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/numbers.h"
#include "base/random.h"
#include "containers/field_table.h"
#include "containers/listpack.h"
#include "types/compact_fields.h"
#include "types/packed_editor.h"
#include "types/value_type.h"

namespace kvick {

// Up to which size a hash is packed.
struct HashLimits {
  size_t listpack_entries_max = 512;
  size_t listpack_value_max_bytes = 64;
  // Hashes of so many fields are to be compact. Minimum 0: none; maximum 0: without bound.
  size_t template_entries_min = 0;
  size_t template_entries_max = 0;

  bool WantsCompact(size_t field_count) const {
    return template_entries_min != 0 && field_count >= template_entries_min &&
           (template_entries_max == 0 || field_count <= template_entries_max);
  }
};

// Where what does not lie in a hash as it reads is put: integers, and short texts of compact hashes.
struct FieldTexts {
  char name[kInt64TextMax];
  char value[kCompactTextMax];
};

// A field where it lies, or in a FieldTexts: valid until the hash or that changes.
struct FieldView {
  std::string_view name;
  std::string_view value;
  int64_t expiry_ms = Field::kNoExpiry;

  bool IsAlive(int64_t now_ms) const { return expiry_ms == Field::kNoExpiry || expiry_ms > now_ms; }
  // As a listpack holds it: 0 for none.
  void set_moment(int64_t moment_ms) {
    if (moment_ms != 0) expiry_ms = moment_ms;
  }
};

class HashValue {
 public:
  static constexpr ValueType kType = ValueType::kHash;
  // In the order of forms_.
  enum class Encoding : uint8_t { kListpack, kListpackEx, kTable, kTemplateListpack, kTemplateArray };

  HashValue() = default;
  // Names and values.
  explicit HashValue(Listpack pairs) : forms_(std::move(pairs)) {}
  explicit HashValue(CompactFields fields) : forms_(std::move(fields)) {}
  // A compact hash of a value for each name of the template.
  HashValue(HashTemplateRef names, std::span<const std::string_view> values, const HashLimits& limits);
  // Names, values and moments, in the order of the moments, those without one (0) last.
  static std::unique_ptr<HashValue> WithMoments(Listpack triples);
  HashValue(const HashValue& other);
  HashValue& operator=(const HashValue&) = delete;

  Encoding encoding() const { return static_cast<Encoding>(forms_.index()); }
  // Includes fields whose moment has passed.
  size_t count() const {
    if (table() != nullptr) return table()->count();
    return is_compact() ? names().count() : pack().count() / stride();
  }

  std::optional<FieldView> Find(std::string_view name, FieldTexts& texts) const;
  // Says that a command is about to set `count` fields, the longest name or value of which has `size_max` bytes.
  void ExpectMore(size_t count, size_t size_max, const HashLimits& limits);
  void ConvertToTable(int64_t now_ms);
  // For loading: of a table, room for so many fields.
  void ReserveTable(size_t field_count) { mutable_table().Reserve(field_count); }
  // Adds the field or replaces its value; true when it is new. Its expiry, if it has one, goes, unless it is given.
  bool Set(std::string_view name, std::string_view value, const HashLimits& limits, FieldExpiry expiry = {});
  // The same, without an expiry, for a hash that lies in its entry.
  enum class Setting { kNew, kReplaced, kDeclined };
  static Setting SetPacked(PackedEditor& editor, std::string_view name, std::string_view value,
                           const HashLimits& limits);
  // The field must be there.
  void SetExpiry(std::string_view name, FieldExpiry expiry);
  bool Erase(std::string_view name);

  bool is_compact() const { return encoding() >= Encoding::kTemplateListpack; }
  // For compact hashes.
  const HashTemplate& names() const {
    const CompactFields* fields = compact_fields();
    return fields != nullptr ? fields->names() : *array().names;
  }
  // False when it cannot be: fields expire, or there are too many templates.
  bool MakeCompact(const HashLimits& limits);
  // After a write: becomes compact if the limits ask for it.
  void Settle(const HashLimits& limits) {
    if (limits.template_entries_min != 0 && !is_compact() && limits.WantsCompact(count())) MakeCompact(limits);
  }
  // Compact hashes become a listpack or a table, whichever they are as large as.
  void MakeOrdinary();

  // Whether a field has an expiry; when the first ones can be erased, up to ExpiryIndex::kLatenessMs after their moment
  // (ExpiryIndex::kNever).
  bool has_expiring() const { return next_due_ms() != ExpiryIndex::kNever; }
  int64_t next_due_ms() const;
  // False: no field's moment has passed.
  bool MayHoldDue(int64_t now_ms) const { return next_due_ms() - now_ms <= ExpiryIndex::kLatenessMs; }
  // Erases fields whose moment has passed, `count_max` at most; `on_erase(name)` is called before each.
  template <typename OnErase>
  void EraseDue(int64_t now_ms, size_t count_max, OnErase&& on_erase);

  // A random field, each about as likely; the hash must not be empty.
  FieldView Draw(Random& random, FieldTexts& texts) const;
  // Calls `visit(const FieldView&)` for the fields until it returns false. `visit` must not change the hash.
  template <typename Visit>
  void ForEach(Visit&& visit) const;
  // A piece of the fields is visited; the position behind it comes back, 0 at the end. A packed hash is one piece.
  // A field that stays is met, however the hash changes between the calls.
  template <typename Visit>
  uint64_t Scan(uint64_t position, Visit&& visit) const;

  const FieldTable* table() const {
    const auto* fields = std::get_if<std::unique_ptr<FieldTable>>(&forms_);
    return fields != nullptr ? fields->get() : nullptr;
  }
  // For hashes that are neither a table nor compact.
  const Listpack& pack() const {
    const auto* plain = std::get_if<Listpack>(&forms_);
    return plain != nullptr ? *plain : std::get_if<ListpackEx>(&forms_)->pack;
  }

  // Who is told of changes of a table; null: nobody.
  void ListenWith(PartListener* listener) { mutable_table().ListenWith(listener); }

  // Moves blocks of a piece of the fields that a mover wants to be moved, as FieldTable; the position behind it comes
  // back, 0 at the end. Packed ones have none.
  uint64_t MoveBlocks(uint64_t position, BlockMover& mover) {
    return table() != nullptr ? mutable_table().MoveBlocks(position, mover) : 0;
  }

  size_t memory_bytes() const;
  // How many allocations a destructor frees.
  size_t free_effort() const { return table() != nullptr || encoding() == Encoding::kTemplateArray ? count() : 1; }
  const CompactFields* compact_fields() const { return std::get_if<CompactFields>(&forms_); }

 private:
  // With the moments of the fields' expiry.
  struct ListpackEx {
    Listpack pack;
  };

  Listpack& pack() { return const_cast<Listpack&>(std::as_const(*this).pack()); }
  FieldTable& mutable_table() { return **std::get_if<std::unique_ptr<FieldTable>>(&forms_); }
  FieldTable& MakeTable() { return *forms_.emplace<std::unique_ptr<FieldTable>>(std::make_unique<FieldTable>()); }
  bool has_moments() const { return encoding() == Encoding::kListpackEx; }
  // Elements a field has in the listpack.
  size_t stride() const { return has_moments() ? 3 : 2; }
  Listpack::Position FindPacked(std::string_view name) const { return pack().Find(name, pack().First(), stride() - 1); }
  FieldView ViewAt(Listpack::Position at, FieldTexts& texts) const;
  Listpack::Position Behind(Listpack::Position at) const;
  bool SetPacked(std::string_view name, std::string_view value, int64_t expiry_ms);
  void InsertPacked(std::string_view name, std::string_view value, int64_t expiry_ms);
  void AddMoments();
  const CompactArray& array() const { return **std::get_if<std::unique_ptr<CompactArray>>(&forms_); }
  CompactArray& array() { return **std::get_if<std::unique_ptr<CompactArray>>(&forms_); }
  CompactFields& fields() { return *std::get_if<CompactFields>(&forms_); }
  void HoldCompact(HashTemplateRef names, std::span<const std::string_view> values, const HashLimits& limits);
  std::string_view CompactValue(size_t index, FieldTexts& texts) const;
  // False when it would be one template too many: the hash must become an ordinary one.
  bool SetCompact(std::string_view name, std::string_view value, const HashLimits& limits, bool* is_new);
  bool EraseCompact(size_t index);
  void MakeArray();

  // Small, as most hashes are: 16 bytes.
  std::variant<Listpack, ListpackEx, std::unique_ptr<FieldTable>, CompactFields, std::unique_ptr<CompactArray>> forms_;
};

void RegisterHashType();

template <typename Visit>
void HashValue::ForEach(Visit&& visit) const {
  if (const FieldTable* fields = table()) {
    fields->ForEach([&](const Field& field) {
      return visit(FieldView{field.name(), field.value(), field.expiry_ms()});
    });
    return;
  }
  FieldTexts texts;
  if (is_compact()) {
    const HashTemplate& all = names();
    const CompactFields* packed = compact_fields();
    const char* at = packed != nullptr ? packed->values() : nullptr;
    for (size_t i = 0; i < all.count(); ++i) {
      const std::string_view value =
          packed != nullptr ? TakeCompactValue(&at, texts.value) : std::string_view(array().values[i]);
      if (!visit(FieldView{all.name(i), value})) return;
    }
    return;
  }
  const ListpackView all = pack();
  const bool with_moments = has_moments();
  for (auto at = all.Begin(); !all.IsEnd(at);) {
    FieldView field;
    field.name = all.Take(&at).Text(texts.name);
    field.value = all.Take(&at).Text(texts.value);
    if (with_moments) field.set_moment(all.Take(&at).integer);
    if (!visit(field)) return;
  }
}

template <typename Visit>
uint64_t HashValue::Scan(uint64_t position, Visit&& visit) const {
  if (const FieldTable* fields = table()) {
    return fields->Scan(position, [&](const Field& field) {
      visit(FieldView{field.name(), field.value(), field.expiry_ms()});
    });
  }
  ForEach([&](const FieldView& field) {
    visit(field);
    return true;
  });
  return 0;
}

template <typename OnErase>
void HashValue::EraseDue(int64_t now_ms, size_t count_max, OnErase&& on_erase) {
  if (table() != nullptr) return mutable_table().EraseDue(now_ms, count_max, on_erase);
  if (is_compact()) return;
  for (; count_max > 0 && next_due_ms() <= now_ms; --count_max) {
    FieldTexts texts;
    on_erase(ViewAt(pack().First(), texts).name);
    pack().EraseRange(pack().First(), stride());
  }
}

}  // namespace kvick

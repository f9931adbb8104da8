#include "types/hash_value.h"

#include <algorithm>
#include <array>
#include <new>
#include <optional>

#include "base/digest.h"
#include "types/value_features.h"

namespace kvick {

static_assert(sizeof(HashValue) <= ValueStorage::kBytes);

// Of the packed forms, that with a template.
constexpr uint8_t kCompactKind = 1;

HashValue::HashValue(const HashValue& other) {
  if (const FieldTable* fields = other.table()) {
    FieldTable& copies = MakeTable();
    fields->ForEach([&](const Field& field) {
      return copies.Set(field.name(), field.value(), {field.expiry_ms(), 0});
    });
  } else if (const CompactFields* compact = other.compact_fields()) {
    forms_.emplace<CompactFields>(CompactFields::CopyOf(compact->bytes()));
  } else if (other.is_compact()) {
    forms_.emplace<std::unique_ptr<CompactArray>>(std::make_unique<CompactArray>(
        CompactArray{HashTemplateRef::Another(other.names(), TemplateHolder::kHash), other.array().values}));
  } else if (other.has_moments()) {
    forms_.emplace<ListpackEx>(ListpackEx{Listpack::CopyOf(other.pack())});
  } else {
    forms_.emplace<Listpack>(Listpack::CopyOf(other.pack()));
  }
}

std::unique_ptr<HashValue> HashValue::WithMoments(Listpack triples) {
  auto hash = std::make_unique<HashValue>();
  ValueFeatures::Note(ValueFeature::kExpiringFields);
  hash->forms_.emplace<ListpackEx>(ListpackEx{std::move(triples)});
  return hash;
}

Listpack::Position HashValue::Behind(Listpack::Position at) const {
  for (size_t i = 0; i < stride(); ++i) at = pack().Next(at);
  return at;
}

FieldView HashValue::ViewAt(Listpack::Position at, FieldTexts& texts) const {
  FieldView view;
  view.name = pack().Get(at).Text(texts.name);
  at = pack().Next(at);
  view.value = pack().Get(at).Text(texts.value);
  if (has_moments()) view.set_moment(pack().Get(pack().Next(at)).integer);
  return view;
}

std::optional<FieldView> HashValue::Find(std::string_view name, FieldTexts& texts) const {
  if (const FieldTable* fields = table()) {
    const Field* field = fields->Find(name);
    if (field == nullptr) return std::nullopt;
    return FieldView{field->name(), field->value(), field->expiry_ms()};
  }
  if (is_compact()) {
    const std::optional<size_t> index = names().IndexOf(name);
    if (!index) return std::nullopt;
    return FieldView{names().name(*index), CompactValue(*index, texts)};
  }
  const Listpack::Position at = FindPacked(name);
  if (at == Listpack::kNone) return std::nullopt;
  return ViewAt(at, texts);
}

void HashValue::ExpectMore(size_t count, size_t size_max, const HashLimits& limits) {
  if (table() == nullptr && !is_compact() &&
      (count > limits.listpack_entries_max || size_max > limits.listpack_value_max_bytes)) {
    ConvertToTable(0);
  }
}

bool HashValue::Set(std::string_view name, std::string_view value, const HashLimits& limits, FieldExpiry expiry) {
  if (is_compact()) {
    bool is_new = false;
    if (expiry.expiry_ms == Field::kNoExpiry && SetCompact(name, value, limits, &is_new)) return is_new;
    MakeOrdinary();
  }
  if (table() == nullptr) {
    const bool fits = std::max(name.size(), value.size()) <= limits.listpack_value_max_bytes &&
                      pack().size_bytes() + name.size() + value.size() < Listpack::kSizeBytesMax;
    if (fits) {
      if (expiry.expiry_ms != Field::kNoExpiry) AddMoments();
      const bool is_new = SetPacked(name, value, expiry.expiry_ms);
      if (count() > limits.listpack_entries_max) ConvertToTable(expiry.now_ms);
      return is_new;
    }
    ConvertToTable(expiry.now_ms);
  }
  if (expiry.expiry_ms != Field::kNoExpiry) ValueFeatures::Note(ValueFeature::kExpiringFields);
  return mutable_table().Set(name, value, expiry);
}

HashValue::Setting HashValue::SetPacked(PackedEditor& editor, std::string_view name, std::string_view value,
                                        const HashLimits& limits) {
  // What is compact, or is to be, changes in other ways.
  if (editor.kind() == kCompactKind || limits.template_entries_min != 0) return Setting::kDeclined;
  if (std::max(name.size(), value.size()) > limits.listpack_value_max_bytes) return Setting::kDeclined;
  const ListpackView pairs(editor.bytes());
  const std::array<ListpackValue, 2> field = {ListpackValue::FromText(name), ListpackValue::FromText(value)};
  const size_t count = pairs.count() / 2;
  if (count > limits.listpack_entries_max) return Setting::kDeclined;
  const size_t value_bytes = ListpackView::ElementBytes(field[1]);
  if (const Listpack::Position at = pairs.Find(field[0], pairs.First(), 1); at != Listpack::kNone) {
    const Listpack::Position value_at = pairs.Next(at);
    const size_t erased_bytes = pairs.ElementBytesAt(value_at);
    char* bytes = editor.Splice(
        {.at = value_at, .erased = erased_bytes, .inserted = value_bytes, .items_before = count, .items_after = count});
    if (bytes == nullptr) return Setting::kDeclined;
    Listpack::FillRoom(bytes, value_at, erased_bytes, 0, {&field[1], 1});
    return Setting::kReplaced;
  }
  if (count == limits.listpack_entries_max) return Setting::kDeclined;
  const size_t at = pairs.size_bytes() - 1;
  char* bytes = editor.Splice({.at = at,
                               .inserted = ListpackView::ElementBytes(field[0]) + value_bytes,
                               .items_before = count,
                               .items_after = count + 1});
  if (bytes == nullptr) return Setting::kDeclined;
  Listpack::FillRoom(bytes, static_cast<Listpack::Position>(at), 0, 2, field);
  return Setting::kNew;
}

bool HashValue::SetPacked(std::string_view name, std::string_view value, int64_t expiry_ms) {
  const Listpack::Position at = FindPacked(name);
  if (at == Listpack::kNone) {
    InsertPacked(name, value, expiry_ms);
    return true;
  }
  FieldTexts texts;
  if (ViewAt(at, texts).expiry_ms == expiry_ms) {
    pack().Replace(pack().Next(at), value);
  } else {
    pack().EraseRange(at, stride());
    InsertPacked(name, value, expiry_ms);
  }
  return false;
}

void HashValue::InsertPacked(std::string_view name, std::string_view value, int64_t expiry_ms) {
  if (expiry_ms != Field::kNoExpiry) {
    FieldTexts texts;
    for (auto at = pack().First(); at != Listpack::kNone; at = Behind(at)) {
      const int64_t other_ms = ViewAt(at, texts).expiry_ms;
      if (other_ms != Field::kNoExpiry && other_ms <= expiry_ms) continue;
      at = pack().InsertBefore(at, name);
      at = pack().InsertAfter(at, value);
      pack().InsertAfter(at, ListpackValue::FromInteger(expiry_ms));
      return;
    }
  }
  pack().Append(name);
  pack().Append(value);
  if (has_moments()) pack().Append(ListpackValue::FromInteger(expiry_ms == Field::kNoExpiry ? 0 : expiry_ms));
}

void HashValue::AddMoments() {
  if (has_moments()) return;
  ValueFeatures::Note(ValueFeature::kExpiringFields);
  Listpack extended(pack().size_bytes() + 2 * count());
  for (auto at = pack().First(); at != Listpack::kNone; at = pack().Next(at)) {
    extended.Append(pack().Get(at));
    at = pack().Next(at);
    extended.Append(pack().Get(at));
    extended.Append(ListpackValue::FromInteger(0));
  }
  forms_.emplace<ListpackEx>(ListpackEx{std::move(extended)});
}

void HashValue::SetExpiry(std::string_view name, FieldExpiry expiry) {
  if (expiry.expiry_ms != Field::kNoExpiry) ValueFeatures::Note(ValueFeature::kExpiringFields);
  if (is_compact()) {
    if (expiry.expiry_ms == Field::kNoExpiry) return;
    MakeOrdinary();
  }
  if (table() != nullptr) return mutable_table().SetExpiry(name, expiry);
  if (expiry.expiry_ms != Field::kNoExpiry) AddMoments();
  if (!has_moments()) return;
  FieldTexts texts;
  const Listpack::Position at = FindPacked(name);
  const FieldView field = ViewAt(at, texts);
  if (field.expiry_ms == expiry.expiry_ms) return;
  const std::string value(field.value);
  pack().EraseRange(at, stride());
  InsertPacked(name, value, expiry.expiry_ms);
}

bool HashValue::Erase(std::string_view name) {
  if (table() != nullptr) return mutable_table().Erase(name);
  if (is_compact()) {
    const std::optional<size_t> index = names().IndexOf(name);
    if (!index) return false;
    if (EraseCompact(*index)) return true;
    MakeOrdinary();
    return Erase(name);
  }
  const Listpack::Position at = FindPacked(name);
  if (at == Listpack::kNone) return false;
  pack().EraseRange(at, stride());
  return true;
}

int64_t HashValue::next_due_ms() const {
  if (const FieldTable* fields = table()) {
    return fields->expiring_count() == 0 ? ExpiryIndex::kNever : fields->next_due_ms();
  }
  if (!has_moments() || pack().empty()) return ExpiryIndex::kNever;
  FieldTexts texts;
  const int64_t earliest_ms = ViewAt(pack().First(), texts).expiry_ms;
  return earliest_ms == Field::kNoExpiry ? ExpiryIndex::kNever : earliest_ms;
}

void HashValue::ConvertToTable(int64_t now_ms) {
  if (is_compact()) MakeOrdinary();
  if (table() != nullptr) return;
  FieldTexts texts;
  const Listpack packed = std::move(pack());
  const size_t elements = stride();
  FieldTable& fields = MakeTable();
  for (auto at = packed.First(); at != Listpack::kNone; at = packed.Next(at)) {
    const std::string_view name = packed.Get(at).Text(texts.name);
    at = packed.Next(at);
    const std::string_view value = packed.Get(at).Text(texts.value);
    int64_t moment = 0;
    if (elements == 3) {
      at = packed.Next(at);
      moment = packed.Get(at).integer;
    }
    fields.Set(name, value, {moment == 0 ? Field::kNoExpiry : moment, now_ms});
  }
}

FieldView HashValue::Draw(Random& random, FieldTexts& texts) const {
  if (const FieldTable* fields = table()) {
    const Field& field = fields->Draw(random.Next());
    return {field.name(), field.value(), field.expiry_ms()};
  }
  if (is_compact()) {
    const size_t index = random.Below(count());
    return {names().name(index), CompactValue(index, texts)};
  }
  return ViewAt(pack().Seek(static_cast<int64_t>(random.Below(count()) * stride())), texts);
}

size_t HashValue::memory_bytes() const {
  if (const CompactFields* packed = compact_fields()) return sizeof(HashValue) + packed->memory_bytes();
  if (is_compact()) return sizeof(HashValue) + array().memory_bytes();
  return sizeof(HashValue) +
         (table() != nullptr ? sizeof(FieldTable) + table()->memory_bytes() : pack().allocated_bytes());
}

void RegisterHashType() {
  RegisterValueType(
      ValueType::kHash,
      {.type_name = "hash",
       .destroy = [](void* value) { delete static_cast<HashValue*>(value); },
       .copy = [](const void* value) -> void* { return new HashValue(*static_cast<const HashValue*>(value)); },
       .memory_bytes = [](const void* value) { return static_cast<const HashValue*>(value)->memory_bytes(); },
       .free_effort = [](const void* value) { return static_cast<const HashValue*>(value)->free_effort(); },
       .item_count = [](const void* value) { return static_cast<const HashValue*>(value)->count(); },
       .encoding_name = [](const void* value) -> std::string_view {
         constexpr std::string_view kNames[] = {"listpack", "listpackex", "hashtable", "template-listpack",
                                                "template-array"};
         return kNames[static_cast<size_t>(static_cast<const HashValue*>(value)->encoding())];
       },
       .packed = [](const void* value) -> std::optional<PackedValue> {
         const auto* hash = static_cast<const HashValue*>(value);
         if (const CompactFields* fields = hash->compact_fields()) return PackedValue{fields->bytes(), kCompactKind};
         if (hash->encoding() != HashValue::Encoding::kListpack) return std::nullopt;
         return PackedValue{hash->pack().bytes()};
       },
       .borrow =
           [](const PackedValue& packed, ValueStorage* storage) {
             if (packed.kind == kCompactKind) {
               new (storage->bytes) HashValue(CompactFields::Borrow(packed.bytes));
             } else {
               new (storage->bytes) HashValue(Listpack::Borrow(packed.bytes));
             }
           },
       .unpack = [](const PackedValue& packed) -> void* {
         if (packed.kind == kCompactKind) return new HashValue(CompactFields::CopyOf(packed.bytes));
         return new HashValue(Listpack::CopyOf(ListpackView(packed.bytes)));
       },
       .hold_packed =
           [](const PackedValue& packed) {
             HashTemplates::Hold(CompactFields::TemplateOf(packed.bytes.data()), TemplateHolder::kHash);
           },
       .drop_packed =
           [](const PackedValue& packed) {
             HashTemplates::Drop(CompactFields::TemplateOf(packed.bytes.data()), TemplateHolder::kHash);
           },
       .packed_share_bytes =
           [](const PackedValue& packed) { return CompactFields::TemplateOf(packed.bytes.data()).share_bytes(); },
       .next_due_ms = [](const void* value) { return static_cast<const HashValue*>(value)->next_due_ms(); },
       .erase_due =
           [](void* value, int64_t now_ms, size_t count_max, const std::function<void(std::string_view)>& on_erase) {
             auto* hash = static_cast<HashValue*>(value);
             hash->EraseDue(now_ms, count_max, on_erase);
             return hash->count() > 0;
           },
       .has_parts = [](const void* value) { return static_cast<const HashValue*>(value)->table() != nullptr; },
       .listen = [](void* value, PartListener* listener) { static_cast<HashValue*>(value)->ListenWith(listener); },
       .scan_parts =
           [](const void* value, uint64_t position, PartVisitor& visitor) {
             return static_cast<const HashValue*>(value)->Scan(position, [&](const FieldView& field) {
               visitor.Visit({field.name, field.value, field.expiry_ms});
             });
           },
       .move_blocks = [](void* value, uint64_t position,
                         BlockMover& mover) { return static_cast<HashValue*>(value)->MoveBlocks(position, mover); },
       .digest =
           [](const void* value, Digest* digest) {
             static_cast<const HashValue*>(value)->ForEach([&](const FieldView& field) {
               Digest pair;
               pair.Append(field.name);
               pair.Append(field.value);
               if (field.expiry_ms != Field::kNoExpiry) pair.Append("expires");
               digest->Mix(pair);
               return true;
             });
           }});
}

}  // namespace kvick

#include "types/set_value.h"

#include <algorithm>
#include <optional>

#include "base/digest.h"

namespace kvick {

static_assert(sizeof(SetValue) <= ValueStorage::kBytes);
namespace {

size_t IntsetEntriesMax(const SetLimits& limits) { return std::min(limits.intset_entries_max, Intset::kCountMax); }

// Numbers are not the longest of texts: most members are told apart by their length.
std::optional<int64_t> AsInteger(std::string_view member) {
  return member.size() <= kInt64TextMax ? ParseInt64(member) : std::nullopt;
}

size_t TextSize(int64_t value) {
  char buffer[kInt64TextMax];
  return FormatInt64(value, buffer);
}

}  // namespace

SetValue::SetValue(std::string_view first, size_t count, const SetLimits& limits) {
  if (count <= IntsetEntriesMax(limits) && AsInteger(first)) return;
  if (count <= limits.listpack_entries_max) {
    forms_.emplace<Listpack>();
  } else {
    MakeTable();
  }
}

SetValue::SetValue(const SetValue& other) {
  if (const Intset* integers = other.intset()) {
    forms_.emplace<Intset>(*integers);
  } else if (const Listpack* pack = other.listpack()) {
    forms_.emplace<Listpack>(Listpack::CopyOf(*pack));
  } else if (const MemberTable* others = other.table()) {
    auto& members = MakeTable();
    others->ForEach([&](std::string_view member) { return members.Add(member); });
  } else {
    MakeExpiring().CopyFrom(*other.expiring());
  }
}

size_t SetValue::count() const {
  if (const Intset* integers = intset()) return integers->count();
  if (const Listpack* pack = listpack()) return pack->count();
  return table() != nullptr ? table()->count() : expiring()->count();
}

size_t SetValue::stored_count() const {
  if (const MemberTable* members = table()) return members->count();
  return encoding() == Encoding::kExpiringTable ? expiring()->total_count() : count();
}

bool SetValue::Contains(std::string_view member) const {
  if (const MemberTable* members = table()) return members->Contains(member);
  if (const Listpack* pack = listpack()) return pack->Find(member, pack->First()) != Listpack::kNone;
  if (const ExpiringMembers* members = expiring()) return members->Contains(member);
  const std::optional<int64_t> integer = AsInteger(member);
  return integer && intset()->Contains(*integer);
}

void SetValue::ExpectMore(size_t count, const SetLimits& limits) {
  if ((intset() != nullptr && count > IntsetEntriesMax(limits)) ||
      (listpack() != nullptr && count > limits.listpack_entries_max)) {
    ConvertToTable();
  }
}

bool SetValue::Add(std::string_view member, const SetLimits& limits) {
  if (table() != nullptr) return mutable_table().Add(member);
  if (expiring() != nullptr) return mutable_expiring().Add(member);
  return listpack() != nullptr ? AddToListpack(member, limits) : AddToIntset(member, limits);
}

SetValue::Adding SetValue::AddPacked(PackedEditor& editor, std::string_view member, const SetLimits& limits) {
  if (editor.kind() == kIntsetKind) {
    if (IntsetEntriesMax(limits) == 0) return Adding::kDeclined;
    const std::optional<int64_t> integer = AsInteger(member);
    const auto insertion = integer ? Intset::FindInsertion(editor.bytes(), *integer) : std::nullopt;
    if (!insertion) return Adding::kDeclined;
    if (insertion->is_present) return Adding::kPresent;
    const size_t count = (editor.bytes().size() - Intset::kHeaderBytes) / insertion->size_bytes;
    if (count >= IntsetEntriesMax(limits)) return Adding::kDeclined;
    char* bytes = editor.Splice(
        {.at = insertion->at, .inserted = insertion->size_bytes, .items_before = count, .items_after = count + 1});
    if (bytes == nullptr) return Adding::kDeclined;
    Intset::FillRoom(bytes, *insertion, *integer);
    return Adding::kAdded;
  }
  if (limits.listpack_entries_max == 0) return Adding::kDeclined;
  const ListpackView pack(editor.bytes());
  const ListpackValue value = ListpackValue::FromText(member);
  if (pack.Find(value, pack.First()) != Listpack::kNone) return Adding::kPresent;
  if (!ListpackTakes(pack, member, limits)) return Adding::kDeclined;
  const size_t count = pack.count();
  const size_t at = pack.size_bytes() - 1;
  char* bytes = editor.Splice(
      {.at = at, .inserted = ListpackView::ElementBytes(value), .items_before = count, .items_after = count + 1});
  if (bytes == nullptr) return Adding::kDeclined;
  Listpack::FillRoom(bytes, static_cast<Listpack::Position>(at), 0, 1, {&value, 1});
  return Adding::kAdded;
}

bool SetValue::AddToIntset(std::string_view member, const SetLimits& limits) {
  auto& integers = std::get<Intset>(forms_);
  if (const std::optional<int64_t> integer = AsInteger(member)) {
    if (!integers.Add(*integer)) return false;
    if (integers.count() > IntsetEntriesMax(limits)) ConvertToTable();
    return true;
  }
  // The longest texts are those of the first and the last.
  const size_t count = integers.count();
  const size_t longest = count == 0 ? 0 : std::max(TextSize(integers.At(0)), TextSize(integers.At(count - 1)));
  if (count < limits.listpack_entries_max && std::max(longest, member.size()) <= limits.listpack_value_max_bytes) {
    ConvertToListpack();
    std::get<Listpack>(forms_).Append(member);
    return true;
  }
  ConvertToTable();
  return mutable_table().Add(member);
}

bool SetValue::AddToListpack(std::string_view member, const SetLimits& limits) {
  auto& pack = std::get<Listpack>(forms_);
  const ListpackValue value = ListpackValue::FromText(member);
  if (pack.Find(value, pack.First()) != Listpack::kNone) return false;
  if (ListpackTakes(pack, member, limits)) {
    pack.Append(value);
    return true;
  }
  ConvertToTable();
  return mutable_table().Add(member);
}

bool SetValue::Remove(std::string_view member) {
  if (table() != nullptr) return mutable_table().Remove(member);
  if (expiring() != nullptr) return mutable_expiring().Remove(member);
  if (listpack() != nullptr) {
    auto& pack = std::get<Listpack>(forms_);
    const Listpack::Position at = pack.Find(member, pack.First());
    if (at == Listpack::kNone) return false;
    pack.Erase(at);
    return true;
  }
  const std::optional<int64_t> integer = AsInteger(member);
  return integer && std::get<Intset>(forms_).Remove(*integer);
}

void SetValue::ConvertToTable() {
  char buffer[kInt64TextMax];
  if (intset() != nullptr) {
    const Intset integers = std::move(std::get<Intset>(forms_));
    auto& members = MakeTable();
    for (size_t i = 0; i < integers.count(); ++i) members.Add({buffer, FormatInt64(integers.At(i), buffer)});
  } else if (listpack() != nullptr) {
    const Listpack pack = std::move(std::get<Listpack>(forms_));
    auto& members = MakeTable();
    for (auto at = pack.First(); at != Listpack::kNone; at = pack.Next(at)) members.Add(pack.Get(at).Text(buffer));
  }
}

void SetValue::SetExpiry(std::string_view member, FieldExpiry expiry) {
  if (expiring() == nullptr) {
    if (expiry.expiry_ms == Field::kNoExpiry) return;
    SetValue old(std::move(*this));
    auto& members = MakeExpiring();
    old.ForEach([&](std::string_view other) { return members.Add(other); });
  }
  mutable_expiring().SetExpiry(member, expiry);
}

int64_t SetValue::ExpiryOf(std::string_view member) const {
  return expiring() != nullptr ? expiring()->ExpiryOf(member) : Field::kNoExpiry;
}

void SetValue::ConvertToListpack() {
  const Intset integers = std::move(std::get<Intset>(forms_));
  Listpack pack(Listpack::kEmptyBytes + integers.bytes().size());
  for (size_t i = 0; i < integers.count(); ++i) pack.Append(ListpackValue::FromInteger(integers.At(i)));
  forms_.emplace<Listpack>(std::move(pack));
}

void SetValue::CompactToIntset(const SetLimits& limits) {
  const Listpack* pack = listpack();
  if (pack == nullptr || pack->count() > IntsetEntriesMax(limits)) return;
  Intset integers;
  for (auto at = pack->First(); at != Listpack::kNone; at = pack->Next(at)) {
    const ListpackValue value = pack->Get(at);
    if (!value.is_integer) return;
    integers.Add(value.integer);
  }
  forms_.emplace<Intset>(std::move(integers));
}

std::string_view SetValue::Draw(Random& random, char* buffer) const {
  if (const MemberTable* members = table()) return members->Draw(random.Next());
  if (const ExpiringMembers* members = expiring()) return members->Draw(random);
  const size_t index = random.Below(count());
  if (const Intset* integers = intset()) return {buffer, FormatInt64(integers->At(index), buffer)};
  return listpack()->Get(listpack()->Seek(static_cast<int64_t>(index))).Text(buffer);
}

std::string SetValue::Pop(Random& random) {
  char buffer[kInt64TextMax];
  std::string member(Draw(random, buffer));
  Remove(member);
  return member;
}

size_t SetValue::memory_bytes() const {
  if (const Intset* integers = intset()) return sizeof(SetValue) + integers->bytes().size();
  if (const Listpack* pack = listpack()) return sizeof(SetValue) + pack->allocated_bytes();
  if (const ExpiringMembers* members = expiring()) return sizeof(SetValue) + members->memory_bytes();
  return sizeof(SetValue) + sizeof(MemberTable) + table()->memory_bytes();
}

void RegisterSetType() {
  RegisterValueType(
      ValueType::kSet,
      {.type_name = "set",
       .destroy = [](void* value) { delete static_cast<SetValue*>(value); },
       .copy = [](const void* value) -> void* { return new SetValue(*static_cast<const SetValue*>(value)); },
       .memory_bytes = [](const void* value) { return static_cast<const SetValue*>(value)->memory_bytes(); },
       .free_effort = [](const void* value) { return static_cast<const SetValue*>(value)->free_effort(); },
       .item_count = [](const void* value) { return static_cast<const SetValue*>(value)->stored_count(); },
       .encoding_name = [](const void* value) -> std::string_view {
         constexpr std::string_view kNames[] = {"intset", "listpack", "hashtable", "hashtable"};
         return kNames[static_cast<size_t>(static_cast<const SetValue*>(value)->encoding())];
       },
       .packed = [](const void* value) -> std::optional<PackedValue> {
         const auto* set = static_cast<const SetValue*>(value);
         if (const Listpack* pack = set->listpack()) return PackedValue{pack->bytes()};
         if (const Intset* integers = set->intset()) return PackedValue{integers->bytes(), SetValue::kIntsetKind};
         return std::nullopt;
       },
       .borrow =
           [](const PackedValue& packed, ValueStorage* storage) {
             packed.kind == SetValue::kIntsetKind ? new (storage->bytes) SetValue(Intset::Borrow(packed.bytes))
                                                  : new (storage->bytes) SetValue(Listpack::Borrow(packed.bytes));
           },
       .unpack = [](const PackedValue& packed) -> void* {
         return packed.kind == SetValue::kIntsetKind ? new SetValue(Intset::CopyOf(packed.bytes))
                                                     : new SetValue(Listpack::CopyOf(ListpackView(packed.bytes)));
       },
       .next_due_ms = [](const void* value) { return static_cast<const SetValue*>(value)->next_due_ms(); },
       .erase_due =
           [](void* value, int64_t now_ms, size_t count_max, const std::function<void(std::string_view)>& on_erase) {
             auto* set = static_cast<SetValue*>(value);
             set->EraseDue(now_ms, count_max, on_erase);
             return !set->is_empty();
           },
       // Not of a table of expiring members: some of them are not seen.
       .has_parts = [](const void* value) { return static_cast<const SetValue*>(value)->table() != nullptr; },
       .listen = [](void* value, PartListener* listener) { static_cast<SetValue*>(value)->ListenWith(listener); },
       .scan_parts =
           [](const void* value, uint64_t position, PartVisitor& visitor) {
             return static_cast<const SetValue*>(value)->Scan(
                 position, [&](std::string_view member) { visitor.Visit({.name = member}); });
           },
       .move_blocks = [](void* value, uint64_t position,
                         BlockMover& mover) { return static_cast<SetValue*>(value)->MoveBlocks(position, mover); },
       .digest =
           [](const void* value, Digest* digest) {
             static_cast<const SetValue*>(value)->ForEach([&](std::string_view member) {
               digest->Mix(member);
               return true;
             });
           }});
}

}  // namespace kvick

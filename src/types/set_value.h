// SetValue: the value of a set key.
//
//   SetValue set;
//   set.Add("7", limits);       // an intset
//   set.Add("seven", limits);   // now a listpack
//
// It begins as an intset and becomes a listpack with the first member that is no integer, a table when it outgrows
// the limits, and a table of another kind with the first member that expires; it never becomes smaller again by itself.
//
// Members whose moment has passed stay until EraseDue, but nothing shows those that were due when SeeAt was called
// last. Thread rule: that of its key.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/numbers.h"
#include "base/random.h"
#include "containers/intset.h"
#include "containers/listpack.h"
#include "containers/member_table.h"
#include "types/expiring_members.h"
#include "types/packed_editor.h"
#include "types/value_type.h"

namespace kvick {

// Up to which size a set is packed.
struct SetLimits {
  size_t intset_entries_max = 512;
  size_t listpack_entries_max = 128;
  size_t listpack_value_max_bytes = 64;
};

class SetValue {
 public:
  static constexpr ValueType kType = ValueType::kSet;
  static constexpr uint8_t kIntsetKind = 1;  // of PackedValue; that of a listpack is 0
  enum class Encoding : uint8_t { kIntset, kListpack, kTable, kExpiringTable };  // in the order of forms_

  SetValue() = default;
  explicit SetValue(Intset members) : forms_(std::move(members)) {}
  explicit SetValue(Listpack members) : forms_(std::move(members)) {}
  // Empty, in the form that suits `count` members of which `first` is one.
  SetValue(std::string_view first, size_t count, const SetLimits& limits);
  SetValue(const SetValue& other);
  SetValue& operator=(const SetValue&) = delete;
  SetValue(SetValue&&) noexcept = default;
  SetValue& operator=(SetValue&&) noexcept = default;

  Encoding encoding() const { return static_cast<Encoding>(forms_.index()); }
  const Intset* intset() const { return std::get_if<Intset>(&forms_); }
  const Listpack* listpack() const { return std::get_if<Listpack>(&forms_); }
  const MemberTable* table() const {
    const auto* members = std::get_if<std::unique_ptr<MemberTable>>(&forms_);
    return members != nullptr ? members->get() : nullptr;
  }
  const ExpiringMembers* expiring() const {
    const auto* members = std::get_if<std::unique_ptr<ExpiringMembers>>(&forms_);
    return members != nullptr ? members->get() : nullptr;
  }
  size_t count() const;
  // Those too that are due and not erased yet: a matter of a field.
  size_t stored_count() const;
  // Holds nothing, not even members that are not shown.
  bool is_empty() const { return expiring() != nullptr ? expiring()->is_empty() : count() == 0; }

  bool Contains(std::string_view member) const;
  // Says that `count` members are about to be added by one command: so many of them are given a table at once.
  void ExpectMore(size_t count, const SetLimits& limits);
  // False when it was there, or was not.
  bool Add(std::string_view member, const SetLimits& limits);
  // The same for a set that lies in its entry.
  enum class Adding { kAdded, kPresent, kDeclined };
  static Adding AddPacked(PackedEditor& editor, std::string_view member, const SetLimits& limits);
  bool Remove(std::string_view member);
  void ConvertToTable();
  // For loading: of a table, room for so many members.
  void ReserveTable(size_t member_count) { mutable_table().Reserve(member_count); }
  // Members that expire. The member must be there, also for asking (FieldExpiry::kNoExpiry: never).
  void SetExpiry(std::string_view member, FieldExpiry expiry);
  int64_t ExpiryOf(std::string_view member) const;
  // When the first ones can be erased, up to ExpiryIndex::kLatenessMs after their moment; ExpiryIndex::kNever.
  int64_t next_due_ms() const { return expiring() != nullptr ? expiring()->next_due_ms() : ExpiryIndex::kNever; }
  // False: no member's moment has passed.
  bool MayHoldDue(int64_t now_ms) const { return expiring() != nullptr && expiring()->MayHoldDue(now_ms); }
  template <typename OnErase>
  void EraseDue(int64_t now_ms, size_t count_max, OnErase&& on_erase) {
    if (expiring() != nullptr) mutable_expiring().EraseDue(now_ms, count_max, on_erase);
  }
  void SeeAt(int64_t now_ms) {
    if (expiring() != nullptr) mutable_expiring().SeeAt(now_ms);
  }
  bool IsSeenAt(int64_t now_ms) const { return expiring() == nullptr || expiring()->seen_at_ms() == now_ms; }

  // A listpack of nothing but integers becomes an intset if the limits allow one.
  void CompactToIntset(const SetLimits& limits);

  // A random member, each about as likely; the set must not be empty. The view is valid until the set changes, or
  // `buffer` (kInt64TextMax bytes).
  std::string_view Draw(Random& random, char* buffer) const;
  // Takes one out.
  std::string Pop(Random& random);

  // Calls `visit(std::string_view)` for the members until it returns false. `visit` must not change the set.
  template <typename Visit>
  void ForEach(Visit&& visit) const;
  // A piece of the members is visited; the position behind it comes back, 0 at the end. Packed sets are one piece.
  // A member that stays is met, however the set changes between the calls.
  template <typename Visit>
  uint64_t Scan(uint64_t position, Visit&& visit) const;

  // Who is told of changes of a table; null: nobody.
  void ListenWith(PartListener* listener) { mutable_table().ListenWith(listener); }

  // Moves blocks of a piece of the members that a mover wants to be moved, as FieldTable; the position behind it comes
  // back, 0 at the end. Packed ones have none.
  uint64_t MoveBlocks(uint64_t position, BlockMover& mover) {
    if (table() != nullptr) return mutable_table().MoveBlocks(position, mover);
    return expiring() != nullptr ? mutable_expiring().MoveBlocks(position, mover) : 0;
  }

  size_t memory_bytes() const;
  // How many allocations a destructor frees.
  size_t free_effort() const { return table() != nullptr || expiring() != nullptr ? count() : 1; }

 private:
  bool AddToIntset(std::string_view member, const SetLimits& limits);
  bool AddToListpack(std::string_view member, const SetLimits& limits);
  static bool ListpackTakes(const ListpackView& pack, std::string_view member, const SetLimits& limits) {
    return pack.count() < limits.listpack_entries_max && member.size() <= limits.listpack_value_max_bytes &&
           pack.size_bytes() + member.size() < Listpack::kSizeBytesMax;
  }
  MemberTable& mutable_table() { return **std::get_if<std::unique_ptr<MemberTable>>(&forms_); }
  MemberTable& MakeTable() { return *forms_.emplace<std::unique_ptr<MemberTable>>(std::make_unique<MemberTable>()); }
  ExpiringMembers& mutable_expiring() { return **std::get_if<std::unique_ptr<ExpiringMembers>>(&forms_); }
  ExpiringMembers& MakeExpiring() {
    return *forms_.emplace<std::unique_ptr<ExpiringMembers>>(std::make_unique<ExpiringMembers>());
  }
  void ConvertToListpack();

  // Small, as most sets are: 16 bytes.
  std::variant<Intset, Listpack, std::unique_ptr<MemberTable>, std::unique_ptr<ExpiringMembers>> forms_;
};

void RegisterSetType();

template <typename Visit>
void SetValue::ForEach(Visit&& visit) const {
  char buffer[kInt64TextMax];
  if (const Intset* integers = intset()) {
    for (size_t i = 0; i < integers->count(); ++i) {
      if (!visit(std::string_view(buffer, FormatInt64(integers->At(i), buffer)))) return;
    }
  } else if (const Listpack* pack = listpack()) {
    for (auto at = pack->First(); at != Listpack::kNone; at = pack->Next(at)) {
      if (!visit(pack->Get(at).Text(buffer))) return;
    }
  } else if (const MemberTable* members = table()) {
    members->ForEach(visit);
  } else {
    expiring()->ForEach(visit);
  }
}

template <typename Visit>
uint64_t SetValue::Scan(uint64_t position, Visit&& visit) const {
  if (const MemberTable* members = table()) return members->Scan(position, visit);
  if (const ExpiringMembers* members = expiring()) return members->Scan(position, visit);
  ForEach([&](std::string_view member) {
    visit(member);
    return true;
  });
  return 0;
}

}  // namespace kvick

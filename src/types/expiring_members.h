// ExpiringMembers: the members of a set some of which expire. They are the names of a FieldTable whose values are
// empty, so a member that expires costs eight bytes more, and is found in time without looking at the others.
//
// Thread rule: none of its own; const methods may run together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/random.h"
#include "containers/field_table.h"

namespace kvick {

class ExpiringMembers {
 public:
  // Members whose moment has passed at `now_ms` are not there for the methods below, except is_empty and EraseDue.
  void SeeAt(int64_t now_ms) { seen_at_ms_ = now_ms; }

  int64_t seen_at_ms() const { return seen_at_ms_; }

  // Linear while members are due and not yet erased.
  size_t count() const;
  bool is_empty() const { return fields_.count() == 0; }
  bool Contains(std::string_view member) const { return FindSeen(member) != nullptr; }
  // False when it was there, which keeps its expiry; a new one has none.
  bool Add(std::string_view member);
  bool Remove(std::string_view member);
  // The member must be there.
  void SetExpiry(std::string_view member, FieldExpiry expiry) { fields_.SetExpiry(member, expiry); }
  int64_t ExpiryOf(std::string_view member) const { return fields_.Find(member)->expiry_ms(); }
  // Each about as likely; count() must not be 0.
  std::string_view Draw(Random& random) const;
  void CopyFrom(const ExpiringMembers& other);

  int64_t next_due_ms() const { return fields_.expiring_count() == 0 ? ExpiryIndex::kNever : fields_.next_due_ms(); }
  bool MayHoldDue(int64_t now_ms) const { return next_due_ms() - now_ms <= ExpiryIndex::kLatenessMs; }
  template <typename OnErase>
  void EraseDue(int64_t now_ms, size_t count_max, OnErase&& on_erase) {
    fields_.EraseDue(now_ms, count_max, on_erase);
  }

  // As SetValue's.
  template <typename Visit>
  void ForEach(Visit&& visit) const {
    fields_.ForEach([&](const Field& field) { return !IsSeen(field) || visit(field.name()); });
  }
  template <typename Visit>
  uint64_t Scan(uint64_t position, Visit&& visit) const {
    return fields_.Scan(position, [&](const Field& field) {
      if (IsSeen(field)) visit(field.name());
    });
  }

  // For saving: all, also those that are due. `visit(std::string_view member, int64_t expiry_ms)`.
  size_t total_count() const { return fields_.count(); }
  template <typename Visit>
  void ForEachWithExpiry(Visit&& visit) const {
    fields_.ForEach([&](const Field& field) {
      visit(field.name(), field.expiry_ms());
      return true;
    });
  }

  uint64_t MoveBlocks(uint64_t position, BlockMover& mover) { return fields_.MoveBlocks(position, mover); }

  size_t memory_bytes() const { return sizeof(ExpiringMembers) + fields_.memory_bytes(); }

 private:
  bool IsSeen(const Field& field) const { return !field.has_expiry() || field.expiry_ms() > seen_at_ms_; }
  const Field* FindSeen(std::string_view member) const {
    const Field* field = fields_.Find(member);
    return field != nullptr && IsSeen(*field) ? field : nullptr;
  }

  FieldTable fields_;
  int64_t seen_at_ms_ = 0;
};

}  // namespace kvick

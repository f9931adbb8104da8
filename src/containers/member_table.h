// MemberTable: the members of a large set.
//
// A member is one small block: its size, then its bytes. A member of 16 bytes takes 24, and some ten more in the
// table (tag_table.h).
//
//   +------+--------------------+-------+
//   | size | size               | bytes |
//   | u8   | u32, if u8 is 255  |       |
//   +------+--------------------+-------+
//
// Thread rule: none of its own; const methods may run together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>

#include "base/secret_hash.h"
#include "containers/part_listener.h"
#include "containers/tag_table.h"

namespace kvick {

class Member {
 public:
  static Member* Make(BlockPool& pool, std::string_view bytes);
  static void Free(Member* member);

  std::string_view bytes() const {
    const char* behind = reinterpret_cast<const char*>(this) + sizeof(Member);
    if (short_size_ != kLong) return {behind, short_size_};
    uint32_t size;
    std::memcpy(&size, behind, sizeof(size));
    return {behind + sizeof(size), size};
  }
  size_t block_bytes() const { return BlockBytes(bytes().size()); }

 private:
  static constexpr uint8_t kLong = 255;
  static size_t BlockBytes(size_t size) { return sizeof(Member) + (size < kLong ? 0 : sizeof(uint32_t)) + size; }

  uint8_t short_size_;
};
static_assert(sizeof(Member) == 1);

struct MemberKind {
  using Entry = Member;
  static std::string_view KeyOf(const Member& member) { return member.bytes(); }
};
extern template class TagTable<MemberKind>;

class MemberTable {
 public:
  MemberTable() = default;
  MemberTable(const MemberTable&) = delete;
  MemberTable& operator=(const MemberTable&) = delete;
  ~MemberTable();

  size_t count() const { return table_.entry_count(); }
  bool Contains(std::string_view bytes) const { return table_.Find(bytes, SecretHash(bytes)).entry != nullptr; }
  // Makes room for so many members in all.
  void Reserve(size_t member_count) { table_.Reserve(member_count); }
  // False when it was there, or was not.
  bool Add(std::string_view bytes);
  bool Remove(std::string_view bytes);
  // A member drawn by `random` (any 64-bit number), each about as likely. The table must not be empty.
  std::string_view Draw(uint64_t random) const { return table_.RandomEntry(random)->bytes(); }

  // Calls `visit(std::string_view)` for the members that `other` has too until it returns false; says whether it never
  // did. Meant for tables of about one size.
  template <typename Visit>
  bool ForEachShared(const MemberTable& other, Visit&& visit) const {
    return table_.ForEachShared(other.table_, [&](const Member* member) { return visit(member->bytes()); });
  }

  // Calls `visit(std::string_view)` for the members until it returns false; says whether it never did.
  template <typename Visit>
  bool ForEach(Visit&& visit) const {
    bool goes_on = true;
    for (size_t i = 0; i < table_.bucket_count() && goes_on; ++i) {
      table_.VisitBucket(i, [&](const Member* member) { goes_on = goes_on && visit(member->bytes()); });
    }
    return goes_on;
  }
  // The members at `position` of a scan (TagTable) are visited; the position behind them comes back, 0 at the end.
  template <typename Visit>
  uint64_t Scan(uint64_t position, Visit&& visit) const {
    return table_.ScanBucket(position, &visit, [](void* context, Member* member) {
      (*static_cast<std::remove_reference_t<Visit>*>(context))(member->bytes());
    });
  }

  // Moves what the mover wants to be moved of the members at `position`; the position behind them comes back, 0 at the
  // end.
  uint64_t MoveBlocks(uint64_t position, BlockMover& mover);

  // Who is told of changes; null: nobody.
  void ListenWith(PartListener* listener) { listener_ = listener; }

  size_t memory_bytes() const { return table_.memory_bytes() + member_bytes_; }

 private:
  BlockPool& pool() const;

  TagTable<MemberKind> table_;
  size_t member_bytes_ = 0;
  PartListener* listener_ = nullptr;
};

}  // namespace kvick

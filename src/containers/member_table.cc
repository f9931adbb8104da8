#include "containers/member_table.h"

#include "base/assert.h"
#include "base/block_pool.h"
#include "containers/tag_table_impl.h"

namespace kvick {

template class TagTable<MemberKind>;

Member* Member::Make(BlockPool& pool, std::string_view bytes) {
  KVICK_DEBUG_ASSERT(bytes.size() <= UINT32_MAX);
  auto* member = static_cast<Member*>(pool.Allocate(BlockBytes(bytes.size())));
  char* behind = reinterpret_cast<char*>(member) + sizeof(Member);
  if (bytes.size() < kLong) {
    member->short_size_ = static_cast<uint8_t>(bytes.size());
  } else {
    member->short_size_ = kLong;
    const auto size = static_cast<uint32_t>(bytes.size());
    std::memcpy(behind, &size, sizeof(size));
    behind += sizeof(size);
  }
  std::memcpy(behind, bytes.data(), bytes.size());
  return member;
}

void Member::Free(Member* member) { BlockPool::Free(member, member->block_bytes()); }

// Tables spread over the pools by their address, so that threads seldom meet at a pool's lock.
BlockPool& MemberTable::pool() const { return BlockPool::Shard(reinterpret_cast<uintptr_t>(this) >> 6); }

bool MemberTable::Add(std::string_view bytes) {
  const uint64_t hash = SecretHash(bytes);
  if (table_.Find(bytes, hash).entry != nullptr) return false;
  if (listener_ != nullptr) listener_->BeforeAdding(bytes);
  Member* member = Member::Make(pool(), bytes);
  member_bytes_ += BlockPool::BlockSize(member->block_bytes());
  table_.Insert(member, hash);
  return true;
}

bool MemberTable::Remove(std::string_view bytes) {
  const uint64_t hash = SecretHash(bytes);
  const auto slot = table_.Find(bytes, hash);
  if (slot.entry == nullptr) return false;
  if (listener_ != nullptr) listener_->BeforeChange({.name = slot.entry->bytes()});
  member_bytes_ -= BlockPool::BlockSize(slot.entry->block_bytes());
  table_.Erase(slot, hash);
  Member::Free(slot.entry);
  return true;
}

uint64_t MemberTable::MoveBlocks(uint64_t position, BlockMover& mover) {
  // The table may have shrunk since the last call.
  if (position >= table_.bucket_count()) return 0;
  table_.MoveBucket(position, mover, [&](Member* member) { return mover.Follow(member, member->block_bytes()); });
  return position + 1 < table_.bucket_count() ? position + 1 : 0;
}

MemberTable::~MemberTable() {
  if (listener_ != nullptr) {
    ForEach([this](std::string_view member) {
      listener_->BeforeChange({.name = member});
      return true;
    });
    listener_->OnGone();
  }
  table_.ForEach(nullptr, [](void*, Member* member) { Member::Free(member); });
}

}  // namespace kvick

#include "containers/scored_member.h"

#include "base/assert.h"
#include "containers/tag_table_impl.h"

namespace kvick {

template class TagTable<ScoredMemberKind>;

ScoredMember* ScoredMember::Make(BlockPool& pool, double score, std::string_view bytes) {
  KVICK_DEBUG_ASSERT(bytes.size() <= UINT32_MAX);
  auto* member = static_cast<ScoredMember*>(pool.Allocate(BlockBytes(bytes.size())));
  member->score_ = score;
  char* behind = reinterpret_cast<char*>(member) + kHeaderBytes;
  if (bytes.size() < kLong) {
    member->short_size_ = static_cast<uint8_t>(bytes.size());
  } else {
    member->short_size_ = kLong;
    const auto size = static_cast<uint32_t>(bytes.size());
    std::memcpy(behind, &size, sizeof(size));
    behind += sizeof(size);
  }
  if (!bytes.empty()) std::memcpy(behind, bytes.data(), bytes.size());
  return member;
}

void ScoredMember::Free(ScoredMember* member) { BlockPool::Free(member, BlockBytes(member->bytes().size())); }

}  // namespace kvick

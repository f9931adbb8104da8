#include "containers/scored_member.h"

#include <cmath>

#include "base/assert.h"
#include "containers/tag_table_impl.h"

namespace kvick {

template class TagTable<ScoredMemberKind>;

bool ScoredMember::IsShort(double score) {
  if (!(score >= INT32_MIN && score <= INT32_MAX)) return false;
  if (score == 0 && std::signbit(score)) return false;  // an integer has no sign there
  return score == static_cast<double>(static_cast<int32_t>(score));
}

ScoredMember* ScoredMember::Make(BlockPool& pool, double score, std::string_view bytes) {
  KVICK_DEBUG_ASSERT(bytes.size() <= UINT32_MAX);
  const bool is_long = bytes.size() >= kLong;
  const bool is_short_score = IsShort(score);
  const size_t score_bytes = is_short_score ? sizeof(int32_t) : sizeof(double);
  auto* member = static_cast<ScoredMember*>(
      pool.Allocate(sizeof(ScoredMember) + score_bytes + (is_long ? sizeof(uint32_t) : 0) + bytes.size()));
  member->size_and_form_ =
      static_cast<uint8_t>((is_long ? size_t{kLong} : bytes.size()) | (is_short_score ? kShortScore : 0u));
  member->set_score(score);
  char* behind = member->behind_header() + score_bytes;
  if (is_long) {
    const auto size = static_cast<uint32_t>(bytes.size());
    std::memcpy(behind, &size, sizeof(size));
    behind += sizeof(size);
  }
  if (!bytes.empty()) std::memcpy(behind, bytes.data(), bytes.size());
  return member;
}

void ScoredMember::Free(ScoredMember* member) { BlockPool::Free(member, member->block_bytes()); }

void ScoredMember::set_score(double score) {
  KVICK_DEBUG_ASSERT(CanHold(score));
  if (has_short_score()) {
    const auto short_score = static_cast<int32_t>(score);
    std::memcpy(behind_header(), &short_score, sizeof(short_score));
  } else {
    std::memcpy(behind_header(), &score, sizeof(score));
  }
}

}  // namespace kvick

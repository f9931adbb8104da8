// ScoredMember: a member of a large sorted set and its score, in one small block that the tree (score_tree.h) and the
// index by member (tag_table.h) both point to. A member of 16 bytes takes 24, or 32 when its score is not a 32-bit
// integer.
//
//   +-------------+-----------+--------------------+-------+
//   | size, form  | score     | size               | bytes |
//   | 7 bits, 1   | i32 | f64 | u32, if that is 127|       |
//   +-------------+-----------+--------------------+-------+
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/block_pool.h"
#include "containers/tag_table.h"

namespace kvick {

class ScoredMember {
 public:
  static ScoredMember* Make(BlockPool& pool, double score, std::string_view bytes);
  static void Free(ScoredMember* member);

  double score() const {
    if (has_short_score()) {
      int32_t score;
      std::memcpy(&score, behind_header(), sizeof(score));
      return score;
    }
    double score;
    std::memcpy(&score, behind_header(), sizeof(score));
    return score;
  }
  // Whether the block has room for this score; otherwise the member needs another one.
  bool CanHold(double score) const { return !has_short_score() || IsShort(score); }
  // A score that it can hold. Only ScoreTree may change the score of a member that is in a tree.
  void set_score(double score);
  std::string_view bytes() const {
    const char* behind = behind_header() + score_bytes();
    const size_t short_size = size_and_form_ & kSizeMask;
    if (short_size != kLong) return {behind, short_size};
    uint32_t size;
    std::memcpy(&size, behind, sizeof(size));
    return {behind + sizeof(size), size};
  }
  // What the block occupies.
  size_t memory_bytes() const { return BlockPool::BlockSize(block_bytes()); }

 private:
  static constexpr uint8_t kSizeMask = 0x7f;
  static constexpr uint8_t kLong = 127;
  static constexpr uint8_t kShortScore = 0x80;

  static bool IsShort(double score);
  bool has_short_score() const { return (size_and_form_ & kShortScore) != 0; }
  size_t score_bytes() const { return has_short_score() ? sizeof(int32_t) : sizeof(double); }
  size_t block_bytes() const {
    const size_t size = bytes().size();
    return sizeof(ScoredMember) + score_bytes() + (size < kLong ? 0 : sizeof(uint32_t)) + size;
  }
  char* behind_header() { return reinterpret_cast<char*>(this) + sizeof(ScoredMember); }
  const char* behind_header() const { return reinterpret_cast<const char*>(this) + sizeof(ScoredMember); }

  uint8_t size_and_form_;
};
static_assert(sizeof(ScoredMember) == 1);

struct ScoredMemberKind {
  using Entry = ScoredMember;
  static std::string_view KeyOf(const ScoredMember& member) { return member.bytes(); }
};
extern template class TagTable<ScoredMemberKind>;
using ScoredMemberTable = TagTable<ScoredMemberKind>;

}  // namespace kvick

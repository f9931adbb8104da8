// ScoredMember: a member of a large sorted set and its score, in one small block that the tree (score_tree.h) and the
// index by member (tag_table.h) both point to. A member of 16 bytes takes 32.
//
//   +---------+------+--------------------+-------+
//   | score   | size | size               | bytes |
//   | f64     | u8   | u32, if u8 is 255  |       |
//   +---------+------+--------------------+-------+
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

  double score() const { return score_; }
  // Only ScoreTree may change the score of a member that it holds.
  void set_score(double score) { score_ = score; }
  std::string_view bytes() const {
    const char* behind = reinterpret_cast<const char*>(this) + kHeaderBytes;
    if (short_size_ != kLong) return {behind, short_size_};
    uint32_t size;
    std::memcpy(&size, behind, sizeof(size));
    return {behind + sizeof(size), size};
  }
  // What the block occupies.
  size_t memory_bytes() const { return BlockPool::BlockSize(BlockBytes(bytes().size())); }

 private:
  static constexpr uint8_t kLong = 255;
  static constexpr size_t kHeaderBytes = sizeof(double) + 1;
  static size_t BlockBytes(size_t size) { return kHeaderBytes + (size < kLong ? 0 : sizeof(uint32_t)) + size; }

  double score_;
  uint8_t short_size_;
};

struct ScoredMemberKind {
  using Entry = ScoredMember;
  static std::string_view KeyOf(const ScoredMember& member) { return member.bytes(); }
};
extern template class TagTable<ScoredMemberKind>;
using ScoredMemberTable = TagTable<ScoredMemberKind>;

}  // namespace kvick

// BlockMover moves what lies in pages that are to be emptied (BlockPool::BeginEmptying), and counts.
//
//   field = mover.Follow(field, field->block_bytes());   // where it is now
//
// Used by whoever owns blocks, from Database's tables down to the leaves of a sorted set, under the lock that guards
// them. The owner puts the result where the old pointer was.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/block_pool.h"

namespace kvick {

class BlockMover {
 public:
  template <typename Block>
  [[nodiscard]] Block* Follow(Block* block, size_t size) {
    return MustMove(block, size) ? static_cast<Block*>(Move(block, size)) : block;
  }

  // The two steps of Follow, for who has to find what points to a block before it goes.
  bool MustMove(const void* block, size_t size) {
    if (BlockPool::MustMove(block, size)) return true;
    ++left_count_;
    return false;
  }
  void* Move(void* block, size_t size) {
    ++moved_count_;
    return BlockPool::Move(block, size);
  }

  uint64_t moved_count() const { return moved_count_; }
  uint64_t left_count() const { return left_count_; }

 private:
  uint64_t moved_count_ = 0;
  uint64_t left_count_ = 0;
};

}  // namespace kvick

// GappedListpack: a listpack with room in front of it as well as behind, so that elements come and go at both ends
// without moving the others.
//
//   |  gap  | listpack             | room |
//   ^ block ^ pack                        ^ as far as the allocator's block goes
//
// Its owner keeps the address of the listpack and the size of the gap, of which there are many (the nodes of a
// Quicklist); a GappedListpack borrows the two to work on them:
//
//   GappedListpack(&node.block, &node.gap_bytes).Prepend(value, size_bytes_max);
//
// The listpack is read as any other (Listpack::ViewOf). For all other changes Close makes it one whose block begins
// with it. Cost: O(1) amortised for an element; room is at most as much as a few elements, and what a queue leaves in
// front or growth takes in advance, the latter not beyond what its owner says.
#pragma once

#include <cstddef>
#include <cstdint>

#include "containers/listpack.h"

namespace kvick {

class GappedListpack {
 public:
  using GapBytes = uint16_t;

  GappedListpack(void** pack, GapBytes* gap_bytes) : pack_(pack), gap_bytes_(gap_bytes) {}
  GappedListpack(const GappedListpack&) = delete;
  GappedListpack& operator=(const GappedListpack&) = delete;

  void Append(const ListpackValue& value);
  // `size_bytes_max`: how large the listpack is going to become at most; room is made for more than this one element.
  void Prepend(const ListpackValue& value, size_t size_bytes_max);
  // There must be more of them.
  void EraseFirst(size_t count);
  void EraseLast(size_t count);

  // No gap is left.
  void Close() {
    if (*gap_bytes_ != 0) CloseGap();
  }
  // The same, and the block is no larger than the listpack needs; nothing is done if there is little to gain.
  void Trim();

  // The allocator's block.
  static void* BlockOf(void* pack, GapBytes gap_bytes) { return static_cast<char*>(pack) - gap_bytes; }

 private:
  static constexpr size_t kGapBytesMax = UINT16_MAX;

  void* block() const { return BlockOf(*pack_, *gap_bytes_); }
  size_t size_bytes() const { return Listpack::ViewOf(*pack_).size_bytes(); }
  void CloseGap();
  void MakeGap(size_t wanted_bytes, size_t size_bytes_max);
  void CloseAndShrink();

  void** pack_;
  GapBytes* gap_bytes_;
};

}  // namespace kvick

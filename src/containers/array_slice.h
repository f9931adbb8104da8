// ArraySlice: the items of an array whose indexes have the same high bits.
//
// Few items are a sorted list of offsets and items (sparse); more are a window, one place an offset, that reaches from
// about the first to about the last (dense) and grows by doubling, so that the first thousand items of an array do not
// take the memory of a whole slice.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "containers/array_item.h"

namespace kvick {

// How many indexes a slice has, and how many items it holds at most as a list.
struct ArrayLimits {
  uint32_t slice_size = 4096;  // a power of two; of new arrays
  uint32_t sparse_max = 10;    // 0: never a list
  uint32_t sparse_min = 5;     // below it a window becomes a list again; 0: never
};

class ArraySlice {
 public:
  ArraySlice() = default;
  ArraySlice(ArraySlice&&) = default;
  ArraySlice& operator=(ArraySlice&&) = delete;
  ArraySlice(const ArraySlice&) = delete;
  ArraySlice& operator=(const ArraySlice&) = delete;
  ~ArraySlice();

  size_t count() const { return count_; }
  bool is_dense() const { return is_dense_; }
  // How many places it has, used or not.
  size_t capacity() const { return is_dense_ ? window_.capacity() : list_.capacity(); }
  size_t memory_bytes() const;

  // Null when there is none.
  const ArrayItem* Find(uint32_t offset) const;
  // Takes `item`; frees what was there. True when nothing was.
  bool Set(uint32_t offset, ArrayItem item, uint32_t slice_size, const ArrayLimits& limits);
  // Takes the item out, to be freed by the caller; not set when there is none.
  ArrayItem Take(uint32_t offset, const ArrayLimits& limits);
  // The first item at or behind `offset`, or the last one at or before it.
  std::optional<uint32_t> NextOffset(uint32_t offset) const;
  std::optional<uint32_t> PreviousOffset(uint32_t offset) const;

  // Calls `visit(uint32_t offset, const ArrayItem& item)` for the items of first <= offset <= last, upwards or
  // downwards, until it returns false; returns false then.
  template <typename Visit>
  bool ForEach(uint32_t first, uint32_t last, bool upwards, Visit& visit) const;

  void CopyFrom(const ArraySlice& other);

 private:
  struct Listed {
    uint32_t offset;
    ArrayItem item;
  };

  void SetInWindow(uint32_t offset, ArrayItem item, uint32_t slice_size);
  void BecomeDense(uint32_t slice_size);
  void BecomeSparse();
  std::vector<Listed>::const_iterator ListedAt(uint32_t offset) const;

  std::vector<Listed> list_;       // when sparse
  std::vector<ArrayItem> window_;  // when dense: offsets from window_begin_ on
  uint32_t window_begin_ = 0;
  uint32_t count_ = 0;
  bool is_dense_ = false;
};

template <typename Visit>
bool ArraySlice::ForEach(uint32_t first, uint32_t last, bool upwards, Visit& visit) const {
  if (!is_dense_) {
    for (size_t i = 0; i < list_.size(); ++i) {
      const Listed& listed = list_[upwards ? i : list_.size() - 1 - i];
      if (listed.offset >= first && listed.offset <= last && !visit(listed.offset, listed.item)) return false;
    }
    return true;
  }
  const size_t begin = first <= window_begin_ ? 0 : first - window_begin_;
  const size_t end = last < window_begin_ ? 0 : std::min<size_t>(last - window_begin_ + size_t{1}, window_.size());
  for (size_t i = begin; i < end; ++i) {
    const size_t at = upwards ? i : end - 1 - (i - begin);
    if (window_[at].is_set() && !visit(window_begin_ + static_cast<uint32_t>(at), window_[at])) return false;
  }
  return true;
}

}  // namespace kvick

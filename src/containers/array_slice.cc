#include "containers/array_slice.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace kvick {

ArraySlice::~ArraySlice() {
  for (Listed& listed : list_) listed.item.Free();
  for (ArrayItem& item : window_) item.Free();
}

size_t ArraySlice::memory_bytes() const {
  return sizeof(ArraySlice) + list_.capacity() * sizeof(Listed) + window_.capacity() * sizeof(ArrayItem);
}

std::vector<ArraySlice::Listed>::const_iterator ArraySlice::ListedAt(uint32_t offset) const {
  return std::lower_bound(list_.begin(), list_.end(), offset,
                          [](const Listed& listed, uint32_t wanted) { return listed.offset < wanted; });
}

const ArrayItem* ArraySlice::Find(uint32_t offset) const {
  if (is_dense_) {
    // An offset before the window wraps around and lies behind it.
    const uint32_t at = offset - window_begin_;
    return at < window_.size() && window_[at].is_set() ? &window_[at] : nullptr;
  }
  const auto found = ListedAt(offset);
  return found != list_.end() && found->offset == offset ? &found->item : nullptr;
}

bool ArraySlice::Set(uint32_t offset, ArrayItem item, uint32_t slice_size, const ArrayLimits& limits) {
  if (const ArrayItem* found = Find(offset)) {
    auto* place = const_cast<ArrayItem*>(found);  // this slice's own
    place->Free();
    *place = item;
    return false;
  }
  if (!is_dense_ && count_ >= limits.sparse_max) BecomeDense(slice_size);
  if (is_dense_) {
    SetInWindow(offset, item, slice_size);
  } else {
    list_.insert(ListedAt(offset), {offset, item});
  }
  ++count_;
  return true;
}

void ArraySlice::SetInWindow(uint32_t offset, ArrayItem item, uint32_t slice_size) {
  if (window_.empty()) window_begin_ = offset;
  if (offset < window_begin_) {
    // As many places more in front as there are, if the slice has them.
    const auto size = static_cast<uint32_t>(window_.size());
    const uint32_t begin = std::min(offset, window_begin_ - std::min(window_begin_, size));
    window_.insert(window_.begin(), window_begin_ - begin, ArrayItem());
    window_begin_ = begin;
  }
  const size_t at = offset - window_begin_;
  if (at >= window_.size()) {
    const size_t size_max = slice_size - window_begin_;
    if (at >= window_.capacity()) window_.reserve(std::min(std::max(at + 1, 2 * window_.capacity()), size_max));
    window_.resize(at + 1);
  }
  window_[at] = item;
}

ArrayItem ArraySlice::Take(uint32_t offset, const ArrayLimits& limits) {
  const ArrayItem* found = Find(offset);
  if (found == nullptr) return {};
  const ArrayItem item = *found;
  --count_;
  if (is_dense_) {
    window_[offset - window_begin_] = ArrayItem();
    if (count_ < limits.sparse_min && count_ <= limits.sparse_max) BecomeSparse();
  } else {
    list_.erase(ListedAt(offset));
  }
  return item;
}

std::optional<uint32_t> ArraySlice::NextOffset(uint32_t offset) const {
  if (is_dense_) {
    for (size_t at = offset < window_begin_ ? 0 : offset - window_begin_; at < window_.size(); ++at) {
      if (window_[at].is_set()) return window_begin_ + static_cast<uint32_t>(at);
    }
    return std::nullopt;
  }
  const auto found = ListedAt(offset);
  return found == list_.end() ? std::nullopt : std::optional<uint32_t>(found->offset);
}

std::optional<uint32_t> ArraySlice::PreviousOffset(uint32_t offset) const {
  if (is_dense_) {
    if (offset < window_begin_) return std::nullopt;
    for (size_t end = std::min<size_t>(offset - window_begin_ + size_t{1}, window_.size()); end > 0; --end) {
      if (window_[end - 1].is_set()) return window_begin_ + static_cast<uint32_t>(end - 1);
    }
    return std::nullopt;
  }
  auto found = ListedAt(offset);
  if (found != list_.end() && found->offset == offset) return offset;
  return found == list_.begin() ? std::nullopt : std::optional<uint32_t>(std::prev(found)->offset);
}

void ArraySlice::BecomeDense(uint32_t slice_size) {
  is_dense_ = true;
  if (!list_.empty()) {
    window_begin_ = list_.front().offset;
    window_.reserve(
        std::min<size_t>(2 * (list_.back().offset - window_begin_ + size_t{1}), slice_size - window_begin_));
    window_.resize(list_.back().offset - window_begin_ + size_t{1});
    for (const Listed& listed : list_) window_[listed.offset - window_begin_] = listed.item;
  }
  std::vector<Listed>().swap(list_);
}

void ArraySlice::BecomeSparse() {
  is_dense_ = false;
  list_.reserve(count_);
  for (size_t at = 0; at < window_.size(); ++at) {
    if (window_[at].is_set()) list_.push_back({window_begin_ + static_cast<uint32_t>(at), window_[at]});
  }
  std::vector<ArrayItem>().swap(window_);
}

void ArraySlice::CopyFrom(const ArraySlice& other) {
  KVICK_DEBUG_ASSERT(count_ == 0);
  list_ = other.list_;
  window_ = other.window_;
  for (Listed& listed : list_) listed.item = listed.item.Copy();
  for (ArrayItem& item : window_) item = item.Copy();
  window_begin_ = other.window_begin_;
  count_ = other.count_;
  is_dense_ = other.is_dense_;
}

}  // namespace kvick

#include "containers/sliced_array.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/assert.h"

namespace kvick {

SlicedArray::SlicedArray(uint32_t slice_size) : slice_bits_(static_cast<unsigned>(std::countr_zero(slice_size))) {
  KVICK_ASSERT(std::has_single_bit(slice_size));
}

SlicedArray::SlicedArray(const SlicedArray& other)
    : slice_bits_(other.slice_bits_),
      count_(other.count_),
      slice_count_(other.slice_count_),
      text_bytes_(other.text_bytes_),
      long_text_count_(other.long_text_count_),
      first_numbers_(other.first_numbers_) {
  for (const auto& leaf : other.leaves_) {
    auto copy = std::make_unique<Leaf>();
    copy->numbers = leaf->numbers;
    for (const auto& slice : leaf->slices) {
      copy->slices.push_back(std::make_unique<ArraySlice>());
      copy->slices.back()->CopyFrom(*slice);
      slice_bytes_ += copy->slices.back()->memory_bytes();  // a copy has no places to spare
    }
    leaves_.push_back(std::move(copy));
  }
}

SlicedArray::~SlicedArray() = default;

uint64_t SlicedArray::length() const {
  if (count_ == 0) return 0;
  const Leaf& leaf = *leaves_.back();
  return IndexOf(leaf.numbers.back(), *leaf.slices.back()->PreviousOffset(UINT32_MAX)) + 1;
}

SlicedArray::Place SlicedArray::PlaceOf(uint64_t number) const {
  const auto behind = std::upper_bound(first_numbers_.begin(), first_numbers_.end(), number);
  if (behind == first_numbers_.begin()) return {};
  const auto leaf = static_cast<size_t>(behind - first_numbers_.begin()) - 1;
  const std::vector<uint64_t>& numbers = leaves_[leaf]->numbers;
  const auto found = std::lower_bound(numbers.begin(), numbers.end(), number);
  if (found == numbers.end()) return {leaf + 1, 0};
  return {leaf, static_cast<size_t>(found - numbers.begin())};
}

bool SlicedArray::IsAt(const Place& place, uint64_t number) const { return !IsEnd(place) && NumberAt(place) == number; }

SlicedArray::Place SlicedArray::Next(Place place) const {
  return place.position + 1 < leaves_[place.leaf]->numbers.size() ? Place{place.leaf, place.position + 1}
                                                                  : Place{place.leaf + 1, 0};
}

const ArrayItem* SlicedArray::Find(uint64_t index) const {
  const Place place = PlaceOf(NumberOf(index));
  return IsAt(place, NumberOf(index)) ? SliceAt(place).Find(OffsetOf(index)) : nullptr;
}

ArraySlice& SlicedArray::InsertSlice(uint64_t number) {
  if (leaves_.empty()) {
    leaves_.push_back(std::make_unique<Leaf>());
    first_numbers_.push_back(number);
  }
  const auto behind = std::upper_bound(first_numbers_.begin(), first_numbers_.end(), number);
  size_t at = behind == first_numbers_.begin() ? 0 : static_cast<size_t>(behind - first_numbers_.begin()) - 1;
  if (leaves_[at]->numbers.size() == kLeafSlicesMax) {
    // Half of it moves to a leaf of its own; all stay when slices are made in ascending order.
    Leaf& full = *leaves_[at];
    const bool is_append = at + 1 == leaves_.size() && number > full.numbers.back();
    const auto kept = static_cast<std::ptrdiff_t>(is_append ? kLeafSlicesMax : kLeafSlicesMax / 2);
    auto half = std::make_unique<Leaf>();
    half->numbers.assign(full.numbers.begin() + kept, full.numbers.end());
    half->slices.assign(std::make_move_iterator(full.slices.begin() + kept),
                        std::make_move_iterator(full.slices.end()));
    full.numbers.resize(static_cast<size_t>(kept));
    full.slices.resize(static_cast<size_t>(kept));
    const uint64_t half_first = is_append ? number : half->numbers.front();
    first_numbers_.insert(first_numbers_.begin() + static_cast<std::ptrdiff_t>(at) + 1, half_first);
    leaves_.insert(leaves_.begin() + static_cast<std::ptrdiff_t>(at) + 1, std::move(half));
    if (number >= half_first) ++at;
  }
  Leaf& leaf = *leaves_[at];
  const auto position = std::lower_bound(leaf.numbers.begin(), leaf.numbers.end(), number) - leaf.numbers.begin();
  leaf.numbers.insert(leaf.numbers.begin() + position, number);
  auto slice = leaf.slices.insert(leaf.slices.begin() + position, std::make_unique<ArraySlice>());
  first_numbers_[at] = leaf.numbers.front();
  ++slice_count_;
  slice_bytes_ += (*slice)->memory_bytes();
  return **slice;
}

void SlicedArray::EraseSlice(const Place& place) {
  Leaf& leaf = *leaves_[place.leaf];
  const auto position = static_cast<std::ptrdiff_t>(place.position);
  slice_bytes_ -= leaf.slices[place.position]->memory_bytes();
  --slice_count_;
  leaf.numbers.erase(leaf.numbers.begin() + position);
  leaf.slices.erase(leaf.slices.begin() + position);
  const auto at = static_cast<std::ptrdiff_t>(place.leaf);
  if (leaf.numbers.empty()) {
    leaves_.erase(leaves_.begin() + at);
    first_numbers_.erase(first_numbers_.begin() + at);
  } else {
    first_numbers_[place.leaf] = leaf.numbers.front();
  }
}

bool SlicedArray::Set(uint64_t index, std::string_view text, const ArrayLimits& limits) {
  const uint64_t number = NumberOf(index);
  const Place place = PlaceOf(number);
  ArraySlice& slice = IsAt(place, number) ? SliceAt(place) : InsertSlice(number);
  const uint32_t offset = OffsetOf(index);
  if (const ArrayItem* old = slice.Find(offset)) Forget(*old);
  const ArrayItem item = ArrayItem::Make(text);
  if (item.allocated_bytes() > 0) {
    text_bytes_ += item.allocated_bytes();
    ++long_text_count_;
  }
  const size_t bytes_before = slice.memory_bytes();
  const bool is_new = slice.Set(offset, item, slice_size(), limits);
  slice_bytes_ += slice.memory_bytes() - bytes_before;
  if (is_new) ++count_;
  return is_new;
}

// Takes what a long text occupies out of the sums.
void SlicedArray::Forget(const ArrayItem& item) {
  if (item.allocated_bytes() == 0) return;
  text_bytes_ -= item.allocated_bytes();
  --long_text_count_;
}

bool SlicedArray::Erase(uint64_t index, const ArrayLimits& limits) {
  const Place place = PlaceOf(NumberOf(index));
  if (!IsAt(place, NumberOf(index))) return false;
  ArraySlice& slice = SliceAt(place);
  const size_t bytes_before = slice.memory_bytes();
  ArrayItem item = slice.Take(OffsetOf(index), limits);
  if (!item.is_set()) return false;
  slice_bytes_ += slice.memory_bytes() - bytes_before;
  Forget(item);
  item.Free();
  --count_;
  if (slice.count() == 0) EraseSlice(place);
  return true;
}

uint64_t SlicedArray::EraseRange(uint64_t first, uint64_t last, const ArrayLimits& limits) {
  const uint64_t count_before = count_;
  Place place = PlaceOf(NumberOf(first));
  while (!IsEnd(place) && NumberAt(place) <= NumberOf(last)) {
    const uint64_t number = NumberAt(place);
    ArraySlice& slice = SliceAt(place);
    const uint32_t first_offset = number == NumberOf(first) ? OffsetOf(first) : 0;
    const uint32_t last_offset = number == NumberOf(last) ? OffsetOf(last) : slice_size() - 1;
    // A slice that goes as a whole is freed as a whole.
    if (first_offset == 0 && last_offset == slice_size() - 1) {
      const auto forget = [this](uint32_t /*offset*/, const ArrayItem& item) {
        Forget(item);
        return true;
      };
      slice.ForEach(first_offset, last_offset, true, forget);
      count_ -= slice.count();
      EraseSlice(place);
    } else {
      for (auto at = slice.NextOffset(first_offset); at && *at <= last_offset;) {
        const bool is_last_item = slice.count() == 1;
        const uint32_t offset = *at;
        at = is_last_item ? std::nullopt : slice.NextOffset(offset + 1);
        Erase(IndexOf(number, offset), limits);
      }
    }
    // The place holds the next slice now if this one is gone.
    place = PlaceOf(number);
    if (IsAt(place, number)) place = Next(place);
  }
  return count_before - count_;
}

void SlicedArray::Clear() {
  leaves_.clear();
  first_numbers_.clear();
  count_ = 0;
  slice_count_ = 0;
  slice_bytes_ = 0;
  text_bytes_ = 0;
  long_text_count_ = 0;
}

std::optional<uint64_t> SlicedArray::NextIndex(uint64_t index) const {
  Place place = PlaceOf(NumberOf(index));
  if (IsAt(place, NumberOf(index))) {
    if (const auto offset = SliceAt(place).NextOffset(OffsetOf(index))) return IndexOf(NumberOf(index), *offset);
    place = Next(place);
  }
  if (IsEnd(place)) return std::nullopt;
  return IndexOf(NumberAt(place), *SliceAt(place).NextOffset(0));
}

std::optional<uint64_t> SlicedArray::PreviousIndex(uint64_t index) const {
  Place place = PlaceOf(NumberOf(index));
  if (IsAt(place, NumberOf(index))) {
    if (const auto offset = SliceAt(place).PreviousOffset(OffsetOf(index))) return IndexOf(NumberOf(index), *offset);
  }
  if (!StepBack(&place)) return std::nullopt;
  return IndexOf(NumberAt(place), *SliceAt(place).PreviousOffset(UINT32_MAX));
}

bool SlicedArray::StepBack(Place* place) const {
  if (place->position > 0) {
    --place->position;
  } else if (place->leaf > 0) {
    --place->leaf;
    place->position = leaves_[place->leaf]->numbers.size() - 1;
  } else {
    return false;
  }
  return true;
}

SlicedArray::Shape SlicedArray::shape() const {
  Shape shape;
  shape.slice_count = slice_count_;
  for (const auto& leaf : leaves_) {
    for (const auto& slice : leaf->slices) {
      if (slice->is_dense()) {
        ++shape.dense_count;
        shape.dense_items += slice->count();
        shape.dense_places += slice->capacity();
      } else {
        shape.sparse_items += slice->count();
      }
    }
  }
  return shape;
}

size_t SlicedArray::memory_bytes() const {
  constexpr size_t kLeafBytes = sizeof(Leaf) + kLeafSlicesMax * (sizeof(uint64_t) + sizeof(void*));
  const size_t leaf_bytes = leaves_.size() == 1 ? sizeof(Leaf) + slice_count_ * (sizeof(uint64_t) + sizeof(void*))
                                                : leaves_.size() * kLeafBytes;
  return leaf_bytes + leaves_.capacity() * (sizeof(void*) + sizeof(uint64_t)) + slice_bytes_ + text_bytes_;
}

}  // namespace kvick

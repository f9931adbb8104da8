// SlicedArray: texts by unsigned 64-bit index, few or many, together or far apart.
//
//   SlicedArray array(limits.slice_size);
//   array.Set(10, "a", limits);
//   array.ForEach(0, SlicedArray::kIndexMax, SlicedArray::Direction::kUp,
//                 [](uint64_t index, std::string_view text) { ...; return true; });
//
// Indexes are cut into slices (array_slice.h). The slices that hold something are listed, in order, in leaves of up to
// 256, and the leaves in one array: to find an item are two searches by halves, and what a change moves is at most a
// leaf, or once in 128 new slices the array of leaves. Thread rule: that of the owner.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "containers/array_slice.h"

namespace kvick {

class SlicedArray {
 public:
  // The last index; the number behind it is none.
  static constexpr uint64_t kIndexMax = UINT64_MAX - 1;

  explicit SlicedArray(uint32_t slice_size);
  SlicedArray(const SlicedArray& other);
  SlicedArray& operator=(const SlicedArray&) = delete;
  ~SlicedArray();

  uint64_t count() const { return count_; }
  // The highest index that is set and one; 0 when there is none.
  uint64_t length() const;
  uint32_t slice_size() const { return uint32_t{1} << slice_bits_; }

  // Null when there is none. Valid until the array changes.
  const ArrayItem* Find(uint64_t index) const;
  // True when nothing was there.
  bool Set(uint64_t index, std::string_view text, const ArrayLimits& limits);
  bool Erase(uint64_t index, const ArrayLimits& limits);
  // first <= last, both included. Returns how many there were.
  uint64_t EraseRange(uint64_t first, uint64_t last, const ArrayLimits& limits);
  void Clear();

  // The first item at or behind an index, or the last one at or before it.
  std::optional<uint64_t> NextIndex(uint64_t index) const;
  std::optional<uint64_t> PreviousIndex(uint64_t index) const;

  // Calls `visit(uint64_t index, std::string_view text)` for the items of first <= index <= last, in either direction,
  // until it returns false. The text is valid during the call.
  enum class Direction : uint8_t { kUp, kDown };
  template <typename Visit>
  void ForEach(uint64_t first, uint64_t last, Direction direction, Visit&& visit) const;

  // For ARINFO.
  struct Shape {
    size_t slice_count = 0;
    size_t dense_count = 0;
    size_t dense_items = 0;
    size_t dense_places = 0;
    size_t sparse_items = 0;
  };
  Shape shape() const;  // O(slices)
  size_t slice_count() const { return slice_count_; }
  size_t leaf_count() const { return leaves_.size(); }
  static constexpr size_t kLeafSlicesMax = 256;

  size_t memory_bytes() const;
  // How many allocations a destructor frees, about.
  size_t free_effort() const { return slice_count_ + long_text_count_; }

 private:
  struct Leaf {
    std::vector<uint64_t> numbers;  // of the slices, ascending
    std::vector<std::unique_ptr<ArraySlice>> slices;
  };
  // A slice's place; in an empty array leaf 0 does not exist.
  struct Place {
    size_t leaf = 0;
    size_t position = 0;
  };

  uint64_t NumberOf(uint64_t index) const { return index >> slice_bits_; }
  uint32_t OffsetOf(uint64_t index) const { return static_cast<uint32_t>(index & (slice_size() - 1)); }
  uint64_t IndexOf(uint64_t number, uint32_t offset) const { return number << slice_bits_ | offset; }

  // Where the slice is, or the first one behind it.
  Place PlaceOf(uint64_t number) const;
  bool IsAt(const Place& place, uint64_t number) const;
  bool IsEnd(const Place& place) const { return place.leaf >= leaves_.size(); }
  Place Next(Place place) const;
  // To the slice before; false when there is none.
  bool StepBack(Place* place) const;
  ArraySlice& SliceAt(const Place& place) const { return *leaves_[place.leaf]->slices[place.position]; }
  uint64_t NumberAt(const Place& place) const { return leaves_[place.leaf]->numbers[place.position]; }
  ArraySlice& InsertSlice(uint64_t number);
  void EraseSlice(const Place& place);
  void Forget(const ArrayItem& item);

  const unsigned slice_bits_;
  uint64_t count_ = 0;
  size_t slice_count_ = 0;
  size_t slice_bytes_ = 0;
  size_t text_bytes_ = 0;
  size_t long_text_count_ = 0;
  std::vector<uint64_t> first_numbers_;  // of each leaf
  std::vector<std::unique_ptr<Leaf>> leaves_;
};

template <typename Visit>
void SlicedArray::ForEach(uint64_t first, uint64_t last, Direction direction, Visit&& visit) const {
  const bool upwards = direction == Direction::kUp;
  char buffer[ArrayItem::kTextMax];
  Place place = PlaceOf(NumberOf(upwards ? first : last));
  if (!upwards && !IsAt(place, NumberOf(last)) && !StepBack(&place)) return;
  while (!IsEnd(place)) {
    const uint64_t number = NumberAt(place);
    if (upwards ? number > NumberOf(last) : number < NumberOf(first)) return;
    const auto visit_item = [&](uint32_t offset, const ArrayItem& item) {
      return visit(IndexOf(number, offset), item.Text(buffer));
    };
    const uint32_t first_offset = number == NumberOf(first) ? OffsetOf(first) : 0;
    const uint32_t last_offset = number == NumberOf(last) ? OffsetOf(last) : slice_size() - 1;
    if (!SliceAt(place).ForEach(first_offset, last_offset, upwards, visit_item)) return;
    if (upwards) {
      place = Next(place);
    } else if (!StepBack(&place)) {
      return;
    }
  }
}

}  // namespace kvick

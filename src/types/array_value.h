// ArrayValue: the value of an array key: items by index, and the place where the next insert goes.
//
//   value.Insert("a", limits);           // behind what was inserted last
//   value.Ring(100, limits);             // from now on the inserts that follow stay below 100
//   value.InsertInRing(100, "b", limits);
//
// Thread rule: that of its key.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "containers/sliced_array.h"
#include "types/value_features.h"
#include "types/value_type.h"

namespace kvick {

class ArrayValue {
 public:
  static constexpr ValueType kType = ValueType::kArray;
  // A cursor behind the last index: nothing can be inserted.
  static constexpr uint64_t kExhausted = UINT64_MAX;

  explicit ArrayValue(uint32_t slice_size) : items_(slice_size) { ValueFeatures::Note(ValueFeature::kArrays); }

  SlicedArray& items() { return items_; }
  const SlicedArray& items() const { return items_; }

  // Where the next insert goes; 0 before the first.
  uint64_t cursor() const { return cursor_; }
  void Seek(uint64_t cursor) {
    cursor_ = cursor;
    was_sought_ = true;
  }
  // For loading: the cursor as inserts left it.
  void RestoreCursor(uint64_t cursor) { cursor_ = cursor; }
  bool CanInsert(uint64_t count) const { return cursor_ != kExhausted && count <= kExhausted - cursor_; }
  // Returns the index. The cursor must not be exhausted.
  uint64_t Insert(std::string_view text, const ArrayLimits& limits);

  // Makes the array a ring of this size, at least 1. What is in it is moved when the size is another one than before:
  // the newest items, as far as there is no gap between them, in their order from index 0 on. After Seek nothing moves,
  // and what lies behind the ring goes.
  void PrepareRing(uint64_t size, const ArrayLimits& limits);
  // Returns the index.
  uint64_t InsertInRing(uint64_t size, std::string_view text, const ArrayLimits& limits);

  // The indexes of the latest inserts, the newest first, `count` at most: backwards from the cursor, and at index 0 on
  // from the end. Gaps are among them.
  std::vector<uint64_t> LatestIndexes(uint64_t count) const;

 private:
  void Repack(uint64_t size, const ArrayLimits& limits);

  SlicedArray items_;
  uint64_t cursor_ = 0;
  bool was_sought_ = false;  // since the last insert
};

// Called at start.
void RegisterArrayType();

}  // namespace kvick

#include "types/array_value.h"

#include <algorithm>
#include <string>

#include "base/assert.h"
#include "base/digest.h"

namespace kvick {

uint64_t ArrayValue::Insert(std::string_view text, const ArrayLimits& limits) {
  KVICK_DEBUG_ASSERT(cursor_ != kExhausted);
  const uint64_t index = cursor_++;
  items_.Set(index, text, limits);
  was_sought_ = false;
  return index;
}

void ArrayValue::PrepareRing(uint64_t size, const ArrayLimits& limits) {
  const uint64_t length = items_.length();
  if (was_sought_) {
    if (length > size) items_.EraseRange(size, SlicedArray::kIndexMax, limits);
    return;
  }
  // A ring that goes on at its beginning is unrolled before it may grow.
  const bool has_wrapped = cursor_ < length;
  if (length > size || (length < size && has_wrapped && cursor_ != 0)) Repack(size, limits);
}

void ArrayValue::Repack(uint64_t size, const ArrayLimits& limits) {
  const uint64_t length = items_.length();
  std::vector<std::string> kept;  // the newest first
  uint64_t at = cursor_;
  char buffer[ArrayItem::kTextMax];
  while (kept.size() < size && kept.size() < length) {
    at = at == 0 ? length - 1 : at - 1;
    const ArrayItem* item = items_.Find(at);
    if (item == nullptr) break;
    kept.emplace_back(item->Text(buffer));
  }
  items_.Clear();
  for (size_t i = 0; i < kept.size(); ++i) items_.Set(i, kept[kept.size() - 1 - i], limits);
  cursor_ = kept.size();
}

uint64_t ArrayValue::InsertInRing(uint64_t size, std::string_view text, const ArrayLimits& limits) {
  const uint64_t index = cursor_ % size;
  items_.Set(index, text, limits);
  cursor_ = index + 1;
  was_sought_ = false;
  return index;
}

std::vector<uint64_t> ArrayValue::LatestIndexes(uint64_t count) const {
  const uint64_t length = items_.length();
  count = std::min(count, length);
  std::vector<uint64_t> indexes;
  indexes.reserve(count);
  // A cursor behind the end has nothing between; one at the beginning says nothing of what is newest.
  uint64_t at = std::min(cursor_, length);
  while (indexes.size() < count) {
    at = at == 0 ? length - 1 : at - 1;
    indexes.push_back(at);
  }
  return indexes;
}

void RegisterArrayType() {
  RegisterValueType(
      ValueType::kArray,
      {
          .type_name = "array",
          .destroy = [](void* value) { delete static_cast<ArrayValue*>(value); },
          .copy = [](const void* value) -> void* { return new ArrayValue(*static_cast<const ArrayValue*>(value)); },
          .memory_bytes =
              [](const void* value) {
                return sizeof(ArrayValue) + static_cast<const ArrayValue*>(value)->items().memory_bytes();
              },
          .free_effort = [](const void* value) { return static_cast<const ArrayValue*>(value)->items().free_effort(); },
          .encoding_name = [](const void* /*value*/) -> std::string_view { return "sliced-array"; },
          .digest =
              [](const void* value, Digest* digest) {
                const auto* array = static_cast<const ArrayValue*>(value);
                array->items().ForEach(0, SlicedArray::kIndexMax, SlicedArray::Direction::kUp,
                                       [digest](uint64_t index, std::string_view text) {
                                         digest->Append(std::to_string(index));
                                         digest->Append(text);
                                         return true;
                                       });
                digest->Append(std::to_string(array->cursor()));
              },
      });
}

}  // namespace kvick

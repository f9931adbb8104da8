// What the command files of arrays share: limits, indexes in arguments and replies, emptied keys.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/status.h"
#include "engine/command_context.h"
#include "types/array_value.h"

namespace kvick {

inline ArrayLimits ArrayLimitsOf(const Settings& settings) {
  return {settings.array_slice_size, settings.array_sparse_max, settings.array_sparse_min};
}

// "ERR invalid array index".
Result<uint64_t> ArrayIndexArg(const CommandContext& context, size_t index);

// Two indexes in any order: where a walk begins and ends.
struct ArrayRange {
  uint64_t low = 0;
  uint64_t high = 0;
  SlicedArray::Direction direction = SlicedArray::Direction::kUp;

  static ArrayRange Between(uint64_t start, uint64_t end) {
    if (start <= end) return {start, end, SlicedArray::Direction::kUp};
    return {end, start, SlicedArray::Direction::kDown};
  }
};
Result<ArrayRange> ArrayRangeArg(const CommandContext& context, size_t index);

// "LIMIT count" with a count of at least one.
Result<uint64_t> ArrayLimitArg(const CommandContext& context, size_t index);

// Indexes beyond those that the protocol's integers have are sent as big numbers.
void ReplyIndex(ReplyWriter& reply, uint64_t index);
void ReplyItem(ReplyWriter& reply, const ArrayItem* item);

// What a command that changed the array of key 0 tells.
void AnnounceArrayChange(CommandContext& context, std::string_view event);

}  // namespace kvick

// Arrays: writing, reading and deleting by index, and the insert cursor. Searching has a file of its own.
#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/numbers.h"
#include "commands/array_access.h"
#include "commands/families.h"

namespace kvick {
namespace {

using Direction = SlicedArray::Direction;

// How many places one reply shows.
constexpr uint64_t kReplyItemsMax = 1'000'000;

Status RangeTooLong() {
  return errors::Generic("range exceeds maximum of " + std::to_string(kReplyItemsMax) + " items");
}
Status InsertOverflow() { return errors::Generic("insert index overflow"); }
Status InvalidIndex() { return errors::Generic("invalid array index"); }

// The array of key 0, made when it is missing.
Result<ArrayValue*> FindOrMake(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(ArrayValue * array, context.FindValueForWrite<ArrayValue>(0));
  if (array == nullptr) {
    array = context.PutValue(0, std::make_unique<ArrayValue>(context.settings().array_slice_size));
  }
  return array;
}

void ReplyCount(CommandContext& context, uint64_t count) { context.Reply().Integer(static_cast<int64_t>(count)); }

// ---- Writing

Status ArSet(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const uint64_t first, ArrayIndexArg(context, 2));
  const std::span<const std::string_view> values = context.arguments().subspan(3);
  if (values.size() - 1 > SlicedArray::kIndexMax - first) return InvalidIndex();
  KVICK_ASSIGN_OR_RETURN(ArrayValue * array, FindOrMake(context));
  const ArrayLimits limits = ArrayLimitsOf(context.settings());
  uint64_t new_count = 0;
  for (size_t i = 0; i < values.size(); ++i) new_count += array->items().Set(first + i, values[i], limits) ? 1 : 0;
  AnnounceArrayChange(context, "arset");
  ReplyCount(context, new_count);
  return Status::Ok();
}

Status ArMSet(CommandContext& context) {
  if (context.argument_count() % 2 != 0) return errors::WrongArity(ToLower(context.command().name));
  std::vector<uint64_t> indexes;
  for (size_t i = 2; i < context.argument_count(); i += 2) {
    KVICK_ASSIGN_OR_RETURN(const uint64_t index, ArrayIndexArg(context, i));
    indexes.push_back(index);
  }
  KVICK_ASSIGN_OR_RETURN(ArrayValue * array, FindOrMake(context));
  const ArrayLimits limits = ArrayLimitsOf(context.settings());
  uint64_t new_count = 0;
  for (size_t i = 0; i < indexes.size(); ++i) {
    new_count += array->items().Set(indexes[i], context.Arg(3 + 2 * i), limits) ? 1 : 0;
  }
  AnnounceArrayChange(context, "armset");
  ReplyCount(context, new_count);
  return Status::Ok();
}

Status ArInsert(CommandContext& context) {
  const std::span<const std::string_view> values = context.arguments().subspan(2);
  KVICK_ASSIGN_OR_RETURN(ArrayValue * array, context.FindValueForWrite<ArrayValue>(0));
  if (array != nullptr && !array->CanInsert(values.size())) return InsertOverflow();
  KVICK_ASSIGN_OR_RETURN(array, FindOrMake(context));
  const ArrayLimits limits = ArrayLimitsOf(context.settings());
  uint64_t index = 0;
  for (const std::string_view value : values) index = array->Insert(value, limits);
  AnnounceArrayChange(context, "arinsert");
  ReplyIndex(context.Reply(), index);
  return Status::Ok();
}

Status ArRing(CommandContext& context) {
  const std::optional<uint64_t> size = ParseUint64(context.Arg(2));
  if (!size) return errors::NotInteger();
  if (*size == 0 || *size > SlicedArray::kIndexMax) return errors::NotPositive("size");
  KVICK_ASSIGN_OR_RETURN(ArrayValue * array, FindOrMake(context));
  const ArrayLimits limits = ArrayLimitsOf(context.settings());
  array->PrepareRing(*size, limits);
  uint64_t index = 0;
  for (const std::string_view value : context.arguments().subspan(3)) {
    index = array->InsertInRing(*size, value, limits);
  }
  AnnounceArrayChange(context, "arring");
  ReplyIndex(context.Reply(), index);
  return Status::Ok();
}

Status ArSeek(CommandContext& context) {
  // One more than an index: then nothing can be inserted.
  const std::optional<uint64_t> cursor = ParseUint64(context.Arg(2));
  if (!cursor) return InvalidIndex();
  KVICK_ASSIGN_OR_RETURN(ArrayValue * array, context.FindValueForWrite<ArrayValue>(0));
  if (array != nullptr) {
    array->Seek(*cursor);
    AnnounceArrayChange(context, "arseek");
  }
  context.Reply().Integer(array == nullptr ? 0 : 1);
  return Status::Ok();
}

Status ArNext(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const ArrayValue* array, context.FindValue<ArrayValue>(0));
  if (array == nullptr) {
    context.Reply().Integer(0);
  } else if (array->cursor() == ArrayValue::kExhausted) {
    context.Reply().Null();
  } else {
    ReplyIndex(context.Reply(), array->cursor());
  }
  return Status::Ok();
}

// ---- Deleting

void FinishErasing(CommandContext& context, const ArrayValue* array, uint64_t erased_count, std::string_view event) {
  if (erased_count > 0) {
    context.Modified(0);
    context.Changed(erased_count);
    context.Notify(KeyEventClass::kArray, event, 0);
    if (array->items().count() == 0) {
      context.EraseKey(0);
      context.Notify(KeyEventClass::kGeneric, "del", 0);
    }
  }
  ReplyCount(context, erased_count);
}

Status ArDel(CommandContext& context) {
  std::vector<uint64_t> indexes;
  for (size_t i = 2; i < context.argument_count(); ++i) {
    KVICK_ASSIGN_OR_RETURN(const uint64_t index, ArrayIndexArg(context, i));
    indexes.push_back(index);
  }
  KVICK_ASSIGN_OR_RETURN(ArrayValue * array, context.FindValueForWrite<ArrayValue>(0));
  uint64_t erased_count = 0;
  if (array != nullptr) {
    const ArrayLimits limits = ArrayLimitsOf(context.settings());
    for (const uint64_t index : indexes) erased_count += array->items().Erase(index, limits) ? 1 : 0;
  }
  FinishErasing(context, array, erased_count, "ardel");
  return Status::Ok();
}

Status ArDelRange(CommandContext& context) {
  if (context.argument_count() % 2 != 0) return errors::WrongArity(ToLower(context.command().name));
  std::vector<ArrayRange> ranges;
  for (size_t i = 2; i < context.argument_count(); i += 2) {
    KVICK_ASSIGN_OR_RETURN(const ArrayRange range, ArrayRangeArg(context, i));
    ranges.push_back(range);
  }
  KVICK_ASSIGN_OR_RETURN(ArrayValue * array, context.FindValueForWrite<ArrayValue>(0));
  uint64_t erased_count = 0;
  if (array != nullptr) {
    const ArrayLimits limits = ArrayLimitsOf(context.settings());
    for (const ArrayRange& range : ranges) erased_count += array->items().EraseRange(range.low, range.high, limits);
  }
  FinishErasing(context, array, erased_count, "ardelrange");
  return Status::Ok();
}

// ---- Reading

Status ArGet(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const uint64_t index, ArrayIndexArg(context, 2));
  KVICK_ASSIGN_OR_RETURN(const ArrayValue* array, context.FindValue<ArrayValue>(0));
  ReplyItem(context.Reply(), array == nullptr ? nullptr : array->items().Find(index));
  return Status::Ok();
}

Status ArMGet(CommandContext& context) {
  std::vector<uint64_t> indexes;
  for (size_t i = 2; i < context.argument_count(); ++i) {
    KVICK_ASSIGN_OR_RETURN(const uint64_t index, ArrayIndexArg(context, i));
    indexes.push_back(index);
  }
  KVICK_ASSIGN_OR_RETURN(const ArrayValue* array, context.FindValue<ArrayValue>(0));
  context.Reply().Array(indexes.size());
  for (const uint64_t index : indexes) {
    ReplyItem(context.Reply(), array == nullptr ? nullptr : array->items().Find(index));
  }
  return Status::Ok();
}

Status ArGetRange(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const ArrayRange range, ArrayRangeArg(context, 2));
  if (range.high - range.low >= kReplyItemsMax) return RangeTooLong();
  KVICK_ASSIGN_OR_RETURN(const ArrayValue* array, context.FindValue<ArrayValue>(0));
  ReplyWriter& reply = context.Reply();
  if (array == nullptr) {
    reply.Array(0);
    return Status::Ok();
  }
  const uint64_t count = range.high - range.low + 1;
  reply.Array(count);
  uint64_t shown_count = 0;
  array->items().ForEach(range.low, range.high, range.direction, [&](uint64_t index, std::string_view text) {
    const uint64_t at = range.direction == Direction::kUp ? index - range.low : range.high - index;
    for (; shown_count < at; ++shown_count) reply.Null();
    reply.Bulk(text);
    ++shown_count;
    return true;
  });
  for (; shown_count < count; ++shown_count) reply.Null();
  return Status::Ok();
}

Status ArScan(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const ArrayRange range, ArrayRangeArg(context, 2));
  uint64_t limit = UINT64_MAX;
  if (context.argument_count() > 4) {
    if (context.argument_count() != 6 || !context.ArgIs(4, "LIMIT")) return errors::Syntax();
    KVICK_ASSIGN_OR_RETURN(limit, ArrayLimitArg(context, 5));
  }
  KVICK_ASSIGN_OR_RETURN(const ArrayValue* array, context.FindValue<ArrayValue>(0));
  ReplyWriter& reply = context.Reply();
  const OutputBuffer::Hole hole = reply.Begin();
  uint64_t count = 0;
  if (array != nullptr) {
    array->items().ForEach(range.low, range.high, range.direction, [&](uint64_t index, std::string_view text) {
      reply.Array(2);
      ReplyIndex(reply, index);
      reply.Bulk(text);
      return ++count < limit;
    });
  }
  reply.End(hole, ReplyWriter::Aggregate::kArray, count);
  return Status::Ok();
}

Status ArCount(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const ArrayValue* array, context.FindValue<ArrayValue>(0));
  ReplyCount(context, array == nullptr ? 0 : array->items().count());
  return Status::Ok();
}

Status ArLen(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const ArrayValue* array, context.FindValue<ArrayValue>(0));
  ReplyIndex(context.Reply(), array == nullptr ? 0 : array->items().length());
  return Status::Ok();
}

Status ArLastItems(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const int64_t count, context.IntegerArg(2));
  if (count < 0) return errors::NotPositive("value");
  if (static_cast<uint64_t>(count) > kReplyItemsMax) return RangeTooLong();
  const bool newest_first = context.argument_count() == 4 && context.ArgIs(3, "REV");
  if (context.argument_count() > 3 && !newest_first) return errors::Syntax();
  KVICK_ASSIGN_OR_RETURN(const ArrayValue* array, context.FindValue<ArrayValue>(0));
  std::vector<uint64_t> indexes;
  if (array != nullptr) indexes = array->LatestIndexes(static_cast<uint64_t>(count));
  if (!newest_first) std::reverse(indexes.begin(), indexes.end());
  context.Reply().Array(indexes.size());
  for (const uint64_t index : indexes) ReplyItem(context.Reply(), array->items().Find(index));
  return Status::Ok();
}

double Average(size_t sum, size_t count) {
  return count == 0 ? 0 : static_cast<double>(sum) / static_cast<double>(count);
}

Status ArInfo(CommandContext& context) {
  const bool is_full = context.argument_count() == 3 && context.ArgIs(2, "FULL");
  if (context.argument_count() > 2 && !is_full) return errors::Syntax();
  KVICK_ASSIGN_OR_RETURN(const ArrayValue* array, context.FindValue<ArrayValue>(0));
  if (array == nullptr) return errors::NoSuchKey();
  const SlicedArray& items = array->items();
  ReplyWriter& reply = context.Reply();
  const auto field = [&reply](std::string_view name, uint64_t value) {
    reply.Bulk(name);
    ReplyIndex(reply, value);
  };
  constexpr size_t kFieldCount = 7;
  constexpr size_t kFullFieldCount = 5;
  reply.Map(kFieldCount + (is_full ? kFullFieldCount : 0));
  field("count", items.count());
  field("len", items.length());
  field("next-insert-index", array->cursor());
  field("slices", items.slice_count());
  field("directory-size", items.leaf_count() * SlicedArray::kLeafSlicesMax);
  field("super-dir-entries", items.leaf_count() > 1 ? items.leaf_count() : 0);
  field("slice-size", items.slice_size());
  if (!is_full) return Status::Ok();
  const SlicedArray::Shape shape = items.shape();
  field("dense-slices", shape.dense_count);
  field("sparse-slices", shape.slice_count - shape.dense_count);
  reply.Bulk("avg-dense-size");
  reply.Double(Average(shape.dense_places, shape.dense_count));
  reply.Bulk("avg-dense-fill");
  reply.Double(Average(shape.dense_items, shape.dense_places));
  reply.Bulk("avg-sparse-size");
  reply.Double(Average(shape.sparse_items, shape.slice_count - shape.dense_count));
  return Status::Ok();
}

constexpr KeySpecs kReads = {OneKey(1, kKeyReadOnly | kKeyAccess)};
constexpr KeySpecs kUpdates = {OneKey(1, kKeyReadWrite | kKeyUpdate)};
constexpr KeySpecs kDeletes = {OneKey(1, kKeyReadWrite | kKeyDelete)};

constexpr CommandSpec kCommands[] = {
    {
        .name = "ARCOUNT",
        .syntax = "key",
        .summary = "Returns how many items an array has.",
        .since = "8.8.0",
        .group = "array",
        .complexity = "O(1)",
        .flags = kReadonly | kFast,
        .categories = kAclArray,
        .keys = kReads,
        .handler = ArCount,
    },
    {
        .name = "ARDEL",
        .syntax = "key index [index ...]",
        .summary = "Deletes items of an array by index.",
        .since = "8.8.0",
        .group = "array",
        .complexity = "O(N) where N is the number of indices to delete",
        .flags = kWrite | kFast,
        .categories = kAclArray,
        .keys = kDeletes,
        .handler = ArDel,
    },
    {
        .name = "ARDELRANGE",
        .syntax = "key start end [start end ...]",
        .argument_notes = "data=range",
        .summary = "Deletes the items of an array that lie in ranges of indexes.",
        .since = "8.8.0",
        .group = "array",
        .complexity = "Proportional to the number of existing elements / slices touched, not to the numeric span of "
                      "the requested ranges",
        .flags = kWrite,
        .categories = kAclArray,
        .keys = kDeletes,
        .handler = ArDelRange,
    },
    {
        .name = "ARGET",
        .syntax = "key index",
        .summary = "Returns the item of an array at an index.",
        .since = "8.8.0",
        .group = "array",
        .complexity = "O(1)",
        .flags = kReadonly | kFast,
        .categories = kAclArray,
        .keys = kReads,
        .handler = ArGet,
    },
    {
        .name = "ARGETRANGE",
        .syntax = "key start end",
        .summary = "Returns what an array has at each index of a range.",
        .since = "8.8.0",
        .group = "array",
        .complexity = "O(N) where N is the range length",
        .flags = kReadonly,
        .categories = kAclArray,
        .keys = kReads,
        .handler = ArGetRange,
    },
    {
        .name = "ARINFO",
        .syntax = "key [FULL]",
        .summary = "Describes how an array is stored.",
        .since = "8.8.0",
        .group = "array",
        .complexity = "O(1), or O(N) with FULL option where N is the number of slices.",
        .flags = kReadonly,
        .categories = kAclArray,
        .keys = kReads,
        .handler = ArInfo,
    },
    {
        .name = "ARINSERT",
        .syntax = "key value [value ...]",
        .summary = "Inserts items behind those inserted before. The key is created if it doesn't exist.",
        .since = "8.8.0",
        .group = "array",
        .complexity = "O(N) where N is the number of values",
        .flags = kWrite | kDenyOom | kFast,
        .categories = kAclArray,
        .keys = kUpdates,
        .handler = ArInsert,
    },
    {
        .name = "ARLASTITEMS",
        .syntax = "key count [REV]",
        .summary = "Returns the items that were inserted last.",
        .since = "8.8.0",
        .group = "array",
        .complexity = "O(N) where N is the count",
        .flags = kReadonly,
        .categories = kAclArray,
        .keys = kReads,
        .handler = ArLastItems,
    },
    {
        .name = "ARLEN",
        .syntax = "key",
        .summary = "Returns the highest index of an array and one.",
        .since = "8.8.0",
        .group = "array",
        .complexity = "O(1)",
        .flags = kReadonly | kFast,
        .categories = kAclArray,
        .keys = kReads,
        .handler = ArLen,
    },
    {
        .name = "ARMGET",
        .syntax = "key index [index ...]",
        .summary = "Returns the items of an array at several indexes.",
        .since = "8.8.0",
        .group = "array",
        .complexity = "O(N) where N is the number of indices",
        .flags = kReadonly | kFast,
        .categories = kAclArray,
        .keys = kReads,
        .handler = ArMGet,
    },
    {
        .name = "ARMSET",
        .syntax = "key index value [index value ...]",
        .summary = "Sets the items of an array at several indexes. The key is created if it doesn't exist.",
        .since = "8.8.0",
        .group = "array",
        .complexity = "O(N) where N is the number of pairs",
        .flags = kWrite | kDenyOom | kFast,
        .categories = kAclArray,
        .keys = kUpdates,
        .handler = ArMSet,
    },
    {
        .name = "ARNEXT",
        .syntax = "key",
        .summary = "Returns the index at which the next item would be inserted.",
        .since = "8.8.0",
        .group = "array",
        .complexity = "O(1)",
        .flags = kReadonly | kFast,
        .categories = kAclArray,
        .keys = kReads,
        .handler = ArNext,
    },
    {
        .name = "ARRING",
        .syntax = "key size value [value ...]",
        .argument_notes = "size(integer)",
        .summary = "Inserts items into an array that keeps the latest. The key is created if it doesn't exist.",
        .since = "8.8.0",
        .group = "array",
        .complexity = "O(M) normally, O(N+M) on ring resize, where N is the maximum of the old and new ring size and M "
                      "is the number of inserted values",
        .flags = kWrite | kDenyOom,
        .categories = kAclArray,
        .keys = kUpdates,
        .handler = ArRing,
    },
    {
        .name = "ARSCAN",
        .syntax = "key start end [LIMIT limit]",
        .argument_notes = "LIMIT(integer)",
        .summary = "Returns the items of an array in a range, with their indexes.",
        .since = "8.8.0",
        .group = "array",
        .complexity =
            "O(P) where P is visited positions in touched slices (dense scanned slots + sparse entries), with "
            "worst-case O(|end-start|+1) and typical case close to O(N), where N is the number of existing "
            "elements in range.",
        .flags = kReadonly,
        .categories = kAclArray,
        .keys = kReads,
        .handler = ArScan,
    },
    {
        .name = "ARSEEK",
        .syntax = "key index",
        .summary = "Sets the index at which the next item is inserted.",
        .since = "8.8.0",
        .group = "array",
        .complexity = "O(1)",
        .flags = kWrite | kFast,
        .categories = kAclArray,
        .keys = kUpdates,
        .handler = ArSeek,
    },
    {
        .name = "ARSET",
        .syntax = "key index value [value ...]",
        .summary = "Sets items of an array from an index on. The key is created if it doesn't exist.",
        .since = "8.8.0",
        .group = "array",
        .complexity = "O(N) where N is the number of values",
        .flags = kWrite | kDenyOom | kFast,
        .categories = kAclArray,
        .keys = kUpdates,
        .handler = ArSet,
    },
};

}  // namespace

std::span<const CommandSpec> ArrayCommands() { return kCommands; }

}  // namespace kvick

// Parts of string values: APPEND, GETRANGE, SETRANGE, STRLEN.
#include <algorithm>
#include <cstring>

#include "base/numbers.h"
#include "commands/families.h"
#include "commands/string_reply.h"
#include "engine/command_context.h"

namespace kvick {
namespace {

// Whether a string may become `size` + `added` bytes long.
Status CheckSize(CommandContext& context, uint64_t size, uint64_t added) {
  const auto limit = static_cast<uint64_t>(context.settings().proto_max_bulk_len_bytes);
  uint64_t sum = 0;
  if (__builtin_add_overflow(size, added, &sum) || sum > limit) return errors::StringTooLong();
  return Status::Ok();
}

Status Append(CommandContext& context) {
  const std::string_view added = context.Arg(2);
  KeyTable::Slot slot = context.Find(0);
  size_t size = added.size();
  if (slot.entry == nullptr) {
    context.UpdateString(0, slot, {added});
  } else {
    if (slot.entry->type() != ValueType::kString) return errors::WrongType();
    const size_t old_size = slot.entry->value_size();
    KVICK_RETURN_IF_ERROR(CheckSize(context, old_size, added.size()));
    size += old_size;
    char* bytes = context.ResizeString(0, &slot, size);
    std::memcpy(bytes + old_size, added.data(), added.size());
  }
  context.Changed();
  context.Notify(KeyEventClass::kString, "append", 0);
  context.Reply().Integer(static_cast<int64_t>(size));
  return Status::Ok();
}

Status SetRange(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const int64_t offset, context.IntegerArg(2));
  if (offset < 0) return errors::Generic("offset is out of range");
  const std::string_view value = context.Arg(3);
  KeyTable::Slot slot = context.Find(0);
  if (slot.entry != nullptr && slot.entry->type() != ValueType::kString) return errors::WrongType();
  size_t size = slot.entry == nullptr ? 0 : slot.entry->value_size();
  if (!value.empty()) {
    KVICK_RETURN_IF_ERROR(CheckSize(context, static_cast<uint64_t>(offset), value.size()));
    size = std::max(size, static_cast<size_t>(offset) + value.size());
    char* bytes = context.ResizeString(0, &slot, size);
    std::memcpy(bytes + offset, value.data(), value.size());
    context.Changed();
    context.Notify(KeyEventClass::kString, "setrange", 0);
  }
  context.Reply().Integer(static_cast<int64_t>(size));
  return Status::Ok();
}

// The part of `size` bytes that the inclusive range means. Negative indexes count from the end; one that lies before
// the beginning means the beginning, also as the end: "0 -100" is the first byte.
struct ByteRange {
  size_t begin = 0;
  size_t end = 0;
};
ByteRange ResolveRange(int64_t first, int64_t last, size_t size) {
  const auto length = static_cast<int64_t>(size);
  if (length == 0 || (first < 0 && last < 0 && first > last)) return {};
  if (first < 0) first = std::max<int64_t>(first + length, 0);
  if (last < 0) last = std::max<int64_t>(last + length, 0);
  last = std::min(last, length - 1);
  if (first > last) return {};
  return {static_cast<size_t>(first), static_cast<size_t>(last) + 1};
}

Status GetRange(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const int64_t first, context.IntegerArg(2));
  KVICK_ASSIGN_OR_RETURN(const int64_t last, context.IntegerArg(3));
  KVICK_ASSIGN_OR_RETURN(const std::optional<StringRef> value, context.FindString(0));
  if (!value) {
    context.Reply().Bulk("");
    return Status::Ok();
  }
  char buffer[kInt64TextMax];
  const std::string_view text = value->Text(buffer);
  const ByteRange range = ResolveRange(first, last, text.size());
  if (value->shared != nullptr && range.end - range.begin == text.size()) {
    context.Reply().Bulk(value->shared);
  } else {
    context.Reply().Bulk(text.substr(range.begin, range.end - range.begin));
  }
  return Status::Ok();
}

Status Strlen(CommandContext& context) {
  const KeyTable::Slot slot = context.Find(0);
  if (slot.entry != nullptr && slot.entry->type() != ValueType::kString) return errors::WrongType();
  context.Reply().Integer(slot.entry == nullptr ? 0 : static_cast<int64_t>(slot.entry->value_size()));
  return Status::Ok();
}

constexpr CommandSpec kCommands[] = {
    {
        .name = "APPEND",
        .syntax = "key value",
        .summary = "Appends to the string value of a key. The key is created if it doesn't exist.",
        .since = "2.0.0",
        .group = "string",
        .complexity =
            "O(1). The amortized time complexity is O(1) assuming the appended value is small and the already present "
            "value is of any size, since the dynamic string library used by Redis will double the free space available "
            "on every reallocation.",
        .flags = kWrite | kDenyOom | kFast,
        .categories = kAclString,
        .keys = {OneKey(1, kKeyReadWrite | kKeyInsert)},
        .handler = Append,
    },
    {
        .name = "GETRANGE",
        .syntax = "key start end",
        .summary = "Returns a part of the string value of a key.",
        .since = "2.4.0",
        .group = "string",
        .complexity =
            "O(N) where N is the length of the returned string. The complexity is ultimately determined by the "
            "returned length, but because creating a substring from an existing string is very cheap, it can be "
            "considered O(1) for small strings.",
        .flags = kReadonly,
        .categories = kAclString,
        .keys = {OneKey(1, kKeyReadOnly | kKeyAccess)},
        .handler = GetRange,
    },
    {
        .name = "SETRANGE",
        .syntax = "key offset value",
        .summary = "Overwrites a part of the string value of a key. The key is created if it doesn't exist.",
        .since = "2.2.0",
        .group = "string",
        .complexity =
            "O(1), not counting the time taken to copy the new string in place. Usually, this string is very small so "
            "the amortized complexity is O(1). Otherwise, complexity is O(M) with M being the length of the value "
            "argument.",
        .flags = kWrite | kDenyOom,
        .categories = kAclString,
        .keys = {OneKey(1, kKeyReadWrite | kKeyUpdate)},
        .handler = SetRange,
    },
    {
        .name = "STRLEN",
        .syntax = "key",
        .summary = "Returns the length of the string value of a key.",
        .since = "2.2.0",
        .group = "string",
        .complexity = "O(1)",
        .flags = kReadonly | kFast,
        .categories = kAclString,
        .keys = {OneKey(1, kKeyReadOnly)},
        .handler = Strlen,
    },
    {
        .name = "SUBSTR",
        .syntax = "key start end",
        .summary = "Returns a part of the string value of a key.",
        .since = "1.0.0",
        .group = "string",
        .complexity =
            "O(N) where N is the length of the returned string. The complexity is ultimately determined by the "
            "returned length, but because creating a substring from an existing string is very cheap, it can be "
            "considered O(1) for small strings.",
        .flags = kReadonly,
        .categories = kAclString,
        .keys = {OneKey(1, kKeyReadOnly | kKeyAccess)},
        .deprecated_since = "2.0.0",
        .replaced_by = "GETRANGE",
        .handler = GetRange,
    },
};

}  // namespace

std::span<const CommandSpec> StringRangeCommands() { return kCommands; }

}  // namespace kvick

// Strings as bitmaps: single bits, counts, positions and combinations. BITFIELD has a file of its own.
#include <algorithm>
#include <deque>
#include <vector>

#include "base/numbers.h"
#include "commands/bitmap_access.h"
#include "commands/families.h"
#include "containers/bit_kernels.h"

namespace kvick {
namespace {

// The text of an integer value; combining reads several at once.
struct NumberText {
  char bytes[kInt64TextMax];
};

Status SetBit(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const uint64_t offset, BitOffsetArg(context, 2));
  const std::optional<int64_t> bit = ParseInt64(context.Arg(3));
  if (!bit || (*bit != 0 && *bit != 1)) return errors::Generic("bit is not an integer or out of range");
  KeyTable::Slot slot = context.Find(0);
  NumberText text;
  KVICK_ASSIGN_OR_RETURN(const std::string_view bytes, BitmapBytes(slot.entry, text.bytes));
  const size_t byte_index = offset / 8;
  const bool grows = byte_index >= bytes.size();
  const bool old_bit = BitAt(bytes, offset);
  const bool changes = grows || old_bit != (*bit == 1);
  // Also a string that keeps its bits is from now on one that is built byte by byte.
  if (changes || !slot.entry->is_raw()) {
    char* data = context.ResizeString(0, &slot, std::max(bytes.size(), byte_index + 1));
    const auto mask = static_cast<uint8_t>(0x80U >> offset % 8);
    const auto byte = static_cast<uint8_t>(data[byte_index]);
    data[byte_index] = static_cast<char>(*bit == 1 ? byte | mask : byte & ~mask);
  }
  if (changes) {
    context.Changed();
    context.Notify(KeyEventClass::kString, "setbit", 0);
  }
  context.Reply().Integer(old_bit ? 1 : 0);
  return Status::Ok();
}

Status GetBit(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const uint64_t offset, BitOffsetArg(context, 2));
  NumberText text;
  KVICK_ASSIGN_OR_RETURN(const std::string_view bytes, BitmapBytes(context.Find(0).entry, text.bytes));
  context.Reply().Integer(BitAt(bytes, offset) ? 1 : 0);
  return Status::Ok();
}

// A range as clients give it: from `first` to `last`, both included, negative from the end, in bytes or bits.
struct RangeArguments {
  int64_t first = 0;
  int64_t last = -1;
  bool has_last = false;
  bool counts_bits = false;

  // The bits of a string of `size` bytes that are meant.
  BitRange Resolve(size_t size) const {
    const auto unit_count = static_cast<int64_t>(counts_bits ? size * 8 : size);
    const int64_t begin = std::max<int64_t>(first < 0 ? first + unit_count : first, 0);
    const int64_t end = std::min(std::max<int64_t>(last < 0 ? last + unit_count : last, 0), unit_count - 1) + 1;
    if (begin >= end) return {};
    const uint64_t unit_bits = counts_bits ? 1 : 8;
    return {static_cast<uint64_t>(begin) * unit_bits, static_cast<uint64_t>(end) * unit_bits};
  }
};

// "[first [last [BYTE | BIT]]]" from argument `index` on. BITPOS takes `first` alone and looks at the unit before
// `last`; BITCOUNT does neither.
enum class RangeStyle : uint8_t { kBitCount, kBitPos };
Result<RangeArguments> ParseRange(const CommandContext& context, size_t index, RangeStyle style) {
  RangeArguments range;
  const size_t count = context.argument_count() - index;
  if (count == 0) return range;
  if (count > 3 || (count == 1 && style == RangeStyle::kBitCount)) return errors::Syntax();
  KVICK_ASSIGN_OR_RETURN(range.first, context.IntegerArg(index));
  const bool has_unit = count == 3;
  range.counts_bits = has_unit && context.ArgIs(index + 2, "BIT");
  const bool is_unit_valid = !has_unit || range.counts_bits || context.ArgIs(index + 2, "BYTE");
  if (!is_unit_valid && style == RangeStyle::kBitPos) return errors::Syntax();
  range.has_last = count >= 2;
  if (range.has_last) {
    KVICK_ASSIGN_OR_RETURN(range.last, context.IntegerArg(index + 1));
  }
  if (!is_unit_valid) return errors::Syntax();
  return range;
}

Status BitCount(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const RangeArguments range, ParseRange(context, 2, RangeStyle::kBitCount));
  NumberText text;
  KVICK_ASSIGN_OR_RETURN(const std::string_view bytes, BitmapBytes(context.Find(0).entry, text.bytes));
  // Two negative ends in the wrong order mean nothing, even where both lie before the beginning.
  const bool is_reversed = range.first < 0 && range.last < 0 && range.first > range.last;
  const BitRange bits = is_reversed || bytes.empty() ? BitRange{} : range.Resolve(bytes.size());
  context.Reply().Integer(static_cast<int64_t>(CountSetBits(bytes, bits)));
  return Status::Ok();
}

Status BitPos(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const int64_t bit, context.IntegerArg(2));
  if (bit != 0 && bit != 1) return errors::Generic("The bit argument must be 1 or 0.");
  KVICK_ASSIGN_OR_RETURN(const RangeArguments range, ParseRange(context, 3, RangeStyle::kBitPos));
  const KeyTable::Slot slot = context.Find(0);
  NumberText text;
  KVICK_ASSIGN_OR_RETURN(const std::string_view bytes, BitmapBytes(slot.entry, text.bytes));
  if (slot.entry == nullptr) {
    context.Reply().Integer(bit == 1 ? -1 : 0);
    return Status::Ok();
  }
  const BitRange bits = bytes.empty() ? BitRange{} : range.Resolve(bytes.size());
  const std::optional<uint64_t> found = FindBit(bytes, bits, bit == 1);
  if (found) {
    context.Reply().Integer(static_cast<int64_t>(*found));
  } else if (bit == 0 && !range.has_last && !bits.empty()) {
    // Without an end the string goes on with zeros.
    context.Reply().Integer(static_cast<int64_t>(bytes.size() * 8));
  } else {
    context.Reply().Integer(-1);
  }
  return Status::Ok();
}

struct NamedOperation {
  std::string_view name;
  BitOperation operation;
};
constexpr NamedOperation kOperations[] = {
    {"AND", BitOperation::kAnd},     {"OR", BitOperation::kOr},     {"XOR", BitOperation::kXor},
    {"NOT", BitOperation::kNot},     {"DIFF", BitOperation::kDiff}, {"DIFF1", BitOperation::kDiff1},
    {"ANDOR", BitOperation::kAndOr}, {"ONE", BitOperation::kOne},
};

Result<BitOperation> ParseOperation(const CommandContext& context) {
  const auto* found = std::find_if(std::begin(kOperations), std::end(kOperations),
                                   [&](const NamedOperation& named) { return context.ArgIs(1, named.name); });
  if (found == std::end(kOperations)) return errors::Syntax();
  const size_t source_count = context.key_count() - 1;
  switch (found->operation) {
    case BitOperation::kNot:
      if (source_count != 1) return errors::Generic("BITOP NOT must be called with a single source key.");
      break;
    case BitOperation::kDiff:
    case BitOperation::kDiff1:
    case BitOperation::kAndOr:
      if (source_count < 2) {
        return errors::Generic("BITOP " + std::string(found->name) + " must be called with at least two source keys.");
      }
      break;
    default: break;
  }
  return found->operation;
}

// Where the result can be written: over the old value, if it is a string of its own that is not lent and not much
// longer than the result. That saves fresh memory for each of many results that follow each other.
bool CanOverwrite(const Entry* entry, size_t size) {
  if (entry == nullptr || entry->form() != ValueForm::kShared) return false;
  const SharedBytes* shared = entry->string().shared;
  return !shared->IsShared() && size <= shared->capacity() && size >= shared->capacity() / 2;
}

// The destination may be one of the sources: each part of them is read before that part of the result is written.
void StoreCombined(CommandContext& context, BitOperation operation, std::span<const std::string_view> sources,
                   size_t size) {
  KeyTable::Slot slot = context.Peek(0);
  if (CanOverwrite(slot.entry, size)) {
    context.NotifyReplaced(0, slot.entry, ValueType::kString);
    CombineBits(operation, sources, context.ResizeString(0, &slot, size), size);
    if (slot.entry->has_expiry()) context.SetExpiry(0, &slot, Entry::kNoExpiry);
    return;
  }
  SharedBytes* result = SharedBytes::Make(size, size);
  CombineBits(operation, sources, result->data(), size);
  context.PutString(0, slot, {result->view(), false, true, result});
  result->Drop();
}

Status BitOp(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const BitOperation operation, ParseOperation(context));
  std::vector<std::string_view> sources;
  sources.reserve(context.key_count() - 1);
  std::deque<NumberText> texts;
  size_t size = 0;
  for (size_t ordinal = 1; ordinal < context.key_count(); ++ordinal) {
    const Entry* entry = context.Find(ordinal).entry;
    const bool is_number = entry != nullptr && entry->form() == ValueForm::kInteger;
    char* text = is_number ? texts.emplace_back().bytes : nullptr;
    KVICK_ASSIGN_OR_RETURN(const std::string_view bytes, BitmapBytes(entry, text));
    size = std::max(size, bytes.size());
    sources.push_back(bytes);
  }
  if (size == 0) {
    if (context.EraseKey(0)) {
      context.Changed();
      context.Notify(KeyEventClass::kGeneric, "del", 0);
    }
  } else {
    StoreCombined(context, operation, sources, size);
    context.Changed();
    context.Notify(KeyEventClass::kString, "set", 0);
  }
  context.Reply().Integer(static_cast<int64_t>(size));
  return Status::Ok();
}

constexpr CommandSpec kCommands[] = {
    {
        .name = "BITCOUNT",
        .syntax = "key [start end [BYTE | BIT]]",
        .argument_notes = "start=range range.byte=unit@7.0.0",
        .summary = "Counts the bits that are set in a string.",
        .since = "2.6.0",
        .group = "bitmap",
        .complexity = "O(N)",
        .flags = kReadonly,
        .categories = kAclBitmap,
        .keys = {OneKey(1, kKeyReadOnly | kKeyAccess)},
        .handler = BitCount,
    },
    {
        .name = "BITOP",
        .syntax = "<AND | OR | XOR | NOT | DIFF | DIFF1 | ANDOR | ONE> destkey key [key ...]",
        .argument_notes = "and=operation",
        .summary = "Combines the bits of several strings and stores the result.",
        .since = "2.6.0",
        .group = "bitmap",
        .complexity = "O(N)",
        .flags = kWrite | kDenyOom,
        .categories = kAclBitmap,
        .keys = {OneKey(2, kKeyOverwrite | kKeyUpdate), KeyRange(3, -1, 1, kKeyReadOnly | kKeyAccess)},
        .handler = BitOp,
    },
    {
        .name = "BITPOS",
        .syntax = "key bit [start [end [BYTE | BIT]]]",
        .argument_notes = "bit(integer) start=range range.end=end-unit-block range.end-unit-block.byte=unit@7.0.0",
        .summary = "Finds the first bit of a string that is set, or that is not.",
        .since = "2.8.7",
        .group = "bitmap",
        .complexity = "O(N)",
        .flags = kReadonly,
        .categories = kAclBitmap,
        .keys = {OneKey(1, kKeyReadOnly | kKeyAccess)},
        .handler = BitPos,
    },
    {
        .name = "GETBIT",
        .syntax = "key offset",
        .summary = "Returns the bit at an offset of a string.",
        .since = "2.2.0",
        .group = "bitmap",
        .complexity = "O(1)",
        .flags = kReadonly | kFast,
        .categories = kAclBitmap,
        .keys = {OneKey(1, kKeyReadOnly | kKeyAccess)},
        .handler = GetBit,
    },
    {
        .name = "SETBIT",
        .syntax = "key offset value",
        .argument_notes = "value(integer)",
        .summary = "Sets or clears the bit at an offset of a string. The key is created if it doesn't exist.",
        .since = "2.2.0",
        .group = "bitmap",
        .complexity = "O(1)",
        .flags = kWrite | kDenyOom,
        .categories = kAclBitmap,
        .keys = {OneKey(1, kKeyReadWrite | kKeyAccess | kKeyUpdate)},
        .handler = SetBit,
    },
};

}  // namespace

std::span<const CommandSpec> BitmapCommands() { return kCommands; }

}  // namespace kvick

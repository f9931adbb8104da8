#include "commands/array_access.h"

#include <limits>

#include "base/numbers.h"

namespace kvick {

Result<uint64_t> ArrayIndexArg(const CommandContext& context, size_t index) {
  const std::optional<uint64_t> number = ParseUint64(context.Arg(index));
  if (!number || *number > SlicedArray::kIndexMax) return errors::Generic("invalid array index");
  return *number;
}

Result<ArrayRange> ArrayRangeArg(const CommandContext& context, size_t index) {
  KVICK_ASSIGN_OR_RETURN(const uint64_t start, ArrayIndexArg(context, index));
  KVICK_ASSIGN_OR_RETURN(const uint64_t end, ArrayIndexArg(context, index + 1));
  return ArrayRange::Between(start, end);
}

Result<uint64_t> ArrayLimitArg(const CommandContext& context, size_t index) {
  KVICK_ASSIGN_OR_RETURN(const int64_t limit, context.IntegerArg(index));
  if (limit <= 0) return errors::NotPositive("LIMIT");
  return static_cast<uint64_t>(limit);
}

void ReplyIndex(ReplyWriter& reply, uint64_t index) {
  if (index <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    return reply.Integer(static_cast<int64_t>(index));
  }
  char digits[kInt64TextMax];
  reply.BigNumber({digits, FormatUint64(index, digits)});
}

void ReplyItem(ReplyWriter& reply, const ArrayItem* item) {
  if (item == nullptr) return reply.Null();
  char buffer[ArrayItem::kTextMax];
  reply.Bulk(item->Text(buffer));
}

void AnnounceArrayChange(CommandContext& context, std::string_view event) {
  context.Modified(0);
  context.Changed();
  context.Notify(KeyEventClass::kArray, event, 0);
}

}  // namespace kvick

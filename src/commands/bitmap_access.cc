#include "commands/bitmap_access.h"

#include "base/numbers.h"

namespace kvick {

Result<uint64_t> BitOffsetArg(CommandContext& context, size_t index, unsigned field_bits) {
  const auto invalid = [] { return errors::Generic("bit offset is not an integer or out of range"); };
  std::string_view text = context.Arg(index);
  const bool counts_fields = field_bits != 0 && text.starts_with('#');
  if (counts_fields) text.remove_prefix(1);
  const std::optional<int64_t> number = ParseInt64(text);
  if (!number || *number < 0) return invalid();
  auto offset = static_cast<uint64_t>(*number);
  if (counts_fields && __builtin_mul_overflow(offset, uint64_t{field_bits}, &offset)) return invalid();
  if (offset / 8 >= static_cast<uint64_t>(context.settings().proto_max_bulk_len_bytes)) return invalid();
  return offset;
}

Result<std::string_view> BitmapBytes(const Entry* entry, char* buffer) {
  if (entry == nullptr) return std::string_view();
  if (entry->type() != ValueType::kString) return errors::WrongType();
  return entry->string().Text(buffer);
}

}  // namespace kvick

#include "containers/array_item.h"

#include <malloc.h>

#include <cstdlib>
#include <optional>

#include "base/assert.h"

namespace kvick {

ArrayItem ArrayItem::Make(std::string_view text) {
  if (text.size() <= kShortMax) {
    uint64_t bytes = 0;
    std::memcpy(&bytes, text.data(), text.size());
    return ArrayItem(bytes << 8 | static_cast<uint64_t>(text.size()) << 2 | kShortTag);
  }
  if (const std::optional<int64_t> integer = ParseInt64(text)) {
    const auto bits = static_cast<uint64_t>(*integer) << 2;
    if (static_cast<int64_t>(bits) >> 2 == *integer) return ArrayItem(bits | kIntegerTag);
  }
  auto* made = static_cast<LongText*>(std::malloc(sizeof(LongText) + text.size()));
  KVICK_ASSERT(made != nullptr);
  made->size = text.size();
  std::memcpy(made->bytes(), text.data(), text.size());
  return ArrayItem(reinterpret_cast<uint64_t>(made));
}

ArrayItem ArrayItem::Copy() const { return is_long() ? Make({long_text()->bytes(), long_text()->size}) : *this; }

void ArrayItem::Free() {
  if (is_long()) std::free(long_text());
  bits_ = 0;
}

std::string_view ArrayItem::Text(char* buffer) const {
  if (is_long()) return {long_text()->bytes(), long_text()->size};
  if ((bits_ & kTagMask) == kIntegerTag) {
    return {buffer, FormatInt64(static_cast<int64_t>(bits_) >> 2, buffer)};
  }
  const uint64_t bytes = bits_ >> 8;
  std::memcpy(buffer, &bytes, sizeof(bytes));
  return {buffer, bits_ >> 2 & 7};
}

size_t ArrayItem::allocated_bytes() const { return is_long() ? malloc_usable_size(long_text()) : 0; }

}  // namespace kvick

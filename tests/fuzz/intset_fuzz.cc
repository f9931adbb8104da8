// Intset on any bytes: what is accepted reads, changes and copies without leaving its block; what is not is refused.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/assert.h"
#include "containers/intset.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  std::optional<kvick::Intset> integers = kvick::Intset::FromBytes(bytes);
  KVICK_ASSERT(integers.has_value() == kvick::Intset::IsValid(bytes));
  if (!integers) return 0;
  KVICK_ASSERT(integers->bytes() == bytes);
  const size_t count = integers->count();
  for (size_t i = 0; i < count; ++i) {
    KVICK_ASSERT(integers->Contains(integers->At(i)));
    KVICK_ASSERT(i == 0 || integers->At(i - 1) < integers->At(i));
  }
  for (const int64_t value : {INT64_MIN, int64_t{0}, INT64_MAX}) {
    const bool was_there = integers->Contains(value);
    KVICK_ASSERT(integers->Add(value) != was_there);
    KVICK_ASSERT(integers->Remove(value));
  }
  KVICK_ASSERT(kvick::Intset::IsValid(integers->bytes()));
  return 0;
}

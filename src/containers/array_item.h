// ArrayItem: one place of an array, eight bytes: nothing, a text of up to seven bytes or an integer in place, or a
// pointer to a longer text.
//
//   ArrayItem item = ArrayItem::Make("200");
//   char buffer[ArrayItem::kTextMax];
//   item.Text(buffer);      // "200", as it was given
//   item.Free();
//
// A plain value: whoever holds it frees it, once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/numbers.h"

namespace kvick {

class ArrayItem {
 public:
  // What Text needs: the digits of an integer.
  static constexpr size_t kTextMax = kInt64TextMax;

  ArrayItem() = default;
  static ArrayItem Make(std::string_view text);
  ArrayItem Copy() const;
  void Free();

  bool is_set() const { return bits_ != 0; }
  // Must be set. Lies in `buffer` (kTextMax bytes) or in the item, and is valid as long as both.
  std::string_view Text(char* buffer) const;
  // Of a longer text.
  size_t allocated_bytes() const;

 private:
  // The lowest bits say what the others are. A pointer has neither.
  static constexpr uint64_t kShortTag = 1;    // bits 2 to 4 are the length, the seven high bytes the text
  static constexpr uint64_t kIntegerTag = 2;  // the 62 high bits
  static constexpr uint64_t kTagMask = 3;
  static constexpr size_t kShortMax = 7;

  struct LongText {
    size_t size;
    char* bytes() { return reinterpret_cast<char*>(this + 1); }
  };

  explicit ArrayItem(uint64_t bits) : bits_(bits) {}
  bool is_long() const { return bits_ != 0 && (bits_ & kTagMask) == 0; }
  LongText* long_text() const { return reinterpret_cast<LongText*>(bits_); }

  uint64_t bits_ = 0;
};
static_assert(sizeof(ArrayItem) == 8);

}  // namespace kvick

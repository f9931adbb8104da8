// CompactFields and CompactArray: the fields of a compact hash, whose names are in a template that it shares with all
// hashes of the same fields (types/hash_template.h).
//
//   CompactFields  all values in one block of bytes, which also lies in a key's entry
//   CompactArray   each value by itself, for hashes that are too large for that
//
// The block:
//
//   block = template-id value*                  the values in the order of the names, as many as there are names
//   template-id = seven bits a byte, the lowest first, all bytes but the last with their highest bit set
//   value = 0vvvvvvv                            an integer 0..127
//         | 110vvvvv vvvvvvvv                   13 bits, signed
//         | 0xF1 i16 | 0xF3 i32 | 0xF4 i64
//         | 100nnnnn byte{n}                    up to 31 bytes
//         | 101nnnnn byte{5/8 n}                n characters of five bits (containers/short_text.h), if that is less
//         | 1110nnnn nnnnnnnn byte{n}           up to 4095
//         | 0xF0 n:u32 byte{n}
//
// These are a listpack's elements without what a listpack needs beside them: its head, its end, and the lengths by
// which it can be read backwards, two bytes a value. In hashes of five short fields that is a third of the block, and
// letters of five bits and the short id save a fifth of the rest.
//
// Both hold their template. Thread rule: that of their hash.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/numbers.h"
#include "containers/short_text.h"
#include "types/hash_template.h"

namespace kvick {

// Room for a value that does not lie in the block as it reads.
inline constexpr size_t kCompactTextMax = std::max(kInt64TextMax, kShortTextMax);

// The value at `*at`, which moves behind it; where it lies, or in `buffer` (kCompactTextMax bytes).
std::string_view TakeCompactValue(const char** at, char* buffer);

class CompactFields {
 public:
  // As many values as the template has names.
  CompactFields(HashTemplateRef names, std::span<const std::string_view> values);
  // `block`: what bytes() of another was.
  static CompactFields CopyOf(std::string_view block);
  // Uses a block that lies elsewhere, for reading: must not be destroyed.
  static CompactFields Borrow(std::string_view block) { return CompactFields(const_cast<char*>(block.data())); }
  CompactFields(CompactFields&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  CompactFields& operator=(CompactFields&& other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  CompactFields(const CompactFields&) = delete;
  CompactFields& operator=(const CompactFields&) = delete;
  ~CompactFields();

  const HashTemplate& names() const { return TemplateOf(block_); }
  static const HashTemplate& TemplateOf(const char* block) { return HashTemplates::ById(TakeId(&block)); }
  // The first value.
  const char* values() const {
    const char* at = block_;
    TakeId(&at);
    return at;
  }
  // As TakeCompactValue.
  std::string_view Get(size_t index, char* buffer) const;
  std::string_view bytes() const;
  size_t memory_bytes() const;

  void Replace(size_t index, std::string_view value);
  // The template becomes one with a name more, or less, at `index`.
  void Insert(HashTemplateRef names, size_t index, std::string_view value);
  void Erase(HashTemplateRef names, size_t index);

 private:
  explicit CompactFields(char* block) : block_(block) {}
  static uint32_t TakeId(const char** at) {
    uint32_t id = 0;
    for (unsigned shift = 0;; shift += 7) {
      const auto byte = static_cast<uint8_t>(*(*at)++);
      id |= static_cast<uint32_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return id;
    }
  }
  const char* Place(size_t index) const;
  // Puts `made` in the place of the bytes from `begin` to `end`.
  void Splice(const char* begin, const char* end, std::string_view made);
  // The same, and the template becomes another.
  void ChangeTemplate(HashTemplateRef names, const char* begin, const char* end, std::string_view made);

  char* block_;
};

struct CompactArray {
  HashTemplateRef names;
  std::vector<std::string> values;

  size_t memory_bytes() const;
};

}  // namespace kvick

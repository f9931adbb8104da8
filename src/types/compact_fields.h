// CompactFields and CompactArray: the fields of a compact hash, whose names are in a template that it shares with all
// hashes of the same fields (types/hash_template.h).
//
//   CompactFields  all values in one block of bytes, which also lies in a key's entry
//   CompactArray   each value by itself, for hashes that are too large for that
//
// The block:
//
//   block = template-id:u32 value*              the values in the order of the names, as many as there are names
//   value = 0vvvvvvv                            an integer 0..127
//         | 110vvvvv vvvvvvvv                   13 bits, signed
//         | 0xF1 i16 | 0xF3 i32 | 0xF4 i64
//         | 10nnnnnn byte{n}                    up to 63 bytes
//         | 1110nnnn nnnnnnnn byte{n}           up to 4095
//         | 0xF0 n:u32 byte{n}
//
// These are a listpack's elements without what a listpack needs beside them: its head, its end, and the lengths by
// which it can be read backwards, two bytes a value. In hashes of five short fields that is a third of the block.
//
// Both hold their template. Thread rule: that of their hash.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "containers/listpack.h"
#include "types/hash_template.h"

namespace kvick {

// The value at `*at`, which moves behind it.
ListpackValue TakeCompactValue(const char** at);

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
  static const HashTemplate& TemplateOf(const char* block) {
    uint32_t id;
    std::memcpy(&id, block, sizeof(id));
    return HashTemplates::ById(id);
  }
  // The first value.
  const char* values() const { return block_ + sizeof(uint32_t); }
  ListpackValue Get(size_t index) const;
  std::string_view bytes() const;
  size_t memory_bytes() const;

  void Replace(size_t index, std::string_view value);
  // The template becomes one with a name more, or less, at `index`.
  void Insert(HashTemplateRef names, size_t index, std::string_view value);
  void Erase(HashTemplateRef names, size_t index);

 private:
  explicit CompactFields(char* block) : block_(block) {}
  const char* Place(size_t index) const;
  // Puts `made` in the place of the bytes from `begin` to `end`.
  void Splice(const char* begin, const char* end, std::string_view made);
  void ChangeTemplate(HashTemplateRef names);

  char* block_;
};

struct CompactArray {
  HashTemplateRef names;
  std::vector<std::string> values;

  size_t memory_bytes() const;
};

}  // namespace kvick

// PackedEditor: the bytes of a small collection where they lie, which is in their entry, for changes that are simple
// enough to be made there, without copying the collection out and back.
//
//   if (char* bytes = editor.Splice({.at = size - 1, .inserted = n, .items_before = 3, .items_after = 4})) ...
//
// Types say what a change does to their bytes (ListValue::PushPacked, SetValue::AddPacked, HashValue::SetPacked);
// whoever holds the entry makes room. A change that would make something else of the collection is declined, and made
// the usual way.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace kvick {

// `erased` bytes at `at` make way for `inserted` others, after which the collection has so many items.
struct PackedSplice {
  size_t at = 0;
  size_t erased = 0;
  size_t inserted = 0;
  size_t items_before = 0;
  size_t items_after = 0;
};

class PackedEditor {
 public:
  // Of PackedValue.
  [[nodiscard]] virtual std::string_view bytes() const = 0;
  [[nodiscard]] virtual uint8_t kind() const = 0;
  // Makes the room, in which anything may be, and returns where the collection's bytes begin now: the caller writes
  // what belongs there, and mends what tells their length. Null, with nothing changed, when they would no longer fit.
  virtual char* Splice(const PackedSplice& splice) = 0;

 protected:
  ~PackedEditor() = default;
};

}  // namespace kvick

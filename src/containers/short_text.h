// Short texts in five bits a character: names, cities, addresses of mail, words that stand for a state. Everything that
// is kept a million times and is made of letters and few signs.
//
//   packed = case:2 code:5*count, the lowest bits of a byte first, the last byte filled with zeros
//   code   = 0..25 a..z | 26 space | 27 . | 28 @ | 29 - | 30 _ | 31 /
//   case   = 0 "no capitals" | 1 "The first" | 2 "The First Of Each Word" | 3 "ALL"
//
// Who keeps such bytes keeps the number of characters too. A text with any other character, or with other capitals, is
// not packed. Why not a code of Huffman's: it saves no more on texts that are a dozen characters long, because each
// begins with a byte of its own, and takes a table to read.
#pragma once

#include <cstddef>
#include <string_view>

namespace kvick {

inline constexpr size_t kShortTextMax = 31;

// What so many characters are packed into.
constexpr size_t ShortTextBytes(size_t count) { return (2 + 5 * count + 7) / 8; }

// Packs the text to `out` (ShortTextBytes of its length); false when it is not such a text, or is too long.
bool TryPackShortText(std::string_view text, char* out);
// Reads `count` characters into `buffer`.
std::string_view UnpackShortText(const char* packed, size_t count, char* buffer);

}  // namespace kvick

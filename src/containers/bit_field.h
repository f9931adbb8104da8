// Integers of 1 to 64 bits at any bit of a byte string, as BITFIELD reads and writes them: the highest bit first.
//
//   const BitFieldType type = *BitFieldType::Parse("i5");
//   const int64_t old = ReadBitField(bytes, 100, type);
//   if (const auto next = AddWithin(type, old, 10, Overflow::kSaturate)) WriteBitField(data, 100, type, *next);
//
// A signed field has up to 64 bits, an unsigned one up to 63, so that every value is an int64_t.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace kvick {

struct BitFieldType {
  bool is_signed = false;
  uint8_t bit_count = 0;

  // "i16", "u8". Nothing for what is neither.
  static std::optional<BitFieldType> Parse(std::string_view text);
  int64_t minimum() const { return is_signed ? -1 - maximum() : 0; }
  int64_t maximum() const { return static_cast<int64_t>((uint64_t{1} << (bit_count - (is_signed ? 1 : 0))) - 1); }
};

// What becomes of a result that the type cannot hold.
enum class Overflow : uint8_t { kWrap, kSaturate, kFail };

// Bits behind the end of the bytes are zeros.
int64_t ReadBitField(std::string_view bytes, uint64_t bit_offset, BitFieldType type);
// The bytes must reach to the end of the field.
void WriteBitField(char* bytes, uint64_t bit_offset, BitFieldType type, int64_t value);

// `value` as the type holds it. Nothing when it does not fit and the overflow shall fail. An unsigned type takes a
// negative value for a very large one.
std::optional<int64_t> FitWithin(BitFieldType type, int64_t value, Overflow overflow);
// value + increment, where `value` is one of the type's.
std::optional<int64_t> AddWithin(BitFieldType type, int64_t value, int64_t increment, Overflow overflow);

}  // namespace kvick

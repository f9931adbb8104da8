#include "containers/bit_field.h"

#include <algorithm>
#include <limits>

#include "base/numbers.h"

namespace kvick {
namespace {

__extension__ using Wide = __int128;  // holds every sum of two 64-bit numbers

// The lowest bits of `bits` as a value of the type.
int64_t Interpret(BitFieldType type, uint64_t bits) {
  const int unused = 64 - type.bit_count;
  const uint64_t high = bits << unused;
  return type.is_signed ? static_cast<int64_t>(high) >> unused : static_cast<int64_t>(high >> unused);
}

// `is_above` says on which side a value that does not fit is saturated.
std::optional<int64_t> Fit(BitFieldType type, Wide value, bool is_above, Overflow overflow) {
  if (value >= type.minimum() && value <= type.maximum()) return static_cast<int64_t>(value);
  switch (overflow) {
    case Overflow::kWrap: return Interpret(type, static_cast<uint64_t>(value));
    case Overflow::kSaturate: return is_above ? type.maximum() : type.minimum();
    case Overflow::kFail: break;
  }
  return std::nullopt;
}

}  // namespace

std::optional<BitFieldType> BitFieldType::Parse(std::string_view text) {
  if (text.empty() || (text[0] != 'i' && text[0] != 'u')) return std::nullopt;
  const bool is_signed = text[0] == 'i';
  const std::optional<int64_t> bit_count = ParseInt64(text.substr(1));
  if (!bit_count || *bit_count < 1 || *bit_count > (is_signed ? 64 : 63)) return std::nullopt;
  return BitFieldType{is_signed, static_cast<uint8_t>(*bit_count)};
}

int64_t ReadBitField(std::string_view bytes, uint64_t bit_offset, BitFieldType type) {
  // Up to nine bytes hold the field; the ninth is read apart because eight fill the word.
  const uint64_t first = bit_offset / 8;
  const auto byte_at = [bytes](uint64_t index) {
    return index < bytes.size() ? static_cast<uint8_t>(bytes[index]) : uint8_t{0};
  };
  uint64_t word = 0;
  for (uint64_t i = 0; i < 8; ++i) word = word << 8 | byte_at(first + i);
  const auto shift = static_cast<unsigned>(bit_offset % 8);
  if (shift != 0) word = word << shift | byte_at(first + 8) >> (8 - shift);
  return Interpret(type, word >> (64 - type.bit_count));
}

void WriteBitField(char* bytes, uint64_t bit_offset, BitFieldType type, int64_t value) {
  auto bits = static_cast<uint64_t>(value);
  uint64_t end = bit_offset + type.bit_count;
  // From the last byte to the first, each with the part of the field that lies in it.
  for (unsigned left = type.bit_count; left > 0;) {
    const auto behind = static_cast<unsigned>((8 - end % 8) % 8);
    const unsigned count = std::min(left, 8 - behind);
    const unsigned mask = ((1U << count) - 1) << behind;
    const unsigned old = static_cast<uint8_t>(bytes[(end - 1) / 8]);
    bytes[(end - 1) / 8] = static_cast<char>((old & ~mask) | (static_cast<unsigned>(bits << behind) & mask));
    bits >>= count;
    end -= count;
    left -= count;
  }
}

std::optional<int64_t> FitWithin(BitFieldType type, int64_t value, Overflow overflow) {
  const Wide wide = type.is_signed ? Wide{value} : Wide{static_cast<uint64_t>(value)};
  // Negative numbers whose distance to the maximum has no 64 bits are taken for too large, as clients find elsewhere.
  const bool is_above = wide > type.maximum() || type.maximum() - wide > std::numeric_limits<int64_t>::max();
  return Fit(type, wide, is_above, overflow);
}

std::optional<int64_t> AddWithin(BitFieldType type, int64_t value, int64_t increment, Overflow overflow) {
  const Wide sum = Wide{value} + increment;
  return Fit(type, sum, sum > type.maximum(), overflow);
}

}  // namespace kvick

// How long the text of an integer is, without writing it.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace kvick {

// 1, 10, 100, … up to the largest that 64 bits hold.
inline constexpr std::array<uint64_t, 20> kPowersOfTen = [] {
  std::array<uint64_t, 20> powers{1};
  for (size_t i = 1; i < powers.size(); ++i) powers[i] = powers[i - 1] * 10;
  return powers;
}();

constexpr size_t IntegerTextSize(int64_t value) {
  const uint64_t sign = value < 0 ? 1 : 0;
  const uint64_t magnitude = sign != 0 ? uint64_t{0} - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  if (magnitude < 10) return 1 + sign;
  // 1233 / 4096 is a little more than the logarithm of 2: so many digits, or one more.
  const size_t digits = static_cast<size_t>(std::bit_width(magnitude)) * 1233 >> 12;
  return digits + (magnitude >= kPowersOfTen[digits] ? 1 : 0) + sign;
}

}  // namespace kvick

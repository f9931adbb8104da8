// Short byte strings as machine words: for names, keys and members, where calling memcmp costs more than comparing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace kvick {

template <typename Word>
uint64_t LoadWord(const char* at) {
  Word word;
  std::memcpy(&word, at, sizeof(word));
  return word;
}

// One to eight bytes, zeros behind them, without reading beyond either end.
inline uint64_t LoadUpTo8(const char* at, size_t size) {
  if (size == 8) return LoadWord<uint64_t>(at);
  if (size >= 4) return LoadWord<uint32_t>(at) | LoadWord<uint32_t>(at + size - 4) << (8 * (size - 4));
  if (size >= 2) return LoadWord<uint16_t>(at) | LoadWord<uint16_t>(at + size - 2) << (8 * (size - 2));
  return static_cast<uint8_t>(*at);
}

// Lower case for eight letters at once: only bytes from 'A' to 'Z' change.
constexpr uint64_t ToLowerWord(uint64_t word) {
  constexpr uint64_t kEach = 0x0101010101010101;
  const uint64_t low_bits = word & (kEach * 0x7f);
  const uint64_t from_a = low_bits + kEach * (0x80 - 'A');
  const uint64_t behind_z = low_bits + kEach * (0x7f - 'Z');
  const uint64_t is_upper = (from_a ^ behind_z) & ~word & (kEach * 0x80);
  return word | is_upper >> 2;
}

inline bool EqualBytes(std::string_view a, std::string_view b) {
  const size_t size = a.size();
  if (size != b.size()) return false;
  if (size > 32) return std::memcmp(a.data(), b.data(), size) == 0;
  if (size <= 8) return size == 0 || LoadUpTo8(a.data(), size) == LoadUpTo8(b.data(), size);
  for (size_t at = 0; at + 8 < size; at += 8) {
    if (LoadWord<uint64_t>(a.data() + at) != LoadWord<uint64_t>(b.data() + at)) return false;
  }
  return LoadWord<uint64_t>(a.data() + size - 8) == LoadWord<uint64_t>(b.data() + size - 8);
}

// memcpy for short strings. `to` must have room for eight bytes, however few are copied.
inline void CopyBytes(char* to, std::string_view bytes) {
  const size_t size = bytes.size();
  if (size > 32) {
    std::memcpy(to, bytes.data(), size);
    return;
  }
  if (size <= 8) {
    const uint64_t word = size == 0 ? 0 : LoadUpTo8(bytes.data(), size);
    std::memcpy(to, &word, sizeof(word));
    return;
  }
  for (size_t at = 0; at + 8 < size; at += 8) std::memcpy(to + at, bytes.data() + at, 8);
  std::memcpy(to + size - 8, bytes.data() + size - 8, 8);
}

}  // namespace kvick

#include "base/digest.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstdio>
#include <cstring>

namespace kvick {

Digest::Words Digest::HashOf(std::string_view bytes, uint64_t seed) {
  const XXH128_hash_t wide = XXH3_128bits_withSeed(bytes.data(), bytes.size(), seed);
  const uint64_t narrow = XXH3_64bits_withSeed(bytes.data(), bytes.size(), ~seed);
  return {wide.high64, wide.low64, static_cast<uint32_t>(narrow)};
}

std::string_view Digest::Bytes(std::array<char, 20>* buffer) const {
  std::memcpy(buffer->data(), &words_.high, 8);
  std::memcpy(buffer->data() + 8, &words_.middle, 8);
  std::memcpy(buffer->data() + 16, &words_.low, 4);
  return {buffer->data(), buffer->size()};
}

void Digest::Add(const Words& words) {
  words_.high += words.high;
  words_.middle += words.middle;
  words_.low += words.low;
}

void Digest::Append(std::string_view bytes) {
  std::array<char, 20> before;
  const Words added = HashOf(bytes, 1);
  words_ = HashOf(Bytes(&before), 2);
  Add(added);
}

// Sums rather than exclusive ors: two equal elements do not cancel each other.
void Digest::Mix(std::string_view bytes) { Add(HashOf(bytes, 3)); }

void Digest::Mix(const Digest& other) {
  std::array<char, 20> bytes;
  Mix(other.Bytes(&bytes));
}

std::string Digest::Hex() const {
  char text[41];
  std::snprintf(text, sizeof(text), "%016llx%016llx%08x", static_cast<unsigned long long>(words_.high),
                static_cast<unsigned long long>(words_.middle), words_.low);
  return text;
}

}  // namespace kvick

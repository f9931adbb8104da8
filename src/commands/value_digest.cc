#include "commands/value_digest.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace kvick {

uint64_t DigestOf(std::string_view value) { return XXH3_64bits(value.data(), value.size()); }

std::string FormatDigest(uint64_t digest) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text(kDigestTextSize, '0');
  for (size_t i = kDigestTextSize; i > 0; --i, digest >>= 4) text[i - 1] = kDigits[digest & 15];
  return text;
}

std::optional<uint64_t> ParseDigest(std::string_view text) {
  if (text.size() != kDigestTextSize) return std::nullopt;
  uint64_t digest = 0;
  for (const char c : text) {
    unsigned value = 0;
    if (c >= '0' && c <= '9') {
      value = static_cast<unsigned>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      value = static_cast<unsigned>(c - 'a') + 10;
    } else if (c >= 'A' && c <= 'F') {
      value = static_cast<unsigned>(c - 'A') + 10;
    } else {
      return std::nullopt;
    }
    digest = digest << 4 | value;
  }
  return digest;
}

}  // namespace kvick

// The digest of a string value as clients compare it (DIGEST, SET IFDEQ): XXH3, 64 bits, seed 0, over the raw bytes,
// written as sixteen hexadecimal digits, most significant first.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kvick {

inline constexpr size_t kDigestTextSize = 16;

uint64_t DigestOf(std::string_view value);
// Lower case, with leading zeros.
std::string FormatDigest(uint64_t digest);
// Exactly sixteen digits in either case.
std::optional<uint64_t> ParseDigest(std::string_view text);

}  // namespace kvick

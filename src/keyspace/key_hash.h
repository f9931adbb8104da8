// The hash of a key. Who uses which bits:
//
//   63......54 53........32 31......24 23...........0
//   stripe     (free)       tag        bucket (more of them in tables of over 2^24 buckets)
//
// The low 32 bits alone find an entry within its stripe: the expiry index stores nothing else.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/secret_hash.h"

namespace kvick {

inline uint64_t HashKey(std::string_view key) { return SecretHash(key); }

}  // namespace kvick

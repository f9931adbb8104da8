// The hash of a key, keyed with a secret that each process draws at start, so that no client can prepare keys
// that meet in one bucket. Who uses which bits:
//
//   63......54 53........32 31......24 23...........0
//   stripe     (free)       tag        bucket (more of them in tables of over 2^24 buckets)
//
// The low 32 bits alone find an entry within its stripe: the expiry index stores nothing else.
#pragma once

#include <cstdint>
#include <string_view>

namespace kvick {

uint64_t HashKey(std::string_view key);

}  // namespace kvick

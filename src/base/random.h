// Random: a fast generator for choices that are no secrets (xoshiro256**), and the kernel's bytes for those that
// are. A Random belongs to one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace kvick {

// The 64-bit number `random` scaled to 0 <= result < bound.
inline uint64_t ScaleBelow(uint64_t random, uint64_t bound) {
  __extension__ typedef unsigned __int128 Wide;
  return static_cast<uint64_t>((static_cast<Wide>(random) * bound) >> 64);
}

class Random {
 public:
  explicit Random(uint64_t seed);
  uint64_t Next();
  // 0 <= result < bound; bound > 0. Without bias that could be seen (the bound is far below 2^64).
  uint64_t Below(uint64_t bound) { return ScaleBelow(Next(), bound); }
  // 0 <= result < 1.
  double Unit() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }

 private:
  uint64_t state_[4];
};

// Bytes from the kernel.
void FillWithSecretBytes(void* out, size_t count);
// `count` lower-case hexadecimal digits from the kernel: run ids and the like.
std::string SecretHex(size_t count);

}  // namespace kvick

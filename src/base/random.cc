#include "base/random.h"

#include <sys/random.h>

#include "base/assert.h"

namespace kvick {
namespace {

uint64_t RotateLeft(uint64_t x, int count) { return (x << count) | (x >> (64 - count)); }

}  // namespace

Random::Random(uint64_t seed) {
  for (uint64_t& word : state_) {  // splitmix64 spreads any seed over the state
    seed += 0x9e3779b97f4a7c15;
    uint64_t z = seed;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    word = z ^ (z >> 31);
  }
}

uint64_t Random::Next() {
  const uint64_t result = RotateLeft(state_[1] * 5, 7) * 9;
  const uint64_t t = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= t;
  state_[3] = RotateLeft(state_[3], 45);
  return result;
}

void FillWithSecretBytes(void* out, size_t count) {
  auto* bytes = static_cast<unsigned char*>(out);
  while (count > 0) {
    const ssize_t got = getrandom(bytes, count, 0);
    if (got < 0) continue;  // interrupted by a signal
    bytes += got;
    count -= static_cast<size_t>(got);
  }
}

std::string SecretHex(size_t count) {
  std::string text(count, '\0');
  FillWithSecretBytes(text.data(), count);
  for (char& c : text) c = "0123456789abcdef"[static_cast<unsigned char>(c) & 15];
  return text;
}

}  // namespace kvick

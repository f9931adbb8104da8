#include "base/crc64.h"

#include <array>
#include <bit>
#include <cstddef>
#include <cstring>

namespace kvick {
namespace {

static_assert(std::endian::native == std::endian::little, "eight bytes are taken as they lie in memory");

// x^64 + the bits of 0xad93d23594c935a9, reflected.
constexpr uint64_t kPolynomial = 0x95ac9329ac4bc9b5;
constexpr size_t kStep = 8;

// Table n has the sums of one byte that is followed by n zero bytes, so that eight bytes are summed at once: the sum
// over a data set is on the way of its loading.
using Tables = std::array<std::array<uint64_t, 256>, kStep>;
constexpr Tables MakeTables() {
  Tables tables{};
  for (uint64_t i = 0; i < 256; ++i) {
    uint64_t sum = i;
    for (int bit = 0; bit < 8; ++bit) sum = (sum & 1) != 0 ? (sum >> 1) ^ kPolynomial : sum >> 1;
    tables[0][i] = sum;
  }
  for (size_t n = 1; n < kStep; ++n) {
    for (size_t i = 0; i < 256; ++i) {
      const uint64_t shorter = tables[n - 1][i];
      tables[n][i] = tables[0][shorter & 0xff] ^ (shorter >> 8);
    }
  }
  return tables;
}
constexpr Tables kTables = MakeTables();

}  // namespace

uint64_t Crc64(std::string_view bytes, uint64_t before) {
  uint64_t sum = before;
  const char* at = bytes.data();
  const char* const end = at + bytes.size();
  for (; static_cast<size_t>(end - at) >= kStep; at += kStep) {
    uint64_t word;
    std::memcpy(&word, at, sizeof(word));
    word ^= sum;
    sum = kTables[7][word & 0xff] ^ kTables[6][word >> 8 & 0xff] ^ kTables[5][word >> 16 & 0xff] ^
          kTables[4][word >> 24 & 0xff] ^ kTables[3][word >> 32 & 0xff] ^ kTables[2][word >> 40 & 0xff] ^
          kTables[1][word >> 48 & 0xff] ^ kTables[0][word >> 56];
  }
  for (; at < end; ++at) sum = kTables[0][(sum ^ static_cast<unsigned char>(*at)) & 0xff] ^ (sum >> 8);
  return sum;
}

}  // namespace kvick

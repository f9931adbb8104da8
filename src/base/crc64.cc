#include "base/crc64.h"

#include <array>

namespace kvick {
namespace {

// x^64 + the bits of 0xad93d23594c935a9, reflected.
constexpr uint64_t kPolynomial = 0x95ac9329ac4bc9b5;

constexpr std::array<uint64_t, 256> MakeTable() {
  std::array<uint64_t, 256> table{};
  for (uint64_t i = 0; i < table.size(); ++i) {
    uint64_t sum = i;
    for (int bit = 0; bit < 8; ++bit) sum = (sum & 1) != 0 ? (sum >> 1) ^ kPolynomial : sum >> 1;
    table[i] = sum;
  }
  return table;
}
constexpr std::array<uint64_t, 256> kTable = MakeTable();

}  // namespace

uint64_t Crc64(std::string_view bytes, uint64_t before) {
  uint64_t sum = before;
  for (const char c : bytes) sum = kTable[(sum ^ static_cast<unsigned char>(c)) & 0xff] ^ (sum >> 8);
  return sum;
}

}  // namespace kvick

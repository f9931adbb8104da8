// The 16,384 registers of a HyperLogLog: six bits each as they are stored, a byte each to work with.
//
//   RegisterBytes registers{};
//   RaiseByPacked(packed, registers);     // for each of several values
//   const uint64_t estimate = EstimateCount(registers);
//   PackRegisters(registers, packed);
//
// Packed registers lie one behind the other, the lowest bit first: register i begins at bit 6 * i.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace kvick {

inline constexpr size_t kRegisterIndexBits = 14;
inline constexpr size_t kRegisterCount = size_t{1} << kRegisterIndexBits;
inline constexpr size_t kRegisterBits = 6;
inline constexpr size_t kPackedRegistersBytes = kRegisterCount * kRegisterBits / 8;
// The bits of a hash that do not choose the register; a register holds at most one more.
inline constexpr size_t kRegisterHashBits = 64 - kRegisterIndexBits;

using RegisterBytes = std::array<uint8_t, kRegisterCount>;

// One register of `packed`, which is kPackedRegistersBytes long.
uint8_t PackedRegister(const char* packed, size_t index);
void SetPackedRegister(char* packed, size_t index, uint8_t value);

void PackRegisters(const RegisterBytes& registers, char* packed);
// Raises each register to that of `packed` where it is lower.
void RaiseByPacked(const char* packed, RegisterBytes& registers);

// How many registers have each value.
using RegisterHistogram = std::array<uint32_t, size_t{1} << kRegisterBits>;
RegisterHistogram CountPacked(const char* packed);
RegisterHistogram CountRegisters(const RegisterBytes& registers);

// The estimate of "New cardinality estimation algorithms for HyperLogLog sketches" (Otmar Ertl, 2017).
uint64_t EstimateCount(const RegisterHistogram& histogram);

// Which register an element belongs to, and what it raises it to.
struct RegisterValue {
  uint32_t index;
  uint8_t value;
};
RegisterValue RegisterOfHash(uint64_t hash);

}  // namespace kvick

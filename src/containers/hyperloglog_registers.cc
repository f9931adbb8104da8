#include "containers/hyperloglog_registers.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace kvick {
namespace {

// Four registers are three bytes.
constexpr size_t kGroupRegisters = 4;
constexpr size_t kGroupBytes = 3;
constexpr uint32_t kRegisterMask = (1U << kRegisterBits) - 1;

uint32_t LoadGroup(const char* packed) {
  uint32_t group = 0;
  std::memcpy(&group, packed, kGroupBytes);
  return group;
}

// 0xDDCCBBAA of the 24 bits of a group, and back.
uint32_t SpreadGroup(uint32_t group) {
  return (group & kRegisterMask) | (group & kRegisterMask << 6) << 2 | (group & kRegisterMask << 12) << 4 |
         (group & kRegisterMask << 18) << 6;
}
uint32_t PressGroup(uint32_t bytes) {
  return (bytes & kRegisterMask) | (bytes >> 2 & kRegisterMask << 6) | (bytes >> 4 & kRegisterMask << 12) |
         (bytes >> 6 & kRegisterMask << 18);
}

#if defined(__x86_64__)

bool HasAvx2() {
  static const bool has = __builtin_cpu_supports("avx2") != 0;
  return has;
}

// SpreadGroup and PressGroup for eight groups, 24 bytes, at once. A load takes 28 bytes, so the last round of the
// packed registers is not for these.
constexpr size_t kRoundBytes = 24;
constexpr size_t kRoundRegisters = 32;
constexpr size_t kRoundsEnd = kPackedRegistersBytes - kRoundBytes;

__attribute__((target("avx2"))) inline __m256i LoadRound(const char* packed) {
  const __m128i low = _mm_loadu_si128(reinterpret_cast<const __m128i*>(packed));
  const __m128i high = _mm_loadu_si128(reinterpret_cast<const __m128i*>(packed + 12));
  const __m256i groups = _mm256_shuffle_epi8(_mm256_set_m128i(high, low),
                                             _mm256_setr_epi8(0, 1, 2, -1, 3, 4, 5, -1, 6, 7, 8, -1, 9, 10, 11, -1,  //
                                                              0, 1, 2, -1, 3, 4, 5, -1, 6, 7, 8, -1, 9, 10, 11, -1));
  const __m256i first = _mm256_and_si256(groups, _mm256_set1_epi32(0x3f));
  const __m256i second = _mm256_and_si256(_mm256_slli_epi32(groups, 2), _mm256_set1_epi32(0x3f00));
  const __m256i third = _mm256_and_si256(_mm256_slli_epi32(groups, 4), _mm256_set1_epi32(0x3f0000));
  const __m256i fourth = _mm256_and_si256(_mm256_slli_epi32(groups, 6), _mm256_set1_epi32(0x3f000000));
  return _mm256_or_si256(_mm256_or_si256(first, second), _mm256_or_si256(third, fourth));
}

__attribute__((target("avx2"))) size_t RaiseRounds(const char* packed, uint8_t* registers) {
  size_t at = 0;
  for (; at < kRoundsEnd; at += kRoundBytes, registers += kRoundRegisters) {
    auto* const out = reinterpret_cast<__m256i*>(registers);
    _mm256_storeu_si256(out, _mm256_max_epu8(_mm256_loadu_si256(out), LoadRound(packed + at)));
  }
  return at;
}

__attribute__((target("avx2"))) size_t PackRounds(const uint8_t* registers, char* packed) {
  const __m256i press = _mm256_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1,  //
                                         0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1);
  size_t at = 0;
  for (; at < kRoundsEnd; at += kRoundBytes, registers += kRoundRegisters) {
    const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(registers));
    const __m256i first = _mm256_and_si256(bytes, _mm256_set1_epi32(0x3f));
    const __m256i second = _mm256_and_si256(_mm256_srli_epi32(bytes, 2), _mm256_set1_epi32(0xfc0));
    const __m256i third = _mm256_and_si256(_mm256_srli_epi32(bytes, 4), _mm256_set1_epi32(0x3f000));
    const __m256i fourth = _mm256_and_si256(_mm256_srli_epi32(bytes, 6), _mm256_set1_epi32(0xfc0000));
    const __m256i groups =
        _mm256_shuffle_epi8(_mm256_or_si256(_mm256_or_si256(first, second), _mm256_or_si256(third, fourth)), press);
    // Each store writes four bytes too many; the next one, or the caller, puts them right.
    _mm_storeu_si128(reinterpret_cast<__m128i*>(packed + at), _mm256_castsi256_si128(groups));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(packed + at + 12), _mm256_extracti128_si256(groups, 1));
  }
  return at;
}

#endif

// Two functions of Ertl's paper, summed until they no longer change.
double Sigma(double x) {
  if (x == 1.0) return std::numeric_limits<double>::infinity();
  double weight = 1;
  double sum = x;
  double before = 0;
  do {
    x *= x;
    before = sum;
    sum += x * weight;
    weight += weight;
  } while (before != sum);
  return sum;
}

double Tau(double x) {
  if (x == 0.0 || x == 1.0) return 0.0;
  double weight = 1;
  double sum = 1 - x;
  double before = 0;
  do {
    x = std::sqrt(x);
    before = sum;
    weight *= 0.5;
    sum -= std::pow(1 - x, 2) * weight;
  } while (before != sum);
  return sum / 3;
}

}  // namespace

uint8_t PackedRegister(const char* packed, size_t index) {
  return static_cast<uint8_t>(LoadGroup(packed + index / kGroupRegisters * kGroupBytes) >>
                                  (index % kGroupRegisters * kRegisterBits) &
                              kRegisterMask);
}

void SetPackedRegister(char* packed, size_t index, uint8_t value) {
  char* const bytes = packed + index / kGroupRegisters * kGroupBytes;
  const auto shift = static_cast<unsigned>(index % kGroupRegisters * kRegisterBits);
  const uint32_t group = (LoadGroup(bytes) & ~(kRegisterMask << shift)) | (value & kRegisterMask) << shift;
  std::memcpy(bytes, &group, kGroupBytes);
}

void PackRegisters(const RegisterBytes& registers, char* packed) {
  size_t at = 0;
#if defined(__x86_64__)
  if (HasAvx2()) at = PackRounds(registers.data(), packed);
#endif
  for (; at < kPackedRegistersBytes; at += kGroupBytes) {
    uint32_t bytes;
    std::memcpy(&bytes, &registers[at / kGroupBytes * kGroupRegisters], sizeof(bytes));
    const uint32_t group = PressGroup(bytes);
    std::memcpy(packed + at, &group, kGroupBytes);
  }
}

void RaiseByPacked(const char* packed, RegisterBytes& registers) {
  size_t at = 0;
#if defined(__x86_64__)
  if (HasAvx2()) at = RaiseRounds(packed, registers.data());
#endif
  for (; at < kPackedRegistersBytes; at += kGroupBytes) {
    const uint32_t bytes = SpreadGroup(LoadGroup(packed + at));
    for (size_t i = 0; i < kGroupRegisters; ++i) {
      uint8_t& value = registers[at / kGroupBytes * kGroupRegisters + i];
      value = std::max(value, static_cast<uint8_t>(bytes >> (8 * i)));
    }
  }
}

RegisterHistogram CountPacked(const char* packed) {
  RegisterBytes registers{};
  RaiseByPacked(packed, registers);
  return CountRegisters(registers);
}

RegisterHistogram CountRegisters(const RegisterBytes& registers) {
  // Neighbours are counted in different tables: most registers have one of few values, and an increment must not wait
  // for the one before.
  uint32_t counts[4][256] = {};
  for (size_t i = 0; i < kRegisterCount; i += 4) {
    for (size_t k = 0; k < 4; ++k) ++counts[k][registers[i + k]];
  }
  RegisterHistogram histogram;
  for (size_t value = 0; value < histogram.size(); ++value) {
    histogram[value] = counts[0][value] + counts[1][value] + counts[2][value] + counts[3][value];
  }
  return histogram;
}

uint64_t EstimateCount(const RegisterHistogram& histogram) {
  constexpr double kAlphaInfinity = 0.721347520444481703680;  // 1 / (2 ln 2)
  constexpr auto kCount = static_cast<double>(kRegisterCount);
  double sum = kCount * Tau((kCount - histogram[kRegisterHashBits + 1]) / kCount);
  for (size_t value = kRegisterHashBits; value >= 1; --value) {
    sum += histogram[value];
    sum *= 0.5;
  }
  sum += kCount * Sigma(histogram[0] / kCount);
  return static_cast<uint64_t>(std::llround(kAlphaInfinity * kCount * kCount / sum));
}

RegisterValue RegisterOfHash(uint64_t hash) {
  const auto index = static_cast<uint32_t>(hash & (kRegisterCount - 1));
  // The bit behind the last one is taken for set, so that the value has a bound.
  const uint64_t rest = hash >> kRegisterIndexBits | uint64_t{1} << kRegisterHashBits;
  return {index, static_cast<uint8_t>(std::countr_zero(rest) + 1)};
}

}  // namespace kvick

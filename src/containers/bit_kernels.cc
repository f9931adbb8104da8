#include "containers/bit_kernels.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "base/assert.h"

// Functions for newer processors than the rest is compiled for are chosen where they are called. Not by target_clones:
// its resolvers run before the sanitizers are ready.
#if defined(__x86_64__)
#define KVICK_AVX2 __attribute__((target("avx2")))
#else
#define KVICK_AVX2
#endif

namespace kvick {
namespace {

bool HasAvx2() {
#if defined(__x86_64__)
  static const bool has = __builtin_cpu_supports("avx2") != 0;
  return has;
#else
  return false;
#endif
}

uint64_t LoadWord(const char* bytes) {
  uint64_t word;
  std::memcpy(&word, bytes, sizeof(word));
  return word;
}

// The word whose highest bit is bit 0 of the bytes.
uint64_t LoadBitOrder(const char* bytes) { return __builtin_bswap64(LoadWord(bytes)); }

// Four counts at once: one alone would wait for its own sum.
uint64_t CountWords(const char* bytes, size_t size) {
  uint64_t counts[4] = {};
  size_t at = 0;
  for (; at + 32 <= size; at += 32) {
    for (size_t i = 0; i < 4; ++i) counts[i] += static_cast<uint64_t>(std::popcount(LoadWord(bytes + at + i * 8)));
  }
  for (; at + 8 <= size; at += 8) counts[0] += static_cast<uint64_t>(std::popcount(LoadWord(bytes + at)));
  for (; at < size; ++at) counts[0] += static_cast<uint64_t>(std::popcount(static_cast<uint8_t>(bytes[at])));
  return counts[0] + counts[1] + counts[2] + counts[3];
}

// Below it, choosing costs more than it gains.
constexpr size_t kWideCountBytesMin = 256;

#if defined(__x86_64__)

// An instruction that counts eight words.
__attribute__((target("avx512f,avx512vpopcntdq"))) uint64_t CountAvx512(const char* bytes, size_t size) {
  __m512i first = _mm512_setzero_si512();
  __m512i second = _mm512_setzero_si512();
  size_t at = 0;
  for (; at + 128 <= size; at += 128) {
    first = _mm512_add_epi64(first, _mm512_popcnt_epi64(_mm512_loadu_si512(bytes + at)));
    second = _mm512_add_epi64(second, _mm512_popcnt_epi64(_mm512_loadu_si512(bytes + at + 64)));
  }
  uint64_t sums[8];
  _mm512_storeu_si512(sums, _mm512_add_epi64(first, second));
  uint64_t count = CountWords(bytes + at, size - at);
  for (const uint64_t sum : sums) count += sum;
  return count;
}

// Counts of half bytes, looked up by a shuffle.
KVICK_AVX2 uint64_t CountAvx2(const char* bytes, size_t size) {
  const __m256i counts = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4,  //
                                          0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
  const __m256i low_half = _mm256_set1_epi8(15);
  __m256i total = _mm256_setzero_si256();
  size_t at = 0;
  while (at + 256 <= size) {
    __m256i sum = _mm256_setzero_si256();  // bytes of at most 64
    for (const size_t end = at + 256; at < end; at += 32) {
      const __m256i words = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes + at));
      const __m256i low = _mm256_and_si256(words, low_half);
      const __m256i high = _mm256_and_si256(_mm256_srli_epi16(words, 4), low_half);
      sum = _mm256_add_epi8(sum, _mm256_add_epi8(_mm256_shuffle_epi8(counts, low), _mm256_shuffle_epi8(counts, high)));
    }
    total = _mm256_add_epi64(total, _mm256_sad_epu8(sum, _mm256_setzero_si256()));
  }
  uint64_t sums[4];
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(sums), total);
  return sums[0] + sums[1] + sums[2] + sums[3] + CountWords(bytes + at, size - at);
}

bool HasAvx512Popcount() {
  static const bool has = __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512vpopcntdq") != 0;
  return has;
}

#endif

// ---- CombineBits

// What fits the first-level cache many times over, and is long enough that choosing pointers costs nothing.
constexpr size_t kBlockBytes = 4096;
constexpr size_t kStepBytes = 64;

// 32 bytes that the compiler makes of what the function's target has.
using Lane = uint64_t __attribute__((vector_size(32), aligned(1), may_alias));

struct Lanes {
  Lane first;
  Lane second;
};

// One step of 64 bytes at `at` of all sources. Always inlined: the code must be for the caller's target.
template <BitOperation kOperation>
[[gnu::always_inline]] inline void CombineStep(const char* const* sources, size_t source_count, size_t at, char* out) {
  const auto load = [at](const char* source, Lanes* lanes) __attribute__((always_inline)) {
    std::memcpy(lanes, source + at, sizeof(*lanes));
  };
  Lanes head;
  load(sources[0], &head);
  if constexpr (kOperation == BitOperation::kNot) {
    head = {~head.first, ~head.second};
  } else if constexpr (kOperation == BitOperation::kAnd || kOperation == BitOperation::kOr ||
                       kOperation == BitOperation::kXor) {
    for (size_t i = 1; i < source_count; ++i) {
      Lanes next;
      load(sources[i], &next);
      if constexpr (kOperation == BitOperation::kAnd) head = {head.first & next.first, head.second & next.second};
      if constexpr (kOperation == BitOperation::kOr) head = {head.first | next.first, head.second | next.second};
      if constexpr (kOperation == BitOperation::kXor) head = {head.first ^ next.first, head.second ^ next.second};
    }
  } else if constexpr (kOperation == BitOperation::kOne) {
    Lanes twice = {head.first ^ head.first, head.second ^ head.second};
    for (size_t i = 1; i < source_count; ++i) {
      Lanes next;
      load(sources[i], &next);
      twice = {twice.first | (head.first & next.first), twice.second | (head.second & next.second)};
      head = {head.first | next.first, head.second | next.second};
    }
    head = {head.first & ~twice.first, head.second & ~twice.second};
  } else {
    Lanes others;
    load(sources[1], &others);
    for (size_t i = 2; i < source_count; ++i) {
      Lanes next;
      load(sources[i], &next);
      others = {others.first | next.first, others.second | next.second};
    }
    if constexpr (kOperation == BitOperation::kDiff) head = {head.first & ~others.first, head.second & ~others.second};
    if constexpr (kOperation == BitOperation::kDiff1) head = {~head.first & others.first, ~head.second & others.second};
    if constexpr (kOperation == BitOperation::kAndOr) head = {head.first & others.first, head.second & others.second};
  }
  std::memcpy(out + at, &head, sizeof(head));
}

template <BitOperation kOperation>
[[gnu::always_inline]] inline void CombineAllSteps(const char* const* sources, size_t source_count, char* out,
                                                   size_t size) {
  for (size_t at = 0; at < size; at += kStepBytes) CombineStep<kOperation>(sources, source_count, at, out);
}

using CombineBlock = void (*)(const char* const* sources, size_t source_count, char* out, size_t size);

template <BitOperation kOperation>
void CombineBlockPlain(const char* const* sources, size_t source_count, char* out, size_t size) {
  CombineAllSteps<kOperation>(sources, source_count, out, size);
}
template <BitOperation kOperation>
KVICK_AVX2 void CombineBlockAvx2(const char* const* sources, size_t source_count, char* out, size_t size) {
  CombineAllSteps<kOperation>(sources, source_count, out, size);
}

template <BitOperation kOperation>
CombineBlock ChooseBlock() {
  return HasAvx2() ? CombineBlockAvx2<kOperation> : CombineBlockPlain<kOperation>;
}

CombineBlock ChooseBlock(BitOperation operation) {
  switch (operation) {
    case BitOperation::kAnd: return ChooseBlock<BitOperation::kAnd>();
    case BitOperation::kOr: return ChooseBlock<BitOperation::kOr>();
    case BitOperation::kXor: return ChooseBlock<BitOperation::kXor>();
    case BitOperation::kNot: return ChooseBlock<BitOperation::kNot>();
    case BitOperation::kDiff: return ChooseBlock<BitOperation::kDiff>();
    case BitOperation::kDiff1: return ChooseBlock<BitOperation::kDiff1>();
    case BitOperation::kAndOr: return ChooseBlock<BitOperation::kAndOr>();
    case BitOperation::kOne: break;
  }
  return ChooseBlock<BitOperation::kOne>();
}

// The sources of one block, each `block_bytes` long: the string itself where it goes on, zeros where it has ended, and
// a padded copy where it ends.
class BlockSources {
 public:
  BlockSources(std::span<const std::string_view> sources, size_t block_bytes)
      : sources_(sources), block_bytes_(block_bytes), zeros_(block_bytes, '\0'), pointers_(sources.size()) {}

  const char* const* At(size_t offset) {
    size_t padded_count = 0;
    for (const std::string_view source : sources_) {
      if (source.size() > offset && source.size() - offset < block_bytes_) ++padded_count;
    }
    padded_.assign(padded_count * block_bytes_, '\0');
    char* padded = padded_.data();
    for (size_t i = 0; i < sources_.size(); ++i) {
      const std::string_view source = sources_[i];
      if (source.size() <= offset) {
        pointers_[i] = zeros_.data();
      } else if (source.size() - offset >= block_bytes_) {
        pointers_[i] = source.data() + offset;
      } else {
        std::memcpy(padded, source.data() + offset, source.size() - offset);
        pointers_[i] = padded;
        padded += block_bytes_;
      }
    }
    return pointers_.data();
  }

 private:
  const std::span<const std::string_view> sources_;
  const size_t block_bytes_;
  const std::vector<char> zeros_;
  std::vector<char> padded_;
  std::vector<const char*> pointers_;
};

}  // namespace

uint64_t CountSetBits(std::string_view bytes) {
#if defined(__x86_64__)
  if (bytes.size() >= kWideCountBytesMin) {
    if (HasAvx512Popcount()) return CountAvx512(bytes.data(), bytes.size());
    if (HasAvx2()) return CountAvx2(bytes.data(), bytes.size());
  }
#endif
  return CountWords(bytes.data(), bytes.size());
}

uint64_t CountSetBits(std::string_view bytes, BitRange range) {
  if (range.empty()) return 0;
  const uint64_t last = range.end - 1;
  uint64_t count = CountSetBits(bytes.substr(range.begin / 8, last / 8 - range.begin / 8 + 1));
  const auto head = static_cast<uint8_t>(bytes[range.begin / 8]);
  const auto tail = static_cast<uint8_t>(bytes[last / 8]);
  count -= static_cast<uint64_t>(std::popcount(static_cast<uint8_t>(head & ~(0xffU >> range.begin % 8))));
  count -= static_cast<uint64_t>(std::popcount(static_cast<uint8_t>(tail & (0x7fU >> last % 8))));
  return count;
}

std::optional<uint64_t> FindBit(std::string_view bytes, BitRange range, bool wanted) {
  if (range.empty()) return std::nullopt;
  const uint8_t flip = wanted ? 0 : 0xff;
  const uint64_t flip_word = wanted ? 0 : ~uint64_t{0};
  const auto within = [range](uint64_t index) {
    return index < range.end ? std::optional<uint64_t>(index) : std::nullopt;
  };
  size_t at = range.begin / 8;
  const size_t end = (range.end + 7) / 8;
  const auto head = static_cast<uint8_t>((static_cast<uint8_t>(bytes[at]) ^ flip) & (0xffU >> range.begin % 8));
  if (head != 0) return within(at * 8 + static_cast<uint64_t>(std::countl_zero(head)));
  ++at;
  // Far ahead by 32 bytes, then to the word, then to the byte.
  for (; at + 32 <= end; at += 32) {
    const uint64_t any = (LoadWord(&bytes[at]) ^ flip_word) | (LoadWord(&bytes[at + 8]) ^ flip_word) |
                         (LoadWord(&bytes[at + 16]) ^ flip_word) | (LoadWord(&bytes[at + 24]) ^ flip_word);
    if (any != 0) break;
  }
  for (; at + 8 <= end; at += 8) {
    const uint64_t word = LoadBitOrder(&bytes[at]) ^ flip_word;
    if (word != 0) return within(at * 8 + static_cast<uint64_t>(std::countl_zero(word)));
  }
  for (; at < end; ++at) {
    const auto byte = static_cast<uint8_t>(static_cast<uint8_t>(bytes[at]) ^ flip);
    if (byte != 0) return within(at * 8 + static_cast<uint64_t>(std::countl_zero(byte)));
  }
  return std::nullopt;
}

void CombineBits(BitOperation operation, std::span<const std::string_view> sources, char* out, size_t size) {
  const CombineBlock combine = ChooseBlock(operation);
  const size_t block_bytes = std::min(kBlockBytes, (size + kStepBytes - 1) / kStepBytes * kStepBytes);
  BlockSources block_sources(sources, block_bytes);
  size_t at = 0;
  for (; size - at >= block_bytes && at < size; at += block_bytes) {
    combine(block_sources.At(at), sources.size(), out + at, block_bytes);
  }
  if (at == size) return;
  char last[kBlockBytes];
  combine(block_sources.At(at), sources.size(), last, block_bytes);
  std::memcpy(out + at, last, size - at);
}

}  // namespace kvick

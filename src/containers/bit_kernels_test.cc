#include "containers/bit_kernels.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <vector>

#include "base/random.h"

namespace kvick {
namespace {

constexpr uint64_t kSeed = 20250101;

std::string RandomBytes(Random& random, size_t size) {
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random.Next());
  return bytes;
}

TEST(BitKernelsTest, CountsAsBitByBit) {
  Random random(kSeed);
  for (const size_t size : std::initializer_list<size_t>{0, 1, 7, 8, 9, 31, 32, 33, 100, 4096, 5000}) {
    const std::string bytes = RandomBytes(random, size);
    uint64_t expected = 0;
    for (uint64_t i = 0; i < size * 8; ++i) expected += BitAt(bytes, i) ? 1 : 0;
    EXPECT_EQ(CountSetBits(bytes), expected) << size;
  }
}

TEST(BitKernelsTest, CountsAndFindsInEveryRangeOfAShortString) {
  Random random(kSeed);
  const std::string bytes = RandomBytes(random, 13);
  for (uint64_t begin = 0; begin <= bytes.size() * 8; ++begin) {
    uint64_t count = 0;
    for (uint64_t end = begin; end <= bytes.size() * 8; ++end) {
      if (end > begin && BitAt(bytes, end - 1)) ++count;
      EXPECT_EQ(CountSetBits(bytes, {begin, end}), count) << begin << ' ' << end;
    }
  }
}

TEST(BitKernelsTest, FindsTheFirstBitWhereverItIs) {
  for (const bool wanted : {false, true}) {
    const std::string others(100, wanted ? '\0' : '\xff');
    for (uint64_t at = 0; at < others.size() * 8; ++at) {
      std::string bytes = others;
      bytes[at / 8] = static_cast<char>(static_cast<uint8_t>(bytes[at / 8]) ^ (0x80U >> at % 8));
      const uint64_t size = bytes.size() * 8;
      for (const uint64_t begin : {uint64_t{0}, at / 2, at, at + 1}) {
        for (const uint64_t end : {at, at + 1, (at + size) / 2 + 1, size}) {
          const auto found = FindBit(bytes, {begin, end}, wanted);
          if (begin <= at && at < end) {
            EXPECT_EQ(found, at);
          } else {
            EXPECT_FALSE(found.has_value()) << begin << ' ' << end << ' ' << at;
          }
        }
      }
    }
  }
}

bool Combined(BitOperation operation, const std::vector<bool>& bits) {
  size_t set_count = 0;
  for (const bool bit : bits) set_count += bit ? 1 : 0;
  const bool in_others = set_count > (bits[0] ? 1u : 0u);
  switch (operation) {
    case BitOperation::kAnd: return set_count == bits.size();
    case BitOperation::kOr: return set_count > 0;
    case BitOperation::kXor: return set_count % 2 == 1;
    case BitOperation::kNot: return !bits[0];
    case BitOperation::kDiff: return bits[0] && !in_others;
    case BitOperation::kDiff1: return !bits[0] && in_others;
    case BitOperation::kAndOr: return bits[0] && in_others;
    case BitOperation::kOne: return set_count == 1;
  }
  return false;
}

TEST(BitKernelsTest, CombinesSourcesOfAnyLengthAsBitByBit) {
  Random random(kSeed);
  for (const BitOperation operation :
       {BitOperation::kAnd, BitOperation::kOr, BitOperation::kXor, BitOperation::kNot, BitOperation::kDiff,
        BitOperation::kDiff1, BitOperation::kAndOr, BitOperation::kOne}) {
    for (const size_t size_max : std::initializer_list<size_t>{1, 3, 63, 64, 65, 200, 4095, 4096, 4097, 9000}) {
      const size_t source_count = operation == BitOperation::kNot ? 1 : 2 + random.Below(6);
      std::vector<std::string> sources;
      for (size_t i = 0; i < source_count; ++i) {
        sources.push_back(RandomBytes(random, i == 0 ? size_max : random.Below(size_max + 1)));
      }
      std::swap(sources[0], sources[random.Below(source_count)]);
      const std::vector<std::string_view> views(sources.begin(), sources.end());
      std::string out(size_max, 'x');
      CombineBits(operation, views, out.data(), size_max);
      // All bits near the end, some of those far before it.
      for (uint64_t bit = 0; bit < size_max * 8; bit += bit + 1000 < size_max * 8 ? 13 : 1) {
        std::vector<bool> bits;
        for (const std::string& source : sources) bits.push_back(BitAt(source, bit));
        ASSERT_EQ(BitAt(out, bit), Combined(operation, bits))
            << "operation " << static_cast<int>(operation) << " size " << size_max << " bit " << bit;
      }
      // Into one of the sources that is long enough.
      for (std::string& source : sources) {
        if (source.size() != size_max) continue;
        CombineBits(operation, views, source.data(), size_max);
        ASSERT_EQ(source, out);
        break;
      }
    }
  }
}

}  // namespace
}  // namespace kvick

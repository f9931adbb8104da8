#include "server/memory_check.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <initializer_list>

namespace kvick {
namespace {

constexpr int kRoundCount = 5;
constexpr uint64_t kCheckerboard = 0x5555'5555'5555'5555;

// Read and written through volatile: the compiler must not know that what was written is still there.
using Word = volatile uint64_t;

// Writes `value_of(i)` everywhere, then reads it back in the other direction, so that cells are read long after
// they were written and no cache holds them.
template <typename ValueOf>
size_t WriteAndCompare(Word* words, size_t count, ValueOf value_of) {
  for (size_t i = 0; i < count; ++i) words[i] = value_of(i);
  size_t errors = 0;
  for (size_t i = count; i > 0; --i) errors += words[i - 1] != value_of(i - 1) ? 1 : 0;
  return errors;
}

// A different number for each index of a seed, without a table (splitmix64).
uint64_t Scramble(uint64_t value) {
  value += 0x9e37'79b9'7f4a'7c15;
  value = (value ^ (value >> 30)) * 0xbf58'476d'1ce4'e5b9;
  value = (value ^ (value >> 27)) * 0x94d0'49bb'1331'11eb;
  return value ^ (value >> 31);
}

}  // namespace

size_t CountMemoryErrors(uint64_t* memory, size_t count, uint64_t seed) {
  Word* words = memory;
  size_t errors = 0;
  // Each cell its own address: finds address lines that are stuck or joined.
  errors += WriteAndCompare(words, count, [words](size_t i) { return reinterpret_cast<uint64_t>(words + i); });
  // All bits up, all down, neighbours different: stuck and coupled bits.
  for (const uint64_t pattern : {uint64_t{0}, ~uint64_t{0}, kCheckerboard, ~kCheckerboard}) {
    errors += WriteAndCompare(words, count, [pattern](size_t) { return pattern; });
  }
  // One bit wanders through the word.
  for (unsigned bit = 0; bit < 64; bit += 9) {
    errors += WriteAndCompare(words, count, [bit](size_t i) { return uint64_t{1} << ((bit + i) % 64); });
  }
  errors += WriteAndCompare(words, count, [seed](size_t i) { return Scramble(seed + i); });
  return errors;
}

int TestMemory(uint64_t size_mb) {
  const size_t size_bytes = static_cast<size_t>(size_mb) << 20;
  void* memory = mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED || size_bytes >> 20 != size_mb) {
    std::printf("Unable to allocate %llu megabytes: %s\n", static_cast<unsigned long long>(size_mb),
                std::strerror(errno));
    return 1;
  }
  size_t errors = 0;
  for (int round = 1; round <= kRoundCount; ++round) {
    std::printf("Testing %llu megabytes, round %d of %d... ", static_cast<unsigned long long>(size_mb), round,
                kRoundCount);
    std::fflush(stdout);
    const size_t found =
        CountMemoryErrors(static_cast<uint64_t*>(memory), size_bytes / sizeof(uint64_t), static_cast<uint64_t>(round));
    errors += found;
    std::printf("%zu errors\n", found);
  }
  munmap(memory, size_bytes);
  if (errors > 0) {
    std::printf("\n*** MEMORY ERRORS FOUND: this machine's memory or processor is broken. ***\n");
    return 1;
  }
  std::printf(
      "\nYour memory passed this test.\nPlease keep the test running several minutes per GB of memory, and "
      "see memtester or memtest86 where in doubt.\n");
  return 0;
}

}  // namespace kvick

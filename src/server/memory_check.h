// --test-memory: patterns are written to a large piece of memory and read back, to find broken hardware.
#pragma once

#include <cstddef>
#include <cstdint>

namespace kvick {

// Tests for some time, with a report on standard output; returns the exit status.
int TestMemory(uint64_t size_mb);

// One round over `words`, whose contents are lost. Returns how many words read back wrong. Used by the tests.
size_t CountMemoryErrors(uint64_t* words, size_t word_count, uint64_t seed);

}  // namespace kvick

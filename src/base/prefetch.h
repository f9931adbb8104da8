// Asks the processor to bring a cache line in.
#pragma once

namespace kvick {

// Not __builtin_prefetch: GCC takes a function that does nothing else for one without effects and, with link-time
// optimisation, removes the calls.
inline void PrefetchLine(const void* address) {
#if defined(__x86_64__)
  asm volatile("prefetcht0 %0" : : "m"(*static_cast<const char*>(address)));
#else
  __builtin_prefetch(address);
#endif
}

}  // namespace kvick

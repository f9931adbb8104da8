// What the allocator and the kernel say of this process's memory. Any thread; a measurement costs some microseconds.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"

namespace kvick {

struct AllocatorUsage {
  uint64_t allocated_bytes = 0;  // in live allocations
  uint64_t active_bytes = 0;     // in pages that hold at least one of them
  uint64_t resident_bytes = 0;   // pages that the allocator keeps, its own data included
  uint64_t muzzy_bytes = 0;      // freed pages that the kernel may take
};
AllocatorUsage MeasureAllocator();
// What the calling thread has allocated, less what it has freed, whoever allocated that: its difference between two
// moments is what the thread has added. Some nanoseconds; always 0 where the allocator does not tell.
int64_t ThreadAllocatedBytes();

// "jemalloc-5.3.0", "libc".
std::string AllocatorLabel();
// Gives back what the allocator has kept for some seconds, which it does by itself only while it is used. To be called
// now and then, by a thread that executes no commands.
void ReleaseAgedMemory();
// Gives all free pages back to the kernel.
void ReleaseFreeMemory();
// The allocator's own report for people; empty when it has none.
std::string AllocatorReport();
// Reads, and with `value` first sets, a tunable of the allocator. The error is the system's word for it.
Result<int64_t> AllocatorControl(const std::string& name, const int64_t* value);
Result<std::string> AllocatorTextControl(const std::string& name, const std::string* value);

// Of the whole process, as the kernel counts it.
uint64_t ResidentBytes();
uint64_t MachineMemoryBytes();

}  // namespace kvick

#include "base/memory_usage.h"

#include <malloc.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

// Sanitizers and fuzzers bring allocators of their own, and then these stay null.
extern "C" {
int mallctl(const char* name, void* old_value, size_t* old_size, void* new_value, size_t new_size)
    __attribute__((weak));
// Read by the allocator when it starts. Huge pages are for who asks for them (BlockPool); where the system gives them
// to everybody, freed memory would be slow to go back.
extern const char* malloc_conf;
const char* malloc_conf = "thp:never";
void malloc_stats_print(void (*write)(void*, const char*), void* context, const char* options) __attribute__((weak));
// Of the sanitizers' allocators, which tell mallinfo2 nothing.
size_t __sanitizer_get_current_allocated_bytes() __attribute__((weak));
size_t __sanitizer_get_heap_size() __attribute__((weak));
}

namespace kvick {
namespace {

bool HasJemalloc() { return mallctl != nullptr; }

template <typename T>
T ReadTunable(const char* name) {
  T value{};
  size_t size = sizeof(value);
  return mallctl(name, &value, &size, nullptr, 0) == 0 ? value : T{};
}

Status ControlError(int error) { return Status::Error("ERR " + std::string(std::strerror(error))); }

}  // namespace

AllocatorUsage MeasureAllocator() {
  AllocatorUsage usage;
  if (__sanitizer_get_current_allocated_bytes != nullptr && __sanitizer_get_heap_size != nullptr) {
    usage.allocated_bytes = __sanitizer_get_current_allocated_bytes();
    usage.active_bytes = usage.resident_bytes = __sanitizer_get_heap_size();
    return usage;
  }
  if (!HasJemalloc()) {
    const struct mallinfo2 info = mallinfo2();
    usage.allocated_bytes = info.uordblks + info.hblkhd;
    usage.active_bytes = usage.resident_bytes = info.arena + info.hblkhd;
    return usage;
  }
  // The figures are those of the latest epoch.
  uint64_t epoch = 1;
  size_t size = sizeof(epoch);
  mallctl("epoch", &epoch, &size, &epoch, size);
  usage.allocated_bytes = ReadTunable<size_t>("stats.allocated");
  usage.active_bytes = ReadTunable<size_t>("stats.active");
  usage.resident_bytes = ReadTunable<size_t>("stats.resident");
  // 4096 stands for all arenas together.
  usage.muzzy_bytes = ReadTunable<size_t>("stats.arenas.4096.pmuzzy") * static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return usage;
}

int64_t ThreadAllocatedBytes() {
  // The allocator keeps the counters of a thread where they are for as long as the thread lives.
  struct Counters {
    const uint64_t* allocated = nullptr;
    const uint64_t* freed = nullptr;
  };
  thread_local const Counters counters = [] {
    if (!HasJemalloc()) return Counters{};
    return Counters{ReadTunable<const uint64_t*>("thread.allocatedp"),
                    ReadTunable<const uint64_t*>("thread.deallocatedp")};
  }();
  if (counters.allocated == nullptr || counters.freed == nullptr) return 0;
  return static_cast<int64_t>(*counters.allocated - *counters.freed);
}

std::string AllocatorLabel() {
  if (!HasJemalloc()) return "libc";
  const std::string version = ReadTunable<const char*>("version");  // "5.3.0-0-g54eaed1d..."
  return "jemalloc-" + version.substr(0, version.find('-'));
}

void ReleaseAgedMemory() {
  if (HasJemalloc()) mallctl("arena.4096.decay", nullptr, nullptr, nullptr, 0);
}

void ReleaseFreeMemory() {
  if (HasJemalloc()) {
    mallctl("arena.4096.purge", nullptr, nullptr, nullptr, 0);
  } else {
    malloc_trim(0);
  }
}

std::string AllocatorReport() {
  std::string report;
  if (HasJemalloc() && malloc_stats_print != nullptr) {
    malloc_stats_print([](void* context, const char* text) { *static_cast<std::string*>(context) += text; }, &report,
                       nullptr);
  }
  return report;
}

// A tunable's size is not known beforehand: the widths that exist are tried, widest first.
Result<int64_t> AllocatorControl(const std::string& name, const int64_t* value) {
  if (!HasJemalloc()) return ControlError(ENOSYS);
  int error = 0;
  for (const size_t width : {sizeof(int64_t), sizeof(int32_t), sizeof(bool)}) {
    int64_t current = 0;
    size_t size = width;
    int64_t wanted = value == nullptr ? 0 : *value;
    error = mallctl(name.c_str(), &current, &size, value == nullptr ? nullptr : &wanted, value == nullptr ? 0 : width);
    if (error == 0) return current;
    if (error != EINVAL) break;
  }
  return ControlError(error);
}

Result<std::string> AllocatorTextControl(const std::string& name, const std::string* value) {
  if (!HasJemalloc()) return ControlError(ENOSYS);
  const char* current = nullptr;
  size_t size = sizeof(current);
  const char* wanted = value == nullptr ? nullptr : value->c_str();
  const int error =
      mallctl(name.c_str(), static_cast<void*>(&current), &size,
              value == nullptr ? nullptr : static_cast<void*>(&wanted), value == nullptr ? 0 : sizeof(wanted));
  if (error != 0) return ControlError(error);
  return std::string(current == nullptr ? "" : current);
}

uint64_t ResidentBytes() {
  unsigned long total_pages = 0;
  unsigned long resident_pages = 0;
  if (FILE* file = std::fopen("/proc/self/statm", "re")) {
    if (std::fscanf(file, "%lu %lu", &total_pages, &resident_pages) != 2) resident_pages = 0;
    std::fclose(file);
  }
  return uint64_t{resident_pages} * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

uint64_t MachineMemoryBytes() {
  return static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace kvick

// What memory is used for, measured once for INFO, MEMORY STATS and MEMORY DOCTOR, so that they agree.
#pragma once

#include <algorithm>
#include <cstdint>

#include "engine/engine.h"
#include "observability/memory_history.h"

namespace kvick {

struct MemoryFigures {
  uint64_t used_bytes = 0;      // in live allocations and blocks of the keyspace
  uint64_t active_bytes = 0;    // in pages that hold at least one of them
  uint64_t kept_bytes = 0;      // pages that the allocator keeps
  uint64_t muzzy_bytes = 0;     // of these, freed ones that the kernel may take
  uint64_t resident_bytes = 0;  // of the process, as the kernel counts it
  uint64_t startup_bytes = 0;   // used when the process was ready
  MemoryHistory::Peak peak;     // of used_bytes
  uint64_t script_bytes = 0;    // what is kept of scripts, and of libraries of functions
  uint64_t function_bytes = 0;

  // Used since the start: by data, and for holding it.
  [[nodiscard]] uint64_t net_bytes() const { return used_bytes - std::min(used_bytes, startup_bytes); }
};

MemoryFigures MeasureMemory(Engine& engine);

}  // namespace kvick

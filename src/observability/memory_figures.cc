#include "observability/memory_figures.h"

#include "base/block_pool.h"
#include "base/memory_usage.h"

namespace kvick {

MemoryFigures MeasureMemory(Engine& engine) {
  const AllocatorUsage allocator = MeasureAllocator();
  const uint64_t pool_pages = BlockPool::PageBytes();
  MemoryFigures figures;
  figures.used_bytes = allocator.allocated_bytes + BlockPool::BlockBytes();
  figures.active_bytes = allocator.active_bytes + pool_pages;
  figures.kept_bytes = allocator.resident_bytes + pool_pages;
  figures.muzzy_bytes = allocator.muzzy_bytes;
  figures.resident_bytes = ResidentBytes();
  figures.startup_bytes = MemoryHistory::Instance().start_bytes();
  figures.peak = MemoryHistory::Instance().Note(figures.used_bytes, engine.clock().NowMs() / 1000);
  if (engine.hooks.script_runner != nullptr) {
    const ScriptUsage scripts = engine.hooks.script_runner->MeasureUsage();
    figures.script_bytes = scripts.script_bytes;
    figures.function_bytes = scripts.library_bytes;
  }
  return figures;
}

}  // namespace kvick

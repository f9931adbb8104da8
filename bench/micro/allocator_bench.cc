// A block of the sizes that entries have, from jemalloc, from mimalloc and from kvick's pool: time of an allocation
// and a release while a million blocks live, and the bytes that such a block occupies (docs/decisions/0002).
//
// The two allocators are loaded at run time, so that neither is linked in the other's place.

#include <benchmark/benchmark.h>
#include <dlfcn.h>

#include <cstddef>
#include <vector>

#include "base/block_pool.h"
#include "base/random.h"

namespace kvick {
namespace {

struct Allocator {
  void* (*allocate)(size_t size) = nullptr;
  void (*release)(void* block) = nullptr;
  size_t (*usable)(void* block) = nullptr;
};

Allocator Load(const char* library, const char* allocate, const char* release, const char* usable) {
  Allocator allocator;
  void* handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) return allocator;
  allocator.allocate = reinterpret_cast<void* (*)(size_t)>(dlsym(handle, allocate));
  allocator.release = reinterpret_cast<void (*)(void*)>(dlsym(handle, release));
  allocator.usable = reinterpret_cast<size_t (*)(void*)>(dlsym(handle, usable));
  return allocator;
}

constexpr size_t kLiveCount = 1'000'000;

// Replaces random blocks among many that live: the pattern of keys that come and go.
template <typename Allocate, typename Release>
void Churn(benchmark::State& state, Allocate allocate, Release release) {
  const auto size = static_cast<size_t>(state.range(0));
  Random random(1);
  std::vector<void*> blocks(kLiveCount);
  for (void*& block : blocks) block = allocate(size);
  for (auto _ : state) {
    void*& block = blocks[random.Below(kLiveCount)];
    release(block, size);
    block = allocate(size);
    *static_cast<char*>(block) = 1;
  }
  for (void* block : blocks) release(block, size);
}

void ChurnWith(benchmark::State& state, const Allocator& allocator) {
  if (allocator.allocate == nullptr) return state.SkipWithError("the library is not installed");
  void* block = allocator.allocate(static_cast<size_t>(state.range(0)));
  state.counters["occupied_bytes"] = static_cast<double>(allocator.usable(block));
  allocator.release(block);
  Churn(state, allocator.allocate, [&allocator](void* victim, size_t) { allocator.release(victim); });
}

void Jemalloc(benchmark::State& state) {
  ChurnWith(state, Load("libjemalloc.so.2", "malloc", "free", "malloc_usable_size"));
}

void Mimalloc(benchmark::State& state) {
  ChurnWith(state, Load("libmimalloc.so.2", "mi_malloc", "mi_free", "mi_usable_size"));
}

void Pool(benchmark::State& state) {
  state.counters["occupied_bytes"] = static_cast<double>(BlockPool::BlockSize(static_cast<size_t>(state.range(0))));
  Churn(
      state, [](size_t size) { return BlockPool::Shard(0).Allocate(size); },
      [](void* block, size_t size) { BlockPool::Free(block, size); });
}

BENCHMARK(Jemalloc)->Arg(40)->Arg(48)->Arg(72)->Arg(120);
BENCHMARK(Mimalloc)->Arg(40)->Arg(48)->Arg(72)->Arg(120);
BENCHMARK(Pool)->Arg(40)->Arg(48)->Arg(72)->Arg(120);

}  // namespace
}  // namespace kvick

// What BITOP over eight strings of 1 MiB costs beside the least it can cost: reading them once, and copying one.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "containers/bit_kernels.h"

namespace {

constexpr size_t kBytes = 1 << 20;

const std::vector<std::string>& Sources() {
  static const std::vector<std::string> sources(8, std::string(kBytes, '\x5a'));
  return sources;
}

void CombineEight(benchmark::State& state) {
  const std::vector<std::string_view> sources(Sources().begin(), Sources().end());
  std::string out(kBytes, '\0');
  for (auto _ : state) {
    kvick::CombineBits(kvick::BitOperation::kAnd, sources, out.data(), out.size());
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(sources.size() * kBytes));
}
BENCHMARK(CombineEight);

// The C library's fastest loop over bytes looks for one that is not there.
void ReadEight(benchmark::State& state) {
  for (auto _ : state) {
    for (const std::string& source : Sources()) {
      benchmark::DoNotOptimize(std::memchr(source.data(), '\0', source.size()));
    }
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(Sources().size() * kBytes));
}
BENCHMARK(ReadEight);

void CopyOne(benchmark::State& state) {
  std::string out(kBytes, '\0');
  size_t turn = 0;
  for (auto _ : state) {
    std::memcpy(out.data(), Sources()[turn++ % 8].data(), out.size());
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(kBytes));
}
BENCHMARK(CopyOne);

}  // namespace

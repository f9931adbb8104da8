// What hashing a key costs, for decisions/0003: the keyed hash in use beside its elder sister, the standard library's,
// and a loop over the bytes. Only the first resists prepared keys.
#include <benchmark/benchmark.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/secret_hash.h"

namespace {

void HashSecret(benchmark::State& state) {
  const std::string key(static_cast<size_t>(state.range(0)), 'k');
  for (auto _ : state) benchmark::DoNotOptimize(kvick::SecretHash(key));
}
BENCHMARK(HashSecret)->Arg(8)->Arg(16)->Arg(32)->Arg(64)->Arg(256);

void HashXxh64(benchmark::State& state) {
  const std::string key(static_cast<size_t>(state.range(0)), 'k');
  for (auto _ : state) benchmark::DoNotOptimize(XXH64(key.data(), key.size(), 1));
}
BENCHMARK(HashXxh64)->Arg(8)->Arg(16)->Arg(32)->Arg(64)->Arg(256);

void HashStandardLibrary(benchmark::State& state) {
  const std::string key(static_cast<size_t>(state.range(0)), 'k');
  for (auto _ : state) benchmark::DoNotOptimize(std::hash<std::string_view>{}(key));
}
BENCHMARK(HashStandardLibrary)->Arg(8)->Arg(16)->Arg(32)->Arg(64)->Arg(256);

void HashFnv(benchmark::State& state) {
  const std::string key(static_cast<size_t>(state.range(0)), 'k');
  for (auto _ : state) {
    uint64_t hash = 0xcbf29ce484222325;
    for (const char c : key) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    benchmark::DoNotOptimize(hash);
  }
}
BENCHMARK(HashFnv)->Arg(8)->Arg(16)->Arg(32)->Arg(64)->Arg(256);

}  // namespace

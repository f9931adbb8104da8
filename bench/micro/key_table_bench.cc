// The table of keys and the entries in it: one operation at a time, in a table of a million keys.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "base/block_pool.h"
#include "base/random.h"
#include "keyspace/database.h"
#include "keyspace/entry.h"
#include "keyspace/key_table.h"

namespace kvick {
namespace {

constexpr size_t kKeyCount = 1'000'000;

std::string Key(size_t number) {
  std::string text = std::to_string(number);
  return "key:" + std::string(12 - text.size(), '0') + text;
}

Entry* MakeEntry(std::string_view key) {
  return EntryStore::MakeString(BlockPool::Shard(0), key, {"value-of-16-byte"}, Entry::kNoExpiry);
}

// A full table and the keys in it, made once.
struct FullTable {
  FullTable() {
    for (size_t i = 0; i < kKeyCount; ++i) {
      keys.push_back(Key(i));
      table.Insert(MakeEntry(keys.back()), KeyRef::Make(keys.back()).hash);
    }
  }
  KeyTable table;
  std::vector<std::string> keys;
};

FullTable& Full() {
  static auto* full = new FullTable;
  return *full;
}

void FindKey(benchmark::State& state) {
  FullTable& full = Full();
  Random random(1);
  for (auto _ : state) {
    const std::string& key = full.keys[random.Below(kKeyCount)];
    benchmark::DoNotOptimize(full.table.Find(key, KeyRef::Make(key).hash));
  }
}
BENCHMARK(FindKey);

// What a batch does: the misses of sixteen keys overlap.
void FindSixteenKeysWithPrefetch(benchmark::State& state) {
  FullTable& full = Full();
  Random random(1);
  KeyRef keys[16];
  for (auto _ : state) {
    for (KeyRef& key : keys) {
      key = KeyRef::Make(full.keys[random.Below(kKeyCount)]);
      full.table.PrefetchBucket(key.hash);
    }
    for (const KeyRef& key : keys) full.table.PrefetchEntry(key.hash);
    for (const KeyRef& key : keys) benchmark::DoNotOptimize(full.table.Find(key.name, key.hash));
  }
  state.SetItemsProcessed(state.iterations() * 16);
}
BENCHMARK(FindSixteenKeysWithPrefetch);

void FindMissingKey(benchmark::State& state) {
  FullTable& full = Full();
  size_t number = kKeyCount;
  for (auto _ : state) {
    const std::string key = Key(++number);
    benchmark::DoNotOptimize(full.table.Find(key, KeyRef::Make(key).hash));
  }
}
BENCHMARK(FindMissingKey);

void InsertAndErase(benchmark::State& state) {
  FullTable& full = Full();
  size_t number = kKeyCount;
  for (auto _ : state) {
    const std::string key = Key(++number);
    const uint64_t hash = KeyRef::Make(key).hash;
    full.table.Insert(MakeEntry(key), hash);
    const KeyTable::Slot slot = full.table.Find(key, hash);
    Entry* entry = slot.entry;
    full.table.Erase(slot, hash);
    EntryStore::Free(entry);
  }
}
BENCHMARK(InsertAndErase);

void MakeAndFreeEntry(benchmark::State& state) {
  for (auto _ : state) {
    Entry* entry = MakeEntry("key:000000000042");
    benchmark::DoNotOptimize(entry);
    EntryStore::Free(entry);
  }
}
BENCHMARK(MakeAndFreeEntry);

void ReplaceValueInPlace(benchmark::State& state) {
  Entry* entry = MakeEntry("key:000000000042");
  for (auto _ : state) {
    entry = EntryStore::ReplaceByString(BlockPool::Shard(0), entry, {"another-16-bytes"});
    benchmark::DoNotOptimize(entry);
  }
  EntryStore::Free(entry);
}
BENCHMARK(ReplaceValueInPlace);

}  // namespace
}  // namespace kvick

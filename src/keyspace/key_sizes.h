// KeySizes: how many keys of a database have values of which size, by type, in powers of two; and which are the
// biggest. Sizes are bytes of strings, and items of everything else.
//
// Kept up to date by whoever changes an entry (Database), so it is exact whenever nobody is changing one. Counters lie
// in shards, of which each thread that changes entries uses one; a shard's cells may be negative (one thread made the
// key, another removed it), sums are not.
//
//   sizes.Add(ValueType::kString, 5, key, mutation.counter_shard);
//   sizes.Change(ValueType::kString, 5, 9, key, mutation.counter_shard);
//   sizes.Count(KeySizes::RowOf(ValueType::kString), KeySizes::BinOf(9));   // 1
//
// Cost: an atomic addition for a new key and for one that goes, a comparison for a change within a power of two.
//
// Any thread may call any method but Clear, which wants an exclusive moment.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "keyspace/biggest_keys.h"
#include "types/value_type.h"

namespace kvick {

struct KeyRef;

class KeySizes {
 public:
  // Strings, lists, sets, sorted sets, hashes, streams: as ValueType numbers them. Arrays are not counted.
  static constexpr size_t kRowCount = BiggestKeys::kRowCount;
  // Bin 0 is for what is empty, bin n for sizes from 2^(n-1) up to 2^n - 1; the last for all beyond.
  static constexpr size_t kBinCount = 42;

  static constexpr bool Counts(ValueType type) { return static_cast<size_t>(type) < kRowCount; }
  static constexpr size_t RowOf(ValueType type) { return static_cast<size_t>(type); }
  static constexpr unsigned BinOf(uint64_t size) {
    return static_cast<unsigned>(std::min<size_t>(static_cast<size_t>(std::bit_width(size)), kBinCount - 1));
  }

  KeySizes() = default;
  ~KeySizes();
  KeySizes(const KeySizes&) = delete;
  KeySizes& operator=(const KeySizes&) = delete;

  void Add(ValueType type, uint64_t size, const KeyRef& key, uint32_t shard) {
    if (Counts(type)) AddBin(RowOf(type), BinOf(size), key, shard);
  }
  void Remove(ValueType type, uint64_t size, const KeyRef& key, uint32_t shard) {
    if (Counts(type)) RemoveBin(RowOf(type), BinOf(size), key, shard);
  }
  void Change(ValueType type, uint64_t before, uint64_t after, const KeyRef& key, uint32_t shard) {
    if (Counts(type) && BinOf(before) != BinOf(after)) ChangeBin(RowOf(type), BinOf(before), BinOf(after), key, shard);
  }
  void Clear();

  [[nodiscard]] uint64_t Count(size_t row, size_t bin) const;
  [[nodiscard]] const BiggestKeys& biggest() const { return biggest_; }
  [[nodiscard]] BiggestKeys& biggest() { return biggest_; }

 private:
  static constexpr size_t kShardCount = 16;
  using Cell = std::atomic<int64_t>;
  struct alignas(64) Shard {
    std::array<std::array<Cell, kBinCount>, kRowCount> cells{};
  };

  void AddBin(size_t row, unsigned bin, const KeyRef& key, uint32_t shard);
  void RemoveBin(size_t row, unsigned bin, const KeyRef& key, uint32_t shard);
  void ChangeBin(size_t row, unsigned before, unsigned after, const KeyRef& key, uint32_t shard);
  Shard& ShardAt(uint32_t index) {
    Shard* shard = shards_[index % kShardCount].load(std::memory_order_acquire);
    return shard != nullptr ? *shard : MakeShard(index % kShardCount);
  }
  Shard& MakeShard(size_t index);

  // Made with the first key that their threads count.
  std::array<std::atomic<Shard*>, kShardCount> shards_{};
  BiggestKeys biggest_;
};

// Numbers for Mutation::counter_shard: in turn.
uint32_t NextCounterShard();

}  // namespace kvick

#include "keyspace/key_sizes.h"

#include "keyspace/database.h"

namespace kvick {

KeySizes::~KeySizes() {
  for (const std::atomic<Shard*>& shard : shards_) delete shard.load(std::memory_order_relaxed);
}

KeySizes::Shard& KeySizes::MakeShard(size_t index) {
  auto* made = new Shard;
  Shard* present = nullptr;
  if (shards_[index].compare_exchange_strong(present, made, std::memory_order_acq_rel)) return *made;
  delete made;  // another thread of this shard was faster
  return *present;
}

void KeySizes::AddBin(size_t row, unsigned bin, const KeyRef& key, uint32_t shard) {
  ShardAt(shard).cells[row][bin].fetch_add(1, std::memory_order_relaxed);
  if (biggest_.Admits(row, bin)) biggest_.Offer(row, bin, key.hash, key.name);
}

void KeySizes::RemoveBin(size_t row, unsigned bin, const KeyRef& key, uint32_t shard) {
  ShardAt(shard).cells[row][bin].fetch_sub(1, std::memory_order_relaxed);
  if (biggest_.Admits(row, bin)) biggest_.Forget(row, key.hash, key.name);
}

void KeySizes::ChangeBin(size_t row, unsigned before, unsigned after, const KeyRef& key, uint32_t shard) {
  auto& cells = ShardAt(shard).cells[row];
  cells[before].fetch_sub(1, std::memory_order_relaxed);
  cells[after].fetch_add(1, std::memory_order_relaxed);
  if (biggest_.Admits(row, after)) {
    biggest_.Offer(row, after, key.hash, key.name);
  } else if (biggest_.Admits(row, before)) {
    biggest_.Forget(row, key.hash, key.name);
  }
}

void KeySizes::Clear() {
  for (const std::atomic<Shard*>& shard : shards_) {
    Shard* present = shard.load(std::memory_order_relaxed);
    if (present == nullptr) continue;
    for (auto& row : present->cells) {
      for (Cell& cell : row) cell.store(0, std::memory_order_relaxed);
    }
  }
  biggest_.Clear();
}

uint64_t KeySizes::Count(size_t row, size_t bin) const {
  int64_t sum = 0;
  for (const std::atomic<Shard*>& shard : shards_) {
    const Shard* present = shard.load(std::memory_order_acquire);
    if (present != nullptr) sum += present->cells[row][bin].load(std::memory_order_relaxed);
  }
  // Read while keys are counted, the cells may be of different moments.
  return sum > 0 ? static_cast<uint64_t>(sum) : 0;
}

uint32_t NextCounterShard() {
  static std::atomic<uint32_t> next{0};
  return next.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace kvick

#include "containers/heavy_hitters.h"

namespace kvick {
namespace {

// What a node of the map and its share of the buckets occupy, about.
constexpr size_t kMapNodeBytes = 40;

uint64_t IdOf(const HeavyHitters::Key& key) {
  constexpr uint64_t kOddMultiplier = 0x9e3779b97f4a7c15;
  return key.hash ^ (static_cast<uint64_t>(key.database) * kOddMultiplier);
}

}  // namespace

void HeavyHitters::Place(size_t position, uint32_t index) {
  heap_[position] = index;
  position_of_[index] = static_cast<uint32_t>(position);
}

void HeavyHitters::SiftDown(size_t position) {
  const uint32_t index = heap_[position];
  const uint64_t sum = items_[index].sum;
  for (;;) {
    size_t child = 2 * position + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && items_[heap_[child + 1]].sum < items_[heap_[child]].sum) ++child;
    if (items_[heap_[child]].sum >= sum) break;
    Place(position, heap_[child]);
    position = child;
  }
  Place(position, index);
}

void HeavyHitters::SiftUp(size_t position) {
  const uint32_t index = heap_[position];
  const uint64_t sum = items_[index].sum;
  while (position > 0) {
    const size_t parent = (position - 1) / 2;
    if (items_[heap_[parent]].sum <= sum) break;
    Place(position, heap_[parent]);
    position = parent;
  }
  Place(position, index);
}

void HeavyHitters::Add(const Key& key, uint64_t weight) {
  if (key.name.size() > kNameBytesMax || item_count_max_ == 0 || weight == 0) return;
  total_ += weight;
  const uint64_t id = IdOf(key);
  if (const auto known = index_by_id_.find(id); known != index_by_id_.end()) {
    items_[known->second].sum += weight;
    SiftDown(position_of_[known->second]);
    return;
  }
  if (items_.size() < item_count_max_) {
    const auto index = static_cast<uint32_t>(items_.size());
    items_.push_back({id, weight, 0, key.database, std::string(key.name)});
    heap_.push_back(index);
    position_of_.push_back(index);
    index_by_id_.emplace(id, index);
    SiftUp(heap_.size() - 1);
    return;
  }
  const uint32_t index = heap_.front();
  Item& item = items_[index];
  index_by_id_.erase(item.id);
  index_by_id_.emplace(id, index);
  item.id = id;
  item.error = item.sum;
  item.sum += weight;
  item.database = key.database;
  item.name.assign(key.name);
  SiftDown(0);
}

// The order of sums stays, but for those that become equal: the heap is one still. Sums are rounded down and errors
// up, so that a sum_min is never more than was seen.
void HeavyHitters::Halve() {
  total_ /= 2;
  for (Item& item : items_) {
    const uint64_t sum_min = item.sum_min() / 2;
    item.sum /= 2;
    item.error = item.sum - sum_min;
  }
}

void HeavyHitters::Clear() {
  total_ = 0;
  items_.clear();
  index_by_id_.clear();
  heap_.clear();
  position_of_.clear();
}

size_t HeavyHitters::memory_bytes() const {
  size_t size = items_.capacity() * sizeof(Item) + (heap_.capacity() + position_of_.capacity()) * sizeof(uint32_t) +
                index_by_id_.size() * kMapNodeBytes;
  for (const Item& item : items_) size += item.name.capacity();
  return size;
}

}  // namespace kvick

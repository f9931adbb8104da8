#include "containers/expiry_index.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace kvick {
namespace {

constexpr int64_t kFinestMs = 16;

static_assert(ExpiryIndexOf<3>::kLatenessMs == kFinestMs - 1 && ExpiryIndexOf<4>::kLatenessMs == kFinestMs - 1);

// Where an item belongs. Near times are rounded up (no item comes due twice), far ones down, and then still lie
// in the future, because the width is at most an eighth of the way.
int64_t GroupStart(int64_t expiry_ms, int64_t now_ms) {
  const int64_t remaining_ms = expiry_ms - now_ms;
  if (remaining_ms < 16 * kFinestMs) return (expiry_ms + kFinestMs - 1) / kFinestMs * kFinestMs;
  const auto width_ms = static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(remaining_ms)) / 8);
  return expiry_ms / width_ms * width_ms;
}

}  // namespace

static_assert(std::endian::native == std::endian::little, "an item is the low bytes of a word");

template <size_t kItemBytes>
void ExpiryIndexOf<kItemBytes>::Chunk::Put(uint32_t hash) {
  if constexpr (kItemBytes == 3) hash = (hash & 0xffff) | (hash >> 24) << 16;
  std::memcpy(items + kItemBytes * count++, &hash, kItemBytes);
}

template <size_t kItemBytes>
uint32_t ExpiryIndexOf<kItemBytes>::Chunk::Take() {
  uint32_t item = 0;
  std::memcpy(&item, items + kItemBytes * --count, kItemBytes);
  return kItemBytes == 3 ? (item & 0xffff) | (item >> 16) << 24 : item;
}

template <size_t kItemBytes>
void ExpiryIndexOf<kItemBytes>::Add(uint32_t hash, int64_t expiry_ms, int64_t now_ms) {
  constexpr int64_t kTimeMax = INT64_MAX / 2;  // far beyond any due date; keeps the rounding from overflowing
  // Not 0 either, which would read as "nothing is due" (Stripe::next_due_ms).
  const int64_t start_ms = GroupStart(std::clamp<int64_t>(expiry_ms, 1, kTimeMax), now_ms);
  const auto place = std::lower_bound(groups_.begin(), groups_.end(), start_ms,
                                      [](const Group& group, int64_t start) { return group.start_ms > start; });
  Group* group = nullptr;
  if (place != groups_.end() && place->start_ms == start_ms) {
    group = &*place;
  } else {
    group = &*groups_.insert(place, {start_ms, nullptr});
  }
  if (group->chunks == nullptr || group->chunks->count == Chunk::kItemCount) {
    auto* chunk = new Chunk;
    chunk->next = group->chunks;
    chunk->count = 0;
    group->chunks = chunk;
    ++chunk_count_;
  }
  group->chunks->Put(hash);
  ++item_count_;
}

template <size_t kItemBytes>
size_t ExpiryIndexOf<kItemBytes>::TakeDue(int64_t now_ms, uint32_t* items, size_t count_max) {
  size_t taken = 0;
  while (taken < count_max && !groups_.empty() && groups_.back().start_ms <= now_ms) {
    Group& group = groups_.back();
    Chunk* chunk = group.chunks;
    while (chunk != nullptr && taken < count_max) {
      while (chunk->count > 0 && taken < count_max) items[taken++] = chunk->Take();
      if (chunk->count > 0) break;
      Chunk* next = chunk->next;
      delete chunk;
      --chunk_count_;
      chunk = next;
    }
    group.chunks = chunk;
    if (chunk == nullptr) groups_.pop_back();
  }
  item_count_ -= taken;
  return taken;
}

template <size_t kItemBytes>
void ExpiryIndexOf<kItemBytes>::Clear() {
  for (const Group& group : groups_) {
    for (Chunk* chunk = group.chunks; chunk != nullptr;) {
      Chunk* next = chunk->next;
      delete chunk;
      chunk = next;
    }
  }
  groups_.clear();
  item_count_ = chunk_count_ = 0;
}

template <size_t kItemBytes>
size_t ExpiryIndexOf<kItemBytes>::memory_bytes() const {
  return sizeof(*this) + groups_.capacity() * sizeof(Group) + chunk_count_ * sizeof(Chunk);
}

template class ExpiryIndexOf<3>;
template class ExpiryIndexOf<4>;

}  // namespace kvick

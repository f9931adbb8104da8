#include "types/stream_group.h"

#include <malloc.h>

#include <algorithm>
#include <queue>

#include "base/assert.h"

namespace kvick {

StreamGroup::StreamGroup(const StreamGroup& other) : last_id(other.last_id), read_count(other.read_count) {
  for (const auto& [name, consumer] : other.consumers_) {
    StreamConsumer& copy = AddConsumer(name, consumer->seen_ms);
    copy.active_ms = consumer->active_ms;
  }
  // Indexes differ, so the entries are told whose they are anew. Those given back keep their order.
  std::vector<std::pair<int64_t, StreamId>> returned;
  for (auto at = other.pending_.First(); at.is_valid(); at.Next()) {
    const PendingEntry entry = other.Read(at);
    if (entry.consumer == nullptr) {
      returned.emplace_back(at.value().order(), at.id());
    } else {
      Assign(at.id(), *FindConsumer(entry.consumer->name), {entry.delivered_ms, entry.delivery_count});
    }
  }
  std::sort(returned.begin(), returned.end());
  for (const auto& [place, id] : returned) Return(id, other.Find(id)->delivery_count);
}

StreamConsumer* StreamGroup::FindConsumer(std::string_view name) const {
  const auto found = consumers_.find(name);
  return found == consumers_.end() ? nullptr : found->second.get();
}

StreamConsumer& StreamGroup::AddConsumer(std::string_view name, int64_t now_ms) {
  auto consumer = std::make_unique<StreamConsumer>();
  consumer->name = name;
  consumer->seen_ms = now_ms;
  if (free_indexes_.empty()) {
    consumer->index = static_cast<uint32_t>(by_index_.size());
    by_index_.push_back(consumer.get());
  } else {
    consumer->index = free_indexes_.back();
    free_indexes_.pop_back();
    by_index_[consumer->index] = consumer.get();
  }
  const auto [place, is_new] = consumers_.emplace(std::string(name), std::move(consumer));
  KVICK_ASSERT(is_new);
  return *place->second;
}

void StreamGroup::RemoveConsumer(StreamConsumer& consumer) {
  for (auto at = consumer.pending.First(); at.is_valid(); at.Next()) {
    pending_.Erase(at.id());
    if (!large_counts_.empty()) large_counts_.erase(at.id());
  }
  by_index_[consumer.index] = nullptr;
  free_indexes_.push_back(consumer.index);
  consumers_.erase(consumers_.find(consumer.name));
}

PendingEntry StreamGroup::Read(const Tree::Cursor& at) const {
  const StoredPending& stored = at.value();
  PendingEntry entry;
  if (stored.consumer_index() != kNobody) {
    entry.consumer = by_index_[stored.consumer_index()];
    entry.delivered_ms = stored.order();
  }
  switch (stored.stored_count()) {
    case kCountMax: entry.delivery_count = std::numeric_limits<int64_t>::max(); break;
    case kCountAside: entry.delivery_count = large_counts_.find(at.id())->second; break;
    default: entry.delivery_count = stored.stored_count();
  }
  return entry;
}

std::optional<PendingEntry> StreamGroup::Find(const StreamId& id) const {
  const Tree::Cursor at = pending_.Find(id);
  return at.is_valid() ? std::optional(Read(at)) : std::nullopt;
}

std::optional<int64_t> StreamGroup::EarliestDeliveryMs() const {
  const Tree::Cursor at = pending_.Earliest();
  return at.is_valid() ? std::optional(at.value().order()) : std::nullopt;
}

std::vector<StreamId> StreamGroup::LongestIdle(int64_t delivered_ms, size_t count_max) const {
  std::vector<StreamId> ids;
  if (count_max == 0 || pending_.empty()) return ids;
  // The `count_max` smallest of those that are due, met in the order of ids: a heap keeps the best so far.
  using Item = std::pair<int64_t, StreamId>;
  std::priority_queue<Item> best;
  int64_t bound = delivered_ms;
  for (auto at = pending_.FirstDue(StreamId::Min(), bound); at.is_valid();) {
    const StreamId id = at.id();
    best.emplace(at.value().order(), id);
    if (best.size() > count_max) best.pop();
    // What is not earlier than the latest of a full heap need not be looked at.
    if (best.size() == count_max) {
      if (best.top().first == std::numeric_limits<int64_t>::min()) break;
      bound = std::min(bound, best.top().first - 1);
    }
    const std::optional<StreamId> next = id.Next();
    if (!next) break;
    at = pending_.FirstDue(*next, bound);
  }
  ids.resize(best.size());
  for (size_t i = best.size(); i > 0; --i, best.pop()) ids[i - 1] = best.top().second;
  return ids;
}

uint16_t StreamGroup::StoreCount(const StreamId& id, int64_t count) {
  if (!large_counts_.empty()) large_counts_.erase(id);
  if (count == std::numeric_limits<int64_t>::max()) return kCountMax;
  if (count < kCountAside) return static_cast<uint16_t>(count);
  large_counts_[id] = count;
  return kCountAside;
}

void StreamGroup::Detach(const StreamId& id, const StoredPending& stored) {
  if (stored.consumer_index() == kNobody) {
    --returned_count_;
  } else {
    by_index_[stored.consumer_index()]->pending.Erase(id);
  }
}

void StreamGroup::Assign(const StreamId& id, StreamConsumer& consumer, const StreamDelivery& delivery) {
  const StoredPending stored{delivery.delivered_ms, consumer.index, StoreCount(id, delivery.delivery_count)};
  if (pending_.Insert(id, stored)) {
    consumer.pending.Insert(id);
    return;
  }
  const StoredPending before = pending_.Find(id).value();
  pending_.Replace(id, stored);
  if (before.consumer_index() == consumer.index) return;
  Detach(id, before);
  consumer.pending.Insert(id);
}

void StreamGroup::Return(const StreamId& id, int64_t delivery_count) {
  const StoredPending stored{next_returned_place_++, kNobody, StoreCount(id, delivery_count)};
  ++returned_count_;
  ValueFeatures::Note(ValueFeature::kReturnedEntries);
  if (pending_.Insert(id, stored)) return;
  Detach(id, pending_.Find(id).value());
  pending_.Replace(id, stored);
}

bool StreamGroup::Acknowledge(const StreamId& id) {
  const Tree::Cursor at = pending_.Find(id);
  if (!at.is_valid()) return false;
  Detach(id, at.value());
  pending_.Erase(id);
  if (!large_counts_.empty()) large_counts_.erase(id);
  return true;
}

size_t StreamGroup::memory_bytes() const {
  constexpr size_t kMapNodeBytes = 48;  // links and colour
  size_t bytes = sizeof(*this) + pending_.memory_bytes() + by_index_.capacity() * sizeof(StreamConsumer*) +
                 free_indexes_.capacity() * sizeof(uint32_t) +
                 large_counts_.size() * (kMapNodeBytes + sizeof(StreamId) + sizeof(int64_t));
  for (const auto& [name, consumer] : consumers_) {
    const size_t name_bytes = name.capacity() > 15 ? name.capacity() + 1 : 0;
    bytes +=
        kMapNodeBytes + sizeof(name) + 8 + sizeof(StreamConsumer) + 2 * name_bytes + consumer->pending.memory_bytes();
  }
  return bytes;
}

}  // namespace kvick

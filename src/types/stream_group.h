// StreamGroup: a consumer group of a stream: how far it has read, and what its consumers have not yet acknowledged.
//
//   StreamConsumer& alice = group.GetConsumer("alice");
//   group.Assign(id, alice, {.delivered_ms = now_ms, .delivery_count = 1});
//   group.Acknowledge(id);
//
// A pending entry is an item of one tree, by id, whose inner nodes know the earliest delivery below them: so the next
// entry that is idle long enough is found from any id in O(log n), and the one that is idle longest likewise. The ids
// of one consumer are a second tree without values. Together that is some 46 bytes for an entry.
//
// Entries that were given back (XNACK) belong to nobody. They come before all others, in the order in which they were
// given back: their place in the order of deliveries is negative.
//
// Thread rule: that of the stream's key.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "containers/stream_id.h"
#include "containers/stream_id_tree.h"
#include "types/value_features.h"

namespace kvick {

struct StreamConsumer {
  std::string name;
  int64_t seen_ms = 0;     // when it last asked for something
  int64_t active_ms = -1;  // when it last got something; -1: never
  StreamIdTree<NoStreamValue> pending;
  uint32_t index = 0;  // in its group

  // To be called when the two times are what they are to be.
  void NoteTimes() const {
    if (active_ms != seen_ms) ValueFeatures::Note(ValueFeature::kConsumerTimes);
  }
};

// What the tree keeps of a pending entry: twelve bytes.
class [[gnu::packed]] StoredPending {
 public:
  StoredPending() = default;
  StoredPending(int64_t place, uint32_t consumer_index, uint16_t stored_count)
      : place_((static_cast<uint64_t>(place) << kUnusedBits) >> kUnusedBits),
        stored_count_(stored_count),
        consumer_index_(consumer_index) {}

  // 48 bits of milliseconds reach beyond the year 6000.
  static constexpr int64_t kPlaceMin = -(int64_t{1} << 47);

  // When it was delivered, or, negative, where it stands among those given back.
  int64_t order() const { return static_cast<int64_t>(static_cast<uint64_t>(place_) << kUnusedBits) >> kUnusedBits; }
  uint32_t consumer_index() const { return consumer_index_; }
  // The two greatest stand for something else.
  uint16_t stored_count() const { return static_cast<uint16_t>(stored_count_); }

 private:
  static constexpr int kUnusedBits = 16;

  uint64_t place_ : 48;
  uint64_t stored_count_ : 16;
  uint32_t consumer_index_;
};
static_assert(sizeof(StoredPending) == 12);

// A pending entry as others see it.
struct PendingEntry {
  StreamConsumer* consumer = nullptr;  // null: it was given back
  int64_t delivered_ms = 0;
  int64_t delivery_count = 0;

  // For how long; what was given back is idle for ever.
  int64_t IdleMs(int64_t now_ms) const {
    return consumer == nullptr ? std::numeric_limits<int64_t>::max() : now_ms - delivered_ms;
  }
};

// What is to be known of a delivery.
struct StreamDelivery {
  int64_t delivered_ms = 0;
  int64_t delivery_count = 1;
};

class StreamGroup {
 public:
  static constexpr int64_t kReadCountUnknown = -1;

  StreamGroup(const StreamId& last, int64_t read) : last_id(last), read_count(read) {}
  StreamGroup(const StreamGroup& other);
  StreamGroup& operator=(const StreamGroup&) = delete;

  // The last entry that was delivered, and how many entries the stream had got by then, if that is known.
  StreamId last_id;
  int64_t read_count = kReadCountUnknown;

  // Consumers, in the order of their names.
  using Consumers = std::map<std::string, std::unique_ptr<StreamConsumer>, std::less<>>;
  const Consumers& consumers() const { return consumers_; }
  StreamConsumer* FindConsumer(std::string_view name) const;
  // There must be none of this name.
  StreamConsumer& AddConsumer(std::string_view name, int64_t now_ms);
  // And what it has pending.
  void RemoveConsumer(StreamConsumer& consumer);

  // Pending entries.
  using Tree = StreamIdTree<StoredPending>;
  size_t pending_count() const { return pending_.count(); }
  size_t returned_count() const { return returned_count_; }
  std::optional<PendingEntry> Find(const StreamId& id) const;
  bool Holds(const StreamId& id) const { return pending_.Contains(id); }
  // For walks in the order of ids; Read says what is there.
  Tree::Cursor Seek(const StreamId& id) const { return pending_.LowerBound(id); }
  Tree::Cursor Last() const { return pending_.Last(); }
  // The first at or behind `id` that was delivered at or before `delivered_ms`, or was given back.
  Tree::Cursor SeekIdle(const StreamId& id, int64_t delivered_ms) const { return pending_.FirstDue(id, delivered_ms); }
  PendingEntry Read(const Tree::Cursor& at) const;
  // When the entry that is idle longest was delivered; before all times for one that was given back.
  std::optional<int64_t> EarliestDeliveryMs() const;
  // The ids of up to `count_max` entries that were given back or delivered at or before `delivered_ms`, the earliest
  // first.
  std::vector<StreamId> LongestIdle(int64_t delivered_ms, size_t count_max) const;

  // Makes the entry pending for this consumer, whoever had it before.
  void Assign(const StreamId& id, StreamConsumer& consumer, const StreamDelivery& delivery);
  // Gives it back: it is nobody's, and stands behind all that were given back before. Makes it pending if it was not.
  void Return(const StreamId& id, int64_t delivery_count);
  // False when it was not pending.
  bool Acknowledge(const StreamId& id);

  size_t memory_bytes() const;

 private:
  static constexpr uint32_t kNobody = std::numeric_limits<uint32_t>::max();
  static constexpr uint16_t kCountMax = std::numeric_limits<uint16_t>::max();  // stands for INT64_MAX
  static constexpr uint16_t kCountAside = kCountMax - 1;                       // it is in large_counts_

  uint16_t StoreCount(const StreamId& id, int64_t count);
  // Ends what the entry is to its consumer or among those given back.
  void Detach(const StreamId& id, const StoredPending& stored);

  Tree pending_;
  Consumers consumers_;
  std::vector<StreamConsumer*> by_index_;  // null where the index is free
  std::vector<uint32_t> free_indexes_;
  std::map<StreamId, int64_t> large_counts_;  // delivery counts that two bytes do not hold
  size_t returned_count_ = 0;
  int64_t next_returned_place_ = StoredPending::kPlaceMin;
};

}  // namespace kvick

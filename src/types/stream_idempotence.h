// StreamIdempotence: which entries the producers of a stream have added already (XADD IDMP): for each producer a
// bounded number of names, each with the id of the entry that was added under it and the time until which it counts.
//
// Names that are due are dropped when their producer is next looked at, and by Expire. Thread rule: that of the
// stream's key.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "containers/stream_id.h"

namespace kvick {

struct StreamIdempotenceLimits {
  int64_t duration_s = 100;
  int64_t names_max = 100;  // of each producer

  friend bool operator==(const StreamIdempotenceLimits&, const StreamIdempotenceLimits&) = default;
};

class StreamIdempotence {
 public:
  explicit StreamIdempotence(const StreamIdempotenceLimits& limits) : limits_(limits) {}

  const StreamIdempotenceLimits& limits() const { return limits_; }
  // Forgets all names when the limits change.
  void SetLimits(const StreamIdempotenceLimits& limits);

  // The entry that the producer added under the name, if that still counts.
  std::optional<StreamId> Find(std::string_view producer, std::string_view name, int64_t now_ms);
  // The name must not be known.
  void Record(std::string_view producer, std::string_view name, const StreamId& id, int64_t now_ms);
  void CountDuplicate() { ++duplicate_count_; }
  // For loading, after the names.
  void SetCounts(uint64_t added, uint64_t duplicates) {
    added_count_ = added;
    duplicate_count_ = duplicates;
  }
  // Drops everything that is due.
  void Expire(int64_t now_ms);

  size_t producer_count() const { return producers_.size(); }
  size_t name_count() const { return name_count_; }
  uint64_t added_count() const { return added_count_; }
  uint64_t duplicate_count() const { return duplicate_count_; }

  // `visit(std::string_view producer, std::string_view name, const StreamId& id, int64_t recorded_ms)`, the oldest
  // name of each producer first.
  template <typename Visit>
  void ForEach(Visit&& visit) const {
    for (const auto& [producer_name, producer] : producers_) {
      for (const Name& name : producer.names) visit(producer_name, name.text, name.id, name.recorded_ms);
    }
  }

  size_t memory_bytes() const;

 private:
  struct Name {
    std::string text;
    StreamId id;
    int64_t recorded_ms;
  };
  struct Producer {
    std::deque<Name> names;  // the oldest first; references into it stay good while others come and go at its ends
    std::unordered_map<std::string_view, const Name*> by_text;

    Producer() = default;
    Producer(const Producer& other);
    Producer& operator=(const Producer&) = delete;
  };

  void DropOldest(Producer& producer);
  void DropDue(Producer& producer, int64_t now_ms);

  StreamIdempotenceLimits limits_;
  std::map<std::string, Producer, std::less<>> producers_;
  size_t name_count_ = 0;
  uint64_t added_count_ = 0;
  uint64_t duplicate_count_ = 0;
};

}  // namespace kvick

// StreamValue: the value of a stream key: its entries, what is remembered of those that went, its consumer groups, and
// what its producers added under names.
//
//   stream.Append(id, fields_and_values, limits);            // id > stream.last_id()
//   StreamGroup* group = stream.AddGroup("workers", StreamId::Min(), 0);
//   stream.Trim(trim, StreamRefPolicy::kAcked);
//
// Thread rule: that of its key.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "containers/stream_entries.h"
#include "containers/stream_id.h"
#include "types/stream_group.h"
#include "types/stream_idempotence.h"
#include "types/value_type.h"

namespace kvick {

class Digest;

// What becomes of the pending entries of groups when an entry is removed.
enum class StreamRefPolicy : uint8_t {
  kKeep,    // they stay
  kDelete,  // they go with it
  kAcked,   // it is removed only when every group has read it and has it no longer pending
};

class StreamValue {
 public:
  static constexpr ValueType kType = ValueType::kStream;

  StreamValue() = default;
  StreamValue(const StreamValue& other);
  StreamValue& operator=(const StreamValue&) = delete;

  const StreamEntries& entries() const { return entries_; }
  size_t count() const { return entries_.count(); }
  const StreamId& last_id() const { return last_id_; }
  // Of the entries that are there; 0-0 when there are none.
  const StreamId& first_id() const { return first_id_; }
  const StreamId& max_deleted_id() const { return max_deleted_id_; }
  uint64_t added_count() const { return added_count_; }
  void SetMeta(const StreamId& last_id, std::optional<uint64_t> added_count, std::optional<StreamId> max_deleted_id);

  // The id that follows the last one at this time; nothing when the last possible one was given.
  std::optional<StreamId> NextId(int64_t now_ms) const;
  // The id must be greater than last_id().
  void Append(const StreamId& id, std::span<const std::string_view> fields_and_values, const StreamLimits& limits);

  enum class Removal { kMissing, kRemoved, kReferenced };
  Removal Remove(const StreamId& id, StreamRefPolicy policy);
  StreamTrimmed Trim(const StreamTrim& trim, StreamRefPolicy policy);
  // Whether some group has yet to read or to acknowledge the entry.
  bool IsReferenced(const StreamId& id) const;
  // Whether some group has it pending, be it there or gone.
  bool IsPending(const StreamId& id) const;

  // Groups, in the order of their names.
  using Groups = std::map<std::string, std::unique_ptr<StreamGroup>, std::less<>>;
  const Groups& groups() const { return groups_ == nullptr ? kNoGroups : *groups_; }
  StreamGroup* FindGroup(std::string_view name) const;
  // Null when there is one of this name.
  StreamGroup* AddGroup(std::string_view name, const StreamId& last_id, int64_t read_count);
  bool RemoveGroup(std::string_view name);
  // The group has been delivered the entry, which lies behind what it had read: moves last_id and read_count.
  void AdvanceGroup(StreamGroup& group, const StreamId& id) const;
  // How many entries the stream had got when this one came, if that can be told.
  std::optional<int64_t> PositionOf(const StreamId& id) const;
  // How many entries the group has yet to read, if that can be told.
  std::optional<int64_t> LagOf(const StreamGroup& group) const;

  // Made when first asked for.
  StreamIdempotence& idempotence(const StreamIdempotenceLimits& defaults);
  StreamIdempotence* FindIdempotence() const { return idempotence_.get(); }

  // For loading: a node behind all that are there (StreamEntries::AdoptNode). SetMeta follows the last.
  void AdoptNode(const StreamId& base, Listpack node);

  size_t memory_bytes() const;
  // How many blocks a destructor frees.
  size_t free_effort() const;
  void AddTo(Digest* digest) const;

 private:
  static const Groups kNoGroups;

  // Whether something behind `id` may have been deleted.
  bool MayLackBehind(const StreamId& id) const;
  void DropReferences(const StreamId& id);

  StreamEntries entries_;
  StreamId first_id_;
  StreamId last_id_;
  StreamId max_deleted_id_;
  uint64_t added_count_ = 0;
  std::unique_ptr<Groups> groups_;
  std::unique_ptr<StreamIdempotence> idempotence_;
};

// Called at start.
void RegisterStreamType();

}  // namespace kvick

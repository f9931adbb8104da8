// ExpiryIndex: which entries of a table are due, in order of time: the keys of a stripe, the fields of a hash.
//
// An item is the low half of a name's hash, four bytes; the entry holds the exact time. Items are gathered in
// groups whose width grows with their distance: an eighth of the remaining time, at least 16 ms. A group comes due
// at its start; what is not due yet then moves to a finer group nearer by. An entry that expires in an hour moves
// five times in its life, and an index holds some dozens of groups whatever the times are.
//
// Changing an expiry to a later time adds nothing: the old item, when it comes due, moves. So a key whose expiry
// is pushed back a thousand times a second has one item. Items whose entry is gone are dropped when due, or when
// Rebuild is due because more than half of all items are such.
//
// No thread rule of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace kvick {

class ExpiryIndex {
 public:
  static constexpr int64_t kNever = INT64_MAX;

  ExpiryIndex() = default;
  ExpiryIndex(const ExpiryIndex&) = delete;
  ExpiryIndex& operator=(const ExpiryIndex&) = delete;
  ~ExpiryIndex() { Clear(); }

  // `hash`: the low 32 bits of the name's hash.
  void Add(uint32_t hash, int64_t expiry_ms, int64_t now_ms);
  // When the earliest group comes due; kNever when empty.
  int64_t next_due_ms() const { return groups_.empty() ? kNever : groups_.back().start_ms; }
  // Takes up to `count_max` items of the groups that are due and returns how many; they are out of the index.
  size_t TakeDue(int64_t now_ms, uint32_t* items, size_t count_max);
  size_t item_count() const { return item_count_; }
  // For its owner, who rebuilds it: whether it has doubled since the last time.
  bool has_doubled() const { return item_count_ > 2 * rebuilt_count_ + 128; }
  void MarkRebuilt() { rebuilt_count_ = item_count_; }
  void Clear();
  size_t memory_bytes() const;

 private:
  struct Chunk {
    static constexpr size_t kItemCount = 61;
    Chunk* next;
    uint32_t count;
    uint32_t items[kItemCount];
  };
  static_assert(sizeof(Chunk) == 256);
  struct Group {
    int64_t start_ms;
    Chunk* chunks;
  };

  std::vector<Group> groups_;  // latest first, so that the due ones are at the end
  size_t item_count_ = 0;
  size_t rebuilt_count_ = 0;  // items after the last rebuild
  size_t chunk_count_ = 0;
};

}  // namespace kvick

// ExpiryIndex: which entries of a table are due, in order of time: the keys of a stripe, the fields of a hash.
//
// An item is a part of a name's hash, three bytes of it for keys and four for fields; the entry holds the exact time.
// Three bytes are the lowest sixteen bits, by which the bucket of a table of up to 65,536 is found, and the eight that
// are the entry's tag (tag_table.h). Items are gathered in groups whose width grows with their distance: an eighth of
// the remaining time, at least 16 ms. A group comes due at its start; what is not due yet then moves to a finer group
// nearer by. An entry that expires in an hour moves five times in its life, and an index holds some dozens of groups
// whatever the times are.
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

template <size_t kItemBytes>
class ExpiryIndexOf {
 public:
  static constexpr int64_t kNever = INT64_MAX;
  // The bits of a hash that come back from TakeDue; the others are 0.
  static constexpr uint32_t kHashMask = kItemBytes == 3 ? 0xff00ffff : 0xffffffff;

  ExpiryIndexOf() = default;
  ExpiryIndexOf(const ExpiryIndexOf&) = delete;
  ExpiryIndexOf& operator=(const ExpiryIndexOf&) = delete;
  ~ExpiryIndexOf() { Clear(); }

  // `hash`: the low 32 bits of the name's hash, or of them what TakeDue returned.
  void Add(uint32_t hash, int64_t expiry_ms, int64_t now_ms);
  // An item may come due so much later than its time.
  static constexpr int64_t kLatenessMs = 15;
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
    static constexpr size_t kItemCount = 244 / kItemBytes;
    void Put(uint32_t hash);
    uint32_t Take();
    Chunk* next;
    uint32_t count;
    uint8_t items[244];
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

extern template class ExpiryIndexOf<3>;
extern template class ExpiryIndexOf<4>;
using KeyExpiryIndex = ExpiryIndexOf<3>;
using ExpiryIndex = ExpiryIndexOf<4>;

}  // namespace kvick

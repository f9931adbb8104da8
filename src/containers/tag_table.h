// TagTable: a hash table of entries that the caller allocates, found by their key.
//
// A bucket is one cache line: nine slots, each an eight-bit tag of the hash and a 48-bit pointer.
//
//   0         8 9      10                                     64
//   +---------+--------+--------------------------------------+
//   | 9 tags  | chained| 9 pointers of 6 bytes                |
//   +---------+--------+--------------------------------------+
//
// A tag of zero is a free slot. When `chained` is set the ninth pointer leads to another bucket of the same form.
//
// The table grows by linear hashing: one bucket is split at a time, whenever the load passes kLoadMax, so the load
// is nearly constant at every size, no insertion ever moves more than one bucket, and memory grows by the bucket
// (9.5 to 11 bytes an entry). Buckets lie in segments of 16; a small table's only segment is smaller.
//
// Positions for SCAN: bucket b of depth d holds the hashes whose low d bits are b. Read backwards (lowest bit
// first) that is one interval of the number line, and a split halves the interval. A scan that walks the line
// from 0 to the end therefore meets every entry that stays, however the table grows or shrinks meanwhile.
//
// `Kind` says what the entries are:
//
//   struct MemberKind {
//     using Entry = Member;
//     static std::string_view KeyOf(const Member& entry);    // hashed by SecretHash
//   };
//
// The definitions are in tag_table_impl.h, which the one source file that instantiates a kind includes.
// No thread rule of its own. All-zero bytes are an empty table.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "base/block_mover.h"
#include "base/prefetch.h"
#include "base/words.h"

namespace kvick {

// One cache line of a TagTable.
struct alignas(64) TagBucket {
  static constexpr int kSlotCount = 9;

  uint8_t tags[kSlotCount];
  uint8_t chained;
  uint8_t pointers[kSlotCount * 6];

  // A pointer is read as the upper six of eight bytes that end with it, so that no read passes the bucket's end.
  void* Pointer(int index) const {
    uint64_t word;
    std::memcpy(&word, reinterpret_cast<const char*>(this) + 8 + 6 * index, sizeof(word));
    return reinterpret_cast<void*>(word >> 16);
  }
  void SetPointer(int index, const void* pointer) {
    const auto word = reinterpret_cast<uint64_t>(pointer);
    std::memcpy(pointers + 6 * index, &word, 6);
  }
  TagBucket* Next() const { return chained != 0 ? static_cast<TagBucket*>(Pointer(kSlotCount - 1)) : nullptr; }
  int slot_count() const { return chained != 0 ? kSlotCount - 1 : kSlotCount; }

  // One bit a slot whose tag is `tag`.
  uint32_t Matches(uint8_t tag) const {
    uint32_t mask = 0;
#if defined(__SSE2__)
    const __m128i line = _mm_load_si128(reinterpret_cast<const __m128i*>(this));
    mask = static_cast<uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(line, _mm_set1_epi8(static_cast<char>(tag)))));
#else
    for (int i = 0; i < kSlotCount; ++i) mask |= static_cast<uint32_t>(tags[i] == tag) << i;
#endif
    return mask & ((1u << slot_count()) - 1);
  }
};
static_assert(std::endian::native == std::endian::little, "pointers are stored as the low six bytes");

template <typename Kind>
class TagTable {
 public:
  using Entry = typename Kind::Entry;
  using Bucket = TagBucket;
  // Where an entry is; valid until the table changes.
  struct Slot {
    Bucket* bucket = nullptr;
    int index = 0;
    Entry* entry = nullptr;  // null when nothing was found
  };
  using Visitor = void (*)(void* context, Entry* entry);

  TagTable() = default;
  TagTable(const TagTable&) = delete;
  TagTable& operator=(const TagTable&) = delete;
  // Frees the buckets, not the entries.
  ~TagTable() { FreeBuckets(); }

  uint32_t entry_count() const { return entry_count_; }
  size_t bucket_count() const { return bucket_count_; }

  Slot Find(std::string_view key, uint64_t hash) const;
  // What is there now: Replace may have put another entry into a slot.
  static Slot Reread(const Slot& slot) { return {slot.bucket, slot.index, EntryAt(slot.bucket, slot.index)}; }
  // The key must not be in the table. Amortised O(1); at most one bucket is split.
  void Insert(Entry* entry, uint64_t hash);
  // Makes room for so many entries in all, to spare the splits while they come. For loading.
  void Reserve(uint64_t entry_count);
  // Puts `entry` (the same key) in the place of the one at `slot`.
  void Replace(const Slot& slot, Entry* entry);
  // Takes the entry out and lets the table shrink; the caller frees the entry. `hash` is the entry's.
  void Erase(const Slot& slot, uint64_t hash);

  // Brings the bucket, then (a second call) the entries whose tag matches, into the cache.
  void PrefetchBucket(uint64_t hash) const;
  void PrefetchEntry(uint64_t hash) const;

  // Calls `visit` for the entries of the bucket at `position` and returns the position after it; 0 at the end.
  // `visit` must not change the table.
  uint64_t ScanBucket(uint64_t position, void* context, Visitor visit) const;
  // Calls `visit` for all entries.
  void ForEach(void* context, Visitor visit) const;
  // Moves the bucket with this index (below bucket_count()), if the mover wants it to, with those that are allocated
  // together with it and those chained to it, and puts in the place of each entry what `follow(Entry*)` returns: the
  // entry, or where it has been moved. Slots become invalid. A table that is walked so while it changes may have
  // entries that nobody meets, or meets twice.
  template <typename Follow>
  void MoveBucket(size_t index, BlockMover& mover, Follow&& follow) {
    if (index % kSegmentBuckets == 0) {
      Bucket*& segment = segments_[index / kSegmentBuckets];
      segment = mover.Follow(segment, SegmentBytes());
    }
    if (index + 1 < bucket_count_) PrefetchPlacesOf(BucketAt(index + 1));
    for (Bucket* bucket = BucketAt(index); bucket != nullptr; bucket = bucket->Next()) {
      for (int i = 0; i < bucket->slot_count() && bucket->tags[i] != 0; ++i) {
        Entry* entry = EntryAt(bucket, i);
        Entry* now = follow(entry);
        if (now != entry) bucket->SetPointer(i, now);
      }
      if (Bucket* next = bucket->Next()) bucket->SetPointer(kLastSlot, mover.Follow(next, sizeof(Bucket)));
    }
  }
  // Calls `visit(Entry*)` for the entries of the bucket with this index (below bucket_count()), having asked for those
  // of the next: a walk over all buckets is faster so than one by positions.
  template <typename Visit>
  void VisitBucket(size_t index, Visit&& visit) const {
    if (index + 1 < bucket_count_) PrefetchEntriesOf(BucketAt(index + 1));
    for (const Bucket* bucket = BucketAt(index); bucket != nullptr; bucket = bucket->Next()) {
      for (int i = 0; i < bucket->slot_count() && bucket->tags[i] != 0; ++i) visit(EntryAt(bucket, i));
    }
  }
  // Calls `visit(const Entry*)` for the entries whose keys `other` has too, until it returns false; says whether it
  // never did. Nothing is hashed: what a bucket holds can only be in those of the other that stand for the same bits.
  // Cost: linear in the entries of this table and in the buckets of both.
  template <typename Visit>
  bool ForEachShared(const TagTable& other, Visit&& visit) const;
  // Calls `visit` for the entries whose low 32 hash bits may be `hash` (the tag matches), some of them twice if bits of
  // it are unknown: with the last argument, those between the lowest 16 and the tag's.
  void ForEachCandidate(uint32_t hash, void* context, Visitor visit, bool knows_all_bits = true) const;
  // An entry drawn by `random` (any 64-bit number): uniform over buckets, then over the bucket. Null when empty.
  Entry* RandomEntry(uint64_t random) const;

  size_t memory_bytes() const;
  // Forgets all entries without freeing them.
  void FreeBuckets();

  // The size of a scan position's significant part, from the top.
  static constexpr int kPositionBits = 38;
  // Where the entry of this hash lies on the line that ScanBucket walks.
  static uint64_t PositionOf(uint64_t hash);

 private:
  void ForEachCandidateIn(const Bucket* bucket, uint8_t tag, void* context, Visitor visit) const;

  static constexpr size_t kSegmentBuckets = 8;
  static constexpr int kLastSlot = Bucket::kSlotCount - 1;  // it may lead on to another bucket

  static Entry* EntryAt(const Bucket* bucket, int index) { return static_cast<Entry*>(bucket->Pointer(index)); }
  static void PrefetchEntriesOf(const Bucket* bucket) {
    for (int i = 0; i < bucket->slot_count() && bucket->tags[i] != 0; ++i) PrefetchLine(bucket->Pointer(i));
  }
  static void PrefetchPlacesOf(const Bucket* bucket) {
    PrefetchEntriesOf(bucket);
    for (int i = 0; i < bucket->slot_count() && bucket->tags[i] != 0; ++i) {
      BlockPool::PrefetchPageOf(bucket->Pointer(i));
    }
  }
  // Of the only segment of a small table, which is smaller, or of any other.
  size_t SegmentBytes() const {
    return (bucket_count_ < kSegmentBuckets ? std::bit_ceil(bucket_count_) : kSegmentBuckets) * sizeof(Bucket);
  }
  static Bucket* AllocateBuckets(size_t count);
  static void FreeBucketArray(Bucket* buckets, size_t count);
  bool HoldsIn(size_t first_index, size_t step, uint8_t tag, std::string_view key) const;
  Bucket* BucketAt(size_t index) const { return segments_[index / kSegmentBuckets] + index % kSegmentBuckets; }
  size_t BucketIndex(uint64_t hash) const;
  int Depth(size_t bucket_index) const;
  void AddBucket();
  void RemoveLastBucket();
  void Grow();
  void Shrink();
  static void AddToChain(Bucket* bucket, Entry* entry, uint8_t tag);

  Bucket** segments_ = nullptr;
  uint32_t bucket_count_ = 0;
  uint32_t low_mask_ = 0;  // 2^L - 1, where 2^L <= bucket_count_ < 2^(L+1)
  uint32_t entry_count_ = 0;
  uint32_t segment_capacity_ = 0;  // of the segments_ array
  uint32_t chained_count_ = 0;     // buckets beyond the first of their chain
};

template <typename Kind>
template <typename Visit>
bool TagTable<Kind>::ForEachShared(const TagTable& other, Visit&& visit) const {
  if (other.entry_count_ == 0) return true;
  bool goes_on = true;
  for (size_t index = 0; index < bucket_count_ && goes_on; ++index) {
    const size_t same = other.BucketIndex(index);
    const size_t step = size_t{1} << Depth(index);
    if (index + 1 < other.bucket_count_) PrefetchEntriesOf(other.BucketAt(index + 1));
    const Bucket* const first = BucketAt(index);
    if (index + 1 < bucket_count_) PrefetchEntriesOf(BucketAt(index + 1));
    for (const Bucket* bucket = first; bucket != nullptr; bucket = bucket->Next()) {
      for (int i = 0; i < bucket->slot_count() && bucket->tags[i] != 0 && goes_on; ++i) {
        const Entry* entry = EntryAt(bucket, i);
        if (other.HoldsIn(same, step, bucket->tags[i], Kind::KeyOf(*entry))) goes_on = visit(entry);
      }
    }
  }
  return goes_on;
}

// Whether the key is in the bucket with this index or in those `step` apart behind it.
template <typename Kind>
bool TagTable<Kind>::HoldsIn(size_t first_index, size_t step, uint8_t tag, std::string_view key) const {
  for (size_t index = first_index; index < bucket_count_; index += step) {
    for (const Bucket* bucket = BucketAt(index); bucket != nullptr; bucket = bucket->Next()) {
      for (uint32_t mask = bucket->Matches(tag); mask != 0; mask &= mask - 1) {
        if (EqualBytes(Kind::KeyOf(*EntryAt(bucket, std::countr_zero(mask))), key)) return true;
      }
    }
  }
  return false;
}

}  // namespace kvick

// The definitions of TagTable, for the source file that instantiates a kind:
//
//   template class TagTable<MemberKind>;
#pragma once

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>

#include "base/assert.h"
#include "base/block_pool.h"
#include "base/prefetch.h"
#include "base/random.h"
#include "base/secret_hash.h"
#include "base/words.h"
#include "containers/tag_table.h"

namespace kvick {
namespace tag_table {

// Split when there are more than eight entries a bucket, merge below 3.
inline constexpr uint64_t kLoadMaxTwice = 16;
inline constexpr uint64_t kLoadMin = 3;
// A bucket with its chain never holds more in practice (probability below 10^-12); the assertion guards it.
inline constexpr size_t kChainEntriesMax = 512;

inline uint8_t TagOf(uint64_t hash) {
  const auto tag = static_cast<uint8_t>(hash >> 24);
  return tag == 0 ? uint8_t{1} : tag;
}

inline uint64_t ReverseBits(uint64_t x) {
  x = ((x >> 1) & 0x5555555555555555) | ((x & 0x5555555555555555) << 1);
  x = ((x >> 2) & 0x3333333333333333) | ((x & 0x3333333333333333) << 2);
  x = ((x >> 4) & 0x0f0f0f0f0f0f0f0f) | ((x & 0x0f0f0f0f0f0f0f0f) << 4);
  return __builtin_bswap64(x);
}

}  // namespace tag_table

template <typename Kind>
typename TagTable<Kind>::Bucket* TagTable<Kind>::AllocateBuckets(size_t count) {
  return static_cast<Bucket*>(BlockPool::ForTables().Allocate(count * sizeof(Bucket)));
}

template <typename Kind>
void TagTable<Kind>::FreeBucketArray(Bucket* buckets, size_t count) {
  BlockPool::Free(buckets, count * sizeof(Bucket));
}

// Bucket b at level L: hash mod 2^(L+1) if that bucket exists, else hash mod 2^L.
template <typename Kind>
size_t TagTable<Kind>::BucketIndex(uint64_t hash) const {
  const auto bits = static_cast<uint32_t>(hash);
  const uint32_t index = bits & (low_mask_ * 2 + 1);
  return index < bucket_count_ ? index : index & low_mask_;
}

template <typename Kind>
int TagTable<Kind>::Depth(size_t bucket_index) const {
  const int level = std::popcount(low_mask_);
  const size_t split_count = bucket_count_ - (size_t{low_mask_} + 1);
  return bucket_index > low_mask_ || bucket_index < split_count ? level + 1 : level;
}

template <typename Kind>
typename TagTable<Kind>::Slot TagTable<Kind>::Find(std::string_view key, uint64_t hash) const {
  if (entry_count_ == 0) return {};
  const uint8_t tag = tag_table::TagOf(hash);
  for (Bucket* bucket = BucketAt(BucketIndex(hash)); bucket != nullptr; bucket = bucket->Next()) {
    for (uint32_t mask = bucket->Matches(tag); mask != 0; mask &= mask - 1) {
      const int index = std::countr_zero(mask);
      Entry* entry = EntryAt(bucket, index);
      if (EqualBytes(Kind::KeyOf(*entry), key)) return {bucket, index, entry};
    }
  }
  return {};
}

template <typename Kind>
void TagTable<Kind>::AddToChain(Bucket* bucket, Entry* entry, uint8_t tag) {
  // Only the last bucket of a chain has free slots (Erase fills holes from the end).
  while (bucket->chained != 0) bucket = bucket->Next();
  const uint32_t free_slots = bucket->Matches(0);
  KVICK_DEBUG_ASSERT(free_slots != 0);
  const int index = std::countr_zero(free_slots);
  bucket->tags[index] = tag;
  bucket->SetPointer(index, entry);
}

template <typename Kind>
void TagTable<Kind>::Insert(Entry* entry, uint64_t hash) {
  if (uint64_t{entry_count_} * 2 >= tag_table::kLoadMaxTwice * bucket_count_) Grow();
  Bucket* bucket = BucketAt(BucketIndex(hash));
  while (bucket->chained != 0) bucket = bucket->Next();
  if (bucket->Matches(0) == 0) {
    // The ninth entry makes way for the pointer to a new bucket.
    Bucket* next = AllocateBuckets(1);
    std::memset(static_cast<void*>(next), 0, sizeof(Bucket));
    next->tags[0] = bucket->tags[Bucket::kSlotCount - 1];
    next->SetPointer(0, EntryAt(bucket, Bucket::kSlotCount - 1));
    bucket->tags[Bucket::kSlotCount - 1] = 0;
    bucket->SetPointer(Bucket::kSlotCount - 1, next);
    bucket->chained = 1;
    ++chained_count_;
    bucket = next;
  }
  AddToChain(bucket, entry, tag_table::TagOf(hash));
  ++entry_count_;
}

template <typename Kind>
void TagTable<Kind>::Replace(const Slot& slot, Entry* entry) {
  slot.bucket->SetPointer(slot.index, entry);
}

template <typename Kind>
void TagTable<Kind>::Erase(const Slot& slot, uint64_t hash) {
  // A slot found before another entry was removed may be that of a third by now.
  KVICK_DEBUG_ASSERT(slot.bucket->tags[slot.index] != 0 && EntryAt(slot.bucket, slot.index) == slot.entry);
  Bucket* last = BucketAt(BucketIndex(hash));
  Bucket* before_last = nullptr;
  while (last->chained != 0) {
    before_last = last;
    last = last->Next();
  }
  // The last entry of the chain fills the hole.
  int last_index = Bucket::kSlotCount - 1;
  while (last->tags[last_index] == 0) --last_index;
  slot.bucket->tags[slot.index] = last->tags[last_index];
  slot.bucket->SetPointer(slot.index, EntryAt(last, last_index));
  last->tags[last_index] = 0;
  // A chained bucket with one entry left gives it to the slot that its pointer took.
  if (before_last != nullptr && last_index == 1) {
    before_last->chained = 0;
    before_last->tags[Bucket::kSlotCount - 1] = last->tags[0];
    before_last->SetPointer(Bucket::kSlotCount - 1, EntryAt(last, 0));
    FreeBucketArray(last, 1);
    --chained_count_;
  }
  --entry_count_;
  if (bucket_count_ > 1 && entry_count_ < tag_table::kLoadMin * bucket_count_) Shrink();
  if (entry_count_ == 0) FreeBuckets();
}

// Makes room for one bucket more. The only segment of a small table doubles from one bucket to sixteen.
template <typename Kind>
void TagTable<Kind>::AddBucket() {
  const size_t segment = bucket_count_ / kSegmentBuckets;
  if (segment == 0) {
    if (std::has_single_bit(bucket_count_) || bucket_count_ == 0) {
      const size_t capacity = bucket_count_ == 0 ? 1 : size_t{bucket_count_} * 2;
      Bucket* grown = AllocateBuckets(capacity);
      if (bucket_count_ > 0) {
        std::memcpy(static_cast<void*>(grown), segments_[0], bucket_count_ * sizeof(Bucket));
        FreeBucketArray(segments_[0], bucket_count_);
      } else {
        segments_ = static_cast<Bucket**>(std::malloc(sizeof(Bucket*)));
        KVICK_ASSERT(segments_ != nullptr);
        segment_capacity_ = 1;
      }
      segments_[0] = grown;
    }
  } else if (bucket_count_ % kSegmentBuckets == 0) {
    if (segment == segment_capacity_) {
      const uint32_t capacity = segment_capacity_ + std::max(segment_capacity_ / 2, 1u);
      auto** grown = static_cast<Bucket**>(std::realloc(static_cast<void*>(segments_), capacity * sizeof(Bucket*)));
      KVICK_ASSERT(grown != nullptr);
      segments_ = grown;
      segment_capacity_ = capacity;
    }
    segments_[segment] = AllocateBuckets(kSegmentBuckets);
  }
  std::memset(static_cast<void*>(BucketAt(bucket_count_)), 0, sizeof(Bucket));
  ++bucket_count_;
  if (bucket_count_ > 1 && std::has_single_bit(bucket_count_)) low_mask_ = bucket_count_ - 1;
}

template <typename Kind>
void TagTable<Kind>::Reserve(uint64_t entry_count) {
  while (entry_count * 2 > tag_table::kLoadMaxTwice * bucket_count_) Grow();
}

template <typename Kind>
void TagTable<Kind>::Grow() {
  AddBucket();
  if (bucket_count_ == 1) return;
  const size_t target = bucket_count_ - 1;
  const uint32_t distinguishing_bit = std::bit_floor(static_cast<uint32_t>(target));
  Bucket* source = BucketAt(target - distinguishing_bit);

  // All entries of the chain must be read for their hashes: fetch them together, then take the chain apart.
  Entry* entries[tag_table::kChainEntriesMax];
  size_t count = 0;
  for (Bucket* bucket = source; bucket != nullptr; bucket = bucket->Next()) {
    for (int i = 0; i < bucket->slot_count() && bucket->tags[i] != 0; ++i) {
      KVICK_ASSERT(count < tag_table::kChainEntriesMax);
      entries[count] = EntryAt(bucket, i);
      PrefetchLine(entries[count]);
      ++count;
    }
  }
  for (Bucket* bucket = source->Next(); bucket != nullptr;) {
    Bucket* next = bucket->Next();
    FreeBucketArray(bucket, 1);
    --chained_count_;
    bucket = next;
  }
  std::memset(static_cast<void*>(source), 0, sizeof(Bucket));
  entry_count_ -= static_cast<uint32_t>(count);
  // Insert finds room for them: the load is below the limit now.
  for (size_t i = 0; i < count; ++i) Insert(entries[i], SecretHash(Kind::KeyOf(*entries[i])));
}

template <typename Kind>
void TagTable<Kind>::Shrink() {
  const size_t victim = bucket_count_ - 1;
  const uint32_t distinguishing_bit = std::bit_floor(static_cast<uint32_t>(victim));
  Entry* entries[tag_table::kChainEntriesMax];
  uint8_t tags[tag_table::kChainEntriesMax];
  size_t count = 0;
  Bucket* first = BucketAt(victim);
  for (Bucket* bucket = first; bucket != nullptr;) {
    for (int i = 0; i < bucket->slot_count() && bucket->tags[i] != 0; ++i) {
      KVICK_ASSERT(count < tag_table::kChainEntriesMax);
      tags[count] = bucket->tags[i];
      entries[count++] = EntryAt(bucket, i);
    }
    Bucket* next = bucket->Next();
    if (bucket != first) {
      FreeBucketArray(bucket, 1);
      --chained_count_;
    }
    bucket = next;
  }
  RemoveLastBucket();
  // The partner's index and the tag are all that Insert needs of a hash.
  entry_count_ -= static_cast<uint32_t>(count);
  const uint64_t partner = victim - distinguishing_bit;
  for (size_t i = 0; i < count; ++i) Insert(entries[i], partner | uint64_t{tags[i]} << 24);
}

template <typename Kind>
void TagTable<Kind>::RemoveLastBucket() {
  --bucket_count_;
  if (bucket_count_ >= kSegmentBuckets && bucket_count_ % kSegmentBuckets == 0) {
    FreeBucketArray(segments_[bucket_count_ / kSegmentBuckets], kSegmentBuckets);
  } else if (bucket_count_ < kSegmentBuckets && std::has_single_bit(bucket_count_)) {
    Bucket* smaller = AllocateBuckets(bucket_count_);
    std::memcpy(static_cast<void*>(smaller), segments_[0], bucket_count_ * sizeof(Bucket));
    FreeBucketArray(segments_[0], size_t{bucket_count_} * 2);
    segments_[0] = smaller;
  }
  if (bucket_count_ <= low_mask_) low_mask_ /= 2;
}

template <typename Kind>
void TagTable<Kind>::PrefetchBucket(uint64_t hash) const {
  if (bucket_count_ != 0) PrefetchLine(BucketAt(BucketIndex(hash)));
}

template <typename Kind>
void TagTable<Kind>::PrefetchEntry(uint64_t hash) const {
  if (bucket_count_ == 0) return;
  const Bucket* bucket = BucketAt(BucketIndex(hash));
  for (uint32_t mask = bucket->Matches(tag_table::TagOf(hash)); mask != 0; mask &= mask - 1) {
    const auto* entry = static_cast<const char*>(bucket->Pointer(std::countr_zero(mask)));
    // Most entries reach into a second cache line.
    PrefetchLine(entry);
    PrefetchLine(entry + 48);
  }
  if (bucket->chained != 0) PrefetchLine(bucket->Next());
}

template <typename Kind>
uint64_t TagTable<Kind>::PositionOf(uint64_t hash) {
  return tag_table::ReverseBits(hash);
}

template <typename Kind>
uint64_t TagTable<Kind>::ScanBucket(uint64_t position, void* context, Visitor visit) const {
  if (bucket_count_ == 0) return 0;
  const size_t index = BucketIndex(tag_table::ReverseBits(position));
  for (const Bucket* bucket = BucketAt(index); bucket != nullptr; bucket = bucket->Next()) {
    for (int i = 0; i < bucket->slot_count(); ++i) {
      if (bucket->tags[i] != 0) visit(context, EntryAt(bucket, i));
    }
  }
  const int depth = Depth(index);
  if (depth == 0) return 0;
  const uint64_t width = uint64_t{1} << (64 - depth);
  return (position & ~(width - 1)) + width;  // wraps to 0 behind the last interval
}

template <typename Kind>
void TagTable<Kind>::ForEach(void* context, Visitor visit) const {
  for (size_t index = 0; index < bucket_count_; ++index) {
    for (const Bucket* bucket = BucketAt(index); bucket != nullptr; bucket = bucket->Next()) {
      for (int i = 0; i < bucket->slot_count(); ++i) {
        if (bucket->tags[i] != 0) visit(context, EntryAt(bucket, i));
      }
    }
  }
}

template <typename Kind>
void TagTable<Kind>::ForEachCandidate(uint32_t hash, void* context, Visitor visit, bool knows_all_bits) const {
  if (bucket_count_ == 0) return;
  const uint8_t tag = tag_table::TagOf(hash);
  // A table of more than 65,536 buckets has several whose index ends with the known bits.
  const uint32_t unknown_max = knows_all_bits ? 0 : std::min<uint32_t>((low_mask_ * 2 + 1) >> 16, 0xff);
  for (uint32_t unknown = 0; unknown <= unknown_max; ++unknown) {
    ForEachCandidateIn(BucketAt(BucketIndex(hash | unknown << 16)), tag, context, visit);
  }
}

template <typename Kind>
void TagTable<Kind>::ForEachCandidateIn(const Bucket* bucket, uint8_t tag, void* context, Visitor visit) const {
  for (; bucket != nullptr; bucket = bucket->Next()) {
    for (uint32_t mask = bucket->Matches(tag); mask != 0; mask &= mask - 1) {
      visit(context, EntryAt(bucket, std::countr_zero(mask)));
    }
  }
}

template <typename Kind>
typename TagTable<Kind>::Entry* TagTable<Kind>::RandomEntry(uint64_t random) const {
  if (entry_count_ == 0) return nullptr;
  uint64_t state = random;
  while (true) {
    state = state * 6364136223846793005 + 1442695040888963407;
    const size_t start = ScaleBelow(state, bucket_count_);
    Entry* entries[tag_table::kChainEntriesMax];
    size_t count = 0;
    for (const Bucket* bucket = BucketAt(start); bucket != nullptr; bucket = bucket->Next()) {
      for (int i = 0; i < bucket->slot_count() && bucket->tags[i] != 0; ++i) entries[count++] = EntryAt(bucket, i);
    }
    // Accepting a bucket with a probability that grows with its load makes entries of full and of half-empty
    // buckets equally likely.
    constexpr uint64_t kAcceptBound = 2 * Bucket::kSlotCount;
    state = state * 6364136223846793005 + 1442695040888963407;
    const uint64_t draw = (state >> 33) % std::max<uint64_t>(kAcceptBound, count);
    if (draw < count) return entries[draw];
  }
}

template <typename Kind>
size_t TagTable<Kind>::memory_bytes() const {
  if (bucket_count_ == 0) return 0;
  const size_t segment_count = (size_t{bucket_count_} + kSegmentBuckets - 1) / kSegmentBuckets;
  const size_t bucket_capacity =
      bucket_count_ < kSegmentBuckets ? std::bit_ceil(bucket_count_) : segment_count * kSegmentBuckets;
  return (bucket_capacity + chained_count_) * sizeof(Bucket) + segment_capacity_ * sizeof(Bucket*);
}

template <typename Kind>
void TagTable<Kind>::FreeBuckets() {
  for (size_t index = 0; index < bucket_count_; ++index) {
    for (Bucket* bucket = BucketAt(index)->Next(); bucket != nullptr;) {
      Bucket* next = bucket->Next();
      FreeBucketArray(bucket, 1);
      bucket = next;
    }
  }
  for (size_t segment = 0; segment * kSegmentBuckets < bucket_count_; ++segment) {
    FreeBucketArray(segments_[segment],
                    bucket_count_ < kSegmentBuckets ? std::bit_ceil(bucket_count_) : kSegmentBuckets);
  }
  std::free(static_cast<void*>(segments_));
  segments_ = nullptr;
  bucket_count_ = low_mask_ = entry_count_ = segment_capacity_ = chained_count_ = 0;
}

}  // namespace kvick

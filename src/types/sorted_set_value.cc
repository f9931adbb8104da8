#include "types/sorted_set_value.h"

#include <algorithm>
#include <new>
#include <optional>
#include <utility>

#include "base/assert.h"
#include "base/block_pool.h"
#include "base/digest.h"
#include "base/numbers.h"
#include "base/secret_hash.h"

namespace kvick {

static_assert(sizeof(SortedSetValue) <= ValueStorage::kBytes);
namespace {

// Integers are stored as such, everything else as text. A zero has no sign there.
class StoredScore {
 public:
  explicit StoredScore(double score) : size_(FormatDouble(score == 0 ? 0 : score, text_)) {}
  ListpackValue value() const { return ListpackValue::FromText({text_, size_}); }

 private:
  char text_[kDoubleTextMax];
  size_t size_;
};

}  // namespace

bool LexRange::IsBelow(std::string_view bytes) const {
  switch (min.kind) {
    case LexBound::Kind::kLowest: return false;
    case LexBound::Kind::kHighest: return true;
    case LexBound::Kind::kIncluding: return bytes < min.bytes;
    case LexBound::Kind::kExcluding: break;
  }
  return bytes <= min.bytes;
}

bool LexRange::IsAbove(std::string_view bytes) const {
  switch (max.kind) {
    case LexBound::Kind::kLowest: return true;
    case LexBound::Kind::kHighest: return false;
    case LexBound::Kind::kIncluding: return bytes > max.bytes;
    case LexBound::Kind::kExcluding: break;
  }
  return bytes >= max.bytes;
}

bool LexRange::IsEmpty() const {
  if (min.kind == LexBound::Kind::kLowest || max.kind == LexBound::Kind::kHighest) return false;
  if (min.kind == LexBound::Kind::kHighest || max.kind == LexBound::Kind::kLowest) return true;
  const bool excludes_one = min.kind == LexBound::Kind::kExcluding || max.kind == LexBound::Kind::kExcluding;
  return min.bytes > max.bytes || (min.bytes == max.bytes && excludes_one);
}

double ScoreOfListpackValue(const ListpackValue& value) {
  if (value.is_integer) return static_cast<double>(value.integer);
  return ParseDouble(value.bytes).value_or(0);
}

void SortByScore(std::vector<ScoredText>* members) {
  std::sort(members->begin(), members->end(), [](const ScoredText& a, const ScoredText& b) {
    return a.score != b.score ? a.score < b.score : a.member < b.member;
  });
}

SortedSetValue::SortedSetValue(const SortedSetLimits& limits, size_t member_size_max, size_t count) {
  if (count <= limits.listpack_entries_max && member_size_max <= limits.listpack_value_max_bytes) {
    pairs_.emplace();
  } else {
    large_ = std::make_unique<Large>();
  }
}

SortedSetValue::SortedSetValue(std::vector<ScoredText> members, const SortedSetLimits& limits) {
  SortByScore(&members);
  size_t size_max = 0;
  for (const ScoredText& item : members) size_max = std::max(size_max, item.member.size());
  if (members.size() <= limits.listpack_entries_max && size_max <= limits.listpack_value_max_bytes) {
    pairs_.emplace();
    for (const ScoredText& item : members) {
      pairs_->Append(item.member);
      pairs_->Append(StoredScore(item.score).value());
    }
  } else {
    large_ = std::make_unique<Large>();
    for (const ScoredText& item : members) AddToLarge(item.member, item.score, SecretHash(item.member));
  }
}

SortedSetValue::SortedSetValue(const SortedSetValue& other) {
  if (other.pairs_) {
    pairs_ = Listpack::CopyOf(*other.pairs_);
    return;
  }
  large_ = std::make_unique<Large>();
  other.ForEach([this](std::string_view member, double score) { AddToLarge(member, score, SecretHash(member)); });
}

uint64_t SortedSetValue::MoveBlocks(uint64_t position, BlockMover& mover) {
  constexpr uint64_t kInIndex = uint64_t{1} << 63;  // behind it: the number of a bucket
  if (!large_) return 0;
  if ((position & kInIndex) == 0) {
    struct Context {
      ScoredMemberTable& index;
      BlockMover& mover;
    } context{large_->index, mover};
    const size_t behind = large_->tree.MoveBlocks(position, mover, &context, [](void* raw, ScoredMember* member) {
      const auto* to = static_cast<const Context*>(raw);
      if (!to->mover.MustMove(member, member->memory_bytes())) return member;
      const auto slot = to->index.Find(member->bytes(), SecretHash(member->bytes()));
      auto* moved = static_cast<ScoredMember*>(to->mover.Move(member, member->memory_bytes()));
      to->index.Replace(slot, moved);
      return moved;
    });
    return behind < large_->tree.count() ? behind : kInIndex;
  }
  const size_t bucket = position & ~kInIndex;
  const size_t bucket_count = large_->index.bucket_count();
  if (bucket >= bucket_count) return 0;
  large_->index.MoveBucket(bucket, mover, [](ScoredMember* member) { return member; });
  return bucket + 1 < bucket_count ? kInIndex | (bucket + 1) : 0;
}

SortedSetValue::~SortedSetValue() {
  if (!large_) return;
  if (large_->listener != nullptr) {
    large_->index.ForEach(
        this, [](void* set, ScoredMember* member) { static_cast<SortedSetValue*>(set)->TellOfChange(*member); });
    large_->listener->OnGone();
  }
  large_->index.ForEach(nullptr, [](void*, ScoredMember* member) { ScoredMember::Free(member); });
}

double SortedSetValue::ScoreAt(Listpack::Position member_position) const {
  return ScoreOfListpackValue(pairs_->Get(pairs_->Next(member_position)));
}

SortedSetValue::Place SortedSetValue::Locate(std::string_view member) const {
  Place place;
  if (large_) {
    place.hash = SecretHash(member);
    place.slot = large_->index.Find(member, place.hash);
    place.found = place.slot.entry != nullptr;
    if (place.found) place.score = place.slot.entry->score();
  } else if (!pairs_->empty()) {
    place.position = pairs_->Find(member, pairs_->First(), 1);
    place.found = place.position != Listpack::kNone;
    if (place.found) place.score = ScoreAt(place.position);
  }
  return place;
}

std::optional<double> SortedSetValue::ScoreOf(std::string_view member) const {
  const Place place = Locate(member);
  return place.found ? std::optional(place.score) : std::nullopt;
}

void SortedSetValue::Add(const Place& place, std::string_view member, double score, const SortedSetLimits& limits) {
  if (large_) return AddToLarge(member, score, place.hash);
  if (count() + 1 <= limits.listpack_entries_max && member.size() <= limits.listpack_value_max_bytes) {
    return AddToPairs(member, score);
  }
  ConvertToLarge();
  AddToLarge(member, score, SecretHash(member));
}

void SortedSetValue::AddToPairs(std::string_view member, double score) {
  const StoredScore stored_score(score);
  char buffer[kInt64TextMax];
  for (auto at = pairs_->First(); at != Listpack::kNone; at = pairs_->Next(pairs_->Next(at))) {
    const double other_score = ScoreAt(at);
    if (other_score < score) continue;
    if (other_score == score && pairs_->Get(at).Text(buffer) < member) continue;
    at = pairs_->InsertBefore(at, member);
    pairs_->InsertAfter(at, stored_score.value());
    return;
  }
  pairs_->Append(member);
  pairs_->Append(stored_score.value());
}

// Values spread over the pools by their address, so that threads seldom meet at a pool's lock.
ScoredMember* SortedSetValue::MakeMember(double score, std::string_view bytes) {
  BlockPool& pool = BlockPool::Shard(reinterpret_cast<uintptr_t>(large_.get()) >> 6);
  ScoredMember* member = ScoredMember::Make(pool, score, bytes);
  large_->member_bytes += member->memory_bytes();
  return member;
}

void SortedSetValue::FreeMember(ScoredMember* member) {
  large_->member_bytes -= member->memory_bytes();
  ScoredMember::Free(member);
}

void SortedSetValue::AddToLarge(std::string_view member, double score, uint64_t hash) {
  if (large_->listener != nullptr) large_->listener->BeforeAdding(member);
  ScoredMember* added = MakeMember(score, member);
  large_->index.Insert(added, hash);
  large_->tree.Insert(added);
}

void SortedSetValue::SetScore(const Place& place, std::string_view member, double score) {
  if (!large_) {
    pairs_->EraseRange(place.position, 2);
    return AddToPairs(member, score);
  }
  ScoredMember* old = place.slot.entry;
  TellOfChange(*old);
  if (old->CanHold(score)) return large_->tree.SetScore(old, score);
  ScoredMember* replacement = MakeMember(score, member);
  large_->tree.Replace(*old, replacement);
  large_->index.Replace(place.slot, replacement);
  FreeMember(old);
}

void SortedSetValue::Erase(const Place& place) {
  if (!large_) {
    pairs_->EraseRange(place.position, 2);
    return;
  }
  ScoredMember* member = place.slot.entry;
  TellOfChange(*member);
  large_->tree.Erase(*member);
  large_->index.Erase(place.slot, place.hash);
  FreeMember(member);
}

void SortedSetValue::EraseRange(RankRange range) {
  if (range.empty()) return;
  if (!large_) {
    pairs_->EraseRange(pairs_->Seek(static_cast<int64_t>(range.begin * 2)), range.count() * 2);
    return;
  }
  for (size_t i = range.count(); i > 0; --i) Erase(Locate(large_->tree.At(range.begin).member()->bytes()));
}

void SortedSetValue::ConvertToLarge() {
  if (large_) return;
  auto large = std::make_unique<Large>();
  std::swap(large_, large);
  const Listpack pairs = std::move(*pairs_);
  pairs_.reset();
  char buffer[kInt64TextMax];
  for (auto at = pairs.First(); at != Listpack::kNone;) {
    const std::string_view member = pairs.Get(at).Text(buffer);
    const Listpack::Position score_position = pairs.Next(at);
    AddToLarge(member, ScoreOfListpackValue(pairs.Get(score_position)), SecretHash(member));
    at = pairs.Next(score_position);
  }
}

bool SortedSetValue::LoadMember(std::string_view member, double score, std::vector<ScoredMember*>* loaded) {
  const uint64_t hash = SecretHash(member);
  if (large_->index.Find(member, hash).entry != nullptr) return false;
  ScoredMember* added = MakeMember(score, member);
  large_->index.Insert(added, hash);
  loaded->push_back(added);
  return true;
}

void SortedSetValue::FinishLoading(std::vector<ScoredMember*>* loaded) {
  const auto is_before = [](const ScoredMember* a, const ScoredMember* b) {
    return a->score() != b->score() ? a->score() < b->score() : a->bytes() < b->bytes();
  };
  // Most files have the greatest first.
  if (loaded->size() > 1 && !is_before(loaded->front(), loaded->back())) std::reverse(loaded->begin(), loaded->end());
  if (!std::is_sorted(loaded->begin(), loaded->end(), is_before)) std::sort(loaded->begin(), loaded->end(), is_before);
  large_->tree.Build(*loaded);
}

size_t SortedSetValue::RankOf(const Place& place) const {
  if (large_) return large_->tree.RankOf(*place.slot.entry);
  size_t rank = 0;
  for (auto at = pairs_->First(); at != place.position; at = pairs_->Next(pairs_->Next(at))) ++rank;
  return rank;
}

RankRange SortedSetValue::RanksOf(const ScoreRange& range) const {
  if (range.IsEmpty()) return {};
  RankRange ranks;
  if (large_) {
    using Bound = ScoreTreeBound;
    ranks.begin =
        large_->tree.CountBefore(range.excludes_min ? Bound::AfterScore(range.min) : Bound::BeforeScore(range.min));
    ranks.end =
        large_->tree.CountBefore(range.excludes_max ? Bound::BeforeScore(range.max) : Bound::AfterScore(range.max));
    return ranks;
  }
  for (auto at = pairs_->First(); at != Listpack::kNone; at = pairs_->Next(pairs_->Next(at))) {
    const double score = ScoreAt(at);
    if (range.IsAbove(score)) break;
    if (range.IsBelow(score)) ++ranks.begin;
    ++ranks.end;
  }
  return ranks;
}

RankRange SortedSetValue::RanksOf(const LexRange& range, Order order) const {
  if (range.IsEmpty() || count() == 0) return {};
  if (!large_) return PairRanksOf(range, order);
  const ScoreTree& tree = large_->tree;
  if (range.IsBelow(tree.At(count() - 1).member()->bytes()) || range.IsAbove(tree.At(0).member()->bytes())) return {};
  const auto bound = [&tree](const LexBound& end, bool goes_behind) {
    if (end.kind == LexBound::Kind::kLowest) return size_t{0};
    if (end.kind == LexBound::Kind::kHighest) return tree.count();
    return tree.CountBefore(goes_behind ? ScoreTreeBound::AfterBytes(end.bytes)
                                        : ScoreTreeBound::BeforeBytes(end.bytes));
  };
  RankRange ranks;
  ranks.begin = bound(range.min, range.min.kind == LexBound::Kind::kExcluding);
  ranks.end = std::max(ranks.begin, bound(range.max, range.max.kind == LexBound::Kind::kIncluding));
  return ranks;
}

RankRange SortedSetValue::PairRanksOf(const LexRange& range, Order order) const {
  char buffer[kInt64TextMax];
  const auto text = [&](Listpack::Position at) { return pairs_->Get(at).Text(buffer); };
  // A listpack ends with a score.
  const Listpack::Position last = pairs_->Previous(pairs_->Last());
  if (range.IsBelow(text(last)) || range.IsAbove(text(pairs_->First()))) return {};
  RankRange ranks;
  if (order == Order::kAscending) {
    Listpack::Position at = pairs_->First();
    for (; range.IsBelow(text(at)); at = pairs_->Next(pairs_->Next(at))) ++ranks.begin;
    ranks.end = ranks.begin;
    for (; at != Listpack::kNone && !range.IsAbove(text(at)); at = pairs_->Next(pairs_->Next(at))) ++ranks.end;
  } else {
    const auto before = [this](Listpack::Position at) {
      return at == pairs_->First() ? Listpack::kNone : pairs_->Previous(pairs_->Previous(at));
    };
    ranks.end = count();
    Listpack::Position at = last;
    for (; range.IsAbove(text(at)); at = before(at)) --ranks.end;
    ranks.begin = ranks.end;
    for (; at != Listpack::kNone && !range.IsBelow(text(at)); at = before(at)) --ranks.begin;
  }
  return ranks;
}

size_t SortedSetValue::memory_bytes() const {
  if (pairs_) return sizeof(*this) + pairs_->allocated_bytes();
  return sizeof(*this) + sizeof(Large) + large_->index.memory_bytes() + large_->tree.memory_bytes() +
         large_->member_bytes;
}

void RegisterSortedSetType() {
  RegisterValueType(
      ValueType::kSortedSet,
      {
          .type_name = "zset",
          .destroy = [](void* value) { delete static_cast<SortedSetValue*>(value); },
          .copy = [](const void* value) -> void* {
            return new SortedSetValue(*static_cast<const SortedSetValue*>(value));
          },
          .memory_bytes = [](const void* value) { return static_cast<const SortedSetValue*>(value)->memory_bytes(); },
          .free_effort = [](const void* value) { return static_cast<const SortedSetValue*>(value)->free_effort(); },
          .item_count = [](const void* value) { return static_cast<const SortedSetValue*>(value)->count(); },
          .encoding_name = [](const void* value) -> std::string_view {
            return static_cast<const SortedSetValue*>(value)->listpack() != nullptr ? "listpack" : "skiplist";
          },
          .packed = [](const void* value) -> std::optional<PackedValue> {
            const Listpack* pairs = static_cast<const SortedSetValue*>(value)->listpack();
            return pairs != nullptr ? std::optional(PackedValue{pairs->bytes()}) : std::nullopt;
          },
          .borrow = [](const PackedValue& packed,
                       ValueStorage* storage) { new (storage->bytes) SortedSetValue(Listpack::Borrow(packed.bytes)); },
          .unpack = [](const PackedValue& packed) -> void* {
            return new SortedSetValue(Listpack::CopyOf(ListpackView(packed.bytes)));
          },
          .has_parts =
              [](const void* value) { return static_cast<const SortedSetValue*>(value)->listpack() == nullptr; },
          .listen = [](void* value,
                       PartListener* listener) { static_cast<SortedSetValue*>(value)->ListenWith(listener); },
          .scan_parts =
              [](const void* value, uint64_t position, PartVisitor& visitor) {
                return static_cast<const SortedSetValue*>(value)->Scan(
                    position,
                    [&](std::string_view member, double score) { visitor.Visit({.name = member, .score = score}); });
              },
          .move_blocks =
              [](void* value, uint64_t position, BlockMover& mover) {
                return static_cast<SortedSetValue*>(value)->MoveBlocks(position, mover);
              },
          .digest =
              [](const void* value, Digest* digest) {
                static_cast<const SortedSetValue*>(value)->ForEach([&](std::string_view member, double score) {
                  Digest pair;
                  pair.Append(member);
                  pair.Append(FormatDouble(score + 0.0));  // the sign of a zero depends on the encoding
                  digest->Mix(pair);
                });
              },
      });
}

}  // namespace kvick

// SortedSetValue: the value of a sorted set key.
//
//   SortedSetValue set(limits, member.size());
//   const auto place = set.Locate("alice");
//   place.found ? set.SetScore(place, "alice", 10) : set.Add(place, "alice", 10, limits);
//   set.ForEachInRange({0, 10}, Order::kAscending, [](std::string_view member, double score) { ... });
//
// Small ones are a listpack of member, score, member, score ... in order, byte for byte what RDB files hold. Large ones
// are a tree in the order of the scores and a table by member, which share the members; a large one never becomes small
// again by itself. Ranks count from 0, in ascending order of (score, bytes). Thread rule: that of its key.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "containers/listpack.h"
#include "containers/part_listener.h"
#include "containers/score_tree.h"
#include "containers/scored_member.h"
#include "types/value_type.h"

namespace kvick {

// Up to which size a sorted set is a listpack.
struct SortedSetLimits {
  size_t listpack_entries_max = 128;
  size_t listpack_value_max_bytes = 64;
};

// What lies between two scores; each end belongs to it or not.
struct ScoreRange {
  double min = 0;
  double max = 0;
  bool excludes_min = false;
  bool excludes_max = false;

  bool IsBelow(double score) const { return excludes_min ? score <= min : score < min; }
  bool IsAbove(double score) const { return excludes_max ? score >= max : score > max; }
  bool IsEmpty() const { return min > max || (min == max && (excludes_min || excludes_max)); }
};

// An end of a range of bytes: "-" is in front of all, "+" behind all.
struct LexBound {
  enum class Kind : uint8_t { kLowest, kHighest, kIncluding, kExcluding };
  Kind kind = Kind::kLowest;
  std::string_view bytes;
};

struct LexRange {
  LexBound min;
  LexBound max;

  bool IsBelow(std::string_view bytes) const;
  bool IsAbove(std::string_view bytes) const;
  bool IsEmpty() const;
};

// The ranks begin <= rank < end.
struct RankRange {
  size_t begin = 0;
  size_t end = 0;

  size_t count() const { return end - begin; }
  bool empty() const { return begin >= end; }
};

enum class Order : uint8_t { kAscending, kDescending };

struct ScoredText {
  std::string member;
  double score = 0;
};

// In the order of a sorted set.
void SortByScore(std::vector<ScoredText>* members);

class SortedSetValue {
 public:
  static constexpr ValueType kType = ValueType::kSortedSet;

  // Empty, in the form that suits a set of `count` members, the longest of which has this size.
  SortedSetValue(const SortedSetLimits& limits, size_t member_size_max, size_t count = 1);
  // Members and scores, in order.
  explicit SortedSetValue(Listpack pairs) : pairs_(std::move(pairs)) {}
  // Members in any order, each once.
  SortedSetValue(std::vector<ScoredText> members, const SortedSetLimits& limits);
  SortedSetValue(const SortedSetValue& other);
  SortedSetValue& operator=(const SortedSetValue&) = delete;
  ~SortedSetValue();

  size_t count() const { return large_ ? large_->tree.count() : pairs_->count() / 2; }
  // Null for a large one.
  const Listpack* listpack() const { return pairs_ ? &*pairs_ : nullptr; }

  // Where a member is, or would be. Valid until the set changes.
  struct Place {
    bool found = false;
    double score = 0;
    Listpack::Position position = Listpack::kNone;
    ScoredMemberTable::Slot slot;
    uint64_t hash = 0;
  };
  Place Locate(std::string_view member) const;
  std::optional<double> ScoreOf(std::string_view member) const;

  // `place` is what Locate found for the member. Scores are never NaN.
  void Add(const Place& place, std::string_view member, double score, const SortedSetLimits& limits);
  void SetScore(const Place& place, std::string_view member, double score);
  void Erase(const Place& place);
  void EraseRange(RankRange range);
  void ConvertToLarge();

  // For loading a large set of about so many members: these one by one, in any order (false: it was there), and then
  // FinishLoading, before which there is no order and nothing else may be done.
  void BeginLoading(size_t member_count) { large_->index.Reserve(member_count); }
  bool LoadMember(std::string_view member, double score, std::vector<ScoredMember*>* loaded);
  void FinishLoading(std::vector<ScoredMember*>* loaded);

  size_t RankOf(const Place& place) const;
  RankRange RanksOf(const ScoreRange& range) const;
  // Meant for sets whose scores are all equal; in others the answer is well-defined but of little use, and depends on
  // the end from which a listpack is searched.
  RankRange RanksOf(const LexRange& range, Order order) const;

  // Calls `visit(std::string_view member, double score)` for each; the view is valid during the call.
  template <typename Visit>
  void ForEachInRange(RankRange range, Order order, Visit&& visit) const;
  template <typename Visit>
  void ForEach(Visit&& visit) const {
    ForEachInRange({0, count()}, Order::kAscending, visit);
  }
  // A piece of the members is visited; the position behind it comes back, 0 at the end. Listpacks are one piece.
  // A member that stays is met, however the set changes between the calls.
  template <typename Visit>
  uint64_t Scan(uint64_t position, Visit&& visit) const;

  // Who is told of changes of a large one; null: nobody.
  void ListenWith(PartListener* listener) { large_->listener = listener; }

  // Moves blocks of a piece of a large one that a mover wants to be moved: those of the tree in the order of ranks,
  // with the members, then those of the index. The position behind it comes back, 0 at the end.
  uint64_t MoveBlocks(uint64_t position, BlockMover& mover);

  size_t memory_bytes() const;
  // How many allocations a destructor frees.
  size_t free_effort() const { return large_ ? count() : 1; }

 private:
  struct Large {
    ScoredMemberTable index;
    ScoreTree tree;
    size_t member_bytes = 0;
    PartListener* listener = nullptr;
  };

  void TellOfChange(const ScoredMember& member) {
    if (large_->listener != nullptr) large_->listener->BeforeChange({.name = member.bytes(), .score = member.score()});
  }

  ScoredMember* MakeMember(double score, std::string_view bytes);
  void FreeMember(ScoredMember* member);
  void AddToPairs(std::string_view member, double score);
  void AddToLarge(std::string_view member, double score, uint64_t hash);
  double ScoreAt(Listpack::Position member_position) const;
  RankRange PairRanksOf(const LexRange& range, Order order) const;

  std::optional<Listpack> pairs_;  // exactly one of the two is set
  std::unique_ptr<Large> large_;
};

// The score that a listpack holds behind a member: an integer, or the text of a double.
double ScoreOfListpackValue(const ListpackValue& value);

void RegisterSortedSetType();

template <typename Visit>
void SortedSetValue::ForEachInRange(RankRange range, Order order, Visit&& visit) const {
  if (range.empty()) return;
  size_t left = range.count();
  if (large_) {
    auto at = large_->tree.At(order == Order::kAscending ? range.begin : range.end - 1);
    while (true) {
      visit(at.member()->bytes(), at.member()->score());
      if (--left == 0) return;
      order == Order::kAscending ? at.Next() : at.Previous();
    }
  }
  const size_t first = order == Order::kAscending ? range.begin : range.end - 1;
  Listpack::Position at = pairs_->Seek(static_cast<int64_t>(first * 2));
  char buffer[kInt64TextMax];
  while (true) {
    visit(pairs_->Get(at).Text(buffer), ScoreAt(at));
    if (--left == 0) return;
    at = order == Order::kAscending ? pairs_->Next(pairs_->Next(at)) : pairs_->Previous(pairs_->Previous(at));
  }
}

template <typename Visit>
uint64_t SortedSetValue::Scan(uint64_t position, Visit&& visit) const {
  if (large_) {
    return large_->index.ScanBucket(position, &visit, [](void* context, ScoredMember* member) {
      (*static_cast<std::remove_reference_t<Visit>*>(context))(member->bytes(), member->score());
    });
  }
  ForEach(visit);
  return 0;
}

}  // namespace kvick

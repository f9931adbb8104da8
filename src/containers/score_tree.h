// ScoreTree: the members of a large sorted set in the order of (score, bytes): a B+ tree with order statistics.
//
//   tree.Insert(member);                                       // ScoredMember*, owned by the caller
//   const size_t rank = tree.RankOf(*member);
//   const size_t count = tree.CountBefore(ScoreTreeBound::AfterScore(10));   // members with a score <= 10
//   for (auto at = tree.At(rank); at.member() != nullptr; at.Next()) Use(*at.member());
//
// A leaf holds up to 128 members and only as much memory as it needs, in steps of eight members. For each it has a
// pointer of six bytes and a tag of one, so that a set of 1 M members costs some 8 bytes a member here:
//
//   +-------+----------+--------------+------------------+---------------+
//   | count | capacity | base, scale  | capacity x 6     | capacity x 1  |
//   | u16   | u16      | f64, f64     | pointers         | tags          |
//   +-------+----------+--------------+------------------+---------------+
//
// A tag is the score, scaled into 0..255 over the leaf's range. The order of tags never contradicts that of scores, so
// a search needs to look only at members whose tag equals the one sought: one or two instead of seven, each of which
// would be a cache miss. When the scores have gathered elsewhere, or are all equal, the tags do not tell members apart
// and the search looks at log2(count) of them; they are computed anew when a leaf is split, merged or outgrown.
//
// An inner node has up to 32 children; of each it knows the pointer, the count of members below, and the first member
// with its score. Leaves are not linked: a cursor that leaves one finds the next by rank.
//
// Cost: O(log n) for everything but Clear; no operation touches more than a few nodes of at most 1 KiB a level.
// No thread rule of its own; const methods may run together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/block_mover.h"
#include "containers/scored_member.h"

namespace kvick {

// A place between two members: CountBefore counts the members in front of it.
struct ScoreTreeBound {
  enum class Kind : uint8_t { kBeforeScore, kAfterScore, kBeforeMember, kAfterMember, kBeforeBytes, kAfterBytes };

  Kind kind = Kind::kBeforeScore;
  double score = 0;
  std::string_view bytes;

  static ScoreTreeBound BeforeScore(double score) { return {Kind::kBeforeScore, score, {}}; }
  static ScoreTreeBound AfterScore(double score) { return {Kind::kAfterScore, score, {}}; }
  static ScoreTreeBound BeforeMember(double score, std::string_view bytes) {
    return {Kind::kBeforeMember, score, bytes};
  }
  // By the bytes alone: for sets whose scores are all equal.
  static ScoreTreeBound BeforeBytes(std::string_view bytes) { return {Kind::kBeforeBytes, 0, bytes}; }
  static ScoreTreeBound AfterBytes(std::string_view bytes) { return {Kind::kAfterBytes, 0, bytes}; }

  bool uses_score() const { return kind <= Kind::kAfterMember; }
  // Whether a member with this score lies in front of the bound; its bytes are looked at only when they decide.
  bool IsBehind(double member_score, const ScoredMember& member) const {
    if (uses_score() && member_score != score) return member_score < score;
    switch (kind) {
      case Kind::kBeforeScore: return false;
      case Kind::kAfterScore: return true;
      case Kind::kBeforeMember:
      case Kind::kBeforeBytes: return member.bytes() < bytes;
      case Kind::kAfterMember:
      case Kind::kAfterBytes: break;
    }
    return member.bytes() <= bytes;
  }
};

class ScoreTree {
 public:
  class Cursor;

  ScoreTree() = default;
  ScoreTree(const ScoreTree&) = delete;
  ScoreTree& operator=(const ScoreTree&) = delete;
  // Frees the nodes, not the members.
  ~ScoreTree() { Clear(); }

  size_t count() const { return count_; }

  // No member with the same bytes may be in the tree.
  void Insert(ScoredMember* member);
  // The member must be in the tree, with the score it has now.
  void Erase(const ScoredMember& member);
  // Moves a member of the tree to where its new score puts it; it must be able to hold that.
  void SetScore(ScoredMember* member, double score);
  // Puts a member with the same bytes and another score in the place of one in the tree.
  void Replace(const ScoredMember& member, ScoredMember* replacement);
  // Fills an empty tree with members that are in order.
  void Build(std::span<ScoredMember* const> members);
  // Forgets all members.
  void Clear();

  size_t CountBefore(const ScoreTreeBound& bound) const;
  size_t RankOf(const ScoredMember& member) const {
    return CountBefore(ScoreTreeBound::BeforeMember(member.score(), member.bytes()));
  }
  // At the member with this rank; beyond the last one the cursor holds none.
  Cursor At(size_t rank) const;

  // Moves the leaf that holds the member with this rank, and the nodes above it, if the mover wants them to. In the
  // place of each member of the leaf comes what `follow` returns, the member or where it has been moved. Returns the
  // rank behind the leaf; 0 when there is no such member.
  size_t MoveBlocks(size_t rank, BlockMover& mover, void* context,
                    ScoredMember* (*follow)(void* context, ScoredMember* member));

  // What the nodes occupy.
  size_t memory_bytes() const;
  // For tests: aborts unless order, counts, separators and tags are right.
  void Check() const;

 private:
  struct Leaf;
  struct Inner;
  struct Step {
    Inner* node;
    size_t index;
  };
  // Levels of inner nodes: far more than 2^32 members need.
  static constexpr size_t kHeightMax = 16;

  struct Place {
    Leaf* leaf;
    size_t index;
  };
  // Where the member is, if with this score it stays there; no leaf otherwise.
  Place FindIfItStays(const ScoredMember& member, double score);

  BlockPool& pool() const;
  Leaf* MakeLeaf(size_t capacity);
  static void FreeLeaf(Leaf* leaf);
  Leaf* Resized(Leaf* leaf, size_t capacity);
  Inner* MakeInner();
  static void FreeInner(Inner* inner);
  void FreeNodes(void* node, size_t level);
  // Adds `child` behind path[level]'s child; splits upwards as needed.
  void AddChild(Step* path, size_t level, void* child, uint32_t child_count, ScoredMember* first);
  void SetFirst(Step* path, size_t level, ScoredMember* first);
  void MergeLeaf(Step* path, Leaf* leaf);
  void RemoveChild(Step* path, size_t level);
  void MergeInner(Step* path, size_t level);
  size_t NodeBytes(const void* node, size_t level) const;
  size_t CheckNode(const void* node, size_t level, const ScoredMember** previous) const;

  void* root_ = nullptr;  // a Leaf when height_ is 0
  uint32_t height_ = 0;   // levels of inner nodes
  size_t count_ = 0;
};

// A place in a tree, valid until the tree changes.
class ScoreTree::Cursor {
 public:
  // Null behind the last and in front of the first member.
  ScoredMember* member() const { return member_; }
  size_t rank() const { return rank_; }
  void Next();
  void Previous();

 private:
  friend class ScoreTree;
  void Load();

  const ScoreTree* tree_ = nullptr;
  const Leaf* leaf_ = nullptr;
  size_t index_ = 0;
  size_t rank_ = 0;
  ScoredMember* member_ = nullptr;
};

}  // namespace kvick

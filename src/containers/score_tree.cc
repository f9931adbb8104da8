#include "containers/score_tree.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <new>

#include "base/assert.h"
#include "base/prefetch.h"

namespace kvick {
namespace {

constexpr size_t kLeafMax = 128;
constexpr size_t kLeafStep = 8;
constexpr size_t kLeafMin = 32;        // a smaller leaf joins a neighbour, if that has room:
constexpr size_t kLeafMergedMax = 96;  // leaves some, so that the next insertions do not split again
constexpr size_t kInnerMax = 32;
constexpr size_t kInnerMin = 8;
constexpr size_t kInnerMergedMax = 24;
constexpr size_t kPrefetchDistance = 8;  // how far a cursor reads ahead

size_t RoundUpToStep(size_t count) { return (count + kLeafStep - 1) / kLeafStep * kLeafStep; }

}  // namespace

struct ScoreTree::Leaf {
  uint16_t count;
  uint16_t capacity;
  double base;
  double scale;

  static size_t Bytes(size_t capacity) { return sizeof(Leaf) + capacity * (kPointerBytes + 1); }

  ScoredMember* At(size_t index) const {
    // The header stands in front of the first pointer, so the eight bytes that end with a pointer are the leaf's.
    uint64_t word;
    std::memcpy(&word, pointers() + index * kPointerBytes - 2, sizeof(word));
    return reinterpret_cast<ScoredMember*>(word >> 16);
  }
  void Set(size_t index, ScoredMember* member) {
    const auto word = reinterpret_cast<uint64_t>(member);
    std::memcpy(pointers() + index * kPointerBytes, &word, kPointerBytes);
    tags()[index] = TagOf(member->score());
  }

  // Not decreasing in `score`; any score gives a tag.
  uint8_t TagOf(double score) const {
    const double scaled = (score - base) * scale;
    if (!(scaled > 0)) return 0;  // also when an infinity met a scale of 0
    return scaled >= 255 ? uint8_t{255} : static_cast<uint8_t>(scaled);
  }
  // Computes base, scale and tags from the scores that are there.
  void ScaleTags() {
    constexpr double kBound = std::numeric_limits<double>::max() / 4;
    base = std::clamp(At(0)->score(), -kBound, kBound);
    const double range = std::clamp(At(count - size_t{1})->score(), -kBound, kBound) - base;
    scale = range > 0 && std::isfinite(256 / range) ? 256 / range : 0;
    for (size_t i = 0; i < count; ++i) tags()[i] = TagOf(At(i)->score());
  }
  // Many scores share the tags at the ends because they lie outside the range that the tags were made for.
  bool IsBadlyScaled() const {
    const double first = At(0)->score();
    const double last = At(count - size_t{1})->score();
    return first < last && (scale == 0 || first < base || (last - base) * scale > 257);
  }

  // The number of members in front of the bound.
  size_t CountBefore(const ScoreTreeBound& bound) const {
    size_t low = 0;
    size_t high = count;
    if (bound.uses_score()) {
      const uint8_t tag = TagOf(bound.score);
      const uint8_t* begin = tags();
      const uint8_t* first = std::lower_bound(begin, begin + count, tag);
      low = static_cast<size_t>(first - begin);
      high = static_cast<size_t>(std::upper_bound(first, begin + count, tag) - begin);
    }
    while (low < high) {
      const size_t middle = (low + high) / 2;
      const ScoredMember* member = At(middle);
      if (bound.IsBehind(member->score(), *member)) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  void InsertAt(size_t index, ScoredMember* member) {
    std::memmove(pointers() + (index + 1) * kPointerBytes, pointers() + index * kPointerBytes,
                 (count - index) * kPointerBytes);
    std::memmove(tags() + index + 1, tags() + index, count - index);
    ++count;
    Set(index, member);
  }
  void EraseAt(size_t index) {
    --count;
    std::memmove(pointers() + index * kPointerBytes, pointers() + (index + 1) * kPointerBytes,
                 (count - index) * kPointerBytes);
    std::memmove(tags() + index, tags() + index + 1, count - index);
  }
  // Appends members of another leaf; the tags are to be scaled afterwards.
  void AppendFrom(const Leaf& other, size_t index, size_t item_count) {
    std::memcpy(pointers() + count * kPointerBytes, other.pointers() + index * kPointerBytes,
                item_count * kPointerBytes);
    count = static_cast<uint16_t>(count + item_count);
  }

  static constexpr size_t kPointerBytes = 6;
  char* pointers() { return reinterpret_cast<char*>(this) + sizeof(Leaf); }
  const char* pointers() const { return reinterpret_cast<const char*>(this) + sizeof(Leaf); }
  uint8_t* tags() { return reinterpret_cast<uint8_t*>(pointers()) + capacity * kPointerBytes; }
  const uint8_t* tags() const { return reinterpret_cast<const uint8_t*>(pointers()) + capacity * kPointerBytes; }
};

struct ScoreTree::Inner {
  size_t count;
  double scores[kInnerMax];         // of `firsts`
  ScoredMember* firsts[kInnerMax];  // the first member below each child
  void* children[kInnerMax];
  uint32_t counts[kInnerMax];  // of the members below each child

  // The child in which the bound lies.
  size_t ChildOf(const ScoreTreeBound& bound) const {
    size_t low = 1;  // what lies before the first member belongs to the first child, too
    size_t high = count;
    while (low < high) {
      const size_t middle = (low + high) / 2;
      if (bound.IsBehind(scores[middle], *firsts[middle])) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low - 1;
  }
  void SetFirst(size_t index, ScoredMember* first) {
    firsts[index] = first;
    scores[index] = first->score();
  }
  void InsertAt(size_t index, void* child, uint32_t child_count, ScoredMember* first) {
    for (size_t i = count; i > index; --i) CopyFrom(*this, i - 1, i);
    ++count;
    children[index] = child;
    counts[index] = child_count;
    SetFirst(index, first);
  }
  void EraseAt(size_t index) {
    --count;
    for (size_t i = index; i < count; ++i) CopyFrom(*this, i + 1, i);
  }
  void AppendFrom(const Inner& other, size_t index, size_t item_count) {
    for (size_t i = 0; i < item_count; ++i) CopyFrom(other, index + i, count + i);
    count += item_count;
  }
  void CopyFrom(const Inner& other, size_t from, size_t to) {
    scores[to] = other.scores[from];
    firsts[to] = other.firsts[from];
    children[to] = other.children[from];
    counts[to] = other.counts[from];
  }
  uint32_t Sum() const {
    uint32_t sum = 0;
    for (size_t i = 0; i < count; ++i) sum += counts[i];
    return sum;
  }
};

// Trees spread over the pools by their address, so that threads seldom meet at a pool's lock.
BlockPool& ScoreTree::pool() const { return BlockPool::Shard(reinterpret_cast<uintptr_t>(this) >> 6); }

ScoreTree::Leaf* ScoreTree::MakeLeaf(size_t capacity) {
  auto* leaf = new (pool().Allocate(Leaf::Bytes(capacity))) Leaf;
  leaf->count = 0;
  leaf->capacity = static_cast<uint16_t>(capacity);
  leaf->base = 0;
  leaf->scale = 0;
  return leaf;
}

void ScoreTree::FreeLeaf(Leaf* leaf) { BlockPool::Free(leaf, Leaf::Bytes(leaf->capacity)); }

// The leaf with another capacity. Its tags are kept, or made anew when they have become useless.
ScoreTree::Leaf* ScoreTree::Resized(Leaf* leaf, size_t capacity) {
  Leaf* resized = MakeLeaf(capacity);
  resized->AppendFrom(*leaf, 0, leaf->count);
  resized->base = leaf->base;
  resized->scale = leaf->scale;
  if (leaf->count > 0 && leaf->IsBadlyScaled()) {
    resized->ScaleTags();
  } else {
    std::memcpy(resized->tags(), leaf->tags(), leaf->count);
  }
  FreeLeaf(leaf);
  return resized;
}

ScoreTree::Inner* ScoreTree::MakeInner() {
  auto* inner = new (pool().Allocate(sizeof(Inner))) Inner;
  inner->count = 0;
  return inner;
}

void ScoreTree::FreeInner(Inner* inner) { BlockPool::Free(inner, sizeof(Inner)); }

void ScoreTree::Insert(ScoredMember* member) {
  if (root_ == nullptr) {
    Leaf* leaf = MakeLeaf(kLeafStep);
    leaf->InsertAt(0, member);
    root_ = leaf;
    count_ = 1;
    return;
  }
  const ScoreTreeBound bound = ScoreTreeBound::BeforeMember(member->score(), member->bytes());
  Step path[kHeightMax];
  void* node = root_;
  for (size_t level = height_; level > 0; --level) {
    auto* inner = static_cast<Inner*>(node);
    const size_t index = inner->ChildOf(bound);
    path[level - 1] = {inner, index};
    ++inner->counts[index];
    if (index == 0 && !bound.IsBehind(inner->scores[0], *inner->firsts[0])) inner->SetFirst(0, member);
    node = inner->children[index];
  }
  ++count_;
  auto* leaf = static_cast<Leaf*>(node);
  const size_t position = leaf->CountBefore(bound);
  if (leaf->count < leaf->capacity) return leaf->InsertAt(position, member);

  void** link = height_ == 0 ? &root_ : &path[0].node->children[path[0].index];
  if (leaf->count < kLeafMax) {
    leaf = Resized(leaf, leaf->capacity + kLeafStep);
    *link = leaf;
    return leaf->InsertAt(position, member);
  }

  // Members that come in ascending order leave full leaves behind them.
  const size_t split = position == leaf->count ? leaf->count : leaf->count / size_t{2};
  Leaf* right = MakeLeaf(RoundUpToStep(leaf->count - split + 1));
  right->AppendFrom(*leaf, split, leaf->count - split);
  if (right->count > 0) {
    right->ScaleTags();
    Leaf* left = MakeLeaf(RoundUpToStep(split + 1));
    left->AppendFrom(*leaf, 0, split);
    left->ScaleTags();
    FreeLeaf(leaf);
    leaf = left;
    *link = leaf;
  }
  if (position > split || right->count == 0) {
    right->InsertAt(position - split, member);
  } else {
    leaf->InsertAt(position, member);
  }
  if (height_ > 0) path[0].node->counts[path[0].index] = leaf->count;
  AddChild(path, 0, right, right->count, right->At(0));
}

void ScoreTree::AddChild(Step* path, size_t level, void* child, uint32_t child_count, ScoredMember* first) {
  if (level == height_) {
    // The root was split.
    Inner* root = MakeInner();
    const uint32_t rest = static_cast<uint32_t>(count_) - child_count;
    ScoredMember* leftmost = level == 0 ? static_cast<Leaf*>(root_)->At(0) : static_cast<Inner*>(root_)->firsts[0];
    root->InsertAt(0, root_, rest, leftmost);
    root->InsertAt(1, child, child_count, first);
    root_ = root;
    ++height_;
    KVICK_ASSERT(height_ < kHeightMax);
    return;
  }
  Inner* inner = path[level].node;
  const size_t position = path[level].index + 1;
  if (inner->count < kInnerMax) return inner->InsertAt(position, child, child_count, first);

  const size_t split = position == inner->count ? inner->count : inner->count / 2;
  Inner* right = MakeInner();
  right->AppendFrom(*inner, split, inner->count - split);
  inner->count = split;
  if (position > split || right->count == 0) {
    right->InsertAt(position - split, child, child_count, first);
  } else {
    inner->InsertAt(position, child, child_count, first);
  }
  const uint32_t right_count = right->Sum();
  if (level + 1 < height_) path[level + 1].node->counts[path[level + 1].index] -= right_count;
  AddChild(path, level + 1, right, right_count, right->firsts[0]);
}

void ScoreTree::Erase(const ScoredMember& member) {
  const ScoreTreeBound bound{ScoreTreeBound::Kind::kAfterMember, member.score(), member.bytes()};
  Step path[kHeightMax];
  void* node = root_;
  for (size_t level = height_; level > 0; --level) {
    auto* inner = static_cast<Inner*>(node);
    const size_t index = inner->ChildOf(bound);
    path[level - 1] = {inner, index};
    --inner->counts[index];
    node = inner->children[index];
  }
  auto* leaf = static_cast<Leaf*>(node);
  const size_t behind = leaf->CountBefore(bound);
  KVICK_ASSERT(behind > 0 && leaf->At(behind - 1) == &member);
  leaf->EraseAt(behind - 1);
  --count_;

  if (leaf->count == 0) {
    FreeLeaf(leaf);
    if (height_ == 0) {
      root_ = nullptr;
    } else {
      RemoveChild(path, 0);
    }
    return;
  }
  if (behind == 1) SetFirst(path, 0, leaf->At(0));
  if (leaf->count < kLeafMin && height_ > 0) return MergeLeaf(path, leaf);
  // Two steps of room: a set that keeps its size does not move its leaves back and forth.
  if (leaf->count + 2 * kLeafStep <= leaf->capacity) {
    leaf = Resized(leaf, RoundUpToStep(leaf->count + size_t{1}));
    (height_ == 0 ? root_ : path[0].node->children[path[0].index]) = leaf;
  }
}

// The first member below path[level]'s child has changed.
void ScoreTree::SetFirst(Step* path, size_t level, ScoredMember* first) {
  for (; level < height_; ++level) {
    path[level].node->SetFirst(path[level].index, first);
    if (path[level].index != 0) return;
  }
}

void ScoreTree::MergeLeaf(Step* path, Leaf* leaf) {
  Inner* parent = path[0].node;
  const size_t index = path[0].index;
  for (const size_t left_index : {index - 1, index}) {  // with the left neighbour, or else with the right one
    if (left_index >= parent->count || left_index + 1 >= parent->count) continue;
    auto* left = static_cast<Leaf*>(parent->children[left_index]);
    auto* right = static_cast<Leaf*>(parent->children[left_index + 1]);
    const size_t merged_count = size_t{left->count} + right->count;
    if (merged_count > kLeafMergedMax) continue;
    Leaf* merged = MakeLeaf(RoundUpToStep(merged_count + 1));
    merged->AppendFrom(*left, 0, left->count);
    merged->AppendFrom(*right, 0, right->count);
    merged->ScaleTags();
    FreeLeaf(left);
    FreeLeaf(right);
    parent->children[left_index] = merged;
    parent->counts[left_index] = merged->count;
    path[0].index = left_index + 1;
    return RemoveChild(path, 0);
  }
  if (leaf->count + 2 * kLeafStep <= leaf->capacity) {
    parent->children[index] = Resized(leaf, RoundUpToStep(leaf->count + size_t{1}));
  }
}

// Takes path[level]'s child, whose node has been freed, out of its parent.
void ScoreTree::RemoveChild(Step* path, size_t level) {
  Inner* inner = path[level].node;
  const size_t index = path[level].index;
  inner->EraseAt(index);
  if (level + 1 == height_) {
    if (inner->count == 1) {
      root_ = inner->children[0];
      --height_;
      FreeInner(inner);
    }
    return;
  }
  if (inner->count == 0) {
    FreeInner(inner);
    return RemoveChild(path, level + 1);
  }
  if (index == 0) SetFirst(path, level + 1, inner->firsts[0]);
  if (inner->count < kInnerMin) MergeInner(path, level);
}

void ScoreTree::MergeInner(Step* path, size_t level) {
  Inner* parent = path[level + 1].node;
  const size_t index = path[level + 1].index;
  for (const size_t left_index : {index - 1, index}) {
    if (left_index >= parent->count || left_index + 1 >= parent->count) continue;
    auto* left = static_cast<Inner*>(parent->children[left_index]);
    auto* right = static_cast<Inner*>(parent->children[left_index + 1]);
    if (left->count + right->count > kInnerMergedMax) continue;
    left->AppendFrom(*right, 0, right->count);
    parent->counts[left_index] += parent->counts[left_index + 1];
    FreeInner(right);
    path[level + 1].index = left_index + 1;
    return RemoveChild(path, level + 1);
  }
}

// Most increments leave a member between its neighbours. At the ends of a leaf nobody looks for them.
ScoreTree::Place ScoreTree::FindIfItStays(const ScoredMember& member, double score) {
  const ScoreTreeBound behind{ScoreTreeBound::Kind::kAfterMember, member.score(), member.bytes()};
  void* node = root_;
  for (size_t level = height_; level > 0; --level) {
    auto* inner = static_cast<Inner*>(node);
    node = inner->children[inner->ChildOf(behind)];
  }
  auto* leaf = static_cast<Leaf*>(node);
  const size_t index = leaf->CountBefore(behind) - 1;
  if (index == 0 || index + 1 >= leaf->count) return {nullptr, 0};
  const ScoreTreeBound target = ScoreTreeBound::BeforeMember(score, member.bytes());
  const ScoredMember* left = leaf->At(index - 1);
  const ScoredMember* right = leaf->At(index + 1);
  if (!target.IsBehind(left->score(), *left) || target.IsBehind(right->score(), *right)) return {nullptr, 0};
  return {leaf, index};
}

void ScoreTree::SetScore(ScoredMember* member, double score) {
  const Place place = FindIfItStays(*member, score);
  if (place.leaf != nullptr) {
    member->set_score(score);
    return place.leaf->Set(place.index, member);
  }
  Erase(*member);
  member->set_score(score);
  Insert(member);
}

void ScoreTree::Replace(const ScoredMember& member, ScoredMember* replacement) {
  const Place place = FindIfItStays(member, replacement->score());
  if (place.leaf != nullptr) return place.leaf->Set(place.index, replacement);
  Erase(member);
  Insert(replacement);
}

void ScoreTree::Build(std::span<ScoredMember* const> members) {
  KVICK_DEBUG_ASSERT(count_ == 0);
  for (ScoredMember* member : members) Insert(member);
}

size_t ScoreTree::MoveBlocks(size_t rank, BlockMover& mover, void* context,
                             ScoredMember* (*follow)(void* context, ScoredMember* member)) {
  if (rank >= count_) return 0;
  Step path[kHeightMax];
  size_t begin = 0;
  void** link = &root_;
  for (size_t level = height_; level > 0; --level) {
    auto* inner = mover.Follow(static_cast<Inner*>(*link), sizeof(Inner));
    *link = inner;
    size_t index = 0;
    while (rank >= begin + inner->counts[index]) begin += inner->counts[index++];
    path[level - 1] = {inner, index};
    link = &inner->children[index];
  }
  Leaf* leaf = static_cast<Leaf*>(*link);
  leaf = mover.Follow(leaf, Leaf::Bytes(leaf->capacity));
  *link = leaf;
  for (size_t i = 0; i < leaf->count; ++i) BlockPool::PrefetchPageOf(leaf->At(i));
  for (size_t i = 0; i < leaf->count; ++i) {
    ScoredMember* member = leaf->At(i);
    ScoredMember* now = follow(context, member);
    if (now == member) continue;
    leaf->Set(i, now);
    if (i == 0) SetFirst(path, 0, now);
  }
  return begin + leaf->count;
}

void ScoreTree::Clear() {
  if (root_ != nullptr) FreeNodes(root_, height_);
  root_ = nullptr;
  height_ = 0;
  count_ = 0;
}

void ScoreTree::FreeNodes(void* node, size_t level) {
  if (level == 0) return FreeLeaf(static_cast<Leaf*>(node));
  auto* inner = static_cast<Inner*>(node);
  for (size_t i = 0; i < inner->count; ++i) FreeNodes(inner->children[i], level - 1);
  FreeInner(inner);
}

size_t ScoreTree::CountBefore(const ScoreTreeBound& bound) const {
  if (root_ == nullptr) return 0;
  size_t before = 0;
  const void* node = root_;
  for (size_t level = height_; level > 0; --level) {
    const auto* inner = static_cast<const Inner*>(node);
    const size_t index = inner->ChildOf(bound);
    for (size_t i = 0; i < index; ++i) before += inner->counts[i];
    node = inner->children[index];
  }
  return before + static_cast<const Leaf*>(node)->CountBefore(bound);
}

ScoreTree::Cursor ScoreTree::At(size_t rank) const {
  Cursor cursor;
  cursor.tree_ = this;
  cursor.rank_ = rank;
  if (rank >= count_) return cursor;
  const void* node = root_;
  for (size_t level = height_; level > 0; --level) {
    const auto* inner = static_cast<const Inner*>(node);
    size_t index = 0;
    while (rank >= inner->counts[index]) rank -= inner->counts[index++];
    node = inner->children[index];
  }
  cursor.leaf_ = static_cast<const Leaf*>(node);
  cursor.index_ = rank;
  cursor.Load();
  return cursor;
}

void ScoreTree::Cursor::Load() { member_ = leaf_->At(index_); }

void ScoreTree::Cursor::Next() {
  if (index_ + 1 < leaf_->count) {
    ++index_;
    ++rank_;
    if (index_ + kPrefetchDistance < leaf_->count) PrefetchLine(leaf_->At(index_ + kPrefetchDistance));
    return Load();
  }
  *this = tree_->At(rank_ + 1);
}

void ScoreTree::Cursor::Previous() {
  if (index_ > 0) {
    --index_;
    --rank_;
    if (index_ >= kPrefetchDistance) PrefetchLine(leaf_->At(index_ - kPrefetchDistance));
    return Load();
  }
  if (rank_ == 0) {
    member_ = nullptr;
    return;
  }
  *this = tree_->At(rank_ - 1);
}

size_t ScoreTree::memory_bytes() const { return root_ == nullptr ? 0 : NodeBytes(root_, height_); }

size_t ScoreTree::NodeBytes(const void* node, size_t level) const {
  if (level == 0) return BlockPool::BlockSize(Leaf::Bytes(static_cast<const Leaf*>(node)->capacity));
  const auto* inner = static_cast<const Inner*>(node);
  size_t sum = BlockPool::BlockSize(sizeof(Inner));
  for (size_t i = 0; i < inner->count; ++i) sum += NodeBytes(inner->children[i], level - 1);
  return sum;
}

void ScoreTree::Check() const {
  const ScoredMember* previous = nullptr;
  KVICK_ASSERT((root_ == nullptr) == (count_ == 0));
  if (root_ != nullptr) KVICK_ASSERT(CheckNode(root_, height_, &previous) == count_);
}

size_t ScoreTree::CheckNode(const void* node, size_t level, const ScoredMember** previous) const {
  if (level == 0) {
    const auto* leaf = static_cast<const Leaf*>(node);
    KVICK_ASSERT(leaf->count > 0 && leaf->count <= leaf->capacity && leaf->capacity <= kLeafMax);
    for (size_t i = 0; i < leaf->count; ++i) {
      const ScoredMember* member = leaf->At(i);
      KVICK_ASSERT(leaf->tags()[i] == leaf->TagOf(member->score()));
      if (*previous != nullptr) {
        KVICK_ASSERT(
            ScoreTreeBound::BeforeMember(member->score(), member->bytes()).IsBehind((*previous)->score(), **previous));
      }
      *previous = member;
    }
    return leaf->count;
  }
  const auto* inner = static_cast<const Inner*>(node);
  KVICK_ASSERT(inner->count > 0 && inner->count <= kInnerMax);
  size_t sum = 0;
  for (size_t i = 0; i < inner->count; ++i) {
    const size_t below = CheckNode(inner->children[i], level - 1, previous);
    KVICK_ASSERT(below == inner->counts[i]);
    const void* first = inner->children[i];
    for (size_t l = level - 1; l > 0; --l) first = static_cast<const Inner*>(first)->children[0];
    KVICK_ASSERT(static_cast<const Leaf*>(first)->At(0) == inner->firsts[i]);
    KVICK_ASSERT(inner->scores[i] == inner->firsts[i]->score());
    sum += below;
  }
  return sum;
}

}  // namespace kvick

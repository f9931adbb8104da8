// StreamIdTree: something for each of many stream ids, in their order: a B+ tree.
//
//   StreamIdTree<PendingEntry> tree;
//   tree.Insert(id, entry);
//   for (auto at = tree.LowerBound(start); at.is_valid(); at.Next()) Use(at.id(), at.value());
//
// Used for the nodes of a stream (a listpack each), for what a consumer group has pending, and, with an empty value,
// for the ids that one consumer has.
//
//   leaf    up to 1 KiB: ids, then values; linked to its neighbours. Small ones take 64, 128, 256 or 512 bytes.
//   inner   up to 31 children, each with the id that separates it from the one before, and a minimum
//
// A value that says `int64_t order() const` gets an index for that order, too: an inner node knows the smallest order
// below each child, so the value with the smallest one, and the next behind an id whose order does not exceed a
// bound, are found without a second structure: eight bytes for some thirty values instead of another tree.
//
// Ids that come in ascending order leave full leaves behind them. Separators are not exact: an id is below a child when
// it is not in front of its separator; the first child's does not count.
//
// Cost: O(log n) for all but Clear; nothing moves more than 1 KiB a level. No thread rule of its own; const methods may
// run together.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <optional>
#include <type_traits>

#include "base/assert.h"
#include "containers/stream_id.h"

namespace kvick {

// A value for trees that are sets.
struct NoStreamValue {};

template <typename Value>
class StreamIdTree {
  static_assert(std::is_trivially_copyable_v<Value>);
  static constexpr bool kIsSet = std::is_empty_v<Value>;
  static constexpr bool kHasOrder = requires(const Value& value) {
    { value.order() } -> std::same_as<int64_t>;
  };

  struct Leaf {
    uint16_t count;
    uint16_t capacity;
    Leaf* previous;
    Leaf* next;

    StreamId* ids() { return reinterpret_cast<StreamId*>(this + 1); }
    const StreamId* ids() const { return reinterpret_cast<const StreamId*>(this + 1); }
    Value* values() { return reinterpret_cast<Value*>(ids() + capacity); }
    const Value* values() const { return reinterpret_cast<const Value*>(ids() + capacity); }

    size_t LowerBound(const StreamId& id) const {
      return static_cast<size_t>(std::lower_bound(ids(), ids() + count, id) - ids());
    }
    bool Has(size_t index, const StreamId& id) const { return index < count && ids()[index] == id; }
    int64_t Minimum() const {
      int64_t minimum = kNever;
      if constexpr (kHasOrder) {
        for (size_t i = 0; i < count; ++i) minimum = std::min(minimum, values()[i].order());
      }
      return minimum;
    }
    void CopyFrom(const Leaf& other, size_t from, size_t to, size_t item_count) {
      std::memcpy(ids() + to, other.ids() + from, item_count * sizeof(StreamId));
      if constexpr (!kIsSet) std::memcpy(values() + to, other.values() + from, item_count * sizeof(Value));
    }
    void Move(size_t from, size_t to, size_t item_count) {
      std::memmove(ids() + to, ids() + from, item_count * sizeof(StreamId));
      if constexpr (!kIsSet) std::memmove(values() + to, values() + from, item_count * sizeof(Value));
    }
    void InsertAt(size_t index, const StreamId& id, const Value& value) {
      Move(index, index + 1, count - index);
      ++count;
      ids()[index] = id;
      if constexpr (!kIsSet) values()[index] = value;
    }
    void EraseAt(size_t index) {
      --count;
      Move(index + 1, index, count - index);
    }
  };

  static constexpr size_t kBlockMax = 1024;
  static constexpr size_t kBlockMin = 64;
  static constexpr size_t kItemBytes = sizeof(StreamId) + (kIsSet ? 0 : sizeof(Value));
  static constexpr size_t CapacityOf(size_t block_bytes) { return (block_bytes - sizeof(Leaf)) / kItemBytes; }
  static constexpr size_t kLeafMax = CapacityOf(kBlockMax);
  static constexpr size_t kLeafMin = kLeafMax / 4;            // a smaller leaf joins a neighbour, if that has room:
  static constexpr size_t kLeafMergedMax = kLeafMax * 3 / 4;  // leaves some, lest the next insertions split again
  static constexpr size_t kInnerMax = 31;
  static constexpr size_t kInnerMin = 8;
  static constexpr size_t kInnerMergedMax = 24;
  static constexpr size_t kHeightMax = 12;  // far more than 2^40 ids need

 public:
  // Greater than every order.
  static constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

  // A place in a tree, valid until the tree changes.
  class Cursor {
   public:
    Cursor() = default;
    bool is_valid() const { return leaf_ != nullptr; }
    const StreamId& id() const { return leaf_->ids()[index_]; }
    const Value& value() const { return leaf_->values()[index_]; }
    // To be changed in place; its order must stay.
    Value& mutable_value() const { return leaf_->values()[index_]; }
    void Next() {
      if (++index_ < leaf_->count) return;
      leaf_ = leaf_->next;
      index_ = 0;
    }
    void Previous() {
      if (index_ > 0) {
        --index_;
        return;
      }
      leaf_ = leaf_->previous;
      if (leaf_ != nullptr) index_ = leaf_->count - size_t{1};
    }

   private:
    friend class StreamIdTree;
    Cursor(Leaf* leaf, size_t index) : leaf_(leaf), index_(index) {}
    Leaf* leaf_ = nullptr;
    size_t index_ = 0;
  };

  StreamIdTree() = default;
  StreamIdTree(const StreamIdTree&) = delete;
  StreamIdTree& operator=(const StreamIdTree&) = delete;
  ~StreamIdTree() { Clear(); }

  size_t count() const { return count_; }
  bool empty() const { return count_ == 0; }
  // Of all nodes.
  size_t memory_bytes() const { return node_bytes_; }

  // False when the id is there already; its value stays.
  bool Insert(const StreamId& id, const Value& value = {});
  // False when the id is not there. Its order may change.
  bool Replace(const StreamId& id, const Value& value);
  bool Erase(const StreamId& id);
  void Clear();

  // Not valid when there is none.
  Cursor Find(const StreamId& id) const {
    Leaf* leaf = LeafOf(id, nullptr);
    if (leaf == nullptr) return {};
    const size_t index = leaf->LowerBound(id);
    return leaf->Has(index, id) ? Cursor(leaf, index) : Cursor();
  }
  bool Contains(const StreamId& id) const { return Find(id).is_valid(); }
  // The first at or behind the id.
  Cursor LowerBound(const StreamId& id) const {
    Leaf* leaf = LeafOf(id, nullptr);
    if (leaf == nullptr) return {};
    const size_t index = leaf->LowerBound(id);
    return index < leaf->count ? Cursor(leaf, index) : Cursor(leaf->next, 0);
  }
  // The last at or in front of the id.
  Cursor Floor(const StreamId& id) const {
    Leaf* leaf = LeafOf(id, nullptr);
    if (leaf == nullptr) return {};
    const size_t index = leaf->LowerBound(id);
    if (leaf->Has(index, id)) return {leaf, index};
    Cursor cursor(leaf, index);
    cursor.Previous();
    return cursor;
  }
  Cursor First() const { return LowerBound(StreamId::Min()); }
  Cursor Last() const { return Floor(StreamId::Max()); }

  // The first one at or behind `from` whose order is at most `order_max`.
  Cursor FirstDue(const StreamId& from, int64_t order_max) const requires kHasOrder {
    return root_ == nullptr ? Cursor() : FirstDueBelow(root_, height_, from, order_max);
  }
  // The one with the smallest order; of equal ones that with the smallest id.
  Cursor Earliest() const requires kHasOrder { return root_ == nullptr ? Cursor() : EarliestBelow(root_, height_); }

  // For tests: aborts unless order, counts, links, separators and minimums are right.
  void Check() const;

 private:
  struct Inner {
    uint16_t count;
    StreamId separators[kInnerMax];
    void* children[kInnerMax];
    int64_t minimums[kInnerMax];  // of the orders below each child

    size_t ChildOf(const StreamId& id) const {
      return static_cast<size_t>(std::upper_bound(separators + 1, separators + count, id) - separators) - 1;
    }
    int64_t Minimum() const { return *std::min_element(minimums, minimums + count); }
    void CopyFrom(const Inner& other, size_t from, size_t to, size_t item_count) {
      std::copy_n(other.separators + from, item_count, separators + to);
      std::copy_n(other.children + from, item_count, children + to);
      std::copy_n(other.minimums + from, item_count, minimums + to);
    }
    void InsertAt(size_t index, const StreamId& separator, void* child, int64_t minimum) {
      for (size_t i = count; i > index; --i) CopyFrom(*this, i - 1, i, 1);
      ++count;
      separators[index] = separator;
      children[index] = child;
      minimums[index] = minimum;
    }
    void EraseAt(size_t index) {
      --count;
      for (size_t i = index; i < count; ++i) CopyFrom(*this, i + 1, i, 1);
    }
  };
  struct Step {
    Inner* node;
    size_t index;
  };

  template <typename Node>
  Node* Allocate(size_t bytes) {
    void* block = std::malloc(bytes);
    KVICK_ASSERT(block != nullptr);
    node_bytes_ += bytes;
    return static_cast<Node*>(block);
  }
  Leaf* MakeLeaf(size_t count_min) {
    size_t bytes = kBlockMin;
    while (CapacityOf(bytes) < count_min) bytes *= 2;
    Leaf* leaf = Allocate<Leaf>(bytes);
    *leaf = {0, static_cast<uint16_t>(CapacityOf(bytes)), nullptr, nullptr};
    return leaf;
  }
  static size_t BlockBytes(const Leaf& leaf) {
    size_t bytes = kBlockMin;
    while (CapacityOf(bytes) < leaf.capacity) bytes *= 2;
    return bytes;
  }
  void FreeLeaf(Leaf* leaf) {
    node_bytes_ -= BlockBytes(*leaf);
    std::free(leaf);
  }
  Inner* MakeInner() {
    Inner* inner = Allocate<Inner>(sizeof(Inner));
    inner->count = 0;
    return inner;
  }
  void FreeInner(Inner* inner) {
    node_bytes_ -= sizeof(Inner);
    std::free(inner);
  }
  static void Link(Leaf* left, Leaf* right) {
    if (left != nullptr) left->next = right;
    if (right != nullptr) right->previous = left;
  }

  Leaf* LeafOf(const StreamId& id, Step* path) const {
    void* node = root_;
    for (size_t level = height_; level > 0; --level) {
      auto* inner = static_cast<Inner*>(node);
      const size_t index = inner->ChildOf(id);
      if (path != nullptr) path[level - 1] = {inner, index};
      node = inner->children[index];
    }
    return static_cast<Leaf*>(node);
  }
  void SetChild(Step* path, Leaf* leaf) { (height_ == 0 ? root_ : path[0].node->children[path[0].index]) = leaf; }
  // The leaf in a block that fits `count_min` values.
  Leaf* Resized(Step* path, Leaf* leaf, size_t count_min) {
    Leaf* resized = MakeLeaf(count_min);
    resized->CopyFrom(*leaf, 0, 0, leaf->count);
    resized->count = leaf->count;
    Link(leaf->previous, resized);
    Link(resized, leaf->next);
    FreeLeaf(leaf);
    SetChild(path, resized);
    return resized;
  }
  // An order below the path has changed from `before` to `after` (kNever: there was, or is, none).
  void OrderChanged(Step* path, const Leaf* leaf, int64_t before, int64_t after) {
    if constexpr (kHasOrder) {
      if (height_ == 0) return;
      const int64_t known = path[0].node->minimums[path[0].index];
      if (before > known && after >= known) return;
      int64_t minimum = before > known ? after : leaf->Minimum();
      for (size_t level = 0; level < height_; ++level) {
        int64_t& place = path[level].node->minimums[path[level].index];
        if (place == minimum) return;
        place = minimum;
        minimum = path[level].node->Minimum();
      }
    }
  }
  // The minimums from `level` upwards are those of their children.
  void RefreshMinimums(Step* path, size_t level) {
    if constexpr (kHasOrder) {
      for (; level < height_; ++level) {
        const Step& step = path[level];
        const void* child = step.node->children[step.index];
        step.node->minimums[step.index] =
            level == 0 ? static_cast<const Leaf*>(child)->Minimum() : static_cast<const Inner*>(child)->Minimum();
      }
    }
  }

  void AddChild(Step* path, size_t level, const StreamId& separator, void* child, int64_t minimum);
  void MergeLeaf(Step* path, Leaf* leaf);
  void RemoveChild(Step* path, size_t level);
  void MergeInner(Step* path, size_t level);
  void FreeNodes(void* node, size_t level);
  Cursor FirstDueBelow(void* node, size_t level, const StreamId& from, int64_t order_max) const;
  Cursor EarliestBelow(void* node, size_t level) const;
  size_t CheckNode(const void* node, size_t level, const StreamId** previous, int64_t* minimum) const;

  void* root_ = nullptr;  // a Leaf when height_ is 0
  uint32_t height_ = 0;   // levels of inner nodes
  size_t count_ = 0;
  size_t node_bytes_ = 0;
};

template <typename Value>
bool StreamIdTree<Value>::Insert(const StreamId& id, const Value& value) {
  if (root_ == nullptr) root_ = MakeLeaf(1);
  Step path[kHeightMax];
  Leaf* leaf = LeafOf(id, path);
  const size_t index = leaf->LowerBound(id);
  if (leaf->Has(index, id)) return false;
  ++count_;
  int64_t order = kNever;
  if constexpr (kHasOrder) order = value.order();
  if (leaf->count == leaf->capacity && leaf->count < kLeafMax) leaf = Resized(path, leaf, leaf->count + size_t{1});
  if (leaf->count < leaf->capacity) {
    leaf->InsertAt(index, id, value);
    OrderChanged(path, leaf, kNever, order);
    return true;
  }

  const size_t split = index == leaf->count && leaf->next == nullptr ? leaf->count : leaf->count / size_t{2};
  Leaf* right = MakeLeaf(leaf->count - split + 1);
  right->count = static_cast<uint16_t>(leaf->count - split);
  right->CopyFrom(*leaf, split, 0, right->count);
  leaf->count = static_cast<uint16_t>(split);
  Link(right, leaf->next);
  Link(leaf, right);
  if (index > split || right->count == 0) {
    right->InsertAt(index - split, id, value);
  } else {
    leaf->InsertAt(index, id, value);
  }
  RefreshMinimums(path, 0);
  AddChild(path, 0, right->ids()[0], right, right->Minimum());
  return true;
}

template <typename Value>
void StreamIdTree<Value>::AddChild(Step* path, size_t level, const StreamId& separator, void* child, int64_t minimum) {
  if (level == height_) {
    // The root was split.
    Inner* root = MakeInner();
    const int64_t left_minimum =
        level == 0 ? static_cast<Leaf*>(root_)->Minimum() : static_cast<Inner*>(root_)->Minimum();
    root->InsertAt(0, StreamId::Min(), root_, left_minimum);
    root->InsertAt(1, separator, child, minimum);
    root_ = root;
    ++height_;
    KVICK_ASSERT(height_ < kHeightMax);
    return;
  }
  Inner* inner = path[level].node;
  const size_t position = path[level].index + 1;
  if (inner->count < kInnerMax) {
    inner->InsertAt(position, separator, child, minimum);
    return RefreshMinimums(path, level + 1);
  }
  const size_t split = position == inner->count ? inner->count : inner->count / size_t{2};
  Inner* right = MakeInner();
  right->count = static_cast<uint16_t>(inner->count - split);
  right->CopyFrom(*inner, split, 0, right->count);
  inner->count = static_cast<uint16_t>(split);
  if (position > split || right->count == 0) {
    right->InsertAt(position - split, separator, child, minimum);
  } else {
    inner->InsertAt(position, separator, child, minimum);
  }
  RefreshMinimums(path, level + 1);
  AddChild(path, level + 1, right->separators[0], right, right->Minimum());
}

template <typename Value>
bool StreamIdTree<Value>::Replace(const StreamId& id, const Value& value) {
  if (root_ == nullptr) return false;
  Step path[kHeightMax];
  Leaf* leaf = LeafOf(id, path);
  const size_t index = leaf->LowerBound(id);
  if (!leaf->Has(index, id)) return false;
  Value& place = leaf->values()[index];
  if constexpr (kHasOrder) {
    const int64_t before = place.order();
    place = value;
    OrderChanged(path, leaf, before, value.order());
  } else {
    place = value;
  }
  return true;
}

template <typename Value>
bool StreamIdTree<Value>::Erase(const StreamId& id) {
  if (root_ == nullptr) return false;
  Step path[kHeightMax];
  Leaf* leaf = LeafOf(id, path);
  const size_t index = leaf->LowerBound(id);
  if (!leaf->Has(index, id)) return false;
  int64_t order = kNever;
  if constexpr (kHasOrder) order = leaf->values()[index].order();
  leaf->EraseAt(index);
  --count_;
  if (leaf->count == 0) {
    Link(leaf->previous, leaf->next);
    FreeLeaf(leaf);
    if (height_ == 0) {
      root_ = nullptr;
    } else {
      RemoveChild(path, 0);
    }
    return true;
  }
  OrderChanged(path, leaf, order, kNever);
  if (leaf->count < kLeafMin && height_ > 0) {
    MergeLeaf(path, leaf);
  } else if (leaf->count * size_t{4} <= leaf->capacity) {
    // Half of the smaller block stays free: what keeps its size does not move back and forth.
    Resized(path, leaf, leaf->count * size_t{2});
  }
  return true;
}

template <typename Value>
void StreamIdTree<Value>::MergeLeaf(Step* path, Leaf* leaf) {
  Inner* parent = path[0].node;
  const size_t index = path[0].index;
  for (const size_t left_index : {index - 1, index}) {  // with the left neighbour, or else with the right one
    if (left_index >= parent->count || left_index + size_t{1} >= parent->count) continue;
    auto* left = static_cast<Leaf*>(parent->children[left_index]);
    auto* right = static_cast<Leaf*>(parent->children[left_index + 1]);
    const size_t merged_count = size_t{left->count} + right->count;
    if (merged_count > kLeafMergedMax) continue;
    path[0].index = left_index;
    if (left->capacity < merged_count) left = Resized(path, left, merged_count);
    left->CopyFrom(*right, 0, left->count, right->count);
    left->count = static_cast<uint16_t>(merged_count);
    Link(left, right->next);
    FreeLeaf(right);
    parent->minimums[left_index] = std::min(parent->minimums[left_index], parent->minimums[left_index + 1]);
    path[0].index = left_index + 1;
    return RemoveChild(path, 0);
  }
  if (leaf->count * size_t{4} <= leaf->capacity) Resized(path, leaf, leaf->count * size_t{2});
}

// Takes path[level]'s child, whose node has been freed, out of its parent.
template <typename Value>
void StreamIdTree<Value>::RemoveChild(Step* path, size_t level) {
  Inner* inner = path[level].node;
  inner->EraseAt(path[level].index);
  if (inner->count == 0) {
    FreeInner(inner);
    if (level + 1 < height_) return RemoveChild(path, level + 1);
    root_ = nullptr;
    height_ = 0;
    return;
  }
  if (level + 1 == height_) {
    if (inner->count == 1) {
      root_ = inner->children[0];
      --height_;
      FreeInner(inner);
    }
    return;
  }
  RefreshMinimums(path, level + 1);
  if (inner->count < kInnerMin) MergeInner(path, level);
}

template <typename Value>
void StreamIdTree<Value>::MergeInner(Step* path, size_t level) {
  Inner* parent = path[level + 1].node;
  const size_t index = path[level + 1].index;
  for (const size_t left_index : {index - 1, index}) {
    if (left_index >= parent->count || left_index + size_t{1} >= parent->count) continue;
    auto* left = static_cast<Inner*>(parent->children[left_index]);
    auto* right = static_cast<Inner*>(parent->children[left_index + 1]);
    if (left->count + size_t{right->count} > kInnerMergedMax) continue;
    // Its first separator did not count so far; the one that does is the parent's.
    right->separators[0] = parent->separators[left_index + 1];
    left->CopyFrom(*right, 0, left->count, right->count);
    left->count = static_cast<uint16_t>(left->count + right->count);
    parent->minimums[left_index] = std::min(parent->minimums[left_index], parent->minimums[left_index + 1]);
    FreeInner(right);
    path[level + 1].index = left_index + 1;
    return RemoveChild(path, level + 1);
  }
}

template <typename Value>
void StreamIdTree<Value>::FreeNodes(void* node, size_t level) {
  if (level == 0) return FreeLeaf(static_cast<Leaf*>(node));
  auto* inner = static_cast<Inner*>(node);
  for (size_t i = 0; i < inner->count; ++i) FreeNodes(inner->children[i], level - 1);
  FreeInner(inner);
}

template <typename Value>
void StreamIdTree<Value>::Clear() {
  if (root_ != nullptr) FreeNodes(root_, height_);
  root_ = nullptr;
  height_ = 0;
  count_ = 0;
}

template <typename Value>
typename StreamIdTree<Value>::Cursor StreamIdTree<Value>::FirstDueBelow(void* node, size_t level, const StreamId& from,
                                                                        int64_t order_max) const {
  if (level == 0) {
    auto* leaf = static_cast<Leaf*>(node);
    for (size_t i = leaf->LowerBound(from); i < leaf->count; ++i) {
      if (leaf->values()[i].order() <= order_max) return {leaf, i};
    }
    return {};
  }
  auto* inner = static_cast<Inner*>(node);
  for (size_t i = inner->ChildOf(from); i < inner->count; ++i) {
    if (inner->minimums[i] > order_max) continue;
    // Only the first child can be in vain: what is due there may lie in front of `from`.
    const Cursor found = FirstDueBelow(inner->children[i], level - 1, from, order_max);
    if (found.is_valid()) return found;
  }
  return {};
}

template <typename Value>
typename StreamIdTree<Value>::Cursor StreamIdTree<Value>::EarliestBelow(void* node, size_t level) const {
  for (; level > 0; --level) {
    auto* inner = static_cast<Inner*>(node);
    node = inner->children[std::min_element(inner->minimums, inner->minimums + inner->count) - inner->minimums];
  }
  auto* leaf = static_cast<Leaf*>(node);
  size_t earliest = 0;
  for (size_t i = 1; i < leaf->count; ++i) {
    if (leaf->values()[i].order() < leaf->values()[earliest].order()) earliest = i;
  }
  return {leaf, earliest};
}

template <typename Value>
size_t StreamIdTree<Value>::CheckNode(const void* node, size_t level, const StreamId** previous,
                                      int64_t* minimum) const {
  if (level == 0) {
    const auto* leaf = static_cast<const Leaf*>(node);
    KVICK_ASSERT(leaf->count > 0 && leaf->count <= leaf->capacity && leaf->capacity <= kLeafMax);
    for (size_t i = 0; i < leaf->count; ++i) {
      KVICK_ASSERT(*previous == nullptr || **previous < leaf->ids()[i]);
      *previous = &leaf->ids()[i];
    }
    KVICK_ASSERT(leaf->next == nullptr || leaf->next->previous == leaf);
    *minimum = leaf->Minimum();
    return leaf->count;
  }
  const auto* inner = static_cast<const Inner*>(node);
  KVICK_ASSERT(inner->count > 0 && inner->count <= kInnerMax);
  size_t sum = 0;
  for (size_t i = 0; i < inner->count; ++i) {
    if (i > 0) KVICK_ASSERT(*previous != nullptr && **previous < inner->separators[i]);
    const StreamId* first = nullptr;
    int64_t child_minimum = kNever;
    sum += CheckNode(inner->children[i], level - 1, &first, &child_minimum);
    if (i > 0) {
      const void* child = inner->children[i];
      for (size_t below = level - 1; below > 0; --below) child = static_cast<const Inner*>(child)->children[0];
      KVICK_ASSERT(!(static_cast<const Leaf*>(child)->ids()[0] < inner->separators[i]));
    }
    *previous = first;
    if constexpr (kHasOrder) KVICK_ASSERT(child_minimum == inner->minimums[i]);
    *minimum = std::min(*minimum, child_minimum);
  }
  return sum;
}

template <typename Value>
void StreamIdTree<Value>::Check() const {
  if (root_ == nullptr) {
    KVICK_ASSERT(count_ == 0 && height_ == 0 && node_bytes_ == 0);
    return;
  }
  const StreamId* previous = nullptr;
  int64_t minimum = kNever;
  KVICK_ASSERT(CheckNode(root_, height_, &previous, &minimum) == count_);
  size_t linked = 0;
  for (Cursor at = First(); at.is_valid(); at.Next()) ++linked;
  KVICK_ASSERT(linked == count_);
}

}  // namespace kvick

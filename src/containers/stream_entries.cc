#include "containers/stream_entries.h"

#include <malloc.h>

#include <algorithm>

#include "base/assert.h"

namespace kvick {
namespace {

// A node is given its final size at once, up to here; the first one of a stream grows by doubling.
constexpr size_t kNodeCapacityMax = 4096;
constexpr size_t kNodeCapacityFirst = 128;

}  // namespace

void StreamCursor::EnterNode() {
  entry_ = node_.is_valid() ? StreamNodeCursor(Listpack::ViewOf(node_.value().block), node_.id()) : StreamNodeCursor();
}

void StreamCursor::Next() {
  entry_.Next();
  while (true) {
    for (; entry_.is_valid(); entry_.Next()) {
      if (!entry_.is_deleted()) return;
    }
    node_.Next();
    EnterNode();
    if (!node_.is_valid()) return;
  }
}

void StreamCursor::Previous() {
  entry_.Previous();
  while (true) {
    for (; entry_.is_valid(); entry_.Previous()) {
      if (!entry_.is_deleted()) return;
    }
    node_.Previous();
    EnterNode();
    if (!node_.is_valid()) return;
    entry_.SeekLast();
  }
}

StreamEntries::StreamEntries(const StreamEntries& other) : count_(other.count_) {
  for (auto at = other.nodes_.First(); at.is_valid(); at.Next()) {
    nodes_.Insert(at.id(), {Listpack::CopyOf(View(at)).Release()});
  }
}

StreamEntries::~StreamEntries() {
  for (auto at = nodes_.First(); at.is_valid(); at.Next()) Listpack::Adopt(at.value().block);
}

size_t StreamEntries::memory_bytes() const {
  if (nodes_.empty()) return 0;
  // Nodes between the first and the last are of one size, more or less.
  const auto first = nodes_.First();
  const auto last = nodes_.Last();
  const size_t ends = malloc_usable_size(first.value().block) + malloc_usable_size(last.value().block);
  if (nodes_.count() == 1) return nodes_.memory_bytes() + ends / 2;
  constexpr size_t kSamplesMax = 16;
  size_t sampled_bytes = 0;
  size_t sampled_count = 0;
  auto at = first;
  for (at.Next(); at.is_valid() && sampled_count < kSamplesMax && sampled_count + 2 < nodes_.count(); at.Next()) {
    sampled_bytes += malloc_usable_size(at.value().block);
    ++sampled_count;
  }
  const size_t inner = sampled_count == 0 ? 0 : sampled_bytes * (nodes_.count() - 2) / sampled_count;
  return nodes_.memory_bytes() + ends + inner;
}

void StreamEntries::Append(const StreamId& id, std::span<const std::string_view> fields_and_values,
                           const StreamLimits& limits) {
  size_t text_bytes = 0;
  for (const std::string_view text : fields_and_values) text_bytes += text.size();
  StreamNodeTree::Cursor last = nodes_.Last();
  if (last.is_valid() && !StreamNode::HasRoomFor(View(last), text_bytes, limits)) {
    BorrowedListpack(&last.mutable_value().block)->ShrinkToFit();
    last = {};
  }
  StreamId base = id;
  if (!last.is_valid()) {
    const size_t capacity_bytes =
        nodes_.empty() ? kNodeCapacityFirst : std::clamp(limits.node_bytes_max, kNodeCapacityFirst, kNodeCapacityMax);
    nodes_.Insert(id, {StreamNode::Make(fields_and_values, capacity_bytes).Release()});
    last = nodes_.Last();
  } else {
    base = last.id();
  }
  BorrowedListpack node(&last.mutable_value().block);
  const size_t size_bytes = node->size_bytes();
  if (size_bytes < kNodeCapacityMax && node->allocated_bytes() < size_bytes + text_bytes + 16) {
    node->Reserve(std::min(size_bytes * 2, std::max(kNodeCapacityMax, size_bytes + text_bytes + 16)));
  }
  StreamNode::Append(&*node, base, id, fields_and_values);
  ++count_;
}

StreamCursor StreamEntries::Seek(const StreamId& id) const {
  StreamCursor cursor;
  cursor.node_ = nodes_.Floor(id);
  if (!cursor.node_.is_valid()) cursor.node_ = nodes_.First();
  cursor.EnterNode();
  while (cursor.node_.is_valid()) {
    for (; cursor.entry_.is_valid(); cursor.entry_.Next()) {
      if (!(cursor.entry_.id() < id) && !cursor.entry_.is_deleted()) return cursor;
    }
    cursor.node_.Next();
    cursor.EnterNode();
  }
  return cursor;
}

StreamCursor StreamEntries::SeekBackwards(const StreamId& id) const {
  StreamCursor cursor;
  cursor.node_ = nodes_.Floor(id);
  while (cursor.node_.is_valid()) {
    cursor.EnterNode();
    cursor.entry_.SeekLast();
    for (; cursor.entry_.is_valid(); cursor.entry_.Previous()) {
      if (!(id < cursor.entry_.id()) && !cursor.entry_.is_deleted()) return cursor;
    }
    cursor.node_.Previous();
  }
  return cursor;
}

StreamCursor StreamEntries::Find(const StreamId& id) const {
  StreamCursor cursor;
  cursor.node_ = nodes_.Floor(id);
  cursor.EnterNode();
  for (; cursor.entry_.is_valid(); cursor.entry_.Next()) {
    if (cursor.entry_.id() < id) continue;
    if (cursor.entry_.id() == id && !cursor.entry_.is_deleted()) return cursor;
    break;
  }
  return {};
}

bool StreamEntries::Contains(const StreamId& id) const { return Find(id).is_valid(); }

std::optional<StreamId> StreamEntries::FirstId() const {
  const StreamCursor first = Seek(StreamId::Min());
  return first.is_valid() ? std::optional(first.id()) : std::nullopt;
}

std::optional<StreamId> StreamEntries::LastId() const {
  const StreamCursor last = SeekBackwards(StreamId::Max());
  return last.is_valid() ? std::optional(last.id()) : std::nullopt;
}

void StreamEntries::DropNode(const StreamNodeTree::Cursor& node) {
  Listpack::Adopt(node.value().block);
  nodes_.Erase(StreamId(node.id()));
}

bool StreamEntries::Erase(const StreamId& id) {
  const StreamCursor found = Find(id);
  if (!found.is_valid()) return false;
  --count_;
  if (StreamNode::CountsOf(View(found.node_)).live == 1) {
    DropNode(found.node_);
  } else {
    BorrowedListpack node(&found.node_.mutable_value().block);
    StreamNode::Delete(&*node, found.entry_);
  }
  return true;
}

StreamTrimmed StreamEntries::Trim(const StreamTrim& trim, const std::function<bool(const StreamId&)>& may_remove) {
  using Strategy = StreamTrim::Strategy;
  const bool by_length = trim.strategy == Strategy::kMaxLength;
  const size_t excess = !by_length ? count_ : count_ > trim.length_max ? count_ - trim.length_max : 0;
  StreamTrimmed result;
  StreamNodeTree::Cursor node = nodes_.First();
  while (node.is_valid() && result.considered_count < excess) {
    const StreamId base = node.id();
    result.end = base;
    const size_t live = StreamNode::CountsOf(View(node)).live;
    if (trim.limit != 0 && result.considered_count + live > trim.limit) return result;
    StreamNodeCursor last(View(node), base);
    last.SeekLast();
    const bool is_whole = by_length ? result.considered_count + live <= excess : last.id() < trim.id_min;
    if (!is_whole && trim.is_approximate) return result;
    result.end = last.id().Next().value_or(StreamId::Max());

    if (is_whole && !may_remove) {
      result.removed_count += live;
      result.considered_count += live;
      result.last_removed = last.id();
      count_ -= live;
      DropNode(node);
      node = nodes_.First();
      continue;
    }

    // One by one. Marking an entry hardly ever moves the others: only when a count outgrows its element.
    size_t left = live;
    StreamNodeCursor at(View(node), base);
    for (; left > 0; at.Next()) {
      while (at.is_deleted()) at.Next();
      if (by_length ? result.considered_count == excess : !(at.id() < trim.id_min)) {
        result.end = at.id();
        break;
      }
      const StreamId id = at.id();
      ++result.considered_count;
      --left;
      if (may_remove && !may_remove(id)) continue;
      ++result.removed_count;
      result.last_removed = id;
      --count_;
      const size_t size_bytes = View(node).size_bytes();
      {
        BorrowedListpack pack(&node.mutable_value().block);
        StreamNode::Delete(&*pack, at);
      }
      if (View(node).size_bytes() == size_bytes) continue;
      at = StreamNodeCursor(View(node), base);
      while (at.id() < id) at.Next();
    }
    if (StreamNode::CountsOf(View(node)).live == 0) DropNode(node);
    if (!is_whole) return result;
    node = nodes_.LowerBound(result.end);
  }
  if (!node.is_valid() || result.considered_count < excess) return result;
  // The walk ended between two nodes.
  result.end = node.id();
  return result;
}

void StreamEntries::AdoptNode(const StreamId& base, Listpack node) {
  count_ += StreamNode::CountsOf(node).live;
  nodes_.Insert(base, {node.Release()});
}

}  // namespace kvick

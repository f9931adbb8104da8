// StreamEntries: the entries of a stream in the order of their ids: packed nodes in a tree.
//
//   entries.Append(id, fields_and_values, limits);
//   for (StreamCursor at = entries.Seek(start); at.is_valid() && at.id() <= end; at.Next()) {
//     at.ForEachField([](const ListpackValue& field, const ListpackValue& value) { ... });
//   }
//
// Cost: appending O(log nodes) and the size of the entry; seeking O(log nodes) and a walk of one node.
// No thread rule of its own; const methods may run together.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string_view>

#include "containers/stream_id.h"
#include "containers/stream_id_tree.h"
#include "containers/stream_node.h"

namespace kvick {

// What StreamEntries keeps of a node: a block that a Listpack has released.
struct StreamNodeBlock {
  void* block = nullptr;
};
using StreamNodeTree = StreamIdTree<StreamNodeBlock>;

// Walks live entries. Valid until the stream changes.
class StreamCursor {
 public:
  bool is_valid() const { return entry_.is_valid(); }
  const StreamId& id() const { return entry_.id(); }
  size_t field_count() const { return entry_.field_count(); }
  template <typename Visit>
  void ForEachField(Visit&& visit) const {
    entry_.ForEachField(visit);
  }
  void Next();
  void Previous();

 private:
  friend class StreamEntries;
  void EnterNode();

  StreamNodeTree::Cursor node_;
  StreamNodeCursor entry_;
};

// Which entries at the front go: those beyond a number of entries, or those in front of an id.
struct StreamTrim {
  enum class Strategy { kNone, kMaxLength, kMinId };
  Strategy strategy = Strategy::kNone;
  bool is_approximate = false;  // whole nodes only
  size_t length_max = 0;
  StreamId id_min;
  size_t limit = 0;  // entries that go at most, 0: all; whole nodes only
};

struct StreamTrimmed {
  size_t removed_count = 0;
  // Entries that were in question: removed, or kept because they may not go.
  size_t considered_count = 0;
  // At or behind the last one that was removed, in front of all that stay.
  StreamId last_removed;
  // Everything in front of this id was in question, nothing else.
  StreamId end;
};

class StreamEntries {
 public:
  StreamEntries() = default;
  StreamEntries(const StreamEntries& other);
  StreamEntries& operator=(const StreamEntries&) = delete;
  ~StreamEntries();

  size_t count() const { return count_; }
  bool empty() const { return count_ == 0; }
  size_t node_count() const { return nodes_.count(); }
  size_t memory_bytes() const;

  // The id must be greater than that of every entry, deleted ones included.
  void Append(const StreamId& id, std::span<const std::string_view> fields_and_values, const StreamLimits& limits);
  // False when there is no such entry.
  bool Erase(const StreamId& id);
  // `may_remove` is asked for each entry in question; null: all may go.
  StreamTrimmed Trim(const StreamTrim& trim, const std::function<bool(const StreamId&)>& may_remove);

  // The first live entry at or behind the id, and the last one at or in front of it.
  StreamCursor Seek(const StreamId& id) const;
  StreamCursor SeekBackwards(const StreamId& id) const;
  bool Contains(const StreamId& id) const;
  std::optional<StreamId> FirstId() const;
  std::optional<StreamId> LastId() const;

  // For loading: a node behind all that are there; it must be valid and not empty.
  void AdoptNode(const StreamId& base, Listpack node);
  // For saving. `visit(const StreamId& base, std::string_view bytes)` for each node in order.
  template <typename Visit>
  void ForEachNode(Visit&& visit) const {
    for (auto at = nodes_.First(); at.is_valid(); at.Next()) {
      visit(at.id(), Listpack::ViewOf(at.value().block).bytes());
    }
  }

 private:
  static ListpackView View(const StreamNodeTree::Cursor& node) { return Listpack::ViewOf(node.value().block); }
  void DropNode(const StreamNodeTree::Cursor& node);
  // Where the id is, if it is a live entry.
  StreamCursor Find(const StreamId& id) const;

  StreamNodeTree nodes_;
  size_t count_ = 0;
};

}  // namespace kvick

// StreamNode: a listpack with up to some hundred entries of a stream, in exactly the form that RDB files hold. An RDB
// file has such a node under the 16 bytes of its base id (StreamId::Key).
//
//   node    = master entry*
//   master  = live-count deleted-count field-count field* 0
//   entry   = flags ms seq body element-count
//   body    = value*                                      with kSameFields: of the master's fields, in their order
//           | field-count (field value)*                  otherwise
//
// `ms` and `seq` are differences to the base id. `element-count` is that of the entry's elements in front of it, so
// that it can be found from behind; the master's 0 ends such a walk. Entries are marked as deleted, not removed: a node
// goes when its last live entry does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "containers/listpack.h"
#include "containers/stream_id.h"

namespace kvick {

// The settings that shape nodes; 0: no such limit.
struct StreamLimits {
  size_t node_bytes_max = 4096;
  size_t node_entries_max = 100;
};

// Walks the entries of a node, those marked as deleted included. Valid until the node changes.
class StreamNodeCursor {
 public:
  StreamNodeCursor() : pack_(std::string_view()) {}
  // At the first entry. The node must be valid.
  StreamNodeCursor(ListpackView node, const StreamId& base);

  bool is_valid() const { return flags_at_ != Listpack::kNone; }
  bool is_deleted() const { return (flags_ & kDeleted) != 0; }
  const StreamId& id() const { return id_; }
  size_t field_count() const { return field_count_; }

  void Next();
  void Previous();
  void SeekLast();

  // `visit(const ListpackValue& field, const ListpackValue& value)` for each, in order.
  template <typename Visit>
  void ForEachField(Visit&& visit) const {
    Listpack::Position at = values_at_;
    if ((flags_ & kSameFields) != 0) {
      Listpack::Position field_at = master_fields_at_;
      for (size_t i = 0; i < field_count_; ++i) {
        const ListpackValue field = pack_.Take(&field_at);
        visit(field, pack_.Take(&at));
      }
    } else {
      for (size_t i = 0; i < field_count_; ++i) {
        const ListpackValue field = pack_.Take(&at);
        visit(field, pack_.Take(&at));
      }
    }
    end_at_ = at;
  }

 private:
  friend class StreamNode;
  static constexpr int64_t kDeleted = 1;
  static constexpr int64_t kSameFields = 2;

  void Load(Listpack::Position at);

  ListpackView pack_;
  StreamId base_;
  Listpack::Position master_fields_at_ = Listpack::kNone;
  size_t master_field_count_ = 0;

  Listpack::Position flags_at_ = Listpack::kNone;
  Listpack::Position values_at_ = Listpack::kNone;
  mutable Listpack::Position end_at_ = Listpack::kNone;  // behind the body, once somebody has walked it
  int64_t flags_ = 0;
  StreamId id_;
  size_t field_count_ = 0;
};

// Changes of a node. It is one block of a Listpack, which the caller owns.
class StreamNode {
 public:
  // How many entries there are, live and deleted.
  struct Counts {
    size_t live = 0;
    size_t deleted = 0;
  };
  static Counts CountsOf(ListpackView node);

  // A node without entries whose master has these fields: every second of `fields_and_values`.
  static Listpack Make(std::span<const std::string_view> fields_and_values, size_t capacity_bytes);
  // Whether an entry with so many bytes of fields and values still belongs into the node.
  static bool HasRoomFor(ListpackView node, size_t text_bytes, const StreamLimits& limits);
  // Behind the last entry, whose id must be smaller. `base` is the node's.
  static void Append(Listpack* node, const StreamId& base, const StreamId& id,
                     std::span<const std::string_view> fields_and_values);
  // Marks the entry at the cursor, which is a live one of this node, as deleted. The cursor ends.
  static void Delete(Listpack* node, const StreamNodeCursor& at);

  // For bytes from outside: a listpack of this shape, counts and back counts right, ids ascending. What passes can be
  // walked and changed without leaving its bytes.
  static bool IsValid(std::string_view bytes, const StreamId& base);
};

}  // namespace kvick

#include "containers/stream_node.h"

#include <optional>
#include <vector>

#include "base/assert.h"

namespace kvick {
namespace {

using Position = Listpack::Position;

// An entry's elements beside its body: flags, ms, seq, and the field count unless it is the master's.
constexpr size_t kHeadSame = 3;
constexpr size_t kHeadOwn = 4;

int64_t Difference(uint64_t value, uint64_t base) { return static_cast<int64_t>(value - base); }

// A node of more bytes than this takes no more entries, whatever the settings say.
constexpr size_t kNodeBytesLimit = size_t{1} << 28;

}  // namespace

StreamNodeCursor::StreamNodeCursor(ListpackView node, const StreamId& base) : pack_(node), base_(base) {
  Position at = pack_.Skip(pack_.First(), 2);
  master_field_count_ = static_cast<size_t>(pack_.Take(&at).integer);
  master_fields_at_ = at;
  Load(pack_.Skip(at, master_field_count_ + 1));
}

void StreamNodeCursor::Load(Position at) {
  if (pack_.IsEnd(at)) {
    flags_at_ = Listpack::kNone;
    return;
  }
  flags_at_ = at;
  end_at_ = Listpack::kNone;
  flags_ = pack_.Take(&at).integer;
  id_.ms = base_.ms + static_cast<uint64_t>(pack_.Take(&at).integer);
  id_.seq = base_.seq + static_cast<uint64_t>(pack_.Take(&at).integer);
  const bool has_same_fields = (flags_ & kSameFields) != 0;
  field_count_ = has_same_fields ? master_field_count_ : static_cast<size_t>(pack_.Take(&at).integer);
  values_at_ = at;
}

void StreamNodeCursor::Next() {
  Position at = end_at_;
  if (at == Listpack::kNone) {
    at = pack_.Skip(values_at_, (flags_ & kSameFields) != 0 ? field_count_ : field_count_ * 2);
  }
  Load(pack_.Skip(at, 1));
}

void StreamNodeCursor::Previous() {
  Position at = pack_.Previous(flags_at_);
  int64_t count = pack_.Get(at).integer;
  if (count == 0) {
    flags_at_ = Listpack::kNone;
    return;
  }
  for (; count > 0; --count) at = pack_.Previous(at);
  Load(at);
}

void StreamNodeCursor::SeekLast() {
  Position at = pack_.Last();
  int64_t count = pack_.Get(at).integer;
  if (count == 0) {
    flags_at_ = Listpack::kNone;
    return;
  }
  for (; count > 0; --count) at = pack_.Previous(at);
  Load(at);
}

StreamNode::Counts StreamNode::CountsOf(ListpackView node) {
  Position at = node.First();
  const auto live = static_cast<size_t>(node.Take(&at).integer);
  return {live, static_cast<size_t>(node.Take(&at).integer)};
}

Listpack StreamNode::Make(std::span<const std::string_view> fields_and_values, size_t capacity_bytes) {
  Listpack node(capacity_bytes);
  node.Append(ListpackValue::FromInteger(0));
  node.Append(ListpackValue::FromInteger(0));
  node.Append(ListpackValue::FromInteger(static_cast<int64_t>(fields_and_values.size() / 2)));
  for (size_t i = 0; i < fields_and_values.size(); i += 2) node.Append(fields_and_values[i]);
  node.Append(ListpackValue::FromInteger(0));
  return node;
}

bool StreamNode::HasRoomFor(ListpackView node, size_t text_bytes, const StreamLimits& limits) {
  const size_t bytes_max =
      limits.node_bytes_max == 0 || limits.node_bytes_max > kNodeBytesLimit ? kNodeBytesLimit : limits.node_bytes_max;
  if (node.size_bytes() + text_bytes >= bytes_max) return false;
  const Counts counts = CountsOf(node);
  return limits.node_entries_max == 0 || counts.live + counts.deleted < limits.node_entries_max;
}

void StreamNode::Append(Listpack* node, const StreamId& base, const StreamId& id,
                        std::span<const std::string_view> fields_and_values) {
  const Counts counts = CountsOf(*node);
  Position at = node->Skip(node->First(), 2);
  bool has_same_fields = node->Take(&at).integer == static_cast<int64_t>(fields_and_values.size() / 2);
  for (size_t i = 0; has_same_fields && i < fields_and_values.size(); i += 2) {
    has_same_fields = node->Take(&at) == ListpackValue::FromText(fields_and_values[i]);
  }

  // Kept: its memory serves the next entry.
  static thread_local std::vector<ListpackValue> elements;
  const size_t text_count = fields_and_values.size();
  const size_t element_count = has_same_fields ? kHeadSame + text_count / 2 : kHeadOwn + text_count;
  elements.resize(element_count + 1);
  ListpackValue* next = elements.data();
  *next++ = ListpackValue::FromInteger(has_same_fields ? StreamNodeCursor::kSameFields : 0);
  *next++ = ListpackValue::FromInteger(Difference(id.ms, base.ms));
  *next++ = ListpackValue::FromInteger(Difference(id.seq, base.seq));
  if (has_same_fields) {
    for (size_t i = 1; i < text_count; i += 2) *next++ = ListpackValue::FromText(fields_and_values[i]);
  } else {
    *next++ = ListpackValue::FromInteger(static_cast<int64_t>(text_count / 2));
    for (const std::string_view text : fields_and_values) *next++ = ListpackValue::FromText(text);
  }
  *next = ListpackValue::FromInteger(static_cast<int64_t>(element_count));
  node->AppendAll(elements);
  node->Replace(node->First(), ListpackValue::FromInteger(static_cast<int64_t>(counts.live + 1)));
}

void StreamNode::Delete(Listpack* node, const StreamNodeCursor& at) {
  const Counts counts = CountsOf(*node);
  // From behind: the counts may change their size.
  node->Replace(at.flags_at_, ListpackValue::FromInteger(at.flags_ | StreamNodeCursor::kDeleted));
  const Position deleted_at = node->Next(node->First());
  node->Replace(deleted_at, ListpackValue::FromInteger(static_cast<int64_t>(counts.deleted + 1)));
  node->Replace(node->First(), ListpackValue::FromInteger(static_cast<int64_t>(counts.live - 1)));
}

bool StreamNode::IsValid(std::string_view bytes, const StreamId& base) {
  if (!ListpackView::IsValid(bytes, ListpackView::Check::kDeep)) return false;
  const ListpackView node(bytes);
  const size_t element_count = node.count();
  size_t taken = 0;
  Position at = static_cast<Position>(ListpackView::kHeaderBytes);
  // An integer between the bounds; false when the next element is none, or there is none.
  const auto take_integer = [&](int64_t low, int64_t high, int64_t* out) {
    if (taken == element_count) return false;
    const ListpackValue value = node.Take(&at);
    ++taken;
    *out = value.integer;
    return value.is_integer && value.integer >= low && value.integer <= high;
  };
  const auto skip = [&](size_t count) {
    if (count > element_count - taken) return false;
    at = node.Skip(at, count);
    taken += count;
    return true;
  };

  const auto element_max = static_cast<int64_t>(element_count);
  int64_t live = 0;
  int64_t deleted = 0;
  int64_t master_fields = 0;
  int64_t zero = 0;
  if (!take_integer(0, element_max, &live) || !take_integer(0, element_max, &deleted)) return false;
  if (!take_integer(1, element_max, &master_fields) || !skip(static_cast<size_t>(master_fields))) return false;
  if (!take_integer(0, 0, &zero)) return false;

  std::optional<StreamId> previous;
  while (taken < element_count) {
    int64_t flags = 0;
    int64_t ms = 0;
    int64_t seq = 0;
    if (!take_integer(0, StreamNodeCursor::kDeleted | StreamNodeCursor::kSameFields, &flags)) return false;
    // Differences of numbers of 64 bits: one that is larger than 63 stands there as a negative one.
    if (!take_integer(INT64_MIN, INT64_MAX, &ms) || !take_integer(INT64_MIN, INT64_MAX, &seq)) return false;
    const StreamId id{base.ms + static_cast<uint64_t>(ms), base.seq + static_cast<uint64_t>(seq)};
    if (id < base || id.is_zero() || (previous && id <= *previous)) return false;
    previous = id;
    int64_t field_count = master_fields;
    const bool has_same_fields = (flags & StreamNodeCursor::kSameFields) != 0;
    if (!has_same_fields && !take_integer(1, element_max, &field_count)) return false;
    const auto body = static_cast<size_t>(field_count) * (has_same_fields ? 1 : 2);
    if (!skip(body)) return false;
    const auto expected = static_cast<int64_t>(body + (has_same_fields ? kHeadSame : kHeadOwn));
    int64_t back_count = 0;
    if (!take_integer(expected, expected, &back_count)) return false;
    ((flags & StreamNodeCursor::kDeleted) != 0 ? deleted : live) -= 1;
  }
  return live == 0 && deleted == 0;
}

}  // namespace kvick

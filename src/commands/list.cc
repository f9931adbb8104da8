// Lists: pushing, popping, reading and changing one of them. Moving between them: list_move.cc; waiting: list_wait.cc.

#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "base/bytes.h"
#include "base/numbers.h"
#include "commands/families.h"
#include "commands/list_access.h"
#include "commands/multi_pop.h"

namespace kvick {
namespace {

enum class IfMissing { kCreate, kLeave };

// Under the key, which is missing: in its entry if it is small.
void PutCreated(CommandContext& context, ListValue list) {
  if (!list.is_quicklist() && list.pack().size_bytes() < Entry::kInlineBlockMax) {
    context.PutPacked(0, ValueType::kList, {list.pack().bytes()});
  } else {
    context.PutValue(0, std::make_unique<ListValue>(std::move(list)));
  }
}

void PushAll(ListValue& list, ListEnd end, std::span<const std::string_view> elements, const ListLimits& limits) {
  size_t text_bytes = 0;
  for (const std::string_view element : elements) text_bytes += element.size();
  list.GrowFor(text_bytes, elements.size(), limits);
  for (const std::string_view element : elements) list.Push(end, element, limits);
}

Status Push(CommandContext& context, ListEnd end, IfMissing if_missing) {
  KVICK_ASSIGN_OR_RETURN(const KeyTable::Slot slot, context.FindOf<ListValue>(0));
  const ListLimits limits = ListLimitsOf(context.settings());
  const std::span<const std::string_view> elements = context.arguments().subspan(2);
  std::optional<size_t> count;
  if (slot.entry == nullptr) {
    if (if_missing == IfMissing::kLeave) {
      context.Reply().Integer(0);
      return Status::Ok();
    }
    ListValue created;
    PushAll(created, end, elements, limits);
    count = created.count();
    PutCreated(context, std::move(created));
  } else {
    if (slot.entry->form() == ValueForm::kPacked && elements.size() == 1) {
      EntryEditor editor = context.EditPacked(0, slot);
      count = ListValue::PushPacked(editor, end, elements[0], limits);
    }
    if (!count) {
      auto* list = context.OpenForWrite<ListValue>(0, slot);
      PushAll(*list, end, elements, limits);
      count = list->count();
    }
    context.Modified(0);
  }
  context.Changed(elements.size());
  context.Notify(KeyEventClass::kList, PushEvent(end), 0);
  context.Reply().Integer(static_cast<int64_t>(*count));
  return Status::Ok();
}

Status LPush(CommandContext& context) { return Push(context, ListEnd::kHead, IfMissing::kCreate); }
Status RPush(CommandContext& context) { return Push(context, ListEnd::kTail, IfMissing::kCreate); }
Status LPushX(CommandContext& context) { return Push(context, ListEnd::kHead, IfMissing::kLeave); }
Status RPushX(CommandContext& context) { return Push(context, ListEnd::kTail, IfMissing::kLeave); }

Status Pop(CommandContext& context, ListEnd end) {
  if (context.argument_count() > 3) return errors::WrongArity(ToLower(PopName(end)));
  const bool has_count = context.argument_count() == 3;
  int64_t count_max = 1;
  if (has_count) {
    KVICK_ASSIGN_OR_RETURN(count_max, IntegerFrom(0, context.Arg(2), "value is out of range, must be positive"));
  }
  KVICK_ASSIGN_OR_RETURN(auto* list, context.FindValueForWrite<ListValue>(0));
  ReplyWriter& reply = context.Reply();
  if (list == nullptr) {
    has_count ? reply.NullArray() : reply.Null();
    return Status::Ok();
  }
  const size_t count = std::min(static_cast<size_t>(count_max), list->count());
  if (has_count) reply.Array(count);
  if (count == 0) return Status::Ok();
  ReplyEnd(reply, *list, end, count);
  RemoveEnd(context, 0, *list, end, count);
  context.Changed(count);
  return Status::Ok();
}

Status LPop(CommandContext& context) { return Pop(context, ListEnd::kHead); }
Status RPop(CommandContext& context) { return Pop(context, ListEnd::kTail); }

Status LLen(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const auto* list, context.FindValue<ListValue>(0));
  context.Reply().Integer(list == nullptr ? 0 : static_cast<int64_t>(list->count()));
  return Status::Ok();
}

Status LIndex(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const auto* list, context.FindValue<ListValue>(0));
  if (list == nullptr) {
    context.Reply().Null();
    return Status::Ok();
  }
  KVICK_ASSIGN_OR_RETURN(const int64_t index, context.IntegerArg(2));
  const ListCursor cursor = list->Seek(index);
  if (cursor.is_valid()) {
    ReplyElement(context.Reply(), cursor.Get());
  } else {
    context.Reply().Null();
  }
  return Status::Ok();
}

// The elements that "start stop" mean in a list of `count`.
struct IndexRange {
  size_t first = 0;
  size_t count = 0;
};

IndexRange ClampRange(int64_t start, int64_t stop, size_t list_count) {
  const auto count = static_cast<int64_t>(list_count);
  if (start < 0) start = std::max<int64_t>(start + count, 0);
  if (stop < 0) stop += count;
  stop = std::min(stop, count - 1);
  if (start > stop) return {};
  return {static_cast<size_t>(start), static_cast<size_t>(stop - start + 1)};
}

Status LRange(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const int64_t start, context.IntegerArg(2));
  KVICK_ASSIGN_OR_RETURN(const int64_t stop, context.IntegerArg(3));
  KVICK_ASSIGN_OR_RETURN(const auto* list, context.FindValue<ListValue>(0));
  const IndexRange range = list == nullptr ? IndexRange{} : ClampRange(start, stop, list->count());
  context.Reply().Array(range.count);
  if (range.count == 0) return Status::Ok();
  ListCursor cursor = list->Seek(static_cast<int64_t>(range.first));
  cursor.Walk(range.count, [&](const ListElement& element) { ReplyElement(context.Reply(), element); });
  return Status::Ok();
}

Status LTrim(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const int64_t start, context.IntegerArg(2));
  KVICK_ASSIGN_OR_RETURN(const int64_t stop, context.IntegerArg(3));
  KVICK_ASSIGN_OR_RETURN(auto* list, context.FindValueForWrite<ListValue>(0));
  context.Reply().Ok();
  if (list == nullptr) return Status::Ok();
  const size_t count = list->count();
  const IndexRange kept = ClampRange(start, stop, count);
  const ListLimits limits = ListLimitsOf(context.settings());
  list->EraseEnd(ListEnd::kTail, count - kept.first - kept.count, limits);
  list->EraseEnd(ListEnd::kHead, kept.first, limits);
  // Announced and seen by watchers even when everything was kept; logged only when not.
  context.Modified(0);
  context.Notify(KeyEventClass::kList, "ltrim", 0);
  FinishRemoval(context, 0, *list);
  context.Changed(count - kept.count);
  return Status::Ok();
}

Status LSet(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(auto* list, context.FindValueForWrite<ListValue>(0));
  if (list == nullptr) return errors::NoSuchKey();
  KVICK_ASSIGN_OR_RETURN(const int64_t index, context.IntegerArg(2));
  const auto count = static_cast<int64_t>(list->count());
  if (index >= count || index < -count) return errors::OutOfRange();
  const ListLimits limits = ListLimitsOf(context.settings());
  list->GrowFor(context.Arg(3).size(), 1, limits);
  list->Replace(index, context.Arg(3), limits);
  list->Shrink(limits);
  context.Modified(0);
  context.Changed();
  context.Notify(KeyEventClass::kList, "lset", 0);
  context.Reply().Ok();
  return Status::Ok();
}

Status LInsert(CommandContext& context) {
  ListSide side;
  if (context.ArgIs(2, "BEFORE")) {
    side = ListSide::kBefore;
  } else if (context.ArgIs(2, "AFTER")) {
    side = ListSide::kAfter;
  } else {
    return errors::Syntax();
  }
  KVICK_ASSIGN_OR_RETURN(auto* list, context.FindValueForWrite<ListValue>(0));
  if (list == nullptr) {
    context.Reply().Integer(0);
    return Status::Ok();
  }
  const ListLimits limits = ListLimitsOf(context.settings());
  list->GrowFor(context.Arg(4).size(), 1, limits);
  const ListpackValue pivot = ListpackValue::FromText(context.Arg(3));
  ListCursor cursor = list->Seek(0);
  while (cursor.is_valid() && !(cursor.Get().value == pivot)) cursor.Next();
  if (!cursor.is_valid()) {
    context.Reply().Integer(-1);
    return Status::Ok();
  }
  list->Insert(cursor, side, context.Arg(4), limits);
  context.Modified(0);
  context.Changed();
  context.Notify(KeyEventClass::kList, "linsert", 0);
  context.Reply().Integer(static_cast<int64_t>(list->count()));
  return Status::Ok();
}

Status LRem(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const int64_t count, context.IntegerArg(2));
  KVICK_ASSIGN_OR_RETURN(auto* list, context.FindValueForWrite<ListValue>(0));
  size_t removed = 0;
  if (list != nullptr) {
    // The magnitude of the smallest integer too.
    const auto magnitude = count < 0 ? 0 - static_cast<uint64_t>(count) : static_cast<uint64_t>(count);
    const size_t count_max = count == 0 ? std::numeric_limits<size_t>::max() : magnitude;
    removed = list->Remove(context.Arg(3), count_max, count < 0 ? ListEnd::kTail : ListEnd::kHead,
                           ListLimitsOf(context.settings()));
  }
  context.Reply().Integer(static_cast<int64_t>(removed));
  if (removed == 0) return Status::Ok();
  context.Modified(0);
  context.Changed(removed);
  context.Notify(KeyEventClass::kList, "lrem", 0);
  FinishRemoval(context, 0, *list);
  return Status::Ok();
}

struct SearchOptions {
  int64_t rank = 1;
  std::optional<uint64_t> count;  // 0: all
  uint64_t compared_max = 0;      // 0: all
};

// An integer whose negative is one too.
Result<int64_t> NegatableArg(const CommandContext& context, size_t index) {
  KVICK_ASSIGN_OR_RETURN(const int64_t value, context.IntegerArg(index));
  if (value == std::numeric_limits<int64_t>::min())
    return errors::Generic("value is out of range, value must between -9223372036854775807 and 9223372036854775807");
  return value;
}

Result<SearchOptions> ParseSearchOptions(const CommandContext& context) {
  SearchOptions options;
  for (size_t i = 3; i < context.argument_count(); i += 2) {
    const bool has_value = i + 1 < context.argument_count();
    if (has_value && context.ArgIs(i, "RANK")) {
      KVICK_ASSIGN_OR_RETURN(options.rank, NegatableArg(context, i + 1));
      if (options.rank == 0)
        return errors::Generic(
            "RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start "
            "from the end of the list");
    } else if (has_value && context.ArgIs(i, "COUNT")) {
      KVICK_ASSIGN_OR_RETURN(const int64_t count, IntegerFrom(0, context.Arg(i + 1), "COUNT can't be negative"));
      options.count = static_cast<uint64_t>(count);
    } else if (has_value && context.ArgIs(i, "MAXLEN")) {
      KVICK_ASSIGN_OR_RETURN(const int64_t length, IntegerFrom(0, context.Arg(i + 1), "MAXLEN can't be negative"));
      options.compared_max = static_cast<uint64_t>(length);
    } else {
      return errors::Syntax();
    }
  }
  return options;
}

Status LPos(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const SearchOptions options, ParseSearchOptions(context));
  KVICK_ASSIGN_OR_RETURN(const auto* list, context.FindValue<ListValue>(0));
  ReplyWriter& reply = context.Reply();
  if (list == nullptr) {
    options.count ? reply.Array(0) : reply.Null();
    return Status::Ok();
  }
  const ListEnd from = options.rank > 0 ? ListEnd::kHead : ListEnd::kTail;
  const auto first_rank = static_cast<uint64_t>(std::abs(options.rank));
  const uint64_t reported_max = options.count.value_or(1);
  const ListpackValue wanted = ListpackValue::FromText(context.Arg(2));
  const auto hole = options.count ? std::optional(reply.Begin()) : std::nullopt;
  uint64_t seen = 0;
  uint64_t matched = 0;
  uint64_t reported = 0;
  for (ListCursor cursor = list->SeekEnd(from); cursor.is_valid(); cursor.Step(from), ++seen) {
    if (options.compared_max != 0 && seen == options.compared_max) break;
    if (!(cursor.Get().value == wanted) || ++matched < first_rank) continue;
    reply.Integer(static_cast<int64_t>(from == ListEnd::kHead ? seen : list->count() - 1 - seen));
    if (++reported == reported_max) break;
  }
  if (hole) {
    reply.End(*hole, ReplyWriter::Aggregate::kArray, reported);
  } else if (reported == 0) {
    reply.Null();
  }
  return Status::Ok();
}

constexpr CommandSpec kCommands[] = {
    {
        .name = "LINDEX",
        .syntax = "key index",
        .summary = "Returns an element from a list by its index.",
        .since = "1.0.0",
        .group = "list",
        .complexity = "O(N) where N is the number of elements to traverse to get to the element at index. This makes "
                      "asking for the first or the last element of the list O(1).",
        .flags = kReadonly,
        .categories = kAclList,
        .keys = {OneKey(1, kKeyReadOnly | kKeyAccess)},
        .handler = LIndex,
    },
    {
        .name = "LINSERT",
        .syntax = "key <BEFORE | AFTER> pivot element",
        .argument_notes = "before=where",
        .summary = "Inserts an element before or after another element in a list.",
        .since = "2.2.0",
        .group = "list",
        .complexity = "O(N) where N is the number of elements to traverse before seeing the value pivot. This means "
                      "that inserting somewhere on the left end on the list (head) can be considered O(1) and "
                      "inserting somewhere on the right end (tail) is O(N).",
        .flags = kWrite | kDenyOom,
        .categories = kAclList,
        .keys = {OneKey(1, kKeyReadWrite | kKeyInsert)},
        .handler = LInsert,
    },
    {
        .name = "LLEN",
        .syntax = "key",
        .summary = "Returns the length of a list.",
        .since = "1.0.0",
        .group = "list",
        .complexity = "O(1)",
        .flags = kReadonly | kFast,
        .categories = kAclList,
        .keys = {OneKey(1, kKeyReadOnly)},
        .handler = LLen,
    },
    {
        .name = "LPOP",
        .syntax = "key [count]",
        .argument_notes = "count@6.2.0",
        .summary = "Returns the first elements in a list after removing it. Deletes the list if the last element was "
                   "popped.",
        .since = "1.0.0",
        .group = "list",
        .complexity = "O(N) where N is the number of elements returned",
        .flags = kWrite | kFast,
        .categories = kAclList,
        .keys = {OneKey(1, kKeyReadWrite | kKeyAccess | kKeyDelete)},
        .handler = LPop,
    },
    {
        .name = "LPOS",
        .syntax = "key element [RANK rank] [COUNT num-matches] [MAXLEN len]",
        .argument_notes = "rank(integer) num-matches(integer) len(integer)",
        .summary = "Returns the index of matching elements in a list.",
        .since = "6.0.6",
        .group = "list",
        .complexity = "O(N) where N is the number of elements in the list, for the average case. When searching for "
                      "elements near the head or the tail of the list, or when the MAXLEN option is provided, the "
                      "command may run in constant time.",
        .flags = kReadonly,
        .categories = kAclList,
        .keys = {OneKey(1, kKeyReadOnly | kKeyAccess)},
        .handler = LPos,
    },
    {
        .name = "LPUSH",
        .syntax = "key element [element ...]",
        .summary = "Prepends one or more elements to a list. Creates the key if it doesn't exist.",
        .since = "1.0.0",
        .group = "list",
        .complexity = "O(1) for each element added, so O(N) to add N elements when the command is called with "
                      "multiple arguments.",
        .flags = kWrite | kDenyOom | kFast,
        .categories = kAclList,
        .keys = {OneKey(1, kKeyReadWrite | kKeyInsert)},
        .handler = LPush,
    },
    {
        .name = "LPUSHX",
        .syntax = "key element [element ...]",
        .summary = "Prepends one or more elements to a list only when the list exists.",
        .since = "2.2.0",
        .group = "list",
        .complexity = "O(1) for each element added, so O(N) to add N elements when the command is called with "
                      "multiple arguments.",
        .flags = kWrite | kDenyOom | kFast,
        .categories = kAclList,
        .keys = {OneKey(1, kKeyReadWrite | kKeyInsert)},
        .handler = LPushX,
    },
    {
        .name = "LRANGE",
        .syntax = "key start stop",
        .summary = "Returns a range of elements from a list.",
        .since = "1.0.0",
        .group = "list",
        .complexity = "O(S+N) where S is the distance of start offset from HEAD for small lists, from nearest end "
                      "(HEAD or TAIL) for large lists; and N is the number of elements in the specified range.",
        .flags = kReadonly,
        .categories = kAclList,
        .keys = {OneKey(1, kKeyReadOnly | kKeyAccess)},
        .handler = LRange,
    },
    {
        .name = "LREM",
        .syntax = "key count element",
        .summary = "Removes elements from a list. Deletes the list if the last element was removed.",
        .since = "1.0.0",
        .group = "list",
        .complexity = "O(N+M) where N is the length of the list and M is the number of elements removed.",
        .flags = kWrite,
        .categories = kAclList,
        .keys = {OneKey(1, kKeyReadWrite | kKeyDelete)},
        .handler = LRem,
    },
    {
        .name = "LSET",
        .syntax = "key index element",
        .summary = "Sets the value of an element in a list by its index.",
        .since = "1.0.0",
        .group = "list",
        .complexity = "O(N) where N is the length of the list. Setting either the first or the last element of the "
                      "list is O(1).",
        .flags = kWrite | kDenyOom,
        .categories = kAclList,
        .keys = {OneKey(1, kKeyReadWrite | kKeyUpdate)},
        .handler = LSet,
    },
    {
        .name = "LTRIM",
        .syntax = "key start stop",
        .summary = "Removes elements from both ends a list. Deletes the list if all elements were trimmed.",
        .since = "1.0.0",
        .group = "list",
        .complexity = "O(N) where N is the number of elements to be removed by the operation.",
        .flags = kWrite,
        .categories = kAclList,
        .keys = {OneKey(1, kKeyReadWrite | kKeyDelete)},
        .handler = LTrim,
    },
    {
        .name = "RPOP",
        .syntax = "key [count]",
        .argument_notes = "count@6.2.0",
        .summary = "Returns and removes the last elements of a list. Deletes the list if the last element was popped.",
        .since = "1.0.0",
        .group = "list",
        .complexity = "O(N) where N is the number of elements returned",
        .flags = kWrite | kFast,
        .categories = kAclList,
        .keys = {OneKey(1, kKeyReadWrite | kKeyAccess | kKeyDelete)},
        .handler = RPop,
    },
    {
        .name = "RPUSH",
        .syntax = "key element [element ...]",
        .summary = "Appends one or more elements to a list. Creates the key if it doesn't exist.",
        .since = "1.0.0",
        .group = "list",
        .complexity = "O(1) for each element added, so O(N) to add N elements when the command is called with "
                      "multiple arguments.",
        .flags = kWrite | kDenyOom | kFast,
        .categories = kAclList,
        .keys = {OneKey(1, kKeyReadWrite | kKeyInsert)},
        .handler = RPush,
    },
    {
        .name = "RPUSHX",
        .syntax = "key element [element ...]",
        .summary = "Appends an element to a list only when the list exists.",
        .since = "2.2.0",
        .group = "list",
        .complexity = "O(1) for each element added, so O(N) to add N elements when the command is called with "
                      "multiple arguments.",
        .flags = kWrite | kDenyOom | kFast,
        .categories = kAclList,
        .keys = {OneKey(1, kKeyReadWrite | kKeyInsert)},
        .handler = RPushX,
    },
};

}  // namespace

std::span<const CommandSpec> ListCommands() { return kCommands; }

}  // namespace kvick

// Lists: the commands that wait until there is something to take. What they do is logged as the command that does the
// same without waiting.

#include <string>

#include "commands/families.h"
#include "commands/list_access.h"

namespace kvick {
namespace {

Status PopOrWait(CommandContext& context, ListEnd end) {
  KVICK_ASSIGN_OR_RETURN(const int64_t timeout_ms, ParseTimeoutMs(context.Arg(context.argument_count() - 1)));
  const CommandContext::KeyRange keys = context.ServableKeys(0, context.key_count());
  for (size_t i = keys.first; i < keys.last; ++i) {
    KVICK_ASSIGN_OR_RETURN(auto* list, context.FindValueForWrite<ListValue>(i));
    if (list == nullptr) continue;
    context.Reply().Array(2);
    context.Reply().Bulk(context.KeyName(i));
    ReplyEnd(context.Reply(), *list, end, 1);
    RemoveEnd(context, i, *list, end, 1);
    context.Changed();
    context.Effect({PopName(end), context.KeyName(i)});
    return Status::Ok();
  }
  return context.Block({.timeout_ms = timeout_ms, .waited_count = context.key_count()});
}

Status BLPop(CommandContext& context) { return PopOrWait(context, ListEnd::kHead); }
Status BRPop(CommandContext& context) { return PopOrWait(context, ListEnd::kTail); }

Status BLMPop(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const PopRequest request, ParsePopRequest(context, 2));
  KVICK_ASSIGN_OR_RETURN(const int64_t timeout_ms, ParseTimeoutMs(context.Arg(1)));
  const size_t key_count = context.key_count();
  KVICK_ASSIGN_OR_RETURN(const bool popped, PopFromFirst(context, context.ServableKeys(0, key_count), request));
  if (popped) return Status::Ok();
  return context.Block({.timeout_ms = timeout_ms, .waited_count = key_count});
}

// Waits for key 0 with the intention to move from it to key 1.
Status WaitForSource(CommandContext& context, int64_t timeout_ms) {
  return context.Block({.timeout_ms = timeout_ms, .needs_all_keys = true});
}

Status WaitForElement(CommandContext& context, int64_t timeout_ms) {
  // Who may not wait is told that there is no element; whose time is up, that there is no array. So it has always been.
  if (context.executor().is_in_transaction()) {
    context.Reply().Null();
    return Status::Ok();
  }
  return WaitForSource(context, timeout_ms);
}

Status BLMove(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const ListEnd from, ParseListEnd(context.Arg(3)));
  KVICK_ASSIGN_OR_RETURN(const ListEnd to, ParseListEnd(context.Arg(4)));
  KVICK_ASSIGN_OR_RETURN(const int64_t timeout_ms, ParseTimeoutMs(context.Arg(5)));
  KVICK_ASSIGN_OR_RETURN(const bool moved, MoveElement(context, from, to));
  if (!moved) return WaitForElement(context, timeout_ms);
  context.Effect({"LMOVE", context.Arg(1), context.Arg(2), ListEndName(from), ListEndName(to)});
  return Status::Ok();
}

Status BRPopLPush(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const int64_t timeout_ms, ParseTimeoutMs(context.Arg(3)));
  KVICK_ASSIGN_OR_RETURN(const bool moved, MoveElement(context, ListEnd::kTail, ListEnd::kHead));
  if (!moved) return WaitForElement(context, timeout_ms);
  context.Effect({"RPOPLPUSH", context.Arg(1), context.Arg(2)});
  return Status::Ok();
}

Status BLMoveM(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const MoveManyRequest request, ParseMoveManyRequest(context, 6));
  KVICK_ASSIGN_OR_RETURN(const int64_t timeout_ms, ParseTimeoutMs(context.Arg(5)));
  KVICK_ASSIGN_OR_RETURN(const size_t moved, MoveMany(context, request));
  if (moved == 0) return WaitForSource(context, timeout_ms);
  context.Effect({"LMOVEM", context.Arg(1), context.Arg(2), ListEndName(request.from), ListEndName(request.to),
                  "EXACTLY", std::to_string(moved), request.keeps_order ? "BULK" : "OBO"});
  return Status::Ok();
}

constexpr CommandSpec PopRow(std::string_view name, std::string_view summary, CommandHandler handler) {
  return {
      .name = name,
      .syntax = "key [key ...] timeout",
      .argument_notes = "timeout(double)",
      .summary = summary,
      .since = "2.0.0",
      .group = "list",
      .complexity = "O(N) where N is the number of provided keys.",
      .flags = kWrite | kBlocking,
      .categories = kAclList,
      .keys = {KeyRange(1, -2, 1, kKeyReadWrite | kKeyAccess | kKeyDelete)},
      .handler = handler,
  };
}

constexpr CommandSpec kCommands[] = {
    {
        .name = "BLMOVE",
        .syntax = "source destination <LEFT | RIGHT> <LEFT | RIGHT> timeout",
        .argument_notes = "left=wherefrom left=whereto timeout(double)",
        .summary = "Pops an element from a list, pushes it to another list and returns it. Blocks until an element is "
                   "available otherwise. Deletes the list if the last element was moved.",
        .since = "6.2.0",
        .group = "list",
        .complexity = "O(1)",
        .flags = kWrite | kDenyOom | kBlocking,
        .categories = kAclList,
        .keys = {OneKey(1, kKeyReadWrite | kKeyAccess | kKeyDelete), OneKey(2, kKeyReadWrite | kKeyInsert)},
        .handler = BLMove,
    },
    {
        .name = "BLMOVEM",
        .syntax = "source destination <LEFT | RIGHT> <LEFT | RIGHT> timeout "
                  "[<COUNT count | EXACTLY exactly> <OBO | BULK>]",
        .argument_notes =
            "left=wherefrom left=whereto timeout(double)"
            " count=how-many how-many.count=selector how-many.selector.exactly(integer) how-many.obo=ordering",
        .summary = "Moves several elements from one end of a list to one end of another and returns them. Blocks until "
                   "there are enough otherwise.",
        .since = "8.10.0",
        .group = "list",
        .complexity = "O(N) where N is the number of elements moved.",
        .flags = kWrite | kDenyOom | kBlocking,
        .categories = kAclList,
        .keys = {OneKey(1, kKeyReadWrite | kKeyAccess | kKeyDelete), OneKey(2, kKeyReadWrite | kKeyInsert)},
        .handler = BLMoveM,
    },
    {
        .name = "BLMPOP",
        .syntax = "timeout numkeys key [key ...] <LEFT | RIGHT> [COUNT count]",
        .argument_notes = "left=where timeout(double)",
        .summary = "Pops the first element from one of multiple lists. Blocks until an element is available otherwise. "
                   "Deletes the list if the last element was popped.",
        .since = "7.0.0",
        .group = "list",
        .complexity = "O(N+M) where N is the number of provided keys and M is the number of elements returned.",
        .flags = kWrite | kBlocking | kMovableKeys,
        .categories = kAclList,
        .keys = {CountedKeys(2, kKeyReadWrite | kKeyAccess | kKeyDelete)},
        .handler = BLMPop,
    },
    PopRow("BLPOP",
           "Removes and returns the first element in a list. Blocks until an element is available otherwise. "
           "Deletes the list if the last element was popped.",
           BLPop),
    PopRow("BRPOP",
           "Removes and returns the last element in a list. Blocks until an element is available otherwise. "
           "Deletes the list if the last element was popped.",
           BRPop),
    {
        .name = "BRPOPLPUSH",
        .syntax = "source destination timeout",
        .argument_notes = "timeout(double)",
        .summary = "Pops an element from a list, pushes it to another list and returns it. Block until an element is "
                   "available otherwise. Deletes the list if the last element was popped.",
        .since = "2.2.0",
        .group = "list",
        .complexity = "O(1)",
        .flags = kWrite | kDenyOom | kBlocking,
        .categories = kAclList,
        .keys = {OneKey(1, kKeyReadWrite | kKeyAccess | kKeyDelete), OneKey(2, kKeyReadWrite | kKeyInsert)},
        .deprecated_since = "6.2.0",
        .replaced_by = "BLMOVE with the RIGHT and LEFT arguments",
        .handler = BRPopLPush,
    },
};

}  // namespace

std::span<const CommandSpec> ListWaitCommands() { return kCommands; }

}  // namespace kvick

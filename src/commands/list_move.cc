// Lists: moving elements from one to another, and popping from the first that has any. None of these waits.

#include "commands/families.h"
#include "commands/list_access.h"

namespace kvick {
namespace {

Status MoveOrNull(CommandContext& context, ListEnd from, ListEnd to) {
  KVICK_ASSIGN_OR_RETURN(const bool moved, MoveElement(context, from, to));
  if (!moved) context.Reply().Null();
  return Status::Ok();
}

Status LMove(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const ListEnd from, ParseListEnd(context.Arg(3)));
  KVICK_ASSIGN_OR_RETURN(const ListEnd to, ParseListEnd(context.Arg(4)));
  return MoveOrNull(context, from, to);
}

Status RPopLPush(CommandContext& context) { return MoveOrNull(context, ListEnd::kTail, ListEnd::kHead); }

Status LMoveM(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const MoveManyRequest request, ParseMoveManyRequest(context, 5));
  KVICK_ASSIGN_OR_RETURN(const size_t moved, MoveMany(context, request));
  if (moved == 0) request.is_exact ? context.Reply().NullArray() : context.Reply().Array(0);
  return Status::Ok();
}

Status LMPop(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const PopRequest request, ParsePopRequest(context, 1));
  KVICK_ASSIGN_OR_RETURN(const bool popped, PopFromFirst(context, {0, context.key_count()}, request));
  if (!popped) context.Reply().NullArray();
  return Status::Ok();
}

constexpr CommandSpec kCommands[] = {
    {
        .name = "LMOVE",
        .syntax = "source destination <LEFT | RIGHT> <LEFT | RIGHT>",
        .argument_notes = "left=wherefrom left=whereto",
        .summary = "Returns an element after popping it from one list and pushing it to another. Deletes the list if "
                   "the last element was moved.",
        .since = "6.2.0",
        .group = "list",
        .complexity = "O(1)",
        .flags = kWrite | kDenyOom,
        .categories = kAclList,
        .keys = {OneKey(1, kKeyReadWrite | kKeyAccess | kKeyDelete), OneKey(2, kKeyReadWrite | kKeyInsert)},
        .handler = LMove,
    },
    {
        .name = "LMOVEM",
        .syntax = "source destination <LEFT | RIGHT> <LEFT | RIGHT> [<COUNT count | EXACTLY exactly> <OBO | BULK>]",
        .argument_notes =
            "left=wherefrom left=whereto"
            " count=how-many how-many.count=selector how-many.selector.exactly(integer) how-many.obo=ordering",
        .summary = "Moves several elements from one end of a list to one end of another and returns them.",
        .since = "8.10.0",
        .group = "list",
        .complexity = "O(N) where N is the number of elements moved.",
        .flags = kWrite | kDenyOom,
        .categories = kAclList,
        .keys = {OneKey(1, kKeyReadWrite | kKeyAccess | kKeyDelete), OneKey(2, kKeyReadWrite | kKeyInsert)},
        .handler = LMoveM,
    },
    {
        .name = "LMPOP",
        .syntax = "numkeys key [key ...] <LEFT | RIGHT> [COUNT count]",
        .argument_notes = "left=where",
        .summary = "Returns multiple elements from a list after removing them. Deletes the list if the last element "
                   "was popped.",
        .since = "7.0.0",
        .group = "list",
        .complexity = "O(N+M) where N is the number of provided keys and M is the number of elements returned.",
        .flags = kWrite | kMovableKeys,
        .categories = kAclList,
        .keys = {CountedKeys(1, kKeyReadWrite | kKeyAccess | kKeyDelete)},
        .handler = LMPop,
    },
    {
        .name = "RPOPLPUSH",
        .syntax = "source destination",
        .summary = "Returns the last element of a list after removing and pushing it to another list. Deletes the list "
                   "if the last element was popped.",
        .since = "1.2.0",
        .group = "list",
        .complexity = "O(1)",
        .flags = kWrite | kDenyOom,
        .categories = kAclList,
        .keys = {OneKey(1, kKeyReadWrite | kKeyAccess | kKeyDelete), OneKey(2, kKeyReadWrite | kKeyInsert)},
        .deprecated_since = "6.2.0",
        .replaced_by = "LMOVE with the RIGHT and LEFT arguments",
        .handler = RPopLPush,
    },
};

}  // namespace

std::span<const CommandSpec> ListMoveCommands() { return kCommands; }

}  // namespace kvick

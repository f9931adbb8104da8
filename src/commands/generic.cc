// Keys of any type: deleting, counting, touching, naming the type.
#include "commands/families.h"
#include "engine/command_context.h"
#include "types/value_type.h"

namespace kvick {
namespace {

// DEL and UNLINK. Both leave the freeing of expensive values to the background: nobody can tell but by waiting.
Status Del(CommandContext& context) {
  int64_t deleted_count = 0;
  for (size_t i = 0; i < context.key_count(); ++i) {
    if (!context.EraseKey(i)) continue;
    context.Notify(KeyEventClass::kGeneric, "del", i);
    ++deleted_count;
  }
  context.Changed(static_cast<uint64_t>(deleted_count));
  context.Reply().Integer(deleted_count);
  return Status::Ok();
}

Status Exists(CommandContext& context) {
  int64_t found_count = 0;
  for (size_t i = 0; i < context.key_count(); ++i) {
    const KeyTable::Slot slot = context.Peek(i);
    context.CountRead(i, slot);
    if (slot.entry != nullptr) ++found_count;
  }
  context.Reply().Integer(found_count);
  return Status::Ok();
}

Status Touch(CommandContext& context) {
  // Also for clients that otherwise leave no trace (CLIENT NO-TOUCH).
  context.mutation().touches = !context.mutation().touches_on_change;
  int64_t found_count = 0;
  for (size_t i = 0; i < context.key_count(); ++i) {
    if (context.Find(i).entry != nullptr) ++found_count;
  }
  context.Reply().Integer(found_count);
  return Status::Ok();
}

Status Type(CommandContext& context) {
  const KeyTable::Slot slot = context.Peek(0);
  context.CountRead(0, slot);
  context.Reply().Simple(slot.entry == nullptr ? "none" : OperationsOf(slot.entry->type()).type_name);
  return Status::Ok();
}

constexpr CommandSpec kCommands[] = {
    {
        .name = "DEL",
        .syntax = "key [key ...]",
        .summary = "Deletes keys.",
        .since = "1.0.0",
        .group = "generic",
        .complexity =
            "O(N) where N is the number of keys that will be removed. When a key to remove holds a value other than a "
            "string, the individual complexity for this key is O(M) where M is the number of elements in the list, "
            "set, sorted set or hash. Removing a single key that holds a string value is O(1).",
        .flags = kWrite,
        .categories = kAclKeyspace,
        .keys = {KeyRange(1, -1, 1, kKeyRemove | kKeyDelete)},
        .tips = {"request_policy:multi_shard", "response_policy:agg_sum"},
        .handler = Del,
    },
    {
        .name = "EXISTS",
        .syntax = "key [key ...]",
        .summary = "Counts how many of the keys exist.",
        .since = "1.0.0",
        .group = "generic",
        .complexity = "O(N) where N is the number of keys to check.",
        .flags = kReadonly | kFast,
        .categories = kAclKeyspace,
        .keys = {KeyRange(1, -1, 1, kKeyReadOnly)},
        .tips = {"request_policy:multi_shard", "response_policy:agg_sum"},
        .handler = Exists,
    },
    {
        .name = "TOUCH",
        .syntax = "key [key ...]",
        .summary = "Counts how many of the keys exist, and marks them as just used.",
        .since = "3.2.1",
        .group = "generic",
        .complexity = "O(N) where N is the number of keys that will be touched.",
        .flags = kReadonly | kFast,
        .categories = kAclKeyspace,
        .keys = {KeyRange(1, -1, 1, kKeyReadOnly)},
        .tips = {"request_policy:multi_shard", "response_policy:agg_sum"},
        .handler = Touch,
    },
    {
        .name = "TYPE",
        .syntax = "key",
        .summary = "Names the type of the value of a key.",
        .since = "1.0.0",
        .group = "generic",
        .complexity = "O(1)",
        .flags = kReadonly | kFast,
        .categories = kAclKeyspace,
        .keys = {OneKey(1, kKeyReadOnly)},
        .handler = Type,
    },
    {
        .name = "UNLINK",
        .syntax = "key [key ...]",
        .summary = "Deletes keys; memory is reclaimed in the background.",
        .since = "4.0.0",
        .group = "generic",
        .complexity =
            "O(1) for each key removed regardless of its size. Then the command does O(N) work in a different thread "
            "in order to reclaim memory, where N is the number of allocations the deleted objects where composed of.",
        .flags = kWrite | kFast,
        .categories = kAclKeyspace,
        .keys = {KeyRange(1, -1, 1, kKeyRemove | kKeyDelete)},
        .tips = {"request_policy:multi_shard", "response_policy:agg_sum"},
        .handler = Del,
    },
};

}  // namespace

std::span<const CommandSpec> GenericCommands() { return kCommands; }

}  // namespace kvick

// OBJECT: how values are stored and used. Asking leaves no trace on the key.
#include <optional>

#include "commands/families.h"
#include "engine/command_context.h"
#include "engine/help.h"
#include "keyspace/access_clock.h"
#include "types/value_type.h"

namespace kvick {
namespace {

// Integers below this one count as shared.
constexpr int64_t kSharedIntegerEnd = 10'000;
constexpr int64_t kSharedReferenceCount = 2147483647;

// The entry of key 0. A missing key is answered null; it counts as a miss, but is no event.
const Entry* FindOrReplyNull(CommandContext& context) {
  const KeyTable::Slot slot = context.Peek(0);
  ExecutorStats& stats = context.executor().stats();
  (slot.entry != nullptr ? stats.keyspace_hits : stats.keyspace_misses).Add(1);
  if (slot.entry == nullptr) context.Reply().Null();
  return slot.entry;
}

Status ObjectEncoding(CommandContext& context) {
  if (const Entry* entry = FindOrReplyNull(context)) context.Reply().Bulk(entry->encoding_name());
  return Status::Ok();
}

// kvick shares no values. Redis keeps one copy of each small integer and answers a large constant for those that may
// be one, unless an eviction policy needs an access clock for each key; clients that look see the same here.
bool CountsAsShared(const Entry& entry, const Settings& settings) {
  if (entry.type() != ValueType::kString || entry.form() != ValueForm::kInteger) return false;
  const int64_t value = entry.string().integer;
  if (value < 0 || value >= kSharedIntegerEnd) return false;
  if (settings.max_memory_bytes == 0) return true;
  switch (settings.max_memory_policy) {
    case EvictionPolicy::kNoEviction:
    case EvictionPolicy::kVolatileRandom:
    case EvictionPolicy::kVolatileTtl:
    case EvictionPolicy::kAllKeysRandom: return true;
    default: return false;
  }
}

Status ObjectRefCount(CommandContext& context) {
  if (const Entry* entry = FindOrReplyNull(context)) {
    context.Reply().Integer(CountsAsShared(*entry, context.settings()) ? kSharedReferenceCount : 1);
  }
  return Status::Ok();
}

Status ObjectIdleTime(CommandContext& context) {
  const Entry* entry = FindOrReplyNull(context);
  if (entry == nullptr) return Status::Ok();
  if (context.mutation().frequency_rules != nullptr) {
    return errors::Generic(
        "An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between policies "
        "at runtime LRU and LFU data will take some time to adjust.");
  }
  context.Reply().Integer(IdleSeconds(entry->access(), context.now_ms()));
  return Status::Ok();
}

Status ObjectFreq(CommandContext& context) {
  const Entry* entry = FindOrReplyNull(context);
  if (entry == nullptr) return Status::Ok();
  const FrequencyRules* rules = context.mutation().frequency_rules;
  if (rules == nullptr) {
    return errors::Generic(
        "An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching "
        "between policies at runtime LRU and LFU data will take some time to adjust.");
  }
  context.Reply().Integer(FrequencyOf(entry->access(), context.now_ms(), *rules));
  return Status::Ok();
}

constexpr CommandSpec kCommands[] = {
    {
        .name = "OBJECT",
        .summary = "A container for commands that inspect how values are stored.",
        .since = "2.2.3",
        .group = "generic",
        .complexity = "Depends on subcommand.",
        .arity = -2,
    },
    {
        .name = "OBJECT ENCODING",
        .syntax = "key",
        .summary = "Names the encoding in which the value of a key is stored.",
        .since = "2.2.3",
        .group = "generic",
        .complexity = "O(1)",
        .flags = kReadonly,
        .categories = kAclKeyspace,
        .keys = {OneKey(2, kKeyReadOnly)},
        .tips = {"nondeterministic_output"},
        .handler = ObjectEncoding,
    },
    {
        .name = "OBJECT FREQ",
        .syntax = "key",
        .summary = "Returns how often a key was used lately, on a logarithmic scale.",
        .since = "4.0.0",
        .group = "generic",
        .complexity = "O(1)",
        .flags = kReadonly,
        .categories = kAclKeyspace,
        .keys = {OneKey(2, kKeyReadOnly)},
        .tips = {"nondeterministic_output"},
        .handler = ObjectFreq,
    },
    {
        .name = "OBJECT HELP",
        .summary = "Lists the subcommands of OBJECT.",
        .since = "6.2.0",
        .group = "generic",
        .complexity = "O(1)",
        .flags = kLoading | kStale,
        .categories = kAclKeyspace,
        .handler = ReplyHelp,
    },
    {
        .name = "OBJECT IDLETIME",
        .syntax = "key",
        .summary = "Returns the seconds since a key was last used.",
        .since = "2.2.3",
        .group = "generic",
        .complexity = "O(1)",
        .flags = kReadonly,
        .categories = kAclKeyspace,
        .keys = {OneKey(2, kKeyReadOnly)},
        .tips = {"nondeterministic_output"},
        .handler = ObjectIdleTime,
    },
    {
        .name = "OBJECT REFCOUNT",
        .syntax = "key",
        .summary = "Returns the number of references to the value of a key.",
        .since = "2.2.3",
        .group = "generic",
        .complexity = "O(1)",
        .flags = kReadonly,
        .categories = kAclKeyspace,
        .keys = {OneKey(2, kKeyReadOnly)},
        .tips = {"nondeterministic_output"},
        .handler = ObjectRefCount,
    },
};

}  // namespace

std::span<const CommandSpec> ObjectCommands() { return kCommands; }

}  // namespace kvick

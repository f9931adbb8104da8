// When keys expire: setting, asking and removing. TTL, PTTL and PERSIST also take a member of a set or a field of a
// hash behind the key, as KeyDB does.
#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "commands/families.h"
#include "commands/key_expiry.h"
#include "commands/member_expiry.h"
#include "engine/command_context.h"

namespace kvick {
namespace {

struct Conditions {
  bool must_lack_expiry = false;  // NX
  bool must_have_expiry = false;  // XX
  bool must_be_later = false;     // GT
  bool must_be_earlier = false;   // LT

  // No expiry is later than any.
  bool AreMet(int64_t old_expiry_ms, int64_t expiry_ms) const {
    const bool has_expiry = old_expiry_ms != Entry::kNoExpiry;
    if (must_lack_expiry && has_expiry) return false;
    if (must_have_expiry && !has_expiry) return false;
    if (must_be_later && (!has_expiry || expiry_ms <= old_expiry_ms)) return false;
    return !must_be_earlier || !has_expiry || expiry_ms < old_expiry_ms;
  }
};

Result<Conditions> ParseConditions(const CommandContext& context) {
  Conditions conditions;
  for (size_t i = 3; i < context.argument_count(); ++i) {
    if (context.ArgIs(i, "NX")) {
      conditions.must_lack_expiry = true;
    } else if (context.ArgIs(i, "XX")) {
      conditions.must_have_expiry = true;
    } else if (context.ArgIs(i, "GT")) {
      conditions.must_be_later = true;
    } else if (context.ArgIs(i, "LT")) {
      conditions.must_be_earlier = true;
    } else {
      return errors::Generic("Unsupported option " + std::string(UpToZeroByte(context.Arg(i))));
    }
  }
  if (conditions.must_lack_expiry &&
      (conditions.must_have_expiry || conditions.must_be_later || conditions.must_be_earlier)) {
    return errors::Generic("NX and XX, GT or LT options at the same time are not compatible");
  }
  if (conditions.must_be_later && conditions.must_be_earlier) {
    return errors::Generic("GT and LT options at the same time are not compatible");
  }
  return conditions;
}

enum class TimeUnit : int64_t { kSeconds = 1000, kMilliseconds = 1 };
enum class TimeBase { kNow, kEpoch };

Status Expire(CommandContext& context, TimeUnit unit, TimeBase base) {
  KVICK_ASSIGN_OR_RETURN(const Conditions conditions, ParseConditions(context));
  KVICK_ASSIGN_OR_RETURN(int64_t expiry_ms, context.IntegerArg(2));
  const int64_t base_ms = base == TimeBase::kNow ? context.now_ms() : 0;
  if (__builtin_mul_overflow(expiry_ms, static_cast<int64_t>(unit), &expiry_ms) ||
      __builtin_add_overflow(expiry_ms, base_ms, &expiry_ms)) {
    return errors::InvalidExpire(context.command().name);
  }
  // Before 1970 is as past as 1970.
  expiry_ms = std::max<int64_t>(expiry_ms, 0);
  const KeyTable::Slot slot = context.Peek(0);
  const bool is_applied = slot.entry != nullptr && conditions.AreMet(slot.entry->expiry_ms(), expiry_ms);
  if (is_applied) ExpireKeyAt(context, 0, slot, expiry_ms);
  context.Reply().Integer(is_applied ? 1 : 0);
  return Status::Ok();
}

Status ExpireIn(CommandContext& context) { return Expire(context, TimeUnit::kSeconds, TimeBase::kNow); }
Status ExpireAt(CommandContext& context) { return Expire(context, TimeUnit::kSeconds, TimeBase::kEpoch); }
Status PExpireIn(CommandContext& context) { return Expire(context, TimeUnit::kMilliseconds, TimeBase::kNow); }
Status PExpireAt(CommandContext& context) { return Expire(context, TimeUnit::kMilliseconds, TimeBase::kEpoch); }

// When the key, or the member or field behind it, expires. Nothing: it is missing.
Result<std::optional<int64_t>> FindExpiry(CommandContext& context) {
  if (context.argument_count() == 3) {
    KVICK_ASSIGN_OR_RETURN(const ValuePart part, FindPart(context, context.Arg(2)));
    return part.exists ? std::optional<int64_t>(part.expiry_ms) : std::nullopt;
  }
  const KeyTable::Slot slot = context.Peek(0);
  context.CountRead(0, slot);
  return slot.entry != nullptr ? std::optional<int64_t>(slot.entry->expiry_ms()) : std::nullopt;
}
static_assert(Entry::kNoExpiry == -1 && Field::kNoExpiry == -1);

// -2 for a missing key, -1 for one that does not expire.
Status AnswerExpiry(CommandContext& context, TimeUnit unit, TimeBase base) {
  KVICK_ASSIGN_OR_RETURN(const std::optional<int64_t> expiry_ms, FindExpiry(context));
  int64_t answer = expiry_ms.value_or(-2);
  if (answer >= 0) {
    if (base == TimeBase::kNow) answer = std::max<int64_t>(answer - context.now_ms(), 0);
    // To the nearest second, without adding: the sum might overflow.
    if (unit == TimeUnit::kSeconds) answer = answer / 1000 + (answer % 1000 >= 500 ? 1 : 0);
  }
  context.Reply().Integer(answer);
  return Status::Ok();
}

Status Ttl(CommandContext& context) { return AnswerExpiry(context, TimeUnit::kSeconds, TimeBase::kNow); }
Status PTtl(CommandContext& context) { return AnswerExpiry(context, TimeUnit::kMilliseconds, TimeBase::kNow); }
Status ExpireTime(CommandContext& context) { return AnswerExpiry(context, TimeUnit::kSeconds, TimeBase::kEpoch); }
Status PExpireTime(CommandContext& context) { return AnswerExpiry(context, TimeUnit::kMilliseconds, TimeBase::kEpoch); }

Status Persist(CommandContext& context) {
  if (context.argument_count() == 3) {
    KVICK_ASSIGN_OR_RETURN(const ValuePart part, FindPart(context, context.Arg(2)));
    const bool expires = part.exists && part.expiry_ms != Field::kNoExpiry;
    if (expires) ExpirePartAt(context, part, Field::kNoExpiry);
    context.Reply().Integer(expires ? 1 : 0);
    return Status::Ok();
  }
  KeyTable::Slot slot = context.Peek(0);
  const bool has_expiry = slot.entry != nullptr && slot.entry->has_expiry();
  if (has_expiry) {
    context.SetExpiry(0, &slot, Entry::kNoExpiry);
    context.Changed();
    context.Notify(KeyEventClass::kGeneric, "persist", 0);
  }
  context.Reply().Integer(has_expiry ? 1 : 0);
  return Status::Ok();
}

constexpr CommandSpec kCommands[] = {
    {
        .name = "EXPIRE",
        .syntax = "key seconds [NX | XX | GT | LT]",
        .argument_notes = "nx=condition@7.0.0",
        .summary = "Sets the time to live of a key in seconds.",
        .since = "1.0.0",
        .group = "generic",
        .complexity = "O(1)",
        .flags = kWrite | kFast,
        .categories = kAclKeyspace,
        .keys = {OneKey(1, kKeyReadWrite | kKeyUpdate)},
        .handler = ExpireIn,
    },
    {
        .name = "EXPIREAT",
        .syntax = "key unix-time-seconds [NX | XX | GT | LT]",
        .argument_notes = "nx=condition@7.0.0",
        .summary = "Sets the moment at which a key expires, in seconds since 1970.",
        .since = "1.2.0",
        .group = "generic",
        .complexity = "O(1)",
        .flags = kWrite | kFast,
        .categories = kAclKeyspace,
        .keys = {OneKey(1, kKeyReadWrite | kKeyUpdate)},
        .handler = ExpireAt,
    },
    {
        .name = "EXPIRETIME",
        .syntax = "key",
        .summary = "Returns the moment at which a key expires, in seconds since 1970.",
        .since = "7.0.0",
        .group = "generic",
        .complexity = "O(1)",
        .flags = kReadonly | kFast,
        .categories = kAclKeyspace,
        .keys = {OneKey(1, kKeyReadOnly | kKeyAccess)},
        .handler = ExpireTime,
    },
    {
        .name = "PERSIST",
        .syntax = "key",
        .summary = "Removes the time to live of a key.",
        .since = "2.2.0",
        .group = "generic",
        .complexity = "O(1)",
        .flags = kWrite | kFast,
        .categories = kAclKeyspace,
        .more_arguments = 1,
        .keys = {OneKey(1, kKeyReadWrite | kKeyUpdate)},
        .handler = Persist,
    },
    {
        .name = "PEXPIRE",
        .syntax = "key milliseconds [NX | XX | GT | LT]",
        .argument_notes = "nx=condition@7.0.0",
        .summary = "Sets the time to live of a key in milliseconds.",
        .since = "2.6.0",
        .group = "generic",
        .complexity = "O(1)",
        .flags = kWrite | kFast,
        .categories = kAclKeyspace,
        .keys = {OneKey(1, kKeyReadWrite | kKeyUpdate)},
        .handler = PExpireIn,
    },
    {
        .name = "PEXPIREAT",
        .syntax = "key unix-time-milliseconds [NX | XX | GT | LT]",
        .argument_notes = "nx=condition@7.0.0",
        .summary = "Sets the moment at which a key expires, in milliseconds since 1970.",
        .since = "2.6.0",
        .group = "generic",
        .complexity = "O(1)",
        .flags = kWrite | kFast,
        .categories = kAclKeyspace,
        .keys = {OneKey(1, kKeyReadWrite | kKeyUpdate)},
        .handler = PExpireAt,
    },
    {
        .name = "PEXPIRETIME",
        .syntax = "key",
        .summary = "Returns the moment at which a key expires, in milliseconds since 1970.",
        .since = "7.0.0",
        .group = "generic",
        .complexity = "O(1)",
        .flags = kReadonly | kFast,
        .categories = kAclKeyspace,
        .keys = {OneKey(1, kKeyReadOnly | kKeyAccess)},
        .handler = PExpireTime,
    },
    {
        .name = "PTTL",
        .syntax = "key",
        .summary = "Returns the time to live of a key in milliseconds.",
        .since = "2.6.0",
        .group = "generic",
        .complexity = "O(1)",
        .flags = kReadonly | kFast,
        .categories = kAclKeyspace,
        .more_arguments = 1,
        .keys = {OneKey(1, kKeyReadOnly | kKeyAccess)},
        .tips = {"nondeterministic_output"},
        .handler = PTtl,
    },
    {
        .name = "TTL",
        .syntax = "key",
        .summary = "Returns the time to live of a key in seconds.",
        .since = "1.0.0",
        .group = "generic",
        .complexity = "O(1)",
        .flags = kReadonly | kFast,
        .categories = kAclKeyspace,
        .more_arguments = 1,
        .keys = {OneKey(1, kKeyReadOnly | kKeyAccess)},
        .tips = {"nondeterministic_output"},
        .handler = Ttl,
    },
};

}  // namespace

std::span<const CommandSpec> ExpireCommands() { return kCommands; }

}  // namespace kvick

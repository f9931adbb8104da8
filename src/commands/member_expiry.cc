// Members of sets (and fields of hashes) that expire, as the commands of other servers of this protocol spell it:
// EXPIREMEMBER, EXPIREMEMBERAT and PEXPIREMEMBERAT of KeyDB, SADDEX, FIELDEXPIRE and FIELDTTL of Dragonfly. TTL, PTTL
// and PERSIST take a member too (expire.cc).
#include "commands/member_expiry.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/numbers.h"
#include "commands/families.h"
#include "commands/field_arguments.h"
#include "commands/hash_access.h"
#include "commands/key_expiry.h"
#include "commands/set_access.h"

namespace kvick {
namespace {

void AnnounceSetMember(CommandContext& context, std::string_view member, int64_t moment_ms) {
  char text[kInt64TextMax];
  if (moment_ms == Field::kNoExpiry) {
    context.Effect({"PERSIST", context.KeyName(0), member});
    context.Notify(KeyEventClass::kSet, "persistmember", 0);
  } else {
    context.Effect({"PEXPIREMEMBERAT", context.KeyName(0), member, {text, FormatInt64(moment_ms, text)}});
    context.Notify(KeyEventClass::kSet, "expiremember", 0);
  }
}

void ExpireMemberAt(CommandContext& context, SetValue& set, std::string_view member, int64_t moment_ms) {
  if (moment_ms != Field::kNoExpiry && IsDue(context, moment_ms)) {
    set.Remove(member);
    context.Effect({"SREM", context.KeyName(0), member});
    context.Notify(KeyEventClass::kSet, "srem", 0);
    return EraseIfEmpty(context, set, 0);
  }
  const int64_t was_due_ms = set.next_due_ms();
  set.SetExpiry(member, {moment_ms, context.now_ms()});
  IndexMemberExpiries(context, 0, set, was_due_ms);
  AnnounceSetMember(context, member, moment_ms);
}

void ExpireFieldAt(CommandContext& context, HashValue& hash, std::string_view field, int64_t moment_ms) {
  if (moment_ms != Field::kNoExpiry && IsDue(context, moment_ms)) {
    hash.Erase(field);
    context.Effect({"HDEL", context.KeyName(0), field});
    NotifyFields(context, "hdel", std::span(&field, 1));
    return EraseIfEmpty(context, hash);
  }
  const int64_t was_due_ms = hash.next_due_ms();
  hash.SetExpiry(field, {moment_ms, context.now_ms()});
  IndexFieldExpiries(context, hash, was_due_ms);
  char text[kInt64TextMax];
  if (moment_ms == Field::kNoExpiry) {
    context.Effect({"HPERSIST", context.KeyName(0), "FIELDS", "1", field});
    NotifyFields(context, "hpersist", std::span(&field, 1));
  } else {
    const std::string_view moment(text, FormatInt64(moment_ms, text));
    context.Effect({"HPEXPIREAT", context.KeyName(0), moment, "FIELDS", "1", field});
    NotifyFields(context, "hexpire", std::span(&field, 1));
  }
}

// A moment from now on, or since 1970; what lies before 1970 has passed as well.
Result<int64_t> MomentMs(CommandContext& context, size_t index, int64_t unit_ms, TimeBase base) {
  KVICK_ASSIGN_OR_RETURN(int64_t moment_ms, context.IntegerArg(index));
  const int64_t base_ms = base == TimeBase::kNow ? context.now_ms() : 0;
  if (__builtin_mul_overflow(moment_ms, unit_ms, &moment_ms) ||
      __builtin_add_overflow(moment_ms, base_ms, &moment_ms)) {
    return errors::InvalidExpire(context.command().name);
  }
  return std::max<int64_t>(moment_ms, 0);
}

Status ExpireNamedAt(CommandContext& context, int64_t moment_ms) {
  KVICK_ASSIGN_OR_RETURN(const ValuePart part, FindPart(context, context.Arg(2)));
  if (part.exists) ExpirePartAt(context, part, moment_ms);
  context.Reply().Integer(part.exists ? 1 : 0);
  return Status::Ok();
}

Status ExpireMember(CommandContext& context) {
  int64_t unit_ms = 1000;
  if (context.argument_count() > 5) return errors::Syntax();
  if (context.argument_count() == 5) {
    if (context.ArgIs(4, "ms")) {
      unit_ms = 1;
    } else if (!context.ArgIs(4, "s")) {
      return errors::Generic("Invalid unit arg");
    }
  }
  KVICK_ASSIGN_OR_RETURN(const int64_t moment_ms, MomentMs(context, 3, unit_ms, TimeBase::kNow));
  return ExpireNamedAt(context, moment_ms);
}

Status ExpireMemberAt(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const int64_t moment_ms, MomentMs(context, 3, 1000, TimeBase::kEpoch));
  return ExpireNamedAt(context, moment_ms);
}

Status PExpireMemberAt(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const int64_t moment_ms, MomentMs(context, 3, 1, TimeBase::kEpoch));
  return ExpireNamedAt(context, moment_ms);
}

// -2: no such field or key; 1: it expires; 2: it is gone, because the time was 0.
Status FieldExpire(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const int64_t moment_ms, ParseFieldMoment(context, 2, TimeUnit::kSeconds, TimeBase::kNow));
  const std::span<const std::string_view> names = context.arguments().subspan(3);
  KVICK_RETURN_IF_ERROR(FindPart(context, names[0]).status());
  context.Reply().Array(names.size());
  for (const std::string_view name : names) {
    const ValuePart part = *FindPart(context, name);  // the key may have gone with the field before
    if (part.exists) ExpirePartAt(context, part, moment_ms);
    context.Reply().Integer(!part.exists ? -2 : IsDue(context, moment_ms) ? 2 : 1);
  }
  return Status::Ok();
}

// -1: does not expire; -2: no such key; -3: no such field.
Status FieldTtl(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const ValuePart part, FindPart(context, context.Arg(2)));
  int64_t answer = -1;
  if (!part.has_key()) {
    answer = -2;
  } else if (!part.exists) {
    answer = -3;
  } else if (part.expiry_ms != Field::kNoExpiry) {
    answer = (part.expiry_ms - context.now_ms() + 500) / 1000;
  }
  context.Reply().Integer(answer);
  return Status::Ok();
}

Status SAddEx(CommandContext& context) {
  const bool keeps_expiries = context.ArgIs(2, "KEEPTTL");
  const size_t time_index = keeps_expiries ? 3 : 2;
  if (context.argument_count() < time_index + 2) return errors::WrongArity(context.command().name);
  KVICK_ASSIGN_OR_RETURN(const int64_t seconds, context.IntegerArg(time_index));
  if (seconds < 1) return errors::InvalidExpire(context.command().name);
  KVICK_ASSIGN_OR_RETURN(const int64_t moment_ms, MomentMs(context, time_index, 1000, TimeBase::kNow));
  KVICK_ASSIGN_OR_RETURN(SetValue * set, FindSetForWrite(context, 0));
  const SetLimits limits = SetLimitsOf(context.settings());
  const std::span<const std::string_view> members = context.arguments().subspan(time_index + 1);
  if (set == nullptr) set = context.PutValue(0, std::make_unique<SetValue>(members[0], members.size(), limits));
  const int64_t was_due_ms = set->next_due_ms();
  std::vector<std::string_view> added = {"SADD", context.KeyName(0)};
  std::vector<std::string_view> expiring;
  for (const std::string_view member : members) {
    const bool is_new = set->Add(member, limits);
    if (is_new) added.push_back(member);
    if (!is_new && keeps_expiries) continue;
    set->SetExpiry(member, {moment_ms, context.now_ms()});
    expiring.push_back(member);
  }
  const size_t added_count = added.size() - 2;
  if (!expiring.empty()) {
    IndexMemberExpiries(context, 0, *set, was_due_ms);
    context.Modified(0);
    context.Changed(expiring.size());
    if (added_count > 0) {
      context.EffectIn(context.key(0).database->index(), added);
      context.Notify(KeyEventClass::kSet, "sadd", 0);
    }
    for (const std::string_view member : expiring) AnnounceSetMember(context, member, moment_ms);
  }
  context.Reply().Integer(static_cast<int64_t>(added_count));
  return Status::Ok();
}

constexpr CommandSpec kCommands[] = {
    {
        .name = "EXPIREMEMBER",
        .syntax = "key member delay [unit]",
        .argument_notes = "delay(integer)",
        .summary = "Sets the time to live of a member of a set, or of a field of a hash.",
        .since = "8.10.0",
        .group = "generic",
        .complexity = "O(1)",
        .flags = kWrite | kFast,
        .categories = kAclKeyspace,
        .keys = {OneKey(1, kKeyReadWrite | kKeyUpdate)},
        .handler = ExpireMember,
    },
    {
        .name = "EXPIREMEMBERAT",
        .syntax = "key member unix-time-seconds",
        .summary = "Sets the moment at which a member of a set, or a field of a hash, expires, in seconds since 1970.",
        .since = "8.10.0",
        .group = "generic",
        .complexity = "O(1)",
        .flags = kWrite | kFast,
        .categories = kAclKeyspace,
        .keys = {OneKey(1, kKeyReadWrite | kKeyUpdate)},
        .handler = ExpireMemberAt,
    },
    {
        .name = "FIELDEXPIRE",
        .syntax = "key seconds field [field ...]",
        .summary = "Sets the time to live of fields of a hash or members of a set.",
        .since = "8.10.0",
        .group = "generic",
        .complexity = "O(N) where N is the number of fields.",
        .flags = kWrite | kFast,
        .categories = kAclSet | kAclHash,
        .keys = {OneKey(1, kKeyReadWrite | kKeyUpdate)},
        .handler = FieldExpire,
    },
    {
        .name = "FIELDTTL",
        .syntax = "key field",
        .summary = "Returns the time to live of a field of a hash or a member of a set in seconds.",
        .since = "8.10.0",
        .group = "generic",
        .complexity = "O(1)",
        .flags = kReadonly | kFast,
        .categories = kAclKeyspace,
        .keys = {OneKey(1, kKeyReadOnly | kKeyAccess)},
        .tips = {"nondeterministic_output"},
        .handler = FieldTtl,
    },
    {
        .name = "PEXPIREMEMBERAT",
        .syntax = "key member unix-time-milliseconds",
        .summary = "Sets the moment at which a member of a set, or a field of a hash, expires, in milliseconds since "
                   "1970.",
        .since = "8.10.0",
        .group = "generic",
        .complexity = "O(1)",
        .flags = kWrite | kFast,
        .categories = kAclKeyspace,
        .keys = {OneKey(1, kKeyReadWrite | kKeyUpdate)},
        .handler = PExpireMemberAt,
    },
    {
        .name = "SADDEX",
        .syntax = "key [KEEPTTL] seconds member [member ...]",
        .summary = "Adds members that expire to a set. Creates the key if it does not exist.",
        .since = "8.10.0",
        .group = "set",
        .complexity = "O(N) where N is the number of members.",
        .flags = kWrite | kDenyOom | kFast,
        .categories = kAclSet,
        .keys = {OneKey(1, kKeyReadWrite | kKeyInsert)},
        .handler = SAddEx,
    },
};

}  // namespace

Result<ValuePart> FindPart(CommandContext& context, std::string_view name) {
  ValuePart part;
  part.name = name;
  const KeyTable::Slot slot = context.Peek(0);
  if (slot.entry != nullptr && slot.entry->type() == ValueType::kHash) {
    KVICK_ASSIGN_OR_RETURN(part.hash, FindHashErasingDue(context));
    FieldTexts texts;
    const std::optional<FieldView> field = FindAlive(context, part.hash, name, texts);
    part.exists = field.has_value();
    if (field) part.expiry_ms = field->expiry_ms;
    return part;
  }
  KVICK_ASSIGN_OR_RETURN(part.set, FindSetForWrite(context, 0));
  part.exists = part.set != nullptr && part.set->Contains(name);
  if (part.exists) part.expiry_ms = part.set->ExpiryOf(name);
  return part;
}

void ExpirePartAt(CommandContext& context, const ValuePart& part, int64_t moment_ms) {
  context.Modified(0);
  context.Changed();
  if (part.set != nullptr) {
    ExpireMemberAt(context, *part.set, part.name, moment_ms);
  } else {
    ExpireFieldAt(context, *part.hash, part.name, moment_ms);
  }
}

std::span<const CommandSpec> MemberExpiryCommands() { return kCommands; }

}  // namespace kvick

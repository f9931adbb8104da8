// The times to live of fields: set, read, removed. HGETEX, HSETEX and HGETDEL are in hash_getex.cc.
#include <optional>
#include <string>
#include <vector>

#include "commands/families.h"
#include "commands/field_arguments.h"
#include "commands/hash_access.h"
#include "commands/key_expiry.h"
#include "engine/command_context.h"

namespace kvick {
namespace {

// What a field is told by, in all of these replies.
constexpr int64_t kNoField = -2;
constexpr int64_t kNoExpiry = -1;
constexpr int64_t kConditionFailed = 0;
constexpr int64_t kDone = 1;
constexpr int64_t kErased = 2;

enum class Condition { kNone, kNx, kXx, kGt, kLt };

struct ExpireRequest {
  Condition condition = Condition::kNone;
  FieldNames names;
};

Condition ConditionNamed(const CommandContext& context, size_t index) {
  if (context.ArgIs(index, "NX")) return Condition::kNx;
  if (context.ArgIs(index, "XX")) return Condition::kXx;
  if (context.ArgIs(index, "GT")) return Condition::kGt;
  if (context.ArgIs(index, "LT")) return Condition::kLt;
  return Condition::kNone;
}

// A condition and the block of fields, in any order.
Result<ExpireRequest> ParseExpire(CommandContext& context) {
  ExpireRequest request;
  for (size_t i = 3; i < context.argument_count();) {
    const Condition condition = ConditionNamed(context, i);
    if (condition != Condition::kNone) {
      if (request.condition != Condition::kNone) return errors::Generic("Multiple condition flags specified");
      request.condition = condition;
      ++i;
      continue;
    }
    if (!context.ArgIs(i, "FIELDS")) return errors::UnknownArgument(context.Arg(i));
    if (!request.names.empty()) return errors::FieldsTwice();
    if (i + 2 >= context.argument_count()) {
      return errors::Generic("FIELDS requires at least numfields and one field argument");
    }
    const Result<int64_t> count = context.IntegerArg(i + 1);
    if (!count.ok() || *count < 1) return errors::Generic("Parameter `numFields` should be greater than 0");
    const FieldNames behind = context.arguments().subspan(i + 2);
    if (static_cast<uint64_t>(*count) > behind.size()) return errors::Generic("wrong number of arguments");
    request.names = behind.first(static_cast<size_t>(*count));
    i += 2 + request.names.size();
  }
  if (request.names.empty()) return errors::Generic("missing FIELDS argument");
  return request;
}

// A field without a time to live lives longer than any.
bool IsMet(Condition condition, int64_t old_ms, int64_t new_ms) {
  const bool had = old_ms != Field::kNoExpiry;
  switch (condition) {
    case Condition::kNone: return true;
    case Condition::kNx: return !had;
    case Condition::kXx: return had;
    case Condition::kGt: return had && new_ms > old_ms;
    case Condition::kLt: return !had || new_ms < old_ms;
  }
  return false;
}

void ReplySame(CommandContext& context, size_t count, int64_t value) {
  context.Reply().Array(count);
  for (size_t i = 0; i < count; ++i) context.Reply().Integer(value);
}

// Fields that a command changed, for its events and for the log.
struct FieldChanges {
  std::vector<std::string_view> expiring;
  std::vector<std::string_view> erased;
};

void Announce(CommandContext& context, const HashValue& hash, const FieldChanges& changes, int64_t moment_ms) {
  if (changes.expiring.empty() && changes.erased.empty()) return;
  context.Modified(0);
  context.Changed(changes.expiring.size() + changes.erased.size());
  if (!changes.expiring.empty()) {
    const std::string moment = std::to_string(moment_ms);
    const std::string count = std::to_string(changes.expiring.size());
    std::vector<std::string_view> words = {"HPEXPIREAT", context.KeyName(0), moment, "FIELDS", count};
    words.insert(words.end(), changes.expiring.begin(), changes.expiring.end());
    context.EffectIn(context.key(0).database->index(), words);
    NotifyFields(context, "hexpire", changes.expiring);
  }
  for (const std::string_view name : changes.erased) context.Effect({"HDEL", context.KeyName(0), name});
  if (!changes.erased.empty()) NotifyFields(context, "hdel", changes.erased);
  EraseIfEmpty(context, hash);
}

Status ExpireFields(CommandContext& context, TimeUnit unit, TimeBase base) {
  KVICK_ASSIGN_OR_RETURN(HashValue * hash, FindHashErasingDue(context));
  KVICK_ASSIGN_OR_RETURN(const int64_t moment_ms, ParseFieldMoment(context, 2, unit, base));
  KVICK_ASSIGN_OR_RETURN(const ExpireRequest request, ParseExpire(context));
  if (hash == nullptr) {
    ReplySame(context, request.names.size(), kNoField);
    return Status::Ok();
  }
  const bool is_due = IsDue(context, moment_ms);
  const int64_t was_due_ms = hash->next_due_ms();
  FieldChanges changes;
  context.Reply().Array(request.names.size());
  for (const std::string_view name : request.names) {
    FieldTexts texts;
    const std::optional<FieldView> field = FindAlive(context, hash, name, texts);
    if (!field) {
      context.Reply().Integer(kNoField);
    } else if (!IsMet(request.condition, field->expiry_ms, moment_ms)) {
      context.Reply().Integer(kConditionFailed);
    } else if (is_due) {
      hash->Erase(name);
      changes.erased.push_back(name);
      context.Reply().Integer(kErased);
    } else {
      hash->SetExpiry(name, {moment_ms, context.now_ms()});
      changes.expiring.push_back(name);
      context.Reply().Integer(kDone);
    }
  }
  IndexFieldExpiries(context, *hash, was_due_ms);
  Announce(context, *hash, changes, moment_ms);
  return Status::Ok();
}

Status HExpire(CommandContext& context) { return ExpireFields(context, TimeUnit::kSeconds, TimeBase::kNow); }
Status HPExpire(CommandContext& context) { return ExpireFields(context, TimeUnit::kMilliseconds, TimeBase::kNow); }
Status HExpireAt(CommandContext& context) { return ExpireFields(context, TimeUnit::kSeconds, TimeBase::kEpoch); }
Status HPExpireAt(CommandContext& context) { return ExpireFields(context, TimeUnit::kMilliseconds, TimeBase::kEpoch); }

Status ReplyExpiries(CommandContext& context, TimeUnit unit, TimeBase base) {
  KVICK_ASSIGN_OR_RETURN(const HashValue* hash, FindHash(context));
  KVICK_ASSIGN_OR_RETURN(const FieldNames names, ParseFieldsOnly(context));
  const int64_t base_ms = base == TimeBase::kNow ? context.now_ms() : 0;
  context.Reply().Array(names.size());
  for (const std::string_view name : names) {
    FieldTexts texts;
    const std::optional<FieldView> field = FindAlive(context, hash, name, texts);
    if (!field) {
      context.Reply().Integer(kNoField);
    } else if (field->expiry_ms == Field::kNoExpiry) {
      context.Reply().Integer(kNoExpiry);
    } else {
      // Rounded up: a field that lives never has 0 seconds left.
      const int64_t value_ms = field->expiry_ms - base_ms;
      context.Reply().Integer(unit == TimeUnit::kSeconds ? (value_ms + 999) / 1000 : value_ms);
    }
  }
  return Status::Ok();
}

Status HTtl(CommandContext& context) { return ReplyExpiries(context, TimeUnit::kSeconds, TimeBase::kNow); }
Status HPTtl(CommandContext& context) { return ReplyExpiries(context, TimeUnit::kMilliseconds, TimeBase::kNow); }
Status HExpireTime(CommandContext& context) { return ReplyExpiries(context, TimeUnit::kSeconds, TimeBase::kEpoch); }
Status HPExpireTime(CommandContext& context) {
  return ReplyExpiries(context, TimeUnit::kMilliseconds, TimeBase::kEpoch);
}

Status HPersist(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(HashValue * hash, FindHashErasingDue(context));
  KVICK_ASSIGN_OR_RETURN(const FieldNames names, ParseFieldsOnly(context));
  std::vector<std::string_view> changed;
  context.Reply().Array(names.size());
  for (const std::string_view name : names) {
    FieldTexts texts;
    const std::optional<FieldView> field = FindAlive(context, hash, name, texts);
    if (!field) {
      context.Reply().Integer(kNoField);
    } else if (field->expiry_ms == Field::kNoExpiry) {
      context.Reply().Integer(kNoExpiry);
    } else {
      hash->SetExpiry(name, {});
      changed.push_back(name);
      context.Reply().Integer(kDone);
    }
  }
  if (!changed.empty()) {
    context.Modified(0);
    context.Changed(changed.size());
    NotifyFields(context, "hpersist", changed);
  }
  return Status::Ok();
}

constexpr CommandSpec kCommands[] = {
    {
        .name = "HEXPIRE",
        .syntax = "key seconds [NX | XX | GT | LT] <FIELDS numfields field [field ...]>",
        .argument_notes = "nx=condition fields.numfields(integer)",
        .summary = "Sets the time to live of fields of a hash in seconds.",
        .since = "7.4.0",
        .group = "hash",
        .complexity = "O(N) where N is the number of specified fields",
        .flags = kWrite | kDenyOom | kFast,
        .categories = kAclHash,
        .keys = {OneKey(1, kKeyReadWrite | kKeyUpdate)},
        .handler = HExpire,
    },
    {
        .name = "HEXPIREAT",
        .syntax = "key unix-time-seconds [NX | XX | GT | LT] <FIELDS numfields field [field ...]>",
        .argument_notes = "nx=condition fields.numfields(integer)",
        .summary = "Sets the time at which fields of a hash expire, as Unix time in seconds.",
        .since = "7.4.0",
        .group = "hash",
        .complexity = "O(N) where N is the number of specified fields",
        .flags = kWrite | kDenyOom | kFast,
        .categories = kAclHash,
        .keys = {OneKey(1, kKeyReadWrite | kKeyUpdate)},
        .handler = HExpireAt,
    },
    {
        .name = "HEXPIRETIME",
        .syntax = "key <FIELDS numfields field [field ...]>",
        .argument_notes = "fields.numfields(integer)",
        .summary = "Returns the Unix time in seconds at which fields of a hash expire.",
        .since = "7.4.0",
        .group = "hash",
        .complexity = "O(N) where N is the number of specified fields",
        .flags = kReadonly | kFast,
        .categories = kAclHash,
        .keys = {OneKey(1, kKeyReadOnly | kKeyAccess)},
        .handler = HExpireTime,
    },
    {
        .name = "HPERSIST",
        .syntax = "key <FIELDS numfields field [field ...]>",
        .argument_notes = "fields.numfields(integer)",
        .summary = "Removes the time to live of fields of a hash.",
        .since = "7.4.0",
        .group = "hash",
        .complexity = "O(N) where N is the number of specified fields",
        .flags = kWrite | kFast,
        .categories = kAclHash,
        .keys = {OneKey(1, kKeyReadWrite | kKeyUpdate)},
        .handler = HPersist,
    },
    {
        .name = "HPEXPIRE",
        .syntax = "key milliseconds [NX | XX | GT | LT] <FIELDS numfields field [field ...]>",
        .argument_notes = "nx=condition fields.numfields(integer)",
        .summary = "Sets the time to live of fields of a hash in milliseconds.",
        .since = "7.4.0",
        .group = "hash",
        .complexity = "O(N) where N is the number of specified fields",
        .flags = kWrite | kDenyOom | kFast,
        .categories = kAclHash,
        .keys = {OneKey(1, kKeyReadWrite | kKeyUpdate)},
        .handler = HPExpire,
    },
    {
        .name = "HPEXPIREAT",
        .syntax = "key unix-time-milliseconds [NX | XX | GT | LT] <FIELDS numfields field [field ...]>",
        .argument_notes = "nx=condition fields.numfields(integer)",
        .summary = "Sets the time at which fields of a hash expire, as Unix time in milliseconds.",
        .since = "7.4.0",
        .group = "hash",
        .complexity = "O(N) where N is the number of specified fields",
        .flags = kWrite | kDenyOom | kFast,
        .categories = kAclHash,
        .keys = {OneKey(1, kKeyReadWrite | kKeyUpdate)},
        .handler = HPExpireAt,
    },
    {
        .name = "HPEXPIRETIME",
        .syntax = "key <FIELDS numfields field [field ...]>",
        .argument_notes = "fields.numfields(integer)",
        .summary = "Returns the Unix time in milliseconds at which fields of a hash expire.",
        .since = "7.4.0",
        .group = "hash",
        .complexity = "O(N) where N is the number of specified fields",
        .flags = kReadonly | kFast,
        .categories = kAclHash,
        .keys = {OneKey(1, kKeyReadOnly | kKeyAccess)},
        .handler = HPExpireTime,
    },
    {
        .name = "HPTTL",
        .syntax = "key <FIELDS numfields field [field ...]>",
        .argument_notes = "fields.numfields(integer)",
        .summary = "Returns the time to live of fields of a hash in milliseconds.",
        .since = "7.4.0",
        .group = "hash",
        .complexity = "O(N) where N is the number of specified fields",
        .flags = kReadonly | kFast,
        .categories = kAclHash,
        .keys = {OneKey(1, kKeyReadOnly | kKeyAccess)},
        .tips = {"nondeterministic_output"},
        .handler = HPTtl,
    },
    {
        .name = "HTTL",
        .syntax = "key <FIELDS numfields field [field ...]>",
        .argument_notes = "fields.numfields(integer)",
        .summary = "Returns the time to live of fields of a hash in seconds.",
        .since = "7.4.0",
        .group = "hash",
        .complexity = "O(N) where N is the number of specified fields",
        .flags = kReadonly | kFast,
        .categories = kAclHash,
        .keys = {OneKey(1, kKeyReadOnly | kKeyAccess)},
        .tips = {"nondeterministic_output"},
        .handler = HTtl,
    },
};

}  // namespace

std::span<const CommandSpec> HashExpiryCommands() { return kCommands; }

}  // namespace kvick

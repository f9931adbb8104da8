// Whole string values: reading, setting and exchanging them.
#include "base/numbers.h"
#include "commands/expiry_option.h"
#include "base/bytes.h"
#include "commands/families.h"
#include "commands/key_expiry.h"
#include "commands/string_reply.h"
#include "commands/value_condition.h"
#include "engine/command_context.h"

namespace kvick {
namespace {

Status Get(CommandContext& context) {
  const KeyTable::Slot slot = context.Find(0);
  if (slot.entry == nullptr) {
    context.Reply().Null();
    return Status::Ok();
  }
  if (slot.entry->type() != ValueType::kString) return errors::WrongType();
  ReplyString(context.Reply(), slot.entry->string());
  return Status::Ok();
}

// The rest of a command that replaces the value of key 0: with a time the log must say the moment, and whatever
// condition was met here must not be asked again by those who read the log.
void StoreValue(CommandContext& context, const KeyTable::Slot& slot, std::string_view value, PutOptions options) {
  context.PutString(0, slot, {value}, options);
  context.Changed();
  context.Notify(KeyEventClass::kString, "set", 0);
  if (options.expiry_ms != Entry::kNoExpiry) {
    context.Notify(KeyEventClass::kGeneric, "expire", 0);
    char moment[kInt64TextMax];
    const std::string_view moment_text(moment, FormatInt64(options.expiry_ms, moment));
    context.Effect({"SET", context.KeyName(0), value, "PXAT", moment_text});
  } else if (options.keep_expiry) {
    context.Effect({"SET", context.KeyName(0), value, "KEEPTTL"});
  } else {
    context.Effect({"SET", context.KeyName(0), value});
  }
}

struct SetOptions {
  enum class Existence : uint8_t { kAny, kMustNotExist, kMustExist };

  Existence existence = Existence::kAny;
  ValueCondition condition;
  bool wants_old_value = false;
  ExpiryOption expiry;
};

Result<SetOptions> ParseSetOptions(const CommandContext& context) {
  using Existence = SetOptions::Existence;
  SetOptions options;
  const size_t count = context.argument_count();
  for (size_t i = 3; i < count;) {
    if (options.expiry.TryTake(context.arguments(), &i, ExpiryOption::kTimes | ExpiryOption::kKeepTtl)) continue;
    if (context.ArgIs(i, "GET")) {
      options.wants_old_value = true;
      ++i;
      continue;
    }
    const bool is_nx = context.ArgIs(i, "NX");
    if (is_nx || context.ArgIs(i, "XX")) {
      const Existence wanted = is_nx ? Existence::kMustNotExist : Existence::kMustExist;
      if (options.condition.exists()) return errors::Syntax();
      if (options.existence != Existence::kAny && options.existence != wanted) return errors::Syntax();
      options.existence = wanted;
      ++i;
      continue;
    }
    const ValueCondition::Kind kind = ValueCondition::KindOf(context.Arg(i));
    const bool has_condition = options.condition.exists() || options.existence != Existence::kAny;
    if (kind == ValueCondition::Kind::kNone || has_condition || i + 1 >= count) return errors::Syntax();
    options.condition = {kind, context.Arg(i + 1)};
    i += 2;
  }
  return options;
}

Result<bool> IsSetAllowed(const SetOptions& options, const Entry* entry) {
  if (options.existence == SetOptions::Existence::kMustNotExist) return entry == nullptr;
  if (options.existence == SetOptions::Existence::kMustExist) return entry != nullptr;
  if (!options.condition.exists()) return true;
  if (entry == nullptr) return options.condition.IsMetByMissingKey();
  return options.condition.IsMetBy(entry->string());
}

Status SetWithOptions(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const SetOptions options, ParseSetOptions(context));
  PutOptions put;
  put.keep_expiry = options.expiry.kind == ExpiryOption::kKeepTtl;
  if (options.expiry.has_time()) {
    KVICK_ASSIGN_OR_RETURN(put.expiry_ms, options.expiry.MomentMs(context.now_ms(), context.command().name));
  }
  const KeyTable::Slot slot = context.Find(0);
  if (options.wants_old_value) context.CountRead(0, slot);
  const bool looks_at_value = options.wants_old_value || options.condition.exists();
  if (looks_at_value && slot.entry != nullptr && slot.entry->type() != ValueType::kString) return errors::WrongType();
  KVICK_ASSIGN_OR_RETURN(const bool allowed, IsSetAllowed(options, slot.entry));
  if (options.wants_old_value) {
    ReplyStringOrNull(context.Reply(), slot.entry);
  } else if (allowed) {
    context.Reply().Ok();
  } else {
    context.Reply().Null();
  }
  if (allowed) StoreValue(context, slot, context.Arg(2), put);
  return Status::Ok();
}

Status Set(CommandContext& context) {
  if (context.argument_count() > 3) return SetWithOptions(context);
  context.PutString(0, context.Find(0), {context.Arg(2)});
  context.Changed();
  context.Notify(KeyEventClass::kString, "set", 0);
  context.Reply().Ok();
  return Status::Ok();
}

Status SetNx(CommandContext& context) {
  const KeyTable::Slot slot = context.Find(0);
  context.Reply().Integer(slot.entry == nullptr ? 1 : 0);
  if (slot.entry == nullptr) StoreValue(context, slot, context.Arg(2), {});
  return Status::Ok();
}

Status SetWithTime(CommandContext& context, ExpiryOption::Kind kind) {
  const ExpiryOption expiry{kind, context.Arg(2)};
  KVICK_ASSIGN_OR_RETURN(const int64_t expiry_ms, expiry.MomentMs(context.now_ms(), context.command().name));
  StoreValue(context, context.Find(0), context.Arg(3), {.expiry_ms = expiry_ms});
  context.Reply().Ok();
  return Status::Ok();
}

Status SetEx(CommandContext& context) { return SetWithTime(context, ExpiryOption::kSeconds); }
Status PSetEx(CommandContext& context) { return SetWithTime(context, ExpiryOption::kMilliseconds); }

Status GetSet(CommandContext& context) {
  const KeyTable::Slot slot = context.Find(0);
  context.CountRead(0, slot);
  if (slot.entry != nullptr && slot.entry->type() != ValueType::kString) return errors::WrongType();
  ReplyStringOrNull(context.Reply(), slot.entry);
  StoreValue(context, slot, context.Arg(2), {});
  return Status::Ok();
}

Status GetDel(CommandContext& context) {
  const KeyTable::Slot slot = context.Find(0);
  context.CountRead(0, slot);
  if (slot.entry != nullptr && slot.entry->type() != ValueType::kString) return errors::WrongType();
  ReplyStringOrNull(context.Reply(), slot.entry);
  if (slot.entry == nullptr) return Status::Ok();
  context.Erase(0, slot);
  context.Changed();
  context.Notify(KeyEventClass::kGeneric, "del", 0);
  context.Effect({"DEL", context.KeyName(0)});
  return Status::Ok();
}

Status GetEx(CommandContext& context) {
  ExpiryOption expiry;
  for (size_t i = 2; i < context.argument_count();) {
    if (!expiry.TryTake(context.arguments(), &i, ExpiryOption::kTimes | ExpiryOption::kPersist)) {
      return errors::Syntax();
    }
  }
  KeyTable::Slot slot = context.Find(0);
  context.CountRead(0, slot);
  if (slot.entry == nullptr) {
    context.Reply().Null();
    return Status::Ok();
  }
  if (slot.entry->type() != ValueType::kString) return errors::WrongType();
  int64_t expiry_ms = Entry::kNoExpiry;
  if (expiry.has_time()) {
    KVICK_ASSIGN_OR_RETURN(expiry_ms, expiry.MomentMs(context.now_ms(), context.command().name));
  }
  ReplyString(context.Reply(), slot.entry->string());
  if (expiry.has_time()) ExpireKeyAt(context, 0, slot, expiry_ms);
  if (expiry.kind == ExpiryOption::kPersist && slot.entry->has_expiry()) {
    context.SetExpiry(0, &slot, Entry::kNoExpiry);
    context.Changed();
    context.Notify(KeyEventClass::kGeneric, "persist", 0);
    context.Effect({"PERSIST", context.KeyName(0)});
  }
  return Status::Ok();
}

// SET reads the old value only when it must answer with it.
uint16_t SetKeyFlags(std::span<const std::string_view> arguments) {
  for (size_t i = 3; i < arguments.size(); ++i) {
    if (EqualsIgnoreCase(arguments[i], "GET")) return kKeyReadWrite | kKeyAccess | kKeyUpdate;
  }
  return kKeyOverwrite | kKeyUpdate;
}

constexpr CommandSpec kCommands[] = {
    {
        .name = "GET",
        .syntax = "key",
        .summary = "Returns the string value of a key.",
        .since = "1.0.0",
        .group = "string",
        .complexity = "O(1)",
        .flags = kReadonly | kFast,
        .categories = kAclString,
        .keys = {OneKey(1, kKeyReadOnly | kKeyAccess)},
        .handler = Get,
    },
    {
        .name = "GETDEL",
        .syntax = "key",
        .summary = "Returns the string value of a key and deletes the key.",
        .since = "6.2.0",
        .group = "string",
        .complexity = "O(1)",
        .flags = kWrite | kFast,
        .categories = kAclString,
        .keys = {OneKey(1, kKeyReadWrite | kKeyAccess | kKeyDelete)},
        .handler = GetDel,
    },
    {
        .name = "GETEX",
        .syntax = "key [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | PERSIST]",
        .argument_notes = "seconds=expiration",
        .summary = "Returns the string value of a key after setting or removing its time to live.",
        .since = "6.2.0",
        .group = "string",
        .complexity = "O(1)",
        .flags = kWrite | kFast,
        .categories = kAclString,
        .keys = {OneKey(1, kKeyReadWrite | kKeyAccess | kKeyUpdate)},
        .handler = GetEx,
    },
    {
        .name = "GETSET",
        .syntax = "key value",
        .summary = "Sets the string value of a key and returns the previous one.",
        .since = "1.0.0",
        .group = "string",
        .complexity = "O(1)",
        .flags = kWrite | kDenyOom | kFast,
        .categories = kAclString,
        .keys = {OneKey(1, kKeyReadWrite | kKeyAccess | kKeyUpdate)},
        .deprecated_since = "6.2.0",
        .replaced_by = "SET with the GET argument",
        .handler = GetSet,
    },
    {
        .name = "PSETEX",
        .syntax = "key milliseconds value",
        .summary = "Sets the string value of a key and its time to live in milliseconds.",
        .since = "2.6.0",
        .group = "string",
        .complexity = "O(1)",
        .flags = kWrite | kDenyOom,
        .categories = kAclString,
        .keys = {OneKey(1, kKeyOverwrite | kKeyUpdate)},
        .deprecated_since = "2.6.12",
        .replaced_by = "SET with the PX argument",
        .handler = PSetEx,
    },
    {
        .name = "SET",
        .syntax =
            "key value [NX | XX | IFEQ ifeq-value | IFNE ifne-value | IFDEQ ifdeq-digest | IFDNE ifdne-digest] "
            "[GET] [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | KEEPTTL]",
        .argument_notes = "nx=condition@2.6.12 condition.ifeq-value@8.4.0 condition.ifne-value@8.4.0 "
                          "condition.ifdeq-digest@8.4.0 condition.ifdne-digest@8.4.0 get@6.2.0 seconds=expiration "
                          "expiration.seconds@2.6.12 expiration.milliseconds@2.6.12 "
                          "expiration.unix-time-seconds@6.2.0 expiration.unix-time-milliseconds@6.2.0 "
                          "expiration.keepttl@6.0.0",
        .summary = "Sets the string value of a key, ignoring its type. The key is created if it doesn't exist.",
        .since = "1.0.0",
        .group = "string",
        .complexity = "O(1)",
        .flags = kWrite | kDenyOom,
        .categories = kAclString,
        .keys = {OneKey(1, kKeyReadWrite | kKeyAccess | kKeyUpdate | kKeyVariableFlags)},
        .refine_key_flags = SetKeyFlags,
        .handler = Set,
    },
    {
        .name = "SETEX",
        .syntax = "key seconds value",
        .summary = "Sets the string value of a key and its time to live in seconds.",
        .since = "2.0.0",
        .group = "string",
        .complexity = "O(1)",
        .flags = kWrite | kDenyOom,
        .categories = kAclString,
        .keys = {OneKey(1, kKeyOverwrite | kKeyUpdate)},
        .deprecated_since = "2.6.12",
        .replaced_by = "SET with the EX argument",
        .handler = SetEx,
    },
    {
        .name = "SETNX",
        .syntax = "key value",
        .summary = "Sets the string value of a key unless the key exists.",
        .since = "1.0.0",
        .group = "string",
        .complexity = "O(1)",
        .flags = kWrite | kDenyOom | kFast,
        .categories = kAclString,
        .keys = {OneKey(1, kKeyOverwrite | kKeyInsert)},
        .deprecated_since = "2.6.12",
        .replaced_by = "SET with the NX argument",
        .handler = SetNx,
    },
};

}  // namespace

std::span<const CommandSpec> StringCommands() { return kCommands; }

}  // namespace kvick

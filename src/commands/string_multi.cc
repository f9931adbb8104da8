// Several string keys at once: MGET, MSET and their variants.
#include <vector>

#include "base/bytes.h"
#include "base/numbers.h"
#include "commands/expiry_option.h"
#include "commands/families.h"
#include "commands/string_reply.h"
#include "engine/command_context.h"

namespace kvick {
namespace {

Status MGet(CommandContext& context) {
  context.Reply().Array(context.key_count());
  for (size_t i = 0; i < context.key_count(); ++i) {
    const KeyTable::Slot slot = context.Find(i);
    const bool is_string = slot.entry != nullptr && slot.entry->type() == ValueType::kString;
    ReplyStringOrNull(context.Reply(), is_string ? slot.entry : nullptr);
  }
  return Status::Ok();
}

bool AnyExists(CommandContext& context) {
  for (size_t i = 0; i < context.key_count(); ++i) {
    if (context.Peek(i).entry != nullptr) return true;
  }
  return false;
}

bool AllExist(CommandContext& context) {
  for (size_t i = 0; i < context.key_count(); ++i) {
    if (context.Peek(i).entry == nullptr) return false;
  }
  return true;
}

// Key i stands at argument 1 + 2 * i. A key is looked for just before it is set: setting another may have moved it, and
// the same key may come twice.
void SetAllPairs(CommandContext& context) {
  for (size_t i = 0; i < context.key_count(); ++i) {
    context.PutString(i, context.Find(i), {context.Arg(2 + 2 * i)});
    context.Notify(KeyEventClass::kString, "set", i);
  }
  context.Changed(context.key_count());
}

Status MSet(CommandContext& context) {
  if (context.argument_count() % 2 == 0) return errors::WrongArity(context.command().name);
  SetAllPairs(context);
  context.Reply().Ok();
  return Status::Ok();
}

Status MSetNx(CommandContext& context) {
  if (context.argument_count() % 2 == 0) return errors::WrongArity(context.command().name);
  const bool allowed = !AnyExists(context);
  if (allowed) SetAllPairs(context);
  context.Reply().Integer(allowed ? 1 : 0);
  return Status::Ok();
}

struct MSetExOptions {
  size_t pair_count = 0;
  bool must_not_exist = false;
  bool must_exist = false;
  ExpiryOption expiry;
};

Result<MSetExOptions> ParseMSetEx(const CommandContext& context) {
  MSetExOptions options;
  const std::optional<int64_t> pair_count = ParseInt64(context.Arg(1));
  if (!pair_count || *pair_count < 1 || *pair_count > INT32_MAX) return errors::Generic("invalid numkeys value");
  options.pair_count = static_cast<size_t>(*pair_count);
  if ((context.argument_count() - 2) / 2 < options.pair_count) {
    return errors::Generic("wrong number of key-value pairs");
  }
  for (size_t i = 2 + 2 * options.pair_count; i < context.argument_count();) {
    if (options.expiry.TryTake(context.arguments(), &i, ExpiryOption::kTimes | ExpiryOption::kKeepTtl)) continue;
    if (context.ArgIs(i, "NX")) {
      options.must_not_exist = true;
    } else if (context.ArgIs(i, "XX")) {
      options.must_exist = true;
    } else {
      return errors::Syntax();
    }
    if (options.must_not_exist && options.must_exist) return errors::Syntax();
    ++i;
  }
  return options;
}

// The pairs as they came, without the condition that was met, and with the moment that a time means.
void LogMSetEx(CommandContext& context, const MSetExOptions& options, const PutOptions& put) {
  const auto pairs = context.arguments().subspan(1, 1 + 2 * options.pair_count);
  std::vector<std::string_view> effect = {"MSETEX"};
  effect.insert(effect.end(), pairs.begin(), pairs.end());
  char moment[kInt64TextMax];
  if (options.expiry.has_time()) {
    effect.insert(effect.end(), {"PXAT", std::string_view(moment, FormatInt64(put.expiry_ms, moment))});
  } else if (put.keep_expiry) {
    effect.push_back("KEEPTTL");
  }
  context.EffectIn(context.session().database_index, effect);
}

Status MSetEx(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const MSetExOptions options, ParseMSetEx(context));
  PutOptions put;
  put.keep_expiry = options.expiry.kind == ExpiryOption::kKeepTtl;
  if (options.expiry.has_time()) {
    KVICK_ASSIGN_OR_RETURN(put.expiry_ms, options.expiry.MomentMs(context.now_ms(), context.command().name));
  }
  if ((options.must_not_exist && AnyExists(context)) || (options.must_exist && !AllExist(context))) {
    context.Reply().Integer(0);
    return Status::Ok();
  }
  for (size_t i = 0; i < context.key_count(); ++i) {
    context.PutString(i, context.Find(i), {context.Arg(3 + 2 * i)}, put);
    // Before "set", unlike SET: this is how the field's server does it.
    if (options.expiry.has_time()) context.Notify(KeyEventClass::kGeneric, "expire", i);
    context.Notify(KeyEventClass::kString, "set", i);
  }
  context.Changed(context.key_count());
  LogMSetEx(context, options, put);
  context.Reply().Integer(1);
  return Status::Ok();
}

constexpr CommandSpec kCommands[] = {
    {
        .name = "MGET",
        .syntax = "key [key ...]",
        .summary = "Returns the string values of several keys, null for those that hold none.",
        .since = "1.0.0",
        .group = "string",
        .complexity = "O(N) where N is the number of keys to retrieve.",
        .flags = kReadonly | kFast,
        .categories = kAclString,
        .keys = {KeyRange(1, -1, 1, kKeyReadOnly | kKeyAccess)},
        .tips = {"request_policy:multi_shard"},
        .handler = MGet,
    },
    {
        .name = "MSET",
        .syntax = "key value [key value ...]",
        .summary = "Sets the string values of several keys.",
        .since = "1.0.1",
        .group = "string",
        .complexity = "O(N) where N is the number of keys to set.",
        .flags = kWrite | kDenyOom,
        .categories = kAclString,
        .keys = {KeyRange(1, -1, 2, kKeyOverwrite | kKeyUpdate)},
        .tips = {"request_policy:multi_shard", "response_policy:all_succeeded"},
        .handler = MSet,
    },
    {
        .name = "MSETEX",
        .syntax =
            "numkeys key value [key value ...] [NX | XX] [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT "
            "unix-time-milliseconds | KEEPTTL]",
        .argument_notes = "nx=condition seconds=expiration",
        .summary = "Sets the string values of several keys, all or none, with one time to live.",
        .since = "8.4.0",
        .group = "string",
        .complexity = "O(N) where N is the number of keys to set.",
        .flags = kWrite | kDenyOom,
        .categories = kAclString,
        .keys = {CountedKeys(1, kKeyOverwrite | kKeyUpdate, 2)},
        .tips = {"request_policy:multi_shard", "response_policy:all_succeeded"},
        .handler = MSetEx,
    },
    {
        .name = "MSETNX",
        .syntax = "key value [key value ...]",
        .summary = "Sets the string values of several keys unless one of them exists.",
        .since = "1.0.1",
        .group = "string",
        .complexity = "O(N) where N is the number of keys to set.",
        .flags = kWrite | kDenyOom,
        .categories = kAclString,
        .keys = {KeyRange(1, -1, 2, kKeyOverwrite | kKeyInsert)},
        .handler = MSetNx,
    },
};

}  // namespace

std::span<const CommandSpec> StringMultiCommands() { return kCommands; }

}  // namespace kvick

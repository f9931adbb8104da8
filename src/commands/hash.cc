// The commands on the fields of a hash and their values. Times are in hash_expiry.cc, several fields at random and
// walks in hash_random.cc.
#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/numbers.h"
#include "commands/families.h"
#include "commands/hash_access.h"
#include "engine/command_context.h"

namespace kvick {
namespace {

// `words`: fields with their values, or one field.
void AnnounceSet(CommandContext& context, std::span<const std::string_view> words, std::string_view event) {
  context.Modified(0);
  context.Changed((words.size() + 1) / 2);
  NotifyFields(context, event, words, 2);
}

// Sets the pairs of arguments from the second on and returns how many fields are new.
Result<int64_t> SetPairs(CommandContext& context) {
  if (context.argument_count() % 2 == 1) return errors::WrongArity(context.command().name);
  KVICK_ASSIGN_OR_RETURN(const KeyTable::Slot slot, context.FindOf<HashValue>(0));
  if (slot.entry != nullptr && slot.entry->form() == ValueForm::kPacked && context.argument_count() == 4) {
    EntryEditor editor = context.EditPacked(0, slot);
    const HashLimits limits = HashLimitsOf(context.settings());
    const HashValue::Setting setting = HashValue::SetPacked(editor, context.Arg(2), context.Arg(3), limits);
    if (setting != HashValue::Setting::kDeclined) {
      AnnounceSet(context, context.arguments().subspan(2), "hset");
      return setting == HashValue::Setting::kNew ? 1 : 0;
    }
  }
  auto* hash = context.OpenForWrite<HashValue>(0, slot);
  if (hash == nullptr) hash = context.PutValue(0, std::make_unique<HashValue>());
  const HashLimits limits = HashLimitsOf(context.settings());
  const std::span<const std::string_view> words = context.arguments().subspan(2);
  size_t size_max = 0;
  for (const std::string_view word : words) size_max = std::max(size_max, word.size());
  hash->ExpectMore(words.size() / 2, size_max, limits);
  int64_t new_count = 0;
  for (size_t i = 0; i < words.size(); i += 2) new_count += hash->Set(words[i], words[i + 1], limits) ? 1 : 0;
  hash->Settle(limits);
  AnnounceSet(context, words, "hset");
  return new_count;
}

Status HSet(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const int64_t new_count, SetPairs(context));
  context.Reply().Integer(new_count);
  return Status::Ok();
}

Status HMSet(CommandContext& context) {
  KVICK_RETURN_IF_ERROR(SetPairs(context).status());
  context.Reply().Ok();
  return Status::Ok();
}

Status HSetNx(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(HashValue * hash, FindHashErasingDue(context));
  FieldTexts texts;
  if (FindAlive(context, hash, context.Arg(2), texts)) {
    context.Reply().Integer(0);
    return Status::Ok();
  }
  if (hash == nullptr) hash = context.PutValue(0, std::make_unique<HashValue>());
  const HashLimits limits = HashLimitsOf(context.settings());
  hash->Set(context.Arg(2), context.Arg(3), limits);
  hash->Settle(limits);
  AnnounceSet(context, context.arguments().subspan(2, 1), "hset");
  context.Reply().Integer(1);
  return Status::Ok();
}

Status HGet(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const HashValue* hash, FindHashToRead(context));
  FieldTexts texts;
  const std::optional<FieldView> field = FindAlive(context, hash, context.Arg(2), texts);
  if (field) {
    context.Reply().Bulk(field->value);
  } else {
    context.Reply().Null();
  }
  return Status::Ok();
}

Status HMGet(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const HashValue* hash, FindHashToRead(context));
  const std::span<const std::string_view> names = context.arguments().subspan(2);
  context.Reply().Array(names.size());
  for (const std::string_view name : names) {
    FieldTexts texts;
    const std::optional<FieldView> field = FindAlive(context, hash, name, texts);
    if (field) {
      context.Reply().Bulk(field->value);
    } else {
      context.Reply().Null();
    }
  }
  return Status::Ok();
}

// Fields that are due but still there count.
Status HDel(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(HashValue * hash, context.FindValueForWrite<HashValue>(0));
  const bool is_told = context.executor().change_sink() != nullptr;
  uint64_t erased_count = 0;
  std::vector<std::string_view> erased;  // only if anybody is told
  if (hash != nullptr) {
    for (const std::string_view name : context.arguments().subspan(2)) {
      if (!hash->Erase(name)) continue;
      ++erased_count;
      if (is_told) erased.push_back(name);
      if (hash->count() == 0) break;
    }
  }
  if (erased_count > 0) {
    context.Modified(0);
    context.Changed(erased_count);
    hash->Settle(HashLimitsOf(context.settings()));
    NotifyFields(context, "hdel", erased);
    EraseIfEmpty(context, *hash);
  }
  context.Reply().Integer(static_cast<int64_t>(erased_count));
  return Status::Ok();
}

// Counts fields that are due but still there, as it does not look at them.
Status HLen(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const HashValue* hash, FindHash(context));
  context.Reply().Integer(hash == nullptr ? 0 : static_cast<int64_t>(hash->count()));
  return Status::Ok();
}

Status HStrLen(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const HashValue* hash, FindHashToRead(context));
  FieldTexts texts;
  const std::optional<FieldView> field = FindAlive(context, hash, context.Arg(2), texts);
  context.Reply().Integer(field ? static_cast<int64_t>(field->value.size()) : 0);
  return Status::Ok();
}

Status HExists(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const HashValue* hash, FindHashToRead(context));
  FieldTexts texts;
  context.Reply().Integer(FindAlive(context, hash, context.Arg(2), texts) ? 1 : 0);
  return Status::Ok();
}

enum class Parts { kNames, kValues, kBoth };

void ReplyField(ReplyWriter& reply, const FieldView& field, Parts parts) {
  if (parts != Parts::kValues) reply.Bulk(field.name);
  if (parts != Parts::kNames) reply.Bulk(field.value);
}

void ReplyHeader(ReplyWriter& reply, size_t field_count, Parts parts) {
  parts == Parts::kBoth ? reply.Map(field_count) : reply.Array(field_count);
}

Status ReplyAll(CommandContext& context, Parts parts) {
  KVICK_ASSIGN_OR_RETURN(const HashValue* hash, FindHash(context));
  ReplyWriter& reply = context.Reply();
  if (hash == nullptr) {
    ReplyHeader(reply, 0, parts);
    return Status::Ok();
  }
  // The number must be known first; what is due is only counted where something may be.
  size_t count = hash->count();
  const bool all_are_alive = !hash->MayHoldDue(context.now_ms());
  if (!all_are_alive) {
    hash->ForEach([&](const FieldView& field) {
      if (!field.IsAlive(context.now_ms())) --count;
      return true;
    });
  }
  ReplyHeader(reply, count, parts);
  hash->ForEach([&](const FieldView& field) {
    if (all_are_alive || field.IsAlive(context.now_ms())) ReplyField(reply, field, parts);
    return true;
  });
  return Status::Ok();
}

Status HGetAll(CommandContext& context) { return ReplyAll(context, Parts::kBoth); }
Status HKeys(CommandContext& context) { return ReplyAll(context, Parts::kNames); }
Status HVals(CommandContext& context) { return ReplyAll(context, Parts::kValues); }

Status HIncrBy(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const int64_t amount, context.IntegerArg(3));
  KVICK_ASSIGN_OR_RETURN(HashValue * hash, FindHashErasingDue(context));
  FieldTexts texts;
  const std::optional<FieldView> field = FindAlive(context, hash, context.Arg(2), texts);
  int64_t value = 0;
  if (field) {
    const std::optional<int64_t> stored = ParseInt64(field->value);
    if (!stored) return errors::Generic("hash value is not an integer");
    value = *stored;
  }
  if (__builtin_add_overflow(value, amount, &value)) {
    return errors::Generic("increment or decrement would overflow");
  }
  const FieldExpiry expiry{field ? field->expiry_ms : Field::kNoExpiry, context.now_ms()};
  if (hash == nullptr) hash = context.PutValue(0, std::make_unique<HashValue>());
  char text[kInt64TextMax];
  const HashLimits limits = HashLimitsOf(context.settings());
  hash->Set(context.Arg(2), {text, FormatInt64(value, text)}, limits, expiry);
  hash->Settle(limits);
  AnnounceSet(context, context.arguments().subspan(2, 1), "hincrby");
  context.Reply().Integer(value);
  return Status::Ok();
}

Status HIncrByFloat(CommandContext& context) {
  const std::optional<long double> amount = ParseLongDouble(context.Arg(3));
  if (!amount) return errors::NotFloat();
  if (!std::isfinite(*amount)) return errors::Generic("value is NaN or Infinity");
  KVICK_ASSIGN_OR_RETURN(HashValue * hash, FindHashErasingDue(context));
  FieldTexts texts;
  const std::optional<FieldView> field = FindAlive(context, hash, context.Arg(2), texts);
  long double value = 0;
  if (field) {
    const std::optional<long double> stored = ParseLongDouble(field->value);
    if (!stored) return errors::Generic("hash value is not a float");
    value = *stored;
  }
  value += *amount;
  if (!std::isfinite(value)) return errors::Generic("increment would produce NaN or Infinity");
  const FieldExpiry expiry{field ? field->expiry_ms : Field::kNoExpiry, context.now_ms()};
  if (hash == nullptr) hash = context.PutValue(0, std::make_unique<HashValue>());
  const std::string text = FormatHumanLongDouble(value);
  const HashLimits limits = HashLimitsOf(context.settings());
  hash->Set(context.Arg(2), text, limits, expiry);
  hash->Settle(limits);
  AnnounceSet(context, context.arguments().subspan(2, 1), "hincrbyfloat");
  // Not the increment: whoever repeats it may round differently. HSET would end the field's time to live.
  if (expiry.expiry_ms == Field::kNoExpiry) {
    context.Effect({"HSET", context.KeyName(0), context.Arg(2), text});
  } else {
    context.Effect({"HSETEX", context.KeyName(0), "KEEPTTL", "FIELDS", "1", context.Arg(2), text});
  }
  context.Reply().Bulk(text);
  return Status::Ok();
}

constexpr CommandSpec kCommands[] = {
    {
        .name = "HDEL",
        .syntax = "key field [field ...]",
        .summary = "Deletes fields of a hash. The emptied key is deleted.",
        .since = "2.0.0",
        .group = "hash",
        .complexity = "O(N) where N is the number of fields to be removed.",
        .flags = kWrite | kFast,
        .categories = kAclHash,
        .keys = {OneKey(1, kKeyReadWrite | kKeyDelete)},
        .handler = HDel,
    },
    {
        .name = "HEXISTS",
        .syntax = "key field",
        .summary = "Says whether a hash has a field.",
        .since = "2.0.0",
        .group = "hash",
        .complexity = "O(1)",
        .flags = kReadonly | kFast,
        .categories = kAclHash,
        .keys = {OneKey(1, kKeyReadOnly)},
        .handler = HExists,
    },
    {
        .name = "HGET",
        .syntax = "key field",
        .summary = "Returns the value of a field of a hash.",
        .since = "2.0.0",
        .group = "hash",
        .complexity = "O(1)",
        .flags = kReadonly | kFast,
        .categories = kAclHash,
        .keys = {OneKey(1, kKeyReadOnly | kKeyAccess)},
        .handler = HGet,
    },
    {
        .name = "HGETALL",
        .syntax = "key",
        .summary = "Returns all fields of a hash with their values.",
        .since = "2.0.0",
        .group = "hash",
        .complexity = "O(N) where N is the size of the hash.",
        .flags = kReadonly,
        .categories = kAclHash,
        .keys = {OneKey(1, kKeyReadOnly | kKeyAccess)},
        .tips = {"nondeterministic_output_order"},
        .handler = HGetAll,
    },
    {
        .name = "HINCRBY",
        .syntax = "key field increment",
        .summary = "Adds an integer to the value of a field of a hash.",
        .since = "2.0.0",
        .group = "hash",
        .complexity = "O(1)",
        .flags = kWrite | kDenyOom | kFast,
        .categories = kAclHash,
        .keys = {OneKey(1, kKeyReadWrite | kKeyAccess | kKeyUpdate)},
        .handler = HIncrBy,
    },
    {
        .name = "HINCRBYFLOAT",
        .syntax = "key field increment",
        .argument_notes = "increment(double)",
        .summary = "Adds a floating point number to the value of a field of a hash.",
        .since = "2.6.0",
        .group = "hash",
        .complexity = "O(1)",
        .flags = kWrite | kDenyOom | kFast,
        .categories = kAclHash,
        .keys = {OneKey(1, kKeyReadWrite | kKeyAccess | kKeyUpdate)},
        .handler = HIncrByFloat,
    },
    {
        .name = "HKEYS",
        .syntax = "key",
        .summary = "Returns all fields of a hash.",
        .since = "2.0.0",
        .group = "hash",
        .complexity = "O(N) where N is the size of the hash.",
        .flags = kReadonly,
        .categories = kAclHash,
        .keys = {OneKey(1, kKeyReadOnly | kKeyAccess)},
        .tips = {"nondeterministic_output_order"},
        .handler = HKeys,
    },
    {
        .name = "HLEN",
        .syntax = "key",
        .summary = "Returns the number of fields of a hash.",
        .since = "2.0.0",
        .group = "hash",
        .complexity = "O(1)",
        .flags = kReadonly | kFast,
        .categories = kAclHash,
        .keys = {OneKey(1, kKeyReadOnly)},
        .handler = HLen,
    },
    {
        .name = "HMGET",
        .syntax = "key field [field ...]",
        .summary = "Returns the values of several fields of a hash.",
        .since = "2.0.0",
        .group = "hash",
        .complexity = "O(N) where N is the number of fields being requested.",
        .flags = kReadonly | kFast,
        .categories = kAclHash,
        .keys = {OneKey(1, kKeyReadOnly | kKeyAccess)},
        .handler = HMGet,
    },
    {
        .name = "HMSET",
        .syntax = "key field value [field value ...]",
        .summary = "Sets the values of several fields of a hash.",
        .since = "2.0.0",
        .group = "hash",
        .complexity = "O(N) where N is the number of fields being set.",
        .flags = kWrite | kDenyOom | kFast,
        .categories = kAclHash,
        .keys = {OneKey(1, kKeyReadWrite | kKeyUpdate)},
        .deprecated_since = "4.0.0",
        .replaced_by = "HSET with multiple field-value pairs",
        .handler = HMSet,
    },
    {
        .name = "HSET",
        .syntax = "key field value [field value ...]",
        .summary = "Sets the values of fields of a hash. Creates the key if it does not exist.",
        .since = "2.0.0",
        .group = "hash",
        .complexity = "O(1) for each field/value pair added, so O(N) to add N field/value pairs when the command is"
                      " called with multiple field/value pairs.",
        .flags = kWrite | kDenyOom | kFast,
        .categories = kAclHash,
        .keys = {OneKey(1, kKeyReadWrite | kKeyUpdate)},
        .handler = HSet,
    },
    {
        .name = "HSETNX",
        .syntax = "key field value",
        .summary = "Sets the value of a field of a hash if the field does not exist.",
        .since = "2.0.0",
        .group = "hash",
        .complexity = "O(1)",
        .flags = kWrite | kDenyOom | kFast,
        .categories = kAclHash,
        .keys = {OneKey(1, kKeyReadWrite | kKeyInsert)},
        .handler = HSetNx,
    },
    {
        .name = "HSTRLEN",
        .syntax = "key field",
        .summary = "Returns the length of the value of a field of a hash.",
        .since = "3.2.0",
        .group = "hash",
        .complexity = "O(1)",
        .flags = kReadonly | kFast,
        .categories = kAclHash,
        .keys = {OneKey(1, kKeyReadOnly)},
        .handler = HStrLen,
    },
    {
        .name = "HVALS",
        .syntax = "key",
        .summary = "Returns the values of all fields of a hash.",
        .since = "2.0.0",
        .group = "hash",
        .complexity = "O(N) where N is the size of the hash.",
        .flags = kReadonly,
        .categories = kAclHash,
        .keys = {OneKey(1, kKeyReadOnly | kKeyAccess)},
        .tips = {"nondeterministic_output_order"},
        .handler = HVals,
    },
};

}  // namespace

std::span<const CommandSpec> HashCommands() { return kCommands; }

}  // namespace kvick

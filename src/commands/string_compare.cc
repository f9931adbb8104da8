// Comparing and deleting: DELEX, DELIFEQ, DIGEST.
#include "base/numbers.h"
#include "commands/families.h"
#include "commands/value_condition.h"
#include "commands/value_digest.h"
#include "engine/command_context.h"

namespace kvick {
namespace {

void DeleteKey(CommandContext& context, const KeyTable::Slot& slot) {
  context.Erase(0, slot);
  context.Changed();
  context.Notify(KeyEventClass::kGeneric, "del", 0);
  context.Effect({"DEL", context.KeyName(0)});
}

Status DelEx(CommandContext& context) {
  if (context.argument_count() != 2 && context.argument_count() != 4) {
    return errors::WrongArity(context.command().name);
  }
  ValueCondition condition;
  if (context.argument_count() == 4) {
    condition = {ValueCondition::KindOf(context.Arg(2)), context.Arg(3)};
    if (!condition.exists()) return errors::Generic("Invalid condition. Use IFEQ, IFNE, IFDEQ, or IFDNE");
  }
  const KeyTable::Slot slot = context.Find(0);
  // A missing key is not deleted, whatever the condition: unlike SET, which would create it.
  bool is_met = slot.entry != nullptr;
  if (is_met && condition.exists()) {
    if (slot.entry->type() != ValueType::kString) {
      return errors::Generic("Key should be of string type if conditions are specified");
    }
    KVICK_ASSIGN_OR_RETURN(is_met, condition.IsMetBy(slot.entry->string()));
  }
  if (is_met) DeleteKey(context, slot);
  context.Reply().Integer(is_met ? 1 : 0);
  return Status::Ok();
}

Status DelIfEq(CommandContext& context) {
  const KeyTable::Slot slot = context.Find(0);
  if (slot.entry != nullptr && slot.entry->type() != ValueType::kString) return errors::WrongType();
  char buffer[kInt64TextMax];
  const bool is_equal = slot.entry != nullptr && slot.entry->string().Text(buffer) == context.Arg(2);
  if (is_equal) DeleteKey(context, slot);
  context.Reply().Integer(is_equal ? 1 : 0);
  return Status::Ok();
}

Status Digest(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const std::optional<StringRef> value, context.FindString(0));
  if (value) {
    char buffer[kInt64TextMax];
    context.Reply().Bulk(FormatDigest(DigestOf(value->Text(buffer))));
  } else {
    context.Reply().Null();
  }
  return Status::Ok();
}

constexpr CommandSpec kCommands[] = {
    {
        .name = "DELEX",
        .syntax = "key [IFEQ ifeq-value | IFNE ifne-value | IFDEQ ifdeq-digest | IFDNE ifdne-digest]",
        .argument_notes = "ifeq-value=condition",
        .summary = "Deletes a key if its string value or the digest of it meets a condition.",
        .since = "8.4.0",
        .group = "string",
        .complexity = "O(1) for IFEQ/IFNE, O(N) for IFDEQ/IFDNE where N is the length of the string value.",
        .flags = kWrite | kFast,
        .categories = kAclString,
        .keys = {OneKey(1, kKeyReadWrite | kKeyDelete)},
        .handler = DelEx,
    },
    // Not a command of Redis: Valkey has it since its 9.0, and clients that know Valkey release locks with it.
    {
        .name = "DELIFEQ",
        .syntax = "key value",
        .summary = "Deletes a key if its string value equals the given one (a command of Valkey).",
        .since = "9.0.0",
        .group = "string",
        .complexity = "O(1)",
        .flags = kWrite | kFast,
        .categories = kAclString,
        .keys = {OneKey(1, kKeyReadWrite | kKeyAccess | kKeyDelete)},
        .handler = DelIfEq,
    },
    {
        .name = "DIGEST",
        .syntax = "key",
        .summary = "Returns the XXH3 digest of the string value of a key, in hexadecimal.",
        .since = "8.4.0",
        .group = "string",
        .complexity = "O(N) where N is the length of the string value.",
        .flags = kReadonly | kFast,
        .categories = kAclString,
        .keys = {OneKey(1, kKeyReadOnly | kKeyAccess)},
        .handler = Digest,
    },
};

}  // namespace

std::span<const CommandSpec> StringCompareCommands() { return kCommands; }

}  // namespace kvick

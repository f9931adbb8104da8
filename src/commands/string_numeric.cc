// String values as numbers: INCR and its relatives. INCREX, which has bounds and times, is in increx.cc.
#include <cmath>
#include <limits>

#include "base/numbers.h"
#include "commands/families.h"
#include "commands/string_number.h"
#include "engine/command_context.h"

namespace kvick {
namespace {

Status IncrementBy(CommandContext& context, int64_t amount) {
  const KeyTable::Slot slot = context.Find(0);
  KVICK_ASSIGN_OR_RETURN(int64_t value, ReadInteger(slot.entry));
  if (__builtin_add_overflow(value, amount, &value)) {
    return errors::Generic("increment or decrement would overflow");
  }
  context.UpdateInteger(0, slot, value);
  context.Changed();
  context.Notify(KeyEventClass::kString, "incrby", 0);
  context.Reply().Integer(value);
  return Status::Ok();
}

Status Incr(CommandContext& context) { return IncrementBy(context, 1); }
Status Decr(CommandContext& context) { return IncrementBy(context, -1); }

Status IncrBy(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const int64_t amount, context.IntegerArg(2));
  return IncrementBy(context, amount);
}

Status DecrBy(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const int64_t amount, context.IntegerArg(2));
  if (amount == std::numeric_limits<int64_t>::min()) return errors::Generic("decrement would overflow");
  return IncrementBy(context, -amount);
}

Status IncrByFloat(CommandContext& context) {
  const KeyTable::Slot slot = context.Find(0);
  KVICK_ASSIGN_OR_RETURN(const long double old_value, ReadFloat(slot.entry));
  const std::optional<long double> amount = ParseLongDouble(context.Arg(2));
  if (!amount) return errors::NotFloat();
  const long double value = old_value + *amount;
  if (!std::isfinite(value)) return errors::Generic("increment would produce NaN or Infinity");
  const std::string text = FormatHumanLongDouble(value);
  context.UpdateString(0, slot, FloatInput(text));
  context.Changed();
  context.Notify(KeyEventClass::kString, "incrbyfloat", 0);
  // Not the increment: whoever repeats it may round differently.
  context.Effect({"SET", context.KeyName(0), text, "KEEPTTL"});
  context.Reply().Bulk(text);
  return Status::Ok();
}

constexpr CommandSpec kCommands[] = {
    {
        .name = "DECR",
        .syntax = "key",
        .summary = "Subtracts one from the integer value of a key. A missing key counts as 0.",
        .since = "1.0.0",
        .group = "string",
        .complexity = "O(1)",
        .flags = kWrite | kDenyOom | kFast,
        .categories = kAclString,
        .keys = {OneKey(1, kKeyReadWrite | kKeyAccess | kKeyUpdate)},
        .handler = Decr,
    },
    {
        .name = "DECRBY",
        .syntax = "key decrement",
        .summary = "Subtracts a number from the integer value of a key. A missing key counts as 0.",
        .since = "1.0.0",
        .group = "string",
        .complexity = "O(1)",
        .flags = kWrite | kDenyOom | kFast,
        .categories = kAclString,
        .keys = {OneKey(1, kKeyReadWrite | kKeyAccess | kKeyUpdate)},
        .handler = DecrBy,
    },
    {
        .name = "INCR",
        .syntax = "key",
        .summary = "Adds one to the integer value of a key. A missing key counts as 0.",
        .since = "1.0.0",
        .group = "string",
        .complexity = "O(1)",
        .flags = kWrite | kDenyOom | kFast,
        .categories = kAclString,
        .keys = {OneKey(1, kKeyReadWrite | kKeyAccess | kKeyUpdate)},
        .handler = Incr,
    },
    {
        .name = "INCRBY",
        .syntax = "key increment",
        .summary = "Adds a number to the integer value of a key. A missing key counts as 0.",
        .since = "1.0.0",
        .group = "string",
        .complexity = "O(1)",
        .flags = kWrite | kDenyOom | kFast,
        .categories = kAclString,
        .keys = {OneKey(1, kKeyReadWrite | kKeyAccess | kKeyUpdate)},
        .handler = IncrBy,
    },
    {
        .name = "INCRBYFLOAT",
        .syntax = "key increment",
        .argument_notes = "increment(double)",
        .summary = "Adds a floating point number to the numeric value of a key. A missing key counts as 0.",
        .since = "2.6.0",
        .group = "string",
        .complexity = "O(1)",
        .flags = kWrite | kDenyOom | kFast,
        .categories = kAclString,
        .keys = {OneKey(1, kKeyReadWrite | kKeyAccess | kKeyUpdate)},
        .handler = IncrByFloat,
    },
};

}  // namespace

std::span<const CommandSpec> StringNumericCommands() { return kCommands; }

}  // namespace kvick

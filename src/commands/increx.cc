// INCREX: an increment with bounds, and a time to live in the same step.
//
// The options are read once (Options), the arithmetic is done for 64-bit integers or for long doubles (Outcome), and
// the rest, storing, time to live and log, is common to both.
#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "base/numbers.h"
#include "commands/expiry_option.h"
#include "commands/families.h"
#include "commands/key_expiry.h"
#include "commands/string_number.h"
#include "engine/command_context.h"

namespace kvick {
namespace {

struct Options {
  bool is_float = false;
  std::optional<std::string_view> increment;
  std::optional<std::string_view> lower_bound;
  std::optional<std::string_view> upper_bound;
  bool saturates = false;
  ExpiryOption expiry;
  bool only_without_expiry = false;  // ENX
};

Result<Options> ParseOptions(const CommandContext& context) {
  constexpr unsigned kAllowed = ExpiryOption::kTimes | ExpiryOption::kPersist;
  Options options;
  const auto set_flag = [](bool& flag) { return !std::exchange(flag, true); };
  for (size_t i = 2; i < context.argument_count();) {
    if (options.expiry.kind == ExpiryOption::kNone && options.expiry.TryTake(context.arguments(), &i, kAllowed)) {
      continue;
    }
    if (context.ArgIs(i, "SATURATE") && set_flag(options.saturates)) {
      ++i;
      continue;
    }
    if (context.ArgIs(i, "ENX") && set_flag(options.only_without_expiry)) {
      ++i;
      continue;
    }
    std::optional<std::string_view>* value = nullptr;
    if (context.ArgIs(i, "BYINT") || context.ArgIs(i, "BYFLOAT")) value = &options.increment;
    if (context.ArgIs(i, "LBOUND")) value = &options.lower_bound;
    if (context.ArgIs(i, "UBOUND")) value = &options.upper_bound;
    if (value == nullptr || value->has_value() || i + 1 >= context.argument_count()) return errors::Syntax();
    if (context.ArgIs(i, "BYFLOAT")) options.is_float = true;
    *value = context.Arg(i + 1);
    i += 2;
  }
  if (options.only_without_expiry) {
    if (options.expiry.kind == ExpiryOption::kPersist) return errors::Syntax();
    if (!options.expiry.has_time()) return errors::Generic("ENX flag requires an expiration");
  }
  return options;
}

// What an increment came to. A rejected one leaves the key as it is and answers the present value and zero.
template <typename Number>
struct Outcome {
  Number value = 0;
  Number applied = 0;
  bool is_rejected = false;
};

Status AppliedOverflow() { return errors::Generic("applied increment would overflow"); }
Status BoundsCrossed() { return errors::Generic("LBOUND can't be greater than UBOUND"); }

Result<int64_t> ParseIntegerOption(std::optional<std::string_view> text, int64_t absent, std::string_view what) {
  if (!text) return absent;
  const std::optional<int64_t> value = ParseInt64(*text);
  if (!value) return errors::Generic(std::string(what) + " is not an integer or out of range");
  return *value;
}

Result<long double> ParseFloatOption(std::optional<std::string_view> text, long double absent, std::string_view what) {
  if (!text) return absent;
  const std::optional<long double> value = ParseLongDouble(*text);
  if (!value) return errors::Generic(std::string(what) + " is not a valid float");
  return *value;
}

// Integers: sums and differences of two of them fit 128 bits.
__extension__ typedef __int128 Wide;

struct IntegerStep {
  using Number = int64_t;
  using Limits = std::numeric_limits<int64_t>;

  int64_t increment = 1;
  int64_t lower = Limits::min();
  int64_t upper = Limits::max();

  static Result<IntegerStep> Parse(const Options& options) {
    IntegerStep step;
    KVICK_ASSIGN_OR_RETURN(step.increment, ParseIntegerOption(options.increment, 1, "Increment"));
    KVICK_ASSIGN_OR_RETURN(step.lower, ParseIntegerOption(options.lower_bound, Limits::min(), "LBOUND"));
    KVICK_ASSIGN_OR_RETURN(step.upper, ParseIntegerOption(options.upper_bound, Limits::max(), "UBOUND"));
    if (step.lower > step.upper) return BoundsCrossed();
    return step;
  }

  static Result<int64_t> Read(const Entry* entry) { return ReadInteger(entry); }

  Result<Outcome<int64_t>> Apply(int64_t value, bool saturates) const {
    const Wide sum = Wide{value} + increment;
    const Wide result = std::clamp<Wide>(sum, lower, upper);
    if (result != sum && !saturates) return Outcome<int64_t>{value, 0, true};
    const Wide applied = result - value;
    if (applied < Limits::min() || applied > Limits::max()) return AppliedOverflow();
    return Outcome<int64_t>{static_cast<int64_t>(result), static_cast<int64_t>(applied), false};
  }

  static std::string Text(int64_t value) { return std::to_string(value); }
  static StringInput Input(std::string_view text) { return {text}; }
  static void Reply(ReplyWriter& reply, int64_t value) { reply.Integer(value); }
  static constexpr std::string_view kEvent = "incrby";
};

struct FloatStep {
  using Number = long double;
  using Limits = std::numeric_limits<long double>;

  long double increment = 1;
  long double lower = Limits::lowest();
  long double upper = Limits::max();

  static Result<FloatStep> Parse(const Options& options) {
    FloatStep step;
    KVICK_ASSIGN_OR_RETURN(step.increment, ParseFloatOption(options.increment, 1, "Increment"));
    if (std::isinf(step.increment)) return errors::Generic("BYFLOAT increment cannot be Infinity");
    KVICK_ASSIGN_OR_RETURN(step.lower, ParseFloatOption(options.lower_bound, Limits::lowest(), "LBOUND"));
    KVICK_ASSIGN_OR_RETURN(step.upper, ParseFloatOption(options.upper_bound, Limits::max(), "UBOUND"));
    if (step.lower > step.upper) return BoundsCrossed();
    // An infinite bound bounds nothing, but must not become a value.
    step.lower = std::clamp(step.lower, Limits::lowest(), Limits::max());
    step.upper = std::clamp(step.upper, Limits::lowest(), Limits::max());
    return step;
  }

  static Result<long double> Read(const Entry* entry) {
    KVICK_ASSIGN_OR_RETURN(const long double value, ReadFloat(entry));
    if (std::isinf(value)) return errors::Generic("value cannot be Infinity");
    return value;
  }

  Result<Outcome<long double>> Apply(long double value, bool saturates) const {
    const long double sum = value + increment;
    const long double result = std::clamp(sum, lower, upper);
    if (result != sum && !saturates) return Outcome<long double>{value, 0, true};
    const long double applied = result - value;
    if (std::isinf(applied)) return AppliedOverflow();
    return Outcome<long double>{result, applied, false};
  }

  static std::string Text(long double value) { return FormatHumanLongDouble(value); }
  static StringInput Input(std::string_view text) { return FloatInput(text); }
  static void Reply(ReplyWriter& reply, long double value) { reply.DoubleText(FormatHumanLongDouble(value)); }
  static constexpr std::string_view kEvent = "incrbyfloat";
};

// Stores the new value and what the options say about the expiry.
void Store(CommandContext& context, KeyTable::Slot slot, const Options& options, int64_t expiry_ms, StringInput value,
           std::string_view event) {
  const bool has_expiry = slot.entry != nullptr && slot.entry->has_expiry();
  const bool sets_expiry = options.expiry.has_time() && !(options.only_without_expiry && has_expiry);
  const bool removes_expiry = options.expiry.kind == ExpiryOption::kPersist;
  if (sets_expiry && IsDue(context, expiry_ms)) {
    // Created and due in the same moment: nothing was there before, and nothing is now.
    if (slot.entry != nullptr) EraseDueKey(context, 0, slot);
    return;
  }
  if (removes_expiry && has_expiry) context.SetExpiry(0, &slot, Entry::kNoExpiry);
  if (sets_expiry && slot.entry != nullptr) context.SetExpiry(0, &slot, expiry_ms);
  context.UpdateString(0, slot, value);
  if (sets_expiry && slot.entry == nullptr) {
    slot = context.Peek(0);
    context.SetExpiry(0, &slot, expiry_ms);
  }
  context.Changed();
  context.Notify(KeyEventClass::kString, event, 0);
  char moment[kInt64TextMax];
  if (sets_expiry) {
    context.Notify(KeyEventClass::kGeneric, "expire", 0);
    const std::string_view moment_text(moment, FormatInt64(expiry_ms, moment));
    context.Effect({"SET", context.KeyName(0), value.bytes, "PXAT", moment_text});
  } else if (removes_expiry) {
    if (has_expiry) context.Notify(KeyEventClass::kGeneric, "persist", 0);
    context.Effect({"SET", context.KeyName(0), value.bytes});
  } else {
    context.Effect({"SET", context.KeyName(0), value.bytes, "KEEPTTL"});
  }
}

template <typename Step>
Status Run(CommandContext& context, const Options& options) {
  KVICK_ASSIGN_OR_RETURN(const Step step, Step::Parse(options));
  int64_t expiry_ms = Entry::kNoExpiry;
  if (options.expiry.has_time()) {
    KVICK_ASSIGN_OR_RETURN(expiry_ms, options.expiry.MomentMs(context.now_ms(), context.command().name));
  }
  const KeyTable::Slot slot = context.Find(0);
  KVICK_ASSIGN_OR_RETURN(const typename Step::Number value, Step::Read(slot.entry));
  KVICK_ASSIGN_OR_RETURN(const Outcome<typename Step::Number> outcome, step.Apply(value, options.saturates));
  if (!outcome.is_rejected) {
    const std::string text = Step::Text(outcome.value);
    Store(context, slot, options, expiry_ms, Step::Input(text), Step::kEvent);
  }
  context.Reply().Array(2);
  Step::Reply(context.Reply(), outcome.value);
  Step::Reply(context.Reply(), outcome.applied);
  return Status::Ok();
}

Status IncrEx(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const Options options, ParseOptions(context));
  return options.is_float ? Run<FloatStep>(context, options) : Run<IntegerStep>(context, options);
}

constexpr CommandSpec kCommands[] = {
    {
        .name = "INCREX",
        .syntax =
            "key [BYFLOAT increment | BYINT increment] [SATURATE] [LBOUND lowerbound] [UBOUND upperbound] [EX seconds "
            "| PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | PERSIST] [ENX]",
        .argument_notes = "increment.BYFLOAT=float(double) increment.increment=integer seconds=expiration",
        .summary = "Increments the numeric value of a key within bounds and sets its time to live.",
        .since = "8.8.0",
        .group = "string",
        .complexity = "O(1)",
        .flags = kWrite | kDenyOom | kFast,
        .categories = kAclString,
        .keys = {OneKey(1, kKeyReadWrite | kKeyAccess | kKeyUpdate)},
        .handler = IncrEx,
    },
};

}  // namespace

std::span<const CommandSpec> IncrExCommands() { return kCommands; }

}  // namespace kvick

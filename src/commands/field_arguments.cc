#include "commands/field_arguments.h"

#include <string>

#include "engine/command_context.h"

namespace kvick {
namespace {

// What the field's moment is stored in elsewhere has so many bits.
constexpr int64_t kMomentMaxMs = (int64_t{1} << 46) - 1;

}  // namespace

namespace errors {

Status FieldsMissing() { return Generic("Mandatory argument FIELDS is missing or not at the right position"); }
Status FieldsMismatch() { return Generic("The `numfields` parameter must match the number of arguments"); }
Status FieldsNotPositive() { return Generic("Number of fields must be a positive integer"); }
Status FieldsTwice() { return Generic("FIELDS keyword specified multiple times"); }
Status UnknownArgument(std::string_view word) { return Generic("unknown argument: " + std::string(word)); }

}  // namespace errors

Result<FieldNames> ParseFieldsOnly(CommandContext& context) {
  if (!context.ArgIs(2, "FIELDS")) return errors::FieldsMissing();
  const Result<int64_t> count = context.IntegerArg(3);
  if (!count.ok() || *count < 1) return errors::FieldsNotPositive();
  const FieldNames names = context.arguments().subspan(4);
  if (static_cast<uint64_t>(*count) != names.size()) return errors::FieldsMismatch();
  return names;
}

Result<int64_t> ParseFieldMoment(CommandContext& context, size_t index, TimeUnit unit, TimeBase base) {
  KVICK_ASSIGN_OR_RETURN(int64_t moment_ms, context.IntegerArg(index));
  if (moment_ms < 0) return errors::Generic("invalid expire time, must be >= 0");
  const int64_t base_ms = base == TimeBase::kNow ? context.now_ms() : 0;
  if (unit == TimeUnit::kSeconds && __builtin_mul_overflow(moment_ms, 1000, &moment_ms)) {
    return errors::InvalidExpire(context.command().name);
  }
  if (moment_ms > kMomentMaxMs - base_ms) return errors::InvalidExpire(context.command().name);
  return base_ms + moment_ms;
}

}  // namespace kvick

// The arguments that the commands on field expiry share: "FIELDS numfields field [field ...]" and times.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/status.h"

namespace kvick {

class CommandContext;

using FieldNames = std::span<const std::string_view>;

// Of commands that have nothing but the block, from argument 2 on.
Result<FieldNames> ParseFieldsOnly(CommandContext& context);

enum class TimeUnit { kSeconds, kMilliseconds };
enum class TimeBase { kNow, kEpoch };

// The moment that argument `index` means, in milliseconds since 1970. It may have passed, but not lie before 1970.
Result<int64_t> ParseFieldMoment(CommandContext& context, size_t index, TimeUnit unit, TimeBase base);

namespace errors {
Status FieldsMissing();      // of readers, HPERSIST, HGETEX, HGETDEL
Status FieldsMismatch();     // likewise
Status FieldsNotPositive();  // likewise
Status FieldsTwice();
Status UnknownArgument(std::string_view word);
}  // namespace errors

}  // namespace kvick

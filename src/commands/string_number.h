// String values read and stored as numbers.
#pragma once

#include <optional>
#include <string_view>

#include "base/numbers.h"
#include "base/status.h"
#include "engine/errors.h"
#include "keyspace/entry.h"

namespace kvick {

// The integer that `entry` holds; 0 for a missing key.
inline Result<int64_t> ReadInteger(const Entry* entry) {
  if (entry == nullptr) return int64_t{0};
  if (entry->type() != ValueType::kString) return errors::WrongType();
  const StringRef value = entry->string();
  if (value.is_integer) return value.integer;
  const std::optional<int64_t> parsed = ParseInt64(value.bytes);
  if (!parsed) return errors::NotInteger();
  return *parsed;
}

// The number that `entry` holds; 0 for a missing key.
inline Result<long double> ReadFloat(const Entry* entry) {
  if (entry == nullptr) return static_cast<long double>(0);
  if (entry->type() != ValueType::kString) return errors::WrongType();
  const StringRef value = entry->string();
  if (value.is_integer) return static_cast<long double>(value.integer);
  const std::optional<long double> parsed = ParseLongDouble(value.bytes);
  if (!parsed) return errors::NotFloat();
  return *parsed;
}

// A number with a fraction stays text, also when the fraction is zero: OBJECT ENCODING says "embstr".
inline StringInput FloatInput(std::string_view text) { return {.bytes = text, .try_integer = false, .is_raw = false}; }

}  // namespace kvick

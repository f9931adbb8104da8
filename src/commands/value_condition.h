// ValueCondition: IFEQ value, IFNE value, IFDEQ digest, IFDNE digest. What a key must hold for SET and DELEX to go on.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/status.h"
#include "keyspace/entry.h"

namespace kvick {

struct ValueCondition {
  enum class Kind : uint8_t { kNone, kEqual, kNotEqual, kDigestEqual, kDigestNotEqual };

  Kind kind = Kind::kNone;
  std::string_view operand;

  bool exists() const { return kind != Kind::kNone; }
  // kNone when `word` is none of the four.
  static Kind KindOf(std::string_view word);
  // Whether `value` meets it. A malformed digest is an error, and only here: a missing key is not compared.
  Result<bool> IsMetBy(const StringRef& value) const;
  // Whether a missing key counts as different.
  bool IsMetByMissingKey() const { return kind == Kind::kNotEqual || kind == Kind::kDigestNotEqual; }
};

}  // namespace kvick

// ExpiryOption: the option of a command that says when a key expires.
//
//   ExpiryOption expiry;
//   for (size_t i = 3; i < context.argument_count();) {
//     if (expiry.TryTake(context.arguments(), &i, ExpiryOption::kTimes | ExpiryOption::kKeepTtl)) continue;
//     ... other options ...
//     return errors::Syntax();
//   }
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/status.h"

namespace kvick {

struct ExpiryOption {
  enum Kind : unsigned {
    kNone = 0,
    kSeconds = 1,           // EX
    kMilliseconds = 2,      // PX
    kUnixSeconds = 4,       // EXAT
    kUnixMilliseconds = 8,  // PXAT
    kKeepTtl = 16,          // KEEPTTL
    kPersist = 32,          // PERSIST
    kTimes = kSeconds | kMilliseconds | kUnixSeconds | kUnixMilliseconds,
  };

  Kind kind = kNone;
  std::string_view amount;  // of the four times

  bool has_time() const { return (kind & kTimes) != 0; }

  // Takes one of the `allowed` options at `*index` and moves `*index` behind it. False for another word, a missing
  // amount, or a second option of a different kind: a syntax error, unless the caller knows the word. The same option
  // may be repeated; the last one counts.
  bool TryTake(std::span<const std::string_view> arguments, size_t* index, unsigned allowed);

  // The moment that a time means, milliseconds since 1970. It must be positive; it may have passed.
  Result<int64_t> MomentMs(int64_t now_ms, std::string_view command_name) const;
};

}  // namespace kvick

#include "commands/expiry_option.h"

#include <optional>
#include <utility>

#include "base/bytes.h"
#include "base/numbers.h"
#include "engine/errors.h"

namespace kvick {
namespace {

ExpiryOption::Kind KindOf(std::string_view word) {
  static constexpr std::pair<std::string_view, ExpiryOption::Kind> kWords[] = {
      {"EX", ExpiryOption::kSeconds},       {"PX", ExpiryOption::kMilliseconds},
      {"EXAT", ExpiryOption::kUnixSeconds}, {"PXAT", ExpiryOption::kUnixMilliseconds},
      {"KEEPTTL", ExpiryOption::kKeepTtl},  {"PERSIST", ExpiryOption::kPersist},
  };
  for (const auto& [name, kind] : kWords) {
    if (EqualsIgnoreCase(word, name)) return kind;
  }
  return ExpiryOption::kNone;
}

}  // namespace

bool ExpiryOption::TryTake(std::span<const std::string_view> arguments, size_t* index, unsigned allowed) {
  const Kind found = KindOf(arguments[*index]);
  if ((found & allowed) == 0 || (kind != kNone && kind != found)) return false;
  const bool takes_amount = (found & kTimes) != 0;
  if (takes_amount) {
    if (*index + 1 >= arguments.size()) return false;
    amount = arguments[*index + 1];
  }
  kind = found;
  *index += takes_amount ? 2 : 1;
  return true;
}

Result<int64_t> ExpiryOption::MomentMs(int64_t now_ms, std::string_view command_name) const {
  const std::optional<int64_t> parsed = ParseInt64(amount);
  if (!parsed) return errors::NotInteger();
  int64_t moment_ms = *parsed;
  if (moment_ms <= 0) return errors::InvalidExpire(command_name);
  if ((kind & (kSeconds | kUnixSeconds)) != 0 && __builtin_mul_overflow(moment_ms, 1000, &moment_ms)) {
    return errors::InvalidExpire(command_name);
  }
  if ((kind & (kSeconds | kMilliseconds)) != 0 && __builtin_add_overflow(moment_ms, now_ms, &moment_ms)) {
    return errors::InvalidExpire(command_name);
  }
  return moment_ms;
}

}  // namespace kvick

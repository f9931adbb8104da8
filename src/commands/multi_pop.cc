#include "commands/multi_pop.h"

#include "base/numbers.h"

namespace kvick {

Result<int64_t> IntegerFrom(int64_t min, std::string_view text, std::string_view message) {
  const std::optional<int64_t> value = ParseInt64(text);
  if (!value || *value < min) return errors::Generic(message);
  return *value;
}

Result<MultiPop> ParseMultiPop(const CommandContext& context, size_t at, std::string_view first,
                               std::string_view second) {
  KVICK_ASSIGN_OR_RETURN(const int64_t key_count, IntegerFrom(1, context.Arg(at), "numkeys should be greater than 0"));
  const size_t argument_count = context.argument_count();
  if (static_cast<uint64_t>(key_count) >= argument_count - at - 1) return errors::Syntax();
  MultiPop pop;
  pop.key_count = static_cast<size_t>(key_count);
  size_t next = at + 1 + pop.key_count;
  pop.names_second = context.ArgIs(next, second);
  if (!pop.names_second && !context.ArgIs(next, first)) return errors::Syntax();
  bool has_count = false;
  for (++next; next < argument_count; next += 2) {
    if (has_count || !context.ArgIs(next, "COUNT") || next + 1 == argument_count) return errors::Syntax();
    KVICK_ASSIGN_OR_RETURN(const int64_t count,
                           IntegerFrom(1, context.Arg(next + 1), "count should be greater than 0"));
    pop.count = static_cast<size_t>(count);
    has_count = true;
  }
  return pop;
}

}  // namespace kvick

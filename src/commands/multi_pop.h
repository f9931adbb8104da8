// The arguments that LMPOP, BLMPOP, ZMPOP and BZMPOP share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "engine/command_context.h"

namespace kvick {

// An integer argument from `min` up; everything else is answered with `message`.
Result<int64_t> IntegerFrom(int64_t min, std::string_view text, std::string_view message);

// "numkeys key [key ...] <first | second> [COUNT count]"
struct MultiPop {
  size_t key_count = 0;
  bool names_second = false;  // the second of the two words
  size_t count = 1;
};
// From the argument `at` on; the words name the ends.
Result<MultiPop> ParseMultiPop(const CommandContext& context, size_t at, std::string_view first,
                               std::string_view second);

}  // namespace kvick

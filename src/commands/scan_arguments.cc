#include "commands/scan_arguments.h"

#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <string>

#include "base/bytes.h"
#include "engine/command_context.h"

namespace kvick {

static_assert(CollectionScan::kPositionShift == 64 - KeyTable::kPositionBits);

Result<uint64_t> ParseScanCursor(std::string_view text) {
  const std::string copy(text);
  char* end = nullptr;
  errno = 0;
  const uint64_t cursor = std::strtoull(copy.c_str(), &end, 10);
  const bool is_whole = end == copy.c_str() + copy.size();
  const bool starts_blank = !copy.empty() && std::isspace(static_cast<unsigned char>(copy[0])) != 0;
  if (!is_whole || starts_blank || errno == ERANGE) return Status::Error("ERR invalid cursor");
  return cursor;
}

bool CollectionScan::Matches(std::string_view name) const { return matches_all() || MatchesGlob(pattern, name); }

Result<CollectionScan> ParseCollectionScan(CommandContext& context, ScanValues values) {
  CollectionScan scan;
  for (size_t i = 3; i < context.argument_count();) {
    const bool has_argument = i + 1 < context.argument_count();
    if (context.ArgIs(i, "MATCH") && has_argument) {
      scan.pattern = context.Arg(i + 1);
      i += 2;
    } else if (context.ArgIs(i, "COUNT") && has_argument) {
      KVICK_ASSIGN_OR_RETURN(scan.count, context.IntegerArg(i + 1));
      if (scan.count < 1) return errors::Syntax();
      i += 2;
    } else if (context.ArgIs(i, "NOVALUES") && values == ScanValues::kMayBeLeftOut) {
      scan.with_values = false;
      i += 1;
    } else {
      return errors::Syntax();
    }
  }
  return scan;
}

}  // namespace kvick

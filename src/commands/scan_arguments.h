// The arguments that SCAN, SSCAN, HSCAN and ZSCAN share.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/status.h"

namespace kvick {

class CommandContext;

// A number as strtoull reads it, sign included: clients send back what they got, in whatever form they keep it.
Result<uint64_t> ParseScanCursor(std::string_view text);

// SSCAN, HSCAN and ZSCAN: the options behind the cursor.
struct CollectionScan {
  // A position of a table (TagTable) keeps only its upper bits: every client can hold that.
  static constexpr int kPositionShift = 26;

  std::string_view pattern = "*";
  int64_t count = 10;
  bool with_values = true;  // false: NOVALUES, which only HSCAN knows

  bool matches_all() const { return pattern == "*"; }
  bool Matches(std::string_view name) const;
};
enum class ScanValues { kUnknownOption, kMayBeLeftOut };
Result<CollectionScan> ParseCollectionScan(CommandContext& context, ScanValues values);

inline uint64_t PositionOfCursor(uint64_t cursor) { return cursor << CollectionScan::kPositionShift; }
inline uint64_t CursorOfPosition(uint64_t position) { return position >> CollectionScan::kPositionShift; }

}  // namespace kvick

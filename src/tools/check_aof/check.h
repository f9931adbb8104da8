// The work of kvick-check-aof: whether an append-only file can be loaded, and cutting it off where it cannot, or at a
// time.
//
//   CheckAof({.path = "appendonlydir/appendonly.aof.manifest", .fixes = true}, ui);
//
// Output and exit status are those of redis-check-aof, which scripts read.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace kvick {

struct AofCheckRequest {
  std::string path;         // of a manifest, or of one file
  bool fixes = false;       // cuts what cannot be read off, if it is the end of the last file
  int64_t last_second = 0;  // cuts what was recorded later; 0: nothing
};

// The world around it.
struct AofCheckUi {
  std::function<void(std::string_view line)> print;  // with line breaks
  // The answer to a question, up to a line break.
  std::function<std::string()> ask;
  // Checks the RDB file at the beginning of the bytes and prints what it finds; where it ends, or nothing when it is
  // not sound.
  std::function<std::optional<uint64_t>(std::string_view bytes, std::string_view name)> check_rdb;
};

// The exit status.
int CheckAof(const AofCheckRequest& request, const AofCheckUi& ui);

}  // namespace kvick

// The work of kvick-check-rdb: reads a file from end to end, every value in it, and says what is wrong and where.
//
// Output and status are those of redis-check-rdb, which scripts read.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace kvick {

struct RdbCheck {
  int64_t now_ms = 0;
  std::function<void(std::string_view line)> print;
  // Told now and then how far it is; may be empty.
  std::function<void(uint64_t done_bytes, uint64_t total_bytes)> progress;
};

// True when the file is whole and sound. `name` is what the output calls it.
bool CheckRdb(std::string_view file, const RdbCheck& check);

}  // namespace kvick

// Script: the text that EVAL runs, found by its digest. Shared by all executors, each of which compiles it once.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"
#include "engine/script_traits.h"

namespace kvick {

struct Script {
  std::string text;    // as it came
  std::string digest;  // forty lower-case hexadecimal digits
  uint32_t flags = 0;  // ScriptFlags
  bool has_shebang = false;
  size_t code_begin = 0;  // what is compiled: behind the first line, if that is a shebang
  ScriptTraits traits;
  bool is_loaded_by_name = false;  // SCRIPT LOAD: never evicted. Guarded by the cache.

  std::atomic<uint64_t> last_use{0};    // a clock of uses, for eviction
  std::atomic<bool> is_retired{false};  // no longer in the cache: compiled forms may go

  std::string_view code() const { return std::string_view(text).substr(code_begin); }
  size_t memory_bytes() const { return sizeof(Script) + text.capacity() + digest.capacity(); }
};

// The first line of a script or library: "#!lua name=x flags=a,b".
struct Shebang {
  std::string engine;
  std::string name;
  bool has_name = false;
  uint32_t flags = 0;
  size_t size_bytes = 0;  // of the line without its end
};

// Reads the first line of an EVAL script that begins with "#!".
Result<Shebang> ParseScriptShebang(std::string_view text);
// The first line that every library has.
Result<Shebang> ParseLibraryShebang(std::string_view text);
// A flag by its name: "no-writes", "allow-oom" …; 0 when unknown.
uint32_t ScriptFlagNamed(std::string_view name);
std::string_view ScriptFlagName(uint32_t flag);

}  // namespace kvick

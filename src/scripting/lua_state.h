// LuaState: one Lua interpreter with a bounded memory, the libraries that scripts know, and nothing else.
//
// It is closed: no files, no processes, no bytecode, no debug library; what scripts share (the global table, the
// libraries) is read-only, so one script leaves nothing behind for the next.
//
// Thread rule: used by one thread, the one of its executor.
//
// Errors: Lua's errors are C++ exceptions (its library is built that way), and every call that allocates may raise
// one. So everything that touches the interpreter runs inside Protect; destructors run when an error passes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/sync.h"

struct lua_State;

namespace kvick {

class FunctionLoading;
class ScriptRun;

class LuaState {
 public:
  // Which interface scripts see: EVAL's (KEYS and ARGV are globals), or the one of function libraries.
  enum class Kind { kEval, kFunctions };

  // More memory than this is refused: the script fails with "not enough memory". Far beyond what scripts need, and
  // little enough that one of them cannot take the machine.
  static constexpr size_t kMemoryMax = size_t{1} << 30;

  explicit LuaState(Kind kind, size_t memory_max = kMemoryMax);
  ~LuaState();
  LuaState(const LuaState&) = delete;
  LuaState& operator=(const LuaState&) = delete;

  // The owner of an interpreter, or of one of its coroutines.
  static LuaState& Of(lua_State* lua);

  lua_State* lua() const { return lua_; }
  Kind kind() const { return kind_; }

  // Calls `work(lua)` in protected mode, with an empty stack; false when an error passed, whose text is `*error`.
  template <typename Work>
  bool Protect(Work&& work, std::string* error) {
    return ProtectCall([](lua_State* lua, void* data) { (*static_cast<Work*>(data))(lua); }, &work, error);
  }

  // Bytes in use; any thread.
  size_t memory_bytes() const { return memory_bytes_.Load(); }

  // What runs in it at present; null between scripts. Read by the functions that scripts call (RunOf).
  ScriptRun* run = nullptr;
  // The library that is being loaded, else null (redis.register_function).
  FunctionLoading* loading = nullptr;
  // While a reply is written it must not fail half-way: the limit of memory does not hold.
  bool is_unlimited = false;
  // A script has chosen other options of cjson; the next one begins with the usual ones.
  bool cjson_was_changed = false;
  // The state of math.random: the same sequence in every process, as scripts know it.
  uint64_t random_state = 0x1234ABCD330E;

 private:
  using ProtectedCall = void (*)(lua_State* lua, void* data);
  bool ProtectCall(ProtectedCall call, void* data, std::string* error);
  static int RunFrame(lua_State* lua);
  static void* Allocate(void* state, void* block, size_t old_bytes, size_t new_bytes);

  const Kind kind_;
  const size_t memory_max_;
  OwnedCounter memory_bytes_;
  lua_State* lua_;
  int frame_reference_ = 0;  // of RunFrame, in the registry: calling it allocates nothing
};

}  // namespace kvick

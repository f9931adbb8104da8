// Loading a library: its text runs once, and each redis.register_function in it is noted.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "base/clock.h"
#include "base/status.h"
#include "scripting/function_library.h"
#include "scripting/lua_state.h"

namespace kvick {

// The functions of one library in one interpreter: references to their callbacks, by name.
using FunctionCallbacks = std::unordered_map<std::string, int>;

class FunctionLoading {
 public:
  // Runs the library's text. Functions are added to `library` when it is new (has none), and their callbacks returned.
  static Result<FunctionCallbacks> Load(LuaState& state, FunctionLibrary& library);

  // Registering functions takes no time: a library that does not come to its end is refused.
  void CheckTime(lua_State* lua) const;
  // A description of a function, as redis.register_function got it; its callback is on the top of the stack.
  Status Register(lua_State* lua, std::unique_ptr<LibraryFunction> function);

 private:
  static constexpr int64_t kTimeMaxUs = 500'000;

  const int64_t started_us_ = SystemClock::Instance().MonotonicUs();
  std::vector<std::unique_ptr<LibraryFunction>> functions_;
  FunctionCallbacks callbacks_;
};

// redis.register_function
int RegisterFunction(lua_State* lua);

// The error handler of all calls into scripts: says where an error was raised. {err =, source =, line =}
int AddErrorPosition(lua_State* lua);
// What such an error says, once it is on the top of the stack; takes it away.
struct ScriptError {
  std::string text;
  std::string position;  // "@user_script:1", or empty
  bool was_counted = false;
};
ScriptError TakeError(lua_State* lua);

}  // namespace kvick

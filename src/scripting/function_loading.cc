#include "scripting/function_loading.h"

#include <lua.hpp>
#include <utility>

#include "scripting/lua_sandbox.h"
#include "scripting/script.h"
#include "scripting/script_run.h"

namespace kvick {
namespace {

[[noreturn]] void Raise(lua_State* lua, std::string_view text) {
  lua_createtable(lua, 0, 1);
  lua_pushlstring(lua, text.data(), text.size());
  lua_setfield(lua, -2, "err");
  lua_error(lua);
  __builtin_unreachable();
}

std::string TextAt(lua_State* lua, int index) {
  size_t bytes = 0;
  const char* text = lua_tolstring(lua, index, &bytes);
  return text != nullptr ? std::string(text, bytes) : std::string();
}

// The list of flags on the top.
uint32_t ReadFlags(lua_State* lua) {
  uint32_t flags = 0;
  for (int i = 1;; ++i) {
    lua_rawgeti(lua, -1, i);
    if (lua_isnil(lua, -1)) break;
    const uint32_t flag = lua_type(lua, -1) == LUA_TSTRING ? ScriptFlagNamed(lua_tostring(lua, -1)) : 0;
    if (flag == 0) Raise(lua, "ERR unknown flag given");
    flags |= flag;
    lua_pop(lua, 1);
  }
  lua_pop(lua, 2);
  return flags;
}

// Named arguments: leaves the callback on the top.
void ReadNamedArguments(lua_State* lua, LibraryFunction* function) {
  bool has_name = false;
  lua_settop(lua, 1);
  lua_pushnil(lua);  // place of the callback
  lua_pushnil(lua);
  while (lua_next(lua, 1) != 0) {
    const std::string_view key = lua_type(lua, -2) == LUA_TSTRING ? lua_tostring(lua, -2) : "";
    if (key == "function_name") {
      if (lua_type(lua, -1) != LUA_TSTRING) {
        Raise(lua, "ERR function_name argument given to redis.register_function must be a string");
      }
      function->name = TextAt(lua, -1);
      has_name = true;
    } else if (key == "description") {
      if (lua_type(lua, -1) != LUA_TSTRING) {
        Raise(lua, "ERR description argument given to redis.register_function must be a string");
      }
      function->description = TextAt(lua, -1);
      function->has_description = true;
    } else if (key == "callback") {
      if (lua_type(lua, -1) != LUA_TFUNCTION) {
        Raise(lua, "ERR callback argument given to redis.register_function must be a function");
      }
      lua_pushvalue(lua, -1);
      lua_replace(lua, 2);
    } else if (key == "flags") {
      if (lua_type(lua, -1) != LUA_TTABLE) {
        Raise(lua, "ERR flags argument to redis.register_function must be a table representing function flags");
      }
      lua_pushvalue(lua, -1);
      function->flags = ReadFlags(lua);
    } else {
      Raise(lua, "ERR unknown argument given to redis.register_function");
    }
    lua_pop(lua, 1);
  }
  if (!has_name) Raise(lua, "ERR redis.register_function must get a function name argument");
  if (lua_isnil(lua, 2)) Raise(lua, "ERR redis.register_function must get a callback argument");
}

void ReadPositionalArguments(lua_State* lua, LibraryFunction* function) {
  // A number is a name as well as a text.
  if (lua_isstring(lua, 1) == 0) Raise(lua, "ERR first argument to redis.register_function must be a string");
  if (lua_type(lua, 2) != LUA_TFUNCTION)
    Raise(lua, "ERR second argument to redis.register_function must be a function");
  function->name = TextAt(lua, 1);
}

bool IsFunctionName(std::string_view name) {
  if (name.empty()) return false;
  for (const char c : name) {
    const bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    if (!is_word) return false;
  }
  return true;
}

}  // namespace

int RegisterFunction(lua_State* lua) {
  FunctionLoading* loading = LuaState::Of(lua).loading;
  if (loading == nullptr) Raise(lua, "ERR redis.register_function can only be called on FUNCTION LOAD command");
  const int count = lua_gettop(lua);
  if (count < 1 || count > 2) Raise(lua, "ERR wrong number of arguments to redis.register_function");
  auto function = std::make_unique<LibraryFunction>();
  if (count == 2) {
    ReadPositionalArguments(lua, function.get());
  } else {
    if (lua_type(lua, 1) != LUA_TTABLE) {
      Raise(lua,
            "ERR calling redis.register_function with a single argument is only applicable to Lua table "
            "(representing named arguments).");
    }
    ReadNamedArguments(lua, function.get());
  }
  lua_settop(lua, 2);
  const Status status = loading->Register(lua, std::move(function));
  if (!status.ok()) Raise(lua, status.text());
  return 0;
}

void FunctionLoading::CheckTime(lua_State* lua) const {
  if (SystemClock::Instance().MonotonicUs() - started_us_ > kTimeMaxUs) Raise(lua, "ERR FUNCTION LOAD timeout");
}

Status FunctionLoading::Register(lua_State* lua, std::unique_ptr<LibraryFunction> function) {
  if (!IsFunctionName(function->name)) {
    return Status::Error(
        "ERR Library names can only contain letters, numbers, or underscores(_) and must be at least one character "
        "long");
  }
  if (callbacks_.count(function->name) != 0) return Status::Error("ERR Function already exists in the library");
  callbacks_[function->name] = luaL_ref(lua, LUA_REGISTRYINDEX);
  functions_.push_back(std::move(function));
  return Status::Ok();
}

Result<FunctionCallbacks> FunctionLoading::Load(LuaState& state, FunctionLibrary& library) {
  FunctionLoading loading;
  std::string problem;
  state.loading = &loading;
  std::string error;
  const bool is_protected = state.Protect(
      [&](lua_State* lua) {
        WatchScripts(lua);
        LoadingWorld world(lua);
        lua_pushcfunction(lua, AddErrorPosition);
        lua_pushliteral(lua, "@user_function");
        const std::string_view code = library.code();
        if (luaL_loadbuffer(lua, code.data(), code.size(), lua_tostring(lua, -1)) != 0) {
          problem = "ERR Error compiling function: " + TextAt(lua, -1);
          return;
        }
        if (lua_pcall(lua, 0, 0, 1) != 0) problem = "ERR Error registering functions: " + TakeError(lua).text;
      },
      &error);
  state.loading = nullptr;
  if (!is_protected) problem = "ERR Error registering functions: " + error;
  if (problem.empty() && loading.functions_.empty()) problem = "ERR No functions registered";
  if (!problem.empty()) {
    for (const auto& [name, reference] : loading.callbacks_) luaL_unref(state.lua(), LUA_REGISTRYINDEX, reference);
    return Status::Error(problem);
  }
  if (library.functions.empty()) library.functions = std::move(loading.functions_);
  return std::move(loading.callbacks_);
}

int AddErrorPosition(lua_State* lua) {
  lua_settop(lua, 1);
  if (lua_type(lua, 1) != LUA_TTABLE) {
    const std::string text = "ERR " + (lua_isstring(lua, 1) != 0 ? TextAt(lua, 1) : std::string("unknown error"));
    lua_createtable(lua, 0, 3);
    lua_pushlstring(lua, text.data(), text.size());
    lua_setfield(lua, -2, "err");
    lua_replace(lua, 1);
  }
  // The function that raised it; when that is one of ours, the one that called it.
  lua_Debug where;
  for (int level = 1; level <= 2; ++level) {
    if (lua_getstack(lua, level, &where) == 0 || lua_getinfo(lua, "Sl", &where) == 0) return 1;
    if (where.what[0] == 'C') continue;
    break;
  }
  lua_pushstring(lua, where.source);
  lua_setfield(lua, 1, "source");
  lua_pushinteger(lua, where.currentline);
  lua_setfield(lua, 1, "line");
  return 1;
}

ScriptError TakeError(lua_State* lua) {
  ScriptError error;
  if (lua_type(lua, -1) != LUA_TTABLE) {
    // Out of memory, or an error while an error was handled: there was no place for more than a text.
    error.text = "ERR " + (lua_isstring(lua, -1) != 0 ? TextAt(lua, -1) : std::string("unknown error"));
    lua_pop(lua, 1);
    return error;
  }
  const auto field = [lua](const char* name) {
    lua_pushstring(lua, name);
    lua_rawget(lua, -2);
    std::string text = TextAt(lua, -1);
    lua_pop(lua, 1);
    return text;
  };
  error.text = field("err");
  if (error.text.empty()) error.text = "ERR unknown error";
  const std::string source = field("source");
  if (!source.empty()) error.position = source + ":" + field("line");
  lua_pushliteral(lua, "ignore_error_stats_update");
  lua_rawget(lua, -2);
  error.was_counted = lua_toboolean(lua, -1) != 0;
  lua_pop(lua, 2);
  return error;
}

}  // namespace kvick

// redis.*: what scripts call to run commands, and what else they may ask of the server.
#include <lua.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "base/log.h"
#include "base/numbers.h"
#include "base/version.h"
#include "engine/command_context.h"
#include "scripting/function_loading.h"
#include "scripting/lua_libraries.h"
#include "scripting/lua_reply.h"
#include "scripting/lua_sandbox.h"
#include "scripting/script_debugger.h"
#include "scripting/script_digest.h"
#include "scripting/script_run.h"

namespace kvick {
namespace {

// At most so many arguments have their views on the C++ stack.
constexpr int kFewArguments = 16;

ScriptRun& RunOf(lua_State* lua) {
  ScriptRun* run = LuaState::Of(lua).run;
  // While a library is loaded nothing runs.
  if (run == nullptr) luaL_error(lua, "Script attempted to access nonexistent global variable 'call'");
  return *run;
}

// {err = text}
int PushError(lua_State* lua, std::string_view text) {
  lua_createtable(lua, 0, 1);
  lua_pushlstring(lua, text.data(), text.size());
  lua_setfield(lua, -2, "err");
  return 1;
}

[[noreturn]] void RaiseError(lua_State* lua, std::string_view text) {
  PushError(lua, text);
  lua_error(lua);
  __builtin_unreachable();
}

// Null: nobody debugs what runs.
ScriptDebugger* DebuggerOf(lua_State* lua) {
  const ScriptRun* run = LuaState::Of(lua).run;
  return run != nullptr ? run->debugger() : nullptr;
}

int Answer(lua_State* lua, std::string_view error, bool raises) {
  if (ScriptDebugger* debugger = DebuggerOf(lua)) debugger->NoteError(error.substr(error.find(' ') + 1));
  if (raises) RaiseError(lua, error);
  return PushError(lua, error);
}

// The argument as text: of a number its shortest exact form, which takes its place on the stack.
bool TakeText(lua_State* lua, int index, std::string_view* text) {
  const int type = lua_type(lua, index);
  if (type == LUA_TNUMBER) {
    const lua_Number number = lua_tonumber(lua, index);
    char digits[kDoubleTextMax];
    const bool is_small_integer = number > -4503599627370496.0 && number < 4503599627370496.0 &&
                                  number == static_cast<lua_Number>(static_cast<int64_t>(number));
    const size_t size =
        is_small_integer ? FormatInt64(static_cast<int64_t>(number), digits) : FormatDouble(number, digits);
    lua_pushlstring(lua, digits, size);
    lua_replace(lua, index);
  } else if (type != LUA_TSTRING) {
    return false;
  }
  size_t bytes = 0;
  const char* data = lua_tolstring(lua, index, &bytes);
  *text = {data, bytes};
  return true;
}

int CallCommand(lua_State* lua, bool raises) {
  ScriptRun& run = RunOf(lua);
  const int count = lua_gettop(lua);
  if (count == 0) return Answer(lua, "ERR Please specify at least one argument for this redis lib call", raises);
  std::string_view few[kFewArguments];
  std::vector<std::string_view> many;
  std::string_view* arguments = few;
  if (count > kFewArguments) {
    many.resize(static_cast<size_t>(count));
    arguments = many.data();
  }
  for (int i = 0; i < count; ++i) {
    if (!TakeText(lua, i + 1, &arguments[i])) {
      return Answer(lua, "ERR Lua redis lib command arguments must be strings or integers", raises);
    }
  }
  std::string_view reply;
  if (!run.Call({arguments, static_cast<size_t>(count)}, &reply)) RaiseText(lua, "script is unwound");
  if (reply[0] == '-') {
    const std::string_view text = reply.substr(1, reply.find('\r') - 1);
    PushError(lua, text);
    lua_pushboolean(lua, 1);
    lua_setfield(lua, -2, "ignore_error_stats_update");
    return raises ? lua_error(lua) : 1;
  }
  PushReply(lua, reply);
  return 1;
}

int Call(lua_State* lua) { return CallCommand(lua, true); }
int ProtectedCall(lua_State* lua) { return CallCommand(lua, false); }

int SingleText(lua_State* lua, const char* field) {
  if (lua_gettop(lua) != 1 || lua_type(lua, 1) != LUA_TSTRING) {
    if (ScriptDebugger* debugger = DebuggerOf(lua)) debugger->NoteError("wrong number or type of arguments");
    return PushError(lua, "ERR wrong number or type of arguments");
  }
  lua_createtable(lua, 0, 1);
  lua_pushvalue(lua, 1);
  lua_setfield(lua, -2, field);
  return 1;
}

int StatusReply(lua_State* lua) { return SingleText(lua, "ok"); }

// A text of one word gets the common code in front; a dash in front of the code is dropped.
int ErrorReply(lua_State* lua) {
  if (lua_gettop(lua) != 1 || lua_type(lua, 1) != LUA_TSTRING) return SingleText(lua, "err");
  std::string_view text(lua_tostring(lua, 1));
  if (!text.empty() && text[0] == '-') text.remove_prefix(1);
  if (ScriptDebugger* debugger = DebuggerOf(lua)) debugger->NoteError("-" + std::string(text));
  if (text.find(' ') == std::string_view::npos) return PushError(lua, "ERR " + std::string(text));
  return PushError(lua, text);
}

int Sha1Hex(lua_State* lua) {
  if (lua_gettop(lua) != 1) RaiseError(lua, "ERR wrong number of arguments");
  size_t bytes = 0;
  const char* text = lua_tolstring(lua, 1, &bytes);
  const std::string digest = Sha1Digest(text != nullptr ? std::string_view(text, bytes) : std::string_view());
  lua_pushlstring(lua, digest.data(), digest.size());
  return 1;
}

int LogLine(lua_State* lua) {
  const int count = lua_gettop(lua);
  if (count < 2) RaiseError(lua, "ERR redis.log() requires two arguments or more.");
  if (lua_isnumber(lua, 1) == 0) RaiseError(lua, "ERR First argument must be a number (log level).");
  const lua_Number level = lua_tonumber(lua, 1);
  if (!(level >= 0 && level <= 3)) RaiseError(lua, "ERR Invalid debug level.");
  std::string line;
  for (int i = 2; i <= count; ++i) {
    size_t bytes = 0;
    const char* text = lua_tolstring(lua, i, &bytes);
    if (text == nullptr) continue;
    if (i > 2) line += ' ';
    line.append(text, bytes);
  }
  const auto wanted = static_cast<LogLevel>(static_cast<int>(level));
  if (IsLogged(wanted)) Log(wanted, line);
  return 0;
}

int SetResp(lua_State* lua) {
  if (lua_gettop(lua) != 1) RaiseError(lua, "ERR redis.setresp() requires one argument.");
  const lua_Number version = lua_tonumber(lua, 1);
  if (version != 2 && version != 3) RaiseError(lua, "ERR RESP version must be 2 or 3.");
  RunOf(lua).protocol = static_cast<int>(version);
  return 0;
}

enum Recorded : int { kNone = 0, kAppendFile = 1, kReplica = 2, kAll = 3 };

int SetRepl(lua_State* lua) {
  if (lua_gettop(lua) != 1) RaiseError(lua, "ERR redis.set_repl() requires two arguments.");
  const lua_Number flags = lua_tonumber(lua, 1);
  if (!(flags >= 0 && flags <= static_cast<lua_Number>(kAll))) {
    RaiseError(lua, "ERR Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.");
  }
  // One log feeds files and replicas: what goes to one of them goes to both.
  RunOf(lua).is_recorded = static_cast<int>(flags) != kNone;
  return 0;
}

// Effects are what is recorded, always; scripts written for other days ask for it.
int ReplicateCommands(lua_State* lua) {
  lua_pushboolean(lua, 1);
  return 1;
}

// Only a debugged script stops, and has somebody to show values to.
int Breakpoint(lua_State* lua) {
  ScriptDebugger* const debugger = DebuggerOf(lua);
  if (debugger != nullptr) debugger->NoteBreakpoint();
  lua_pushboolean(lua, debugger != nullptr ? 1 : 0);
  return 1;
}

int Debug(lua_State* lua) {
  if (ScriptDebugger* debugger = DebuggerOf(lua)) debugger->NoteValues(lua);
  return 0;
}

int AclCheckCommand(lua_State* lua) {
  const int count = lua_gettop(lua);
  if (count == 0) RaiseError(lua, "ERR Please specify at least one argument for this redis lib call");
  std::vector<std::string_view> arguments(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) {
    if (!TakeText(lua, i + 1, &arguments[static_cast<size_t>(i)])) {
      RaiseError(lua,
                 "ERR redis.acl_check_cmd() require a command name"
                 " and its arguments as strings or numbers");
    }
  }
  ScriptRun& run = RunOf(lua);
  Engine& engine = run.executor().engine();
  const Command* container = nullptr;
  const Command* command = engine.commands().Resolve(arguments, &container);
  if (command == nullptr) RaiseError(lua, "ERR Invalid command passed to redis.acl_check_cmd()");
  bool is_allowed = true;
  if (engine.hooks.authorizer != nullptr && (run.session().restrictions & Session::kRestrictedUser) != 0) {
    const std::vector<DeclaredKey> keys = DeclareKeys(engine, run.session().database_index, *command, arguments);
    is_allowed = engine.hooks.authorizer->IsAllowed(run.session(), *command, arguments, keys);
  }
  lua_pushboolean(lua, is_allowed ? 1 : 0);
  return 1;
}

constexpr luaL_Reg kFunctions[] = {
    {"acl_check_cmd", AclCheckCommand}, {"call", Call},        {"error_reply", ErrorReply}, {"log", LogLine},
    {"pcall", ProtectedCall},           {"set_repl", SetRepl}, {"setresp", SetResp},        {"sha1hex", Sha1Hex},
    {"status_reply", StatusReply},
};
constexpr luaL_Reg kEvalFunctions[] = {
    {"breakpoint", Breakpoint},
    {"debug", Debug},
    {"replicate_commands", ReplicateCommands},
};

struct Constant {
  const char* name;
  int value;
};
constexpr Constant kConstants[] = {
    {"LOG_DEBUG", static_cast<int>(LogLevel::kDebug)},
    {"LOG_NOTICE", static_cast<int>(LogLevel::kNotice)},
    {"LOG_VERBOSE", static_cast<int>(LogLevel::kVerbose)},
    {"LOG_WARNING", static_cast<int>(LogLevel::kWarning)},
    {"REPL_ALL", kAll},
    {"REPL_AOF", kAppendFile},
    {"REPL_NONE", kNone},
    {"REPL_REPLICA", kReplica},
    {"REPL_SLAVE", kReplica},
};

// "8.10.0" as 0x00080a00.
int VersionNumber(std::string_view version) {
  int number = 0;
  int part = 0;
  for (const char c : version) {
    if (c == '.') {
      number = (number | part) << 8;
      part = 0;
    } else {
      part = part * 10 + (c - '0');
    }
  }
  return number | part;
}

}  // namespace

void OpenRedisApi(lua_State* lua, LuaState::Kind kind) {
  lua_newtable(lua);
  const auto add = [lua](const luaL_Reg& entry) {
    lua_pushcfunction(lua, entry.func);
    lua_setfield(lua, -2, entry.name);
  };
  for (const luaL_Reg& entry : kFunctions) add(entry);
  if (kind == LuaState::Kind::kEval) {
    for (const luaL_Reg& entry : kEvalFunctions) add(entry);
  } else {
    add({"register_function", RegisterFunction});
  }
  for (const Constant& constant : kConstants) {
    lua_pushinteger(lua, constant.value);
    lua_setfield(lua, -2, constant.name);
  }
  lua_pushstring(lua, kCompatibleVersion);
  lua_setfield(lua, -2, "REDIS_VERSION");
  lua_pushinteger(lua, VersionNumber(kCompatibleVersion));
  lua_setfield(lua, -2, "REDIS_VERSION_NUM");
  lua_setglobal(lua, "redis");
}

}  // namespace kvick

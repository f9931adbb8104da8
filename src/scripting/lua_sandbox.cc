#include "scripting/lua_sandbox.h"

#include <cmath>
#include <cstdint>
#include <lua.hpp>
#include <string_view>

#include "base/assert.h"
#include "scripting/lua_libraries.h"
#include "scripting/script_run.h"

namespace kvick {
namespace {

constexpr char kReadOnlyText[] = "Attempt to modify a readonly table";
// Nested pattern items recurse on the C stack; no honest pattern is so long.
constexpr size_t kPatternBytesMax = 8192;
// Registry: the metatable of strings, read-only.
constexpr char kStringMetatable[] = "kvick.strings";

// Keys in the registry and in metatables, by address.
char globals_key;  // registry: the real globals
char real_key;     // metatable of a read-only table: the table behind it
char loading_key;  // registry: the globals that a library sees when it is loaded
char sealed_key;   // registry: what getmetatable answers for read-only tables

}  // namespace

bool PushReal(lua_State* lua, int index) {
  if (lua_type(lua, index) != LUA_TTABLE || lua_getmetatable(lua, index) == 0) return false;
  lua_pushlightuserdata(lua, &real_key);
  lua_rawget(lua, -2);
  lua_remove(lua, -2);
  if (!lua_isnil(lua, -1)) return true;
  lua_pop(lua, 1);
  return false;
}

namespace {

bool IsReadOnly(lua_State* lua, int index) {
  if (!PushReal(lua, index)) return false;
  lua_pop(lua, 1);
  return true;
}

int RefuseWrite(lua_State* lua) { return luaL_error(lua, kReadOnlyText); }

int RefuseGlobal(lua_State* lua) {
  if (lua_type(lua, 2) == LUA_TSTRING) {
    return luaL_error(lua, "Script attempted to access nonexistent global variable '%s'", lua_tostring(lua, 2));
  }
  return luaL_error(lua, "Script attempted to access nonexistent global variable");
}

bool IsUnwinding(lua_State* lua) {
  const ScriptRun* run = LuaState::Of(lua).run;
  return run != nullptr && run->is_unwinding();
}

// next(t [, key]), also of read-only tables.
int Next(lua_State* lua) {
  luaL_checktype(lua, 1, LUA_TTABLE);
  lua_settop(lua, 2);
  if (PushReal(lua, 1)) lua_replace(lua, 1);
  if (lua_next(lua, 1) != 0) return 2;
  lua_pushnil(lua);
  return 1;
}

int Pairs(lua_State* lua) {
  luaL_checktype(lua, 1, LUA_TTABLE);
  lua_pushvalue(lua, lua_upvalueindex(1));
  lua_pushvalue(lua, 1);
  lua_pushnil(lua);
  return 3;
}

int RawGet(lua_State* lua) {
  luaL_checktype(lua, 1, LUA_TTABLE);
  luaL_checkany(lua, 2);
  lua_settop(lua, 2);
  if (PushReal(lua, 1)) lua_replace(lua, 1);
  lua_rawget(lua, 1);
  return 1;
}

int RawSet(lua_State* lua) {
  luaL_checktype(lua, 1, LUA_TTABLE);
  luaL_checkany(lua, 2);
  luaL_checkany(lua, 3);
  lua_settop(lua, 3);
  if (IsReadOnly(lua, 1)) RaiseText(lua, kReadOnlyText);
  lua_rawset(lua, 1);
  return 1;
}

// What the interpreter shares between scripts has read-only metatables; of those of scripts they get the real one.
int GetMetatable(lua_State* lua) {
  luaL_checkany(lua, 1);
  if (IsReadOnly(lua, 1)) {
    lua_pushlightuserdata(lua, &sealed_key);
    lua_rawget(lua, LUA_REGISTRYINDEX);
    return 1;
  }
  if (lua_type(lua, 1) == LUA_TSTRING) {
    lua_getfield(lua, LUA_REGISTRYINDEX, kStringMetatable);
    return 1;
  }
  if (lua_getmetatable(lua, 1) == 0) {
    lua_pushnil(lua);
    return 1;
  }
  luaL_getmetafield(lua, 1, "__metatable");
  return 1;
}

int SetMetatable(lua_State* lua) {
  const int type = lua_type(lua, 2);
  luaL_checktype(lua, 1, LUA_TTABLE);
  luaL_argcheck(lua, type == LUA_TNIL || type == LUA_TTABLE, 2, "nil or table expected");
  if (IsReadOnly(lua, 1)) RaiseText(lua, kReadOnlyText);
  if (luaL_getmetafield(lua, 1, "__metatable") != 0) return luaL_error(lua, "cannot change a protected metatable");
  lua_settop(lua, 2);
  // A finalizer would run at any time, in any script.
  lua_setmetatable(lua, 1);
  return 1;
}

// Errors of redis.call are tables; whoever catches one gets its text. What unwinds a script is not caught.
int ProtectedCall(lua_State* lua) {
  luaL_checkany(lua, 1);
  const int status = lua_pcall(lua, lua_gettop(lua) - 1, LUA_MULTRET, 0);
  if (status != 0) {
    if (IsUnwinding(lua)) return lua_error(lua);
    if (lua_type(lua, -1) == LUA_TTABLE) {
      lua_pushliteral(lua, "err");
      lua_rawget(lua, -2);
      if (lua_type(lua, -1) == LUA_TSTRING) {
        lua_replace(lua, -2);
      } else {
        lua_pop(lua, 1);
      }
    }
  }
  lua_pushboolean(lua, status == 0 ? 1 : 0);
  lua_insert(lua, 1);
  return lua_gettop(lua);
}

int ProtectedCallWithHandler(lua_State* lua) {
  luaL_checkany(lua, 2);
  lua_settop(lua, 2);
  lua_insert(lua, 1);
  const int status = lua_pcall(lua, 0, LUA_MULTRET, 1);
  if (status != 0 && IsUnwinding(lua)) return lua_error(lua);
  lua_pushboolean(lua, status == 0 ? 1 : 0);
  lua_replace(lua, 1);
  return lua_gettop(lua);
}

lua_CFunction Original(lua_State* lua) { return lua_tocfunction(lua, lua_upvalueindex(1)); }

int Resume(lua_State* lua) {
  const int count = Original(lua)(lua);
  if (count == 2 && IsUnwinding(lua) && lua_toboolean(lua, -2) == 0) return lua_error(lua);
  return count;
}

// string.find, match, gmatch, gsub.
int MatchWithin(lua_State* lua) {
  size_t pattern_bytes = 0;
  luaL_checklstring(lua, 1, nullptr);
  luaL_checklstring(lua, 2, &pattern_bytes);
  if (pattern_bytes > kPatternBytesMax) return luaL_error(lua, "pattern too complex");
  return Original(lua)(lua);
}

int Repeat(lua_State* lua) {
  size_t bytes = 0;
  luaL_checklstring(lua, 1, &bytes);
  const lua_Number count = luaL_checknumber(lua, 2);
  if (bytes == 0) {
    lua_pushliteral(lua, "");
    return 1;
  }
  if (count > 0 && count * static_cast<lua_Number>(bytes) > static_cast<lua_Number>(LuaState::kMemoryMax)) {
    return luaL_error(lua, "resulting string too large");
  }
  return Original(lua)(lua);
}

// table.insert, remove, sort and their like would write past the metatable.
int ChangeTable(lua_State* lua) {
  if (IsReadOnly(lua, 1)) RaiseText(lua, kReadOnlyText);
  return Original(lua)(lua);
}

// unpack(list [, i [, j]]): the count is computed without overflow.
int Unpack(lua_State* lua) {
  luaL_checktype(lua, 1, LUA_TTABLE);
  const lua_Integer first = luaL_optinteger(lua, 2, 1);
  const lua_Integer last =
      lua_isnoneornil(lua, 3) ? static_cast<lua_Integer>(lua_objlen(lua, 1)) : luaL_checkinteger(lua, 3);
  if (first > last) return 0;
  // The bounds come as ptrdiff_t; an unsigned difference cannot overflow.
  const size_t count = static_cast<size_t>(last) - static_cast<size_t>(first) + 1;
  if (count == 0 || count >= INT32_MAX || first < INT32_MIN || last > INT32_MAX ||
      lua_checkstack(lua, static_cast<int>(count)) == 0) {
    return luaL_error(lua, "too many results to unpack");
  }
  for (size_t i = 0; i < count; ++i) lua_rawgeti(lua, 1, static_cast<int>(first + static_cast<lua_Integer>(i)));
  return static_cast<int>(count);
}

int LoadText(lua_State* lua, std::string_view code, const char* name) {
  if (!code.empty() && code[0] == LUA_SIGNATURE[0]) {
    lua_pushnil(lua);
    lua_pushliteral(lua, "attempt to load a binary chunk");
    return 2;
  }
  // The parser keeps the name only in itself: held here, so that the collector does not take it.
  lua_pushstring(lua, name);
  if (luaL_loadbuffer(lua, code.data(), code.size(), lua_tostring(lua, -1)) == 0) return 1;
  lua_pushnil(lua);
  lua_insert(lua, -2);
  return 2;
}

int LoadString(lua_State* lua) {
  size_t bytes = 0;
  const char* code = luaL_checklstring(lua, 1, &bytes);
  return LoadText(lua, {code, bytes}, luaL_optstring(lua, 2, code));
}

int Load(lua_State* lua) {
  const char* name = luaL_optstring(lua, 2, "=(load)");
  luaL_checktype(lua, 1, LUA_TFUNCTION);
  lua_settop(lua, 2);
  lua_pushliteral(lua, "");
  while (true) {
    lua_pushvalue(lua, 1);
    lua_call(lua, 0, 1);
    if (lua_isnil(lua, -1)) break;
    if (lua_isstring(lua, -1) == 0) return luaL_error(lua, "reader function must return a string");
    if (lua_objlen(lua, -1) == 0) break;
    lua_concat(lua, 2);
  }
  lua_pop(lua, 1);
  size_t bytes = 0;
  const char* code = lua_tolstring(lua, 3, &bytes);
  return LoadText(lua, {code, bytes}, name);
}

// A script can ask the collector to work, but not to stop: others run here after it.
int CollectGarbage(lua_State* lua) {
  static const char* const kOptions[] = {"stop", "restart",  "collect",    "count",
                                         "step", "setpause", "setstepmul", nullptr};
  const int option = luaL_checkoption(lua, 1, "collect", kOptions);
  const int argument = static_cast<int>(luaL_optinteger(lua, 2, 0));
  switch (option) {
    case 2: lua_pushnumber(lua, lua_gc(lua, LUA_GCCOLLECT, 0)); return 1;
    case 3:
      lua_pushnumber(lua, lua_gc(lua, LUA_GCCOUNT, 0) + static_cast<lua_Number>(lua_gc(lua, LUA_GCCOUNTB, 0)) / 1024);
      return 1;
    case 4: lua_pushboolean(lua, lua_gc(lua, LUA_GCSTEP, argument)); return 1;
    case 5:
    case 6: lua_pushnumber(lua, 200); return 1;
    default: lua_pushnumber(lua, 0); return 1;
  }
}

// math.random is a 48-bit linear congruence that starts the same in every process.
constexpr uint64_t kRandomMask = (uint64_t{1} << 48) - 1;
constexpr int32_t kRandomMax = INT32_MAX;

int Random(lua_State* lua) {
  uint64_t& state = LuaState::Of(lua).random_state;
  state = (state * 0x5DEECE66D + 0xB) & kRandomMask;
  const auto drawn = static_cast<int32_t>(state >> 17);
  const lua_Number fraction = static_cast<lua_Number>(drawn % kRandomMax) / static_cast<lua_Number>(kRandomMax);
  switch (lua_gettop(lua)) {
    case 0: lua_pushnumber(lua, fraction); return 1;
    case 1: {
      const lua_Number upper = std::floor(luaL_checknumber(lua, 1));
      luaL_argcheck(lua, upper >= 1, 1, "interval is empty");
      lua_pushnumber(lua, std::floor(fraction * upper) + 1);
      return 1;
    }
    case 2: {
      const lua_Number lower = std::floor(luaL_checknumber(lua, 1));
      const lua_Number upper = std::floor(luaL_checknumber(lua, 2));
      luaL_argcheck(lua, lower <= upper, 2, "interval is empty");
      lua_pushnumber(lua, std::floor(fraction * (upper - lower + 1)) + lower);
      return 1;
    }
    default: return luaL_error(lua, "wrong number of arguments");
  }
}

int RandomSeed(lua_State* lua) {
  const auto seed = static_cast<uint32_t>(static_cast<int64_t>(luaL_checknumber(lua, 1)));
  LuaState::Of(lua).random_state = static_cast<uint64_t>(seed) << 16 | 0x330E;
  return 0;
}

void OpenLibrary(lua_State* lua, const char* name, lua_CFunction open) {
  lua_pushcfunction(lua, open);
  lua_pushstring(lua, name);
  lua_call(lua, 1, 0);
}

// Puts `wrapper`, which knows the original as its upvalue, in the place of a function of the table on the top.
void Wrap(lua_State* lua, const char* name, lua_CFunction wrapper) {
  lua_getfield(lua, -1, name);
  KVICK_ASSERT(lua_iscfunction(lua, -1) != 0);
  lua_pushcclosure(lua, wrapper, 1);
  lua_setfield(lua, -2, name);
}

void SetFunction(lua_State* lua, const char* name, lua_CFunction function) {
  lua_pushcfunction(lua, function);
  lua_setfield(lua, -2, name);
}

void OpenBase(lua_State* lua) {
  OpenLibrary(lua, "", luaopen_base);  // brings coroutine along
  for (const char* name : {"dofile", "loadfile", "print", "getfenv", "setfenv", "newproxy", "require", "module"}) {
    lua_pushnil(lua);
    lua_setglobal(lua, name);
  }
  constexpr luaL_Reg kOwn[] = {
      {"collectgarbage", CollectGarbage},
      {"getmetatable", GetMetatable},
      {"load", Load},
      {"loadstring", LoadString},
      {"next", Next},
      {"pcall", ProtectedCall},
      {"rawget", RawGet},
      {"rawset", RawSet},
      {"setmetatable", SetMetatable},
      {"unpack", Unpack},
      {"xpcall", ProtectedCallWithHandler},
  };
  for (const luaL_Reg& entry : kOwn) {
    lua_pushcfunction(lua, entry.func);
    lua_setglobal(lua, entry.name);
  }
  lua_getglobal(lua, "next");
  lua_pushcclosure(lua, Pairs, 1);
  lua_setglobal(lua, "pairs");
  lua_getglobal(lua, "coroutine");
  Wrap(lua, "resume", Resume);
  lua_pop(lua, 1);
}

void OpenOwnLibraries(lua_State* lua) {
  OpenLibrary(lua, LUA_TABLIBNAME, luaopen_table);
  lua_getglobal(lua, "table");
  for (const char* name : {"insert", "remove", "sort", "setn"}) Wrap(lua, name, ChangeTable);
  lua_pop(lua, 1);

  OpenLibrary(lua, LUA_STRLIBNAME, luaopen_string);
  lua_getglobal(lua, "string");
  for (const char* name : {"find", "match", "gmatch", "gfind", "gsub"}) Wrap(lua, name, MatchWithin);
  Wrap(lua, "rep", Repeat);
  lua_pop(lua, 1);

  OpenLibrary(lua, LUA_MATHLIBNAME, luaopen_math);
  lua_getglobal(lua, "math");
  SetFunction(lua, "random", Random);
  SetFunction(lua, "randomseed", RandomSeed);
  lua_pop(lua, 1);

  // Of os there is the clock alone.
  OpenLibrary(lua, LUA_OSLIBNAME, luaopen_os);
  lua_getglobal(lua, "os");
  lua_getfield(lua, -1, "clock");
  lua_createtable(lua, 0, 1);
  lua_insert(lua, -2);
  lua_setfield(lua, -2, "clock");
  lua_setglobal(lua, "os");
  lua_pop(lua, 1);
}

}  // namespace

void RaiseText(lua_State* lua, const char* text) {
  lua_pushstring(lua, text);
  lua_error(lua);
  __builtin_unreachable();
}

void MakeReadOnly(lua_State* lua) {
  lua_newtable(lua);           // real, front
  lua_createtable(lua, 0, 3);  // real, front, metatable
  lua_pushlightuserdata(lua, &real_key);
  lua_pushvalue(lua, -4);
  lua_rawset(lua, -3);
  lua_pushvalue(lua, -3);
  lua_setfield(lua, -2, "__index");
  lua_pushcfunction(lua, RefuseWrite);
  lua_setfield(lua, -2, "__newindex");
  lua_setmetatable(lua, -2);
  lua_replace(lua, -2);
}

void PushGlobals(lua_State* lua) {
  lua_pushlightuserdata(lua, &globals_key);
  lua_rawget(lua, LUA_REGISTRYINDEX);
}

namespace {

// What the read-only global table shows: the table under a key of the registry.
void ShowGlobals(lua_State* lua, void* key) {
  lua_getmetatable(lua, LUA_GLOBALSINDEX);
  lua_pushlightuserdata(lua, key);
  lua_rawget(lua, LUA_REGISTRYINDEX);
  lua_setfield(lua, -2, "__index");
  lua_pop(lua, 1);
}

}  // namespace

LoadingWorld::LoadingWorld(lua_State* lua) : lua_(lua) { ShowGlobals(lua, &loading_key); }
LoadingWorld::~LoadingWorld() { ShowGlobals(lua_, &globals_key); }

namespace {

// {redis = {register_function, log, constants}}, where everything else is an error.
void MakeLoadingWorld(lua_State* lua) {
  lua_pushlightuserdata(lua, &loading_key);
  lua_createtable(lua, 0, 1);
  lua_newtable(lua);
  lua_getglobal(lua, "redis");
  lua_pushnil(lua);
  while (lua_next(lua, -2) != 0) {
    const std::string_view name = lua_tostring(lua, -2);
    if (lua_type(lua, -1) != LUA_TFUNCTION || name == "register_function" || name == "log") {
      lua_pushvalue(lua, -2);
      lua_insert(lua, -2);
      lua_rawset(lua, -5);
    } else {
      lua_pop(lua, 1);
    }
  }
  lua_pop(lua, 1);
  const auto refuse_others = [lua] {
    lua_createtable(lua, 0, 1);
    lua_pushcfunction(lua, RefuseGlobal);
    lua_setfield(lua, -2, "__index");
    lua_setmetatable(lua, -2);
  };
  refuse_others();
  MakeReadOnly(lua);
  lua_setfield(lua, -2, "redis");
  refuse_others();
  lua_rawset(lua, LUA_REGISTRYINDEX);
}

}  // namespace

void OpenSandbox(lua_State* lua, LuaState::Kind kind) {
  OpenBase(lua);
  OpenOwnLibraries(lua);
  OpenBit(lua);
  OpenCjson(lua);
  OpenCmsgpack(lua);
  OpenStruct(lua);
  OpenRedisApi(lua, kind);

  // Nothing remembers the libraries as they were before.
  lua_pushnil(lua);
  lua_setfield(lua, LUA_REGISTRYINDEX, "_LOADED");

  lua_newtable(lua);
  MakeReadOnly(lua);
  lua_pushlightuserdata(lua, &sealed_key);
  lua_insert(lua, -2);
  lua_rawset(lua, LUA_REGISTRYINDEX);

  MakeLoadingWorld(lua);
  lua_getglobal(lua, "redis");
  lua_pushnil(lua);
  lua_setfield(lua, -2, "register_function");
  lua_pop(lua, 1);
  for (const char* name :
       {"bit", "cjson", "cmsgpack", "coroutine", "math", "os", "redis", "string", "struct", "table"}) {
    lua_getglobal(lua, name);
    MakeReadOnly(lua);
    lua_setglobal(lua, name);
  }
  lua_getglobal(lua, "redis");
  lua_setglobal(lua, "server");

  // Methods of strings come from the read-only library, and the metatable of all strings is out of reach.
  lua_pushliteral(lua, "");
  lua_getmetatable(lua, -1);
  lua_getglobal(lua, "string");
  lua_setfield(lua, -2, "__index");
  MakeReadOnly(lua);
  lua_setfield(lua, LUA_REGISTRYINDEX, kStringMetatable);
  lua_pop(lua, 1);

  lua_pushvalue(lua, LUA_GLOBALSINDEX);
  lua_createtable(lua, 0, 1);
  lua_pushcfunction(lua, RefuseGlobal);
  lua_setfield(lua, -2, "__index");
  lua_setmetatable(lua, -2);
  lua_pushlightuserdata(lua, &globals_key);
  lua_pushvalue(lua, -2);
  lua_rawset(lua, LUA_REGISTRYINDEX);
  lua_pushvalue(lua, -1);
  MakeReadOnly(lua);
  lua_pushvalue(lua, -1);
  lua_setfield(lua, -3, "_G");
  lua_replace(lua, LUA_GLOBALSINDEX);
  lua_pop(lua, 1);
}

}  // namespace kvick

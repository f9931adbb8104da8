// The world that scripts see: Lua's own libraries without what reaches out of them, the libraries of this protocol
// (cjson, cmsgpack, bit, struct, redis), and read-only tables.
//
// A read-only table is an empty table in front of the real one, which no script ever gets: its metatable looks things
// up there and refuses to write. The functions that could look behind it (next, rawset, getmetatable, table.insert …)
// are our own and know such tables. A look-up costs one more step, and nothing is checked on the way.
#pragma once

#include "scripting/lua_state.h"

namespace kvick {

// Fills a new interpreter. In protected mode.
void OpenSandbox(lua_State* lua, LuaState::Kind kind);

// Replaces the table on the top by a read-only one in front of it.
void MakeReadOnly(lua_State* lua);
// Pushes the table behind a read-only one and returns true, or pushes nothing.
bool PushReal(lua_State* lua, int index);
// Pushes the table of real globals, for what changes with each script (KEYS, ARGV).
void PushGlobals(lua_State* lua);
// While it lives, scripts of this interpreter see nothing but what a library may use when it is loaded.
class LoadingWorld {
 public:
  explicit LoadingWorld(lua_State* lua);
  ~LoadingWorld();
  LoadingWorld(const LoadingWorld&) = delete;
  LoadingWorld& operator=(const LoadingWorld&) = delete;

 private:
  lua_State* lua_;
};
// Raises the text without a position in front.
[[noreturn]] void RaiseText(lua_State* lua, const char* text);

}  // namespace kvick

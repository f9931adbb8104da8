// The libraries that scripts of this protocol expect beside Lua's own. Each opener sets its global; in protected mode,
// before the sandbox is closed.
#pragma once

#include "scripting/lua_state.h"

namespace kvick {

void OpenBit(lua_State* lua);    // bit: operations on 32-bit numbers
void OpenCjson(lua_State* lua);  // cjson: JSON
// Sets the options of cjson back: what one script chose is not for the next.
void ResetCjson(lua_State* lua);
void OpenCmsgpack(lua_State* lua);                       // cmsgpack: MessagePack
void OpenStruct(lua_State* lua);                         // struct: packed binary records
void OpenRedisApi(lua_State* lua, LuaState::Kind kind);  // redis

}  // namespace kvick

#include "scripting/lua_state.h"

#include <cstdlib>
#include <lua.hpp>

#include "base/assert.h"
#include "scripting/lua_sandbox.h"

namespace kvick {
namespace {

// Unprotected errors are ours: every entry goes through Protect.
int OnPanic(lua_State* lua) {
  const char* text = lua_tostring(lua, -1);
  KVICK_ASSERT(text == nullptr && "an error left Lua's protected mode");
  KVICK_ASSERT(false && "an error left Lua's protected mode");
  return 0;
}

struct ProtectedFrame {
  void (*call)(lua_State* lua, void* data);
  void* data;
};

}  // namespace

int LuaState::RunFrame(lua_State* lua) {
  const auto* frame = static_cast<const ProtectedFrame*>(lua_touserdata(lua, 1));
  lua_settop(lua, 0);
  frame->call(lua, frame->data);
  return 0;
}

LuaState::LuaState(Kind kind, size_t memory_max)
    : kind_(kind), memory_max_(memory_max), lua_(lua_newstate(Allocate, this)) {
  KVICK_ASSERT(lua_ != nullptr);
  lua_atpanic(lua_, OnPanic);
  struct Opening {
    LuaState* self;
    Kind kind;
  } opening{this, kind};
  const auto open = [](lua_State* lua) {
    const auto* what = static_cast<Opening*>(lua_touserdata(lua, 1));
    lua_settop(lua, 0);
    OpenSandbox(lua, what->kind);
    lua_pushcfunction(lua, RunFrame);
    what->self->frame_reference_ = luaL_ref(lua, LUA_REGISTRYINDEX);
    return 0;
  };
  KVICK_ASSERT(lua_cpcall(lua_, open, &opening) == 0);
}

LuaState::~LuaState() { lua_close(lua_); }

LuaState& LuaState::Of(lua_State* lua) {
  void* state = nullptr;
  lua_getallocf(lua, &state);
  return *static_cast<LuaState*>(state);
}

void* LuaState::Allocate(void* state, void* block, size_t old_bytes, size_t new_bytes) {
  auto* self = static_cast<LuaState*>(state);
  const size_t used_bytes = self->memory_bytes_.Load() - (block != nullptr ? old_bytes : 0);
  if (new_bytes == 0) {
    std::free(block);
    self->memory_bytes_.Set(used_bytes);
    return nullptr;
  }
  // Lua takes for granted that a block can be made smaller.
  const bool grows = block == nullptr || new_bytes > old_bytes;
  if (grows && !self->is_unlimited && used_bytes + new_bytes > self->memory_max_) return nullptr;
  void* result = std::realloc(block, new_bytes);
  if (result != nullptr) self->memory_bytes_.Set(used_bytes + new_bytes);
  return result;
}

bool LuaState::ProtectCall(ProtectedCall call, void* data, std::string* error) {
  ProtectedFrame frame{call, data};
  const int top = lua_gettop(lua_);
  lua_rawgeti(lua_, LUA_REGISTRYINDEX, frame_reference_);
  lua_pushlightuserdata(lua_, &frame);
  if (lua_pcall(lua_, 1, 0, 0) == 0) return true;
  const char* text = lua_tostring(lua_, -1);
  *error = text != nullptr ? text : "unknown error";
  lua_settop(lua_, top);
  return false;
}

}  // namespace kvick

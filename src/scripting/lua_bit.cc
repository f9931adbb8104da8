// bit: operations on numbers taken as 32 bits, with signed results.
#include <bit>
#include <cstdint>
#include <lua.hpp>

#include "scripting/lua_libraries.h"

namespace kvick {
namespace {

// A number of any size modulo 2^32, rounded to the nearest: what the well-known addition of 2^52 + 2^51 yields.
uint32_t ToBits(lua_State* lua, int index) {
  const lua_Number number = luaL_checknumber(lua, index) + 6755399441055744.0;
  return static_cast<uint32_t>(std::bit_cast<uint64_t>(number));
}

int PushBits(lua_State* lua, uint32_t bits) {
  lua_pushnumber(lua, static_cast<lua_Number>(static_cast<int32_t>(bits)));
  return 1;
}

int ToBit(lua_State* lua) { return PushBits(lua, ToBits(lua, 1)); }
int Not(lua_State* lua) { return PushBits(lua, ~ToBits(lua, 1)); }
int Swap(lua_State* lua) { return PushBits(lua, __builtin_bswap32(ToBits(lua, 1))); }

template <typename Operation>
int Fold(lua_State* lua, Operation operation) {
  uint32_t bits = ToBits(lua, 1);
  for (int i = lua_gettop(lua); i > 1; --i) bits = operation(bits, ToBits(lua, i));
  return PushBits(lua, bits);
}
int And(lua_State* lua) {
  return Fold(lua, [](uint32_t a, uint32_t b) { return a & b; });
}
int Or(lua_State* lua) {
  return Fold(lua, [](uint32_t a, uint32_t b) { return a | b; });
}
int Xor(lua_State* lua) {
  return Fold(lua, [](uint32_t a, uint32_t b) { return a ^ b; });
}

// Of the distance the lower five bits count.
template <typename Operation>
int Shift(lua_State* lua, Operation operation) {
  const uint32_t bits = ToBits(lua, 1);
  return PushBits(lua, operation(bits, ToBits(lua, 2) & 31));
}
int LeftShift(lua_State* lua) {
  return Shift(lua, [](uint32_t bits, uint32_t by) { return bits << by; });
}
int RightShift(lua_State* lua) {
  return Shift(lua, [](uint32_t bits, uint32_t by) { return bits >> by; });
}
int ArithmeticShift(lua_State* lua) {
  return Shift(lua, [](uint32_t bits, uint32_t by) { return static_cast<uint32_t>(static_cast<int32_t>(bits) >> by); });
}
int RotateLeft(lua_State* lua) {
  return Shift(lua, [](uint32_t bits, uint32_t by) { return std::rotl(bits, static_cast<int>(by)); });
}
int RotateRight(lua_State* lua) {
  return Shift(lua, [](uint32_t bits, uint32_t by) { return std::rotr(bits, static_cast<int>(by)); });
}

int ToHex(lua_State* lua) {
  uint32_t bits = ToBits(lua, 1);
  int32_t count = lua_isnone(lua, 2) ? 8 : static_cast<int32_t>(ToBits(lua, 2));
  const char* digits = count < 0 ? "0123456789ABCDEF" : "0123456789abcdef";
  // The lowest number has no positive counterpart.
  if (count < 0) count = count < -8 ? 8 : -count;
  if (count > 8) count = 8;
  char text[8];
  for (int32_t i = count; --i >= 0; bits >>= 4) text[i] = digits[bits & 15];
  lua_pushlstring(lua, text, static_cast<size_t>(count));
  return 1;
}

constexpr luaL_Reg kFunctions[] = {
    {"arshift", ArithmeticShift},
    {"band", And},
    {"bnot", Not},
    {"bor", Or},
    {"bswap", Swap},
    {"bxor", Xor},
    {"lshift", LeftShift},
    {"rol", RotateLeft},
    {"ror", RotateRight},
    {"rshift", RightShift},
    {"tobit", ToBit},
    {"tohex", ToHex},
    {nullptr, nullptr},
};

}  // namespace

void OpenBit(lua_State* lua) {
  luaL_register(lua, "bit", kFunctions);
  lua_pop(lua, 1);
}

}  // namespace kvick

// cmsgpack: MessagePack as scripts of this protocol know it (the interface and the bytes of lua-cmsgpack 0.4).
#include <cmath>
#include <cstdint>
#include <cstring>
#include <lua.hpp>
#include <string>
#include <string_view>

#include "scripting/lua_libraries.h"

namespace kvick {
namespace {

// Tables nested deeper are written as nil.
constexpr int kNestingMax = 16;
// Read tables may nest deeper, but not without end.
constexpr int kReadNestingMax = 1000;
constexpr size_t kOutputBytesMax = size_t{512} << 20;

class Packer {
 public:
  explicit Packer(lua_State* lua) : lua_(lua) {}

  // The value on the top; takes it away.
  void Value(int level);
  const std::string& bytes() const { return bytes_; }

 private:
  void Byte(unsigned byte) { bytes_.push_back(static_cast<char>(byte)); }
  void BigEndian(uint64_t value, size_t size) {
    for (size_t i = size; i-- > 0;) Byte(static_cast<unsigned>(value >> (i * 8) & 0xff));
  }
  void Marked(unsigned mark, uint64_t value, size_t size) {
    Byte(mark);
    BigEndian(value, size);
  }
  void Number(lua_Number number);
  void Integer(int64_t value);
  void String(std::string_view text);
  void Header(size_t count, unsigned fixed, unsigned mark16);
  void Table(int level);
  bool IsArray(size_t* length);

  lua_State* lua_;
  std::string bytes_;
};

void Packer::Integer(int64_t value) {
  if (value >= 0) {
    const auto number = static_cast<uint64_t>(value);
    if (number <= 127) return Byte(static_cast<unsigned>(number));
    if (number <= 0xff) return Marked(0xcc, number, 1);
    if (number <= 0xffff) return Marked(0xcd, number, 2);
    if (number <= 0xffffffff) return Marked(0xce, number, 4);
    return Marked(0xcf, number, 8);
  }
  const auto bits = static_cast<uint64_t>(value);
  if (value >= -32) return Byte(static_cast<unsigned>(bits & 0xff));
  if (value >= INT8_MIN) return Marked(0xd0, bits, 1);
  if (value >= INT16_MIN) return Marked(0xd1, bits, 2);
  if (value >= INT32_MIN) return Marked(0xd2, bits, 4);
  Marked(0xd3, bits, 8);
}

void Packer::Number(lua_Number number) {
  if (number >= -9223372036854775808.0 && number < 9223372036854775808.0 && std::floor(number) == number) {
    return Integer(static_cast<int64_t>(number));
  }
  // A single holds it exactly, or it does not.
  const bool fits = std::isinf(number) || std::fabs(number) <= 3.4028234663852886e38;
  const auto single = fits ? static_cast<float>(number) : 0.0F;
  if (fits && static_cast<double>(single) == number) {
    uint32_t bits;
    std::memcpy(&bits, &single, sizeof(bits));
    return Marked(0xca, bits, 4);
  }
  uint64_t bits;
  std::memcpy(&bits, &number, sizeof(bits));
  Marked(0xcb, bits, 8);
}

void Packer::String(std::string_view text) {
  if (text.size() < 32) {
    Byte(0xa0 | static_cast<unsigned>(text.size()));
  } else if (text.size() <= 0xff) {
    Marked(0xd9, text.size(), 1);
  } else if (text.size() <= 0xffff) {
    Marked(0xda, text.size(), 2);
  } else {
    Marked(0xdb, text.size(), 4);
  }
  bytes_.append(text);
}

void Packer::Header(size_t count, unsigned fixed, unsigned mark16) {
  if (count <= 15) return Byte(fixed | static_cast<unsigned>(count));
  if (count <= 0xffff) return Marked(mark16, count, 2);
  Marked(mark16 + 1, count, 4);
}

// Its keys are 1 to n and nothing else; so is the empty table.
bool Packer::IsArray(size_t* length) {
  lua_Number maximum = 0;
  size_t count = 0;
  lua_pushnil(lua_);
  while (lua_next(lua_, -2) != 0) {
    lua_pop(lua_, 1);
    const lua_Number key = lua_type(lua_, -1) == LUA_TNUMBER ? lua_tonumber(lua_, -1) : 0;
    if (key < 1 || std::floor(key) != key) {
      lua_pop(lua_, 1);
      return false;
    }
    if (key > maximum) maximum = key;
    ++count;
  }
  *length = count;
  return maximum == static_cast<lua_Number>(count);
}

void Packer::Table(int level) {
  size_t length = 0;
  if (IsArray(&length)) {
    Header(length, 0x90, 0xdc);
    for (size_t i = 1; i <= length; ++i) {
      lua_rawgeti(lua_, -1, static_cast<int>(i));
      Value(level + 1);
    }
    return;
  }
  size_t count = 0;
  lua_pushnil(lua_);
  while (lua_next(lua_, -2) != 0) {
    lua_pop(lua_, 1);
    ++count;
  }
  Header(count, 0x80, 0xde);
  lua_pushnil(lua_);
  while (lua_next(lua_, -2) != 0) {
    lua_pushvalue(lua_, -2);
    Value(level + 1);
    Value(level + 1);
  }
}

void Packer::Value(int level) {
  luaL_checkstack(lua_, 5, "in function mp_encode_lua_type");
  if (bytes_.size() > kOutputBytesMax) luaL_error(lua_, "resulting string too large");
  switch (lua_type(lua_, -1)) {
    case LUA_TSTRING: {
      size_t bytes = 0;
      const char* text = lua_tolstring(lua_, -1, &bytes);
      String({text, bytes});
      break;
    }
    case LUA_TNUMBER: Number(lua_tonumber(lua_, -1)); break;
    case LUA_TBOOLEAN: Byte(lua_toboolean(lua_, -1) != 0 ? 0xc3 : 0xc2); break;
    case LUA_TTABLE:
      if (level < kNestingMax) {
        Table(level);
        break;
      }
      [[fallthrough]];
    default: Byte(0xc0);
  }
  lua_pop(lua_, 1);
}

int Pack(lua_State* lua) {
  const int count = lua_gettop(lua);
  if (count == 0) return luaL_argerror(lua, 0, "MessagePack pack needs input.");
  Packer packer(lua);
  for (int i = 1; i <= count; ++i) {
    luaL_checkstack(lua, 1, "in function mp_check");
    lua_pushvalue(lua, i);
    packer.Value(0);
  }
  lua_pushlstring(lua, packer.bytes().data(), packer.bytes().size());
  return 1;
}

class Unpacker {
 public:
  Unpacker(lua_State* lua, std::string_view bytes) : lua_(lua), bytes_(bytes) {}

  // Pushes the next value.
  void Value(int level);
  bool is_at_end() const { return place_ == bytes_.size(); }
  size_t place() const { return place_; }

 private:
  void Need(uint64_t count) {
    if (count > bytes_.size() - place_) luaL_error(lua_, "Missing bytes in input.");
  }
  uint64_t BigEndian(size_t size) {
    Need(size);
    uint64_t value = 0;
    for (size_t i = 0; i < size; ++i) value = value << 8 | static_cast<unsigned char>(bytes_[place_ + i]);
    place_ += size;
    return value;
  }
  void String(uint64_t size) {
    Need(size);
    lua_pushlstring(lua_, bytes_.data() + place_, size);
    place_ += size;
  }
  void Array(uint64_t count, int level);
  void Map(uint64_t count, int level);

  lua_State* lua_;
  std::string_view bytes_;
  size_t place_ = 0;
};

// A header may announce anything: tables grow with what is really there.
void Unpacker::Array(uint64_t count, int level) {
  lua_newtable(lua_);
  for (uint64_t i = 1; i <= count; ++i) {
    lua_pushnumber(lua_, static_cast<lua_Number>(i));
    Value(level + 1);
    lua_rawset(lua_, -3);
  }
}

void Unpacker::Map(uint64_t count, int level) {
  lua_newtable(lua_);
  for (uint64_t i = 0; i < count; ++i) {
    Value(level + 1);
    Value(level + 1);
    if (lua_isnil(lua_, -2)) luaL_error(lua_, "table index is nil");
    if (lua_type(lua_, -2) == LUA_TNUMBER && std::isnan(lua_tonumber(lua_, -2))) {
      luaL_error(lua_, "table index is NaN");
    }
    lua_rawset(lua_, -3);
  }
}

void Unpacker::Value(int level) {
  Need(1);
  if (level > kReadNestingMax) luaL_error(lua_, "Bad data format in input.");
  luaL_checkstack(lua_, 5, "too many return values at once; use unpack_one or unpack_limit instead.");
  const auto mark = static_cast<unsigned char>(bytes_[place_++]);
  if (mark <= 0x7f) return lua_pushnumber(lua_, mark);
  if (mark >= 0xe0) return lua_pushnumber(lua_, static_cast<int8_t>(mark));
  if ((mark & 0xe0) == 0xa0) return String(mark & 0x1f);
  if ((mark & 0xf0) == 0x90) return Array(mark & 0x0f, level);
  if ((mark & 0xf0) == 0x80) return Map(mark & 0x0f, level);
  switch (mark) {
    case 0xc0: return lua_pushnil(lua_);
    case 0xc2: return lua_pushboolean(lua_, 0);
    case 0xc3: return lua_pushboolean(lua_, 1);
    case 0xca: {
      const auto bits = static_cast<uint32_t>(BigEndian(4));
      float value;
      std::memcpy(&value, &bits, sizeof(value));
      return lua_pushnumber(lua_, static_cast<lua_Number>(value));
    }
    case 0xcb: {
      const uint64_t bits = BigEndian(8);
      double value;
      std::memcpy(&value, &bits, sizeof(value));
      return lua_pushnumber(lua_, value);
    }
    case 0xcc:
    case 0xcd:
    case 0xce: return lua_pushnumber(lua_, static_cast<lua_Number>(BigEndian(size_t{1} << (mark - 0xcc))));
    case 0xd0: return lua_pushnumber(lua_, static_cast<int8_t>(BigEndian(1)));
    case 0xd1: return lua_pushnumber(lua_, static_cast<int16_t>(BigEndian(2)));
    case 0xd2: return lua_pushnumber(lua_, static_cast<int32_t>(BigEndian(4)));
    case 0xcf:  // as clients know it: from 2^63 on it is negative
    case 0xd3: return lua_pushnumber(lua_, static_cast<lua_Number>(static_cast<int64_t>(BigEndian(8))));
    case 0xd9:
    case 0xc4: return String(BigEndian(1));
    case 0xda:
    case 0xc5: return String(BigEndian(2));
    case 0xdb:
    case 0xc6: return String(BigEndian(4));
    case 0xdc: return Array(BigEndian(2), level);
    case 0xdd: return Array(BigEndian(4), level);
    case 0xde: return Map(BigEndian(2), level);
    case 0xdf: return Map(BigEndian(4), level);
    default: luaL_error(lua_, "Bad data format in input.");
  }
}

// At most `limit` values from `offset` on (0: all). With a limit the offset to go on at comes first, or -1.
int UnpackFrom(lua_State* lua, lua_Integer limit, lua_Integer offset) {
  size_t size = 0;
  const char* bytes = luaL_checklstring(lua, 1, &size);
  if (offset < 0 || limit < 0) {
    // The number in the place of the limit is the length: known that way.
    return luaL_error(lua, "Invalid request to unpack with offset of %d and limit of %d.", static_cast<int>(offset),
                      static_cast<int>(size));
  }
  if (static_cast<size_t>(offset) > size) {
    return luaL_error(lua, "Start offset %d greater than input length %d.", static_cast<int>(offset),
                      static_cast<int>(size));
  }
  const bool is_full = limit == 0;
  lua_settop(lua, 1);
  Unpacker unpacker(lua, std::string_view(bytes, size).substr(static_cast<size_t>(offset)));
  int count = 0;
  while (!unpacker.is_at_end() && (is_full || count < limit)) {
    unpacker.Value(0);
    ++count;
  }
  if (is_full) return count;
  luaL_checkstack(lua, 1, "in function mp_unpack_full");
  const auto next = static_cast<lua_Number>(offset) + static_cast<lua_Number>(unpacker.place());
  lua_pushnumber(lua, unpacker.is_at_end() ? -1 : next);
  lua_insert(lua, 2);
  return count + 1;
}

int Unpack(lua_State* lua) { return UnpackFrom(lua, 0, 0); }
int UnpackOne(lua_State* lua) { return UnpackFrom(lua, 1, luaL_optinteger(lua, 2, 0)); }
int UnpackLimit(lua_State* lua) {
  const lua_Integer limit = luaL_checkinteger(lua, 2);
  return UnpackFrom(lua, limit, luaL_optinteger(lua, 3, 0));
}

constexpr luaL_Reg kFunctions[] = {
    {"pack", Pack}, {"unpack", Unpack}, {"unpack_limit", UnpackLimit}, {"unpack_one", UnpackOne}, {nullptr, nullptr}};

void SetText(lua_State* lua, const char* name, const char* text) {
  lua_pushstring(lua, text);
  lua_setfield(lua, -2, name);
}

}  // namespace

void OpenCmsgpack(lua_State* lua) {
  luaL_register(lua, "cmsgpack", kFunctions);
  SetText(lua, "_NAME", "cmsgpack");
  SetText(lua, "_VERSION", "lua-cmsgpack 0.4.0");
  SetText(lua, "_COPYRIGHT", "Copyright (C) 2012, Salvatore Sanfilippo");
  SetText(lua, "_DESCRIPTION", "MessagePack C implementation for Lua");
  lua_pop(lua, 1);
}

}  // namespace kvick

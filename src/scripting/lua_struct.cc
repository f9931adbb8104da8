// struct: packed binary records, in the format language of Lua's struct library:
//
//   > < big or little endian, ! alignment, b B h H l L T i I (with a size) f d numbers, s string with a zero byte,
//   c fixed characters (c0: as many as the number before says), x padding, blank nothing.
#include <cctype>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <lua.hpp>
#include <string>

#include "scripting/lua_libraries.h"

namespace kvick {
namespace {

constexpr size_t kIntegerBytesMax = 32;
constexpr size_t kNativeAlign = 8;

class Format {
 public:
  Format(lua_State* lua, const char* text) : lua_(lua), text_(text) {}

  // The next option, or zero at the end. What only changes the rules is returned too.
  char Next() { return *text_ == '\0' ? '\0' : *text_++; }

  // The bytes of an option; control options and unknown ones have none.
  size_t SizeOf(char option) {
    switch (option) {
      case 'B':
      case 'b':
      case 'x': return 1;
      case 'H':
      case 'h': return sizeof(int16_t);
      case 'L':
      case 'l': return sizeof(long);
      case 'T': return sizeof(size_t);
      case 'f': return sizeof(float);
      case 'd': return sizeof(double);
      case 'c': return Number(1);
      case 'i':
      case 'I': {
        const size_t size = Number(sizeof(int));
        if (size > kIntegerBytesMax) {
          luaL_error(lua_, "integral size %d is larger than limit of %d", static_cast<int>(size),
                     static_cast<int>(kIntegerBytesMax));
        }
        return size;
      }
      default: return 0;
    }
  }

  void Control(char option) {
    switch (option) {
      case ' ': return;
      case '>': is_little_ = false; return;
      case '<': is_little_ = true; return;
      case '!': {
        const size_t align = Number(kNativeAlign);
        if (align == 0 || (align & (align - 1)) != 0) {
          luaL_error(lua_, "alignment %d is not a power of 2", static_cast<int>(align));
        }
        align_ = align;
        return;
      }
      default: {
        char text[40];
        std::snprintf(text, sizeof(text), "invalid format option '%c'", option);
        luaL_argerror(lua_, 1, text);
      }
    }
  }

  // How many bytes of padding an option needs at a place.
  size_t Padding(size_t place, char option, size_t size) const {
    if (size == 0 || option == 'c') return 0;
    const size_t align = size < align_ ? size : align_;
    return align > 1 ? (align - (place & (align - 1))) & (align - 1) : 0;
  }

  bool is_little() const { return is_little_; }

 private:
  size_t Number(size_t otherwise) {
    if (std::isdigit(static_cast<unsigned char>(*text_)) == 0) return otherwise;
    size_t number = 0;
    while (std::isdigit(static_cast<unsigned char>(*text_)) != 0) {
      number = number * 10 + static_cast<size_t>(*text_++ - '0');
      if (number > INT32_MAX) luaL_error(lua_, "integral size overflow");
    }
    return number;
  }

  lua_State* lua_;
  const char* text_;
  size_t align_ = 1;
  bool is_little_ = true;
};

uint64_t ToInteger(lua_State* lua, int index) {
  const lua_Number number = luaL_checknumber(lua, index);
  if (number < 0) {
    return number >= -9223372036854775808.0 ? static_cast<uint64_t>(static_cast<int64_t>(number)) : uint64_t{1} << 63;
  }
  return number < 18446744073709551616.0 ? static_cast<uint64_t>(number) : uint64_t{1} << 63;
}

void AppendInteger(std::string* out, uint64_t value, size_t size, bool is_little) {
  char bytes[kIntegerBytesMax] = {};
  for (size_t i = 0; i < size; ++i) {
    const size_t shift = i * 8;
    bytes[is_little ? i : size - 1 - i] = static_cast<char>(shift < 64 ? value >> shift : 0);
  }
  out->append(bytes, size);
}

void AppendReal(std::string* out, const void* value, size_t size, bool is_little) {
  char bytes[sizeof(double)];
  std::memcpy(bytes, value, size);
  for (size_t i = 0; i < size; ++i) out->push_back(bytes[is_little ? i : size - 1 - i]);
}

int Pack(lua_State* lua) {
  Format format(lua, luaL_checkstring(lua, 1));
  std::string out;
  int index = 2;
  // What luaL_check… says of an argument that is not there.
  lua_pushnil(lua);
  while (const char option = format.Next()) {
    size_t size = format.SizeOf(option);
    out.append(format.Padding(out.size(), option, size), '\0');
    switch (option) {
      case 'b':
      case 'B':
      case 'h':
      case 'H':
      case 'l':
      case 'L':
      case 'T':
      case 'i':
      case 'I': AppendInteger(&out, ToInteger(lua, index++), size, format.is_little()); break;
      case 'x': out.push_back('\0'); break;
      case 'f': {
        const auto value = static_cast<float>(luaL_checknumber(lua, index++));
        AppendReal(&out, &value, size, format.is_little());
        break;
      }
      case 'd': {
        const double value = luaL_checknumber(lua, index++);
        AppendReal(&out, &value, size, format.is_little());
        break;
      }
      case 'c':
      case 's': {
        size_t bytes = 0;
        const char* text = luaL_checklstring(lua, index++, &bytes);
        if (size == 0) size = bytes;
        luaL_argcheck(lua, bytes >= size, index, "string too short");
        out.append(text, size);
        if (option == 's') out.push_back('\0');
        break;
      }
      default: format.Control(option);
    }
    if (out.size() > LuaState::kMemoryMax / 2) return luaL_error(lua, "resulting string too large");
  }
  lua_pushlstring(lua, out.data(), out.size());
  return 1;
}

lua_Number ReadInteger(const char* bytes, size_t size, bool is_little, bool is_signed) {
  uint64_t value = 0;
  const size_t used = size < sizeof(value) ? size : sizeof(value);
  for (size_t i = 0; i < used; ++i) {
    value |= static_cast<uint64_t>(static_cast<unsigned char>(bytes[is_little ? i : size - 1 - i])) << (i * 8);
  }
  if (!is_signed) return static_cast<lua_Number>(value);
  if (used < sizeof(value) && used > 0 && (value >> (used * 8 - 1) & 1) != 0) value |= ~uint64_t{0} << (used * 8);
  return static_cast<lua_Number>(static_cast<int64_t>(value));
}

template <typename Real>
Real ReadReal(const char* bytes, bool is_little) {
  char ordered[sizeof(Real)];
  for (size_t i = 0; i < sizeof(Real); ++i) ordered[i] = bytes[is_little ? i : sizeof(Real) - 1 - i];
  Real value;
  std::memcpy(&value, ordered, sizeof(Real));
  return value;
}

int Unpack(lua_State* lua) {
  Format format(lua, luaL_checkstring(lua, 1));
  size_t data_bytes = 0;
  const char* data = luaL_checklstring(lua, 2, &data_bytes);
  const lua_Integer begin = luaL_optinteger(lua, 3, 1);
  luaL_argcheck(lua, begin != 0, 3, "offset must be 1 or greater");
  // A negative offset is one far behind the end.
  size_t place = static_cast<size_t>(begin) - 1;
  int count = 0;
  lua_settop(lua, 2);
  const auto need = [&](size_t size) {
    luaL_argcheck(lua, place <= data_bytes && size <= data_bytes - place, 2, "data string too short");
  };
  while (const char option = format.Next()) {
    size_t size = format.SizeOf(option);
    const size_t padding = format.Padding(place, option, size);
    need(0);
    need(padding);
    place += padding;
    need(size);
    luaL_checkstack(lua, 2, "too many results");
    switch (option) {
      case 'b':
      case 'B':
      case 'h':
      case 'H':
      case 'l':
      case 'L':
      case 'T':
      case 'i':
      case 'I':
        lua_pushnumber(lua, ReadInteger(data + place, size, format.is_little(), option >= 'a'));
        ++count;
        break;
      case 'x': break;
      case 'f':
        lua_pushnumber(lua, static_cast<lua_Number>(ReadReal<float>(data + place, format.is_little())));
        ++count;
        break;
      case 'd':
        lua_pushnumber(lua, ReadReal<double>(data + place, format.is_little()));
        ++count;
        break;
      case 'c':
        if (size == 0) {
          if (count == 0 || lua_isnumber(lua, -1) == 0) return luaL_error(lua, "format 'c0' needs a previous size");
          const lua_Number wanted = lua_tonumber(lua, -1);
          luaL_argcheck(lua, wanted >= 0 && wanted <= static_cast<lua_Number>(data_bytes - place), 2,
                        "data string too short");
          size = static_cast<size_t>(wanted);
          lua_pop(lua, 1);
          --count;
        }
        lua_pushlstring(lua, data + place, size);
        ++count;
        break;
      case 's': {
        const void* end = std::memchr(data + place, '\0', data_bytes - place);
        if (end == nullptr) return luaL_error(lua, "unfinished string in data");
        const auto length = static_cast<size_t>(static_cast<const char*>(end) - (data + place));
        lua_pushlstring(lua, data + place, length);
        size = length + 1;
        ++count;
        break;
      }
      default: format.Control(option);
    }
    place += size;
  }
  lua_pushinteger(lua, static_cast<lua_Integer>(place + 1));
  return count + 1;
}

int Size(lua_State* lua) {
  Format format(lua, luaL_checkstring(lua, 1));
  size_t place = 0;
  while (const char option = format.Next()) {
    const size_t size = format.SizeOf(option);
    if (option == 's') luaL_argerror(lua, 1, "option 's' has no fixed size");
    if (option == 'c' && size == 0) luaL_argerror(lua, 1, "option 'c0' has no fixed size");
    place += format.Padding(place, option, size) + size;
    if (std::isalnum(static_cast<unsigned char>(option)) == 0) format.Control(option);
  }
  lua_pushinteger(lua, static_cast<lua_Integer>(place));
  return 1;
}

constexpr luaL_Reg kFunctions[] = {{"pack", Pack}, {"size", Size}, {"unpack", Unpack}, {nullptr, nullptr}};

}  // namespace

void OpenStruct(lua_State* lua) {
  luaL_register(lua, "struct", kFunctions);
  lua_pop(lua, 1);
}

}  // namespace kvick

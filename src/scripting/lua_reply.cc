#include "scripting/lua_reply.h"

#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <lua.hpp>
#include <string>

namespace kvick {
namespace {

// Reads a reply of our own making: its form is beyond doubt.
class ReplyReader {
 public:
  ReplyReader(lua_State* lua, std::string_view bytes) : lua_(lua), bytes_(bytes) {}

  void Push();

 private:
  std::string_view Line() {
    const size_t end = bytes_.find('\r', place_);
    const std::string_view line = bytes_.substr(place_, end - place_);
    place_ = end + 2;
    return line;
  }
  static int64_t Integer(std::string_view line) {
    int64_t value = 0;
    std::from_chars(line.data(), line.data() + line.size(), value);
    return value;
  }
  std::string_view Bytes(int64_t count) {
    const std::string_view bytes = bytes_.substr(place_, static_cast<size_t>(count));
    place_ += static_cast<size_t>(count) + 2;
    return bytes;
  }
  void PushText(std::string_view text) { lua_pushlstring(lua_, text.data(), text.size()); }
  // {name = text}
  void PushNamed(const char* name, std::string_view text) {
    lua_createtable(lua_, 0, 1);
    PushText(text);
    lua_setfield(lua_, -2, name);
  }
  // {name = the table on the top}
  void WrapIn(const char* name) {
    lua_createtable(lua_, 0, 1);
    lua_insert(lua_, -2);
    lua_setfield(lua_, -2, name);
  }
  void PushArray(int64_t count);

  lua_State* lua_;
  std::string_view bytes_;
  size_t place_ = 0;
};

void ReplyReader::PushArray(int64_t count) {
  lua_createtable(lua_, static_cast<int>(count), 0);
  for (int i = 1; i <= count; ++i) {
    Push();
    lua_rawseti(lua_, -2, i);
  }
}

void ReplyReader::Push() {
  luaL_checkstack(lua_, 6, "reply nested too deep");
  const char type = bytes_[place_++];
  const std::string_view line = Line();
  switch (type) {
    case '+': return PushNamed("ok", line);
    case '-': return PushNamed("err", line);
    case ':': return lua_pushnumber(lua_, static_cast<lua_Number>(Integer(line)));
    case '$': {
      const int64_t size = Integer(line);
      if (size < 0) return lua_pushboolean(lua_, 0);
      return PushText(Bytes(size));
    }
    case '*': {
      const int64_t count = Integer(line);
      if (count < 0) return lua_pushboolean(lua_, 0);
      return PushArray(count);
    }
    case '>': return PushArray(Integer(line));
    case '%': {
      const int64_t count = Integer(line);
      lua_createtable(lua_, 0, static_cast<int>(count));
      for (int64_t i = 0; i < count; ++i) {
        Push();
        Push();
        lua_rawset(lua_, -3);
      }
      return WrapIn("map");
    }
    case '~': {
      const int64_t count = Integer(line);
      lua_createtable(lua_, 0, static_cast<int>(count));
      for (int64_t i = 0; i < count; ++i) {
        Push();
        lua_pushboolean(lua_, 1);
        lua_rawset(lua_, -3);
      }
      return WrapIn("set");
    }
    case '_': return lua_pushnil(lua_);
    case '#': return lua_pushboolean(lua_, line == "t" ? 1 : 0);
    case ',':
      lua_createtable(lua_, 0, 1);
      lua_pushnumber(lua_, std::strtod(std::string(line).c_str(), nullptr));
      return lua_setfield(lua_, -2, "double");
    case '(': return PushNamed("big_number", line);
    case '=': {
      const std::string_view text = Bytes(Integer(line));
      PushNamed("format", text.substr(0, 3));
      PushText(text.substr(4));
      lua_setfield(lua_, -2, "string");
      return WrapIn("verbatim_string");
    }
    case '|': {
      // An attribute says something of the value behind it; scripts see the value.
      for (int64_t i = 2 * Integer(line); i > 0; --i) {
        Push();
        lua_pop(lua_, 1);
      }
      return Push();
    }
    default: luaL_error(lua_, "unknown reply type"); return;
  }
}

// A line of the protocol cannot hold line breaks.
std::string OneLine(std::string_view text) {
  std::string line(text);
  for (char& c : line) {
    if (c == '\r' || c == '\n') c = ' ';
  }
  return line;
}

std::string_view TextAt(lua_State* lua, int index) {
  size_t bytes = 0;
  const char* text = lua_tolstring(lua, index, &bytes);
  return {text, bytes};
}

class ReplyBuilder {
 public:
  ReplyBuilder(lua_State* lua, int script_protocol, ReplyWriter& reply, const ErrorListener& on_error)
      : lua_(lua), script_protocol_(script_protocol), reply_(reply), on_error_(on_error) {}

  // The value on the top; takes it away.
  void Write();

 private:
  // Pushes a field of the table on the top and says whether it has that type; pops it otherwise.
  bool Field(const char* name, int type) {
    lua_pushstring(lua_, name);
    lua_rawget(lua_, -2);
    if (lua_type(lua_, -1) == type) return true;
    lua_pop(lua_, 1);
    return false;
  }
  void WriteTable();
  void WriteArray();
  void WriteMap();
  void WriteSet();
  bool WriteVerbatim();
  size_t CountPairs() {
    size_t count = 0;
    lua_pushnil(lua_);
    while (lua_next(lua_, -2) != 0) {
      lua_pop(lua_, 1);
      ++count;
    }
    return count;
  }

  lua_State* lua_;
  const int script_protocol_;
  ReplyWriter& reply_;
  const ErrorListener& on_error_;
};

// Numbers lose their fraction; what no integer holds becomes the smallest, as it always did.
int64_t Truncate(lua_Number number) {
  const bool fits = number >= -9223372036854775808.0 && number < 9223372036854775808.0;
  return fits ? static_cast<int64_t>(number) : INT64_MIN;
}

// As an array: up to the first nil.
void ReplyBuilder::WriteArray() {
  size_t count = 0;
  while (true) {
    lua_rawgeti(lua_, -1, static_cast<int>(count + 1));
    const bool is_end = lua_isnil(lua_, -1);
    lua_pop(lua_, 1);
    if (is_end) break;
    ++count;
  }
  reply_.Array(count);
  for (size_t i = 1; i <= count; ++i) {
    lua_rawgeti(lua_, -1, static_cast<int>(i));
    Write();
  }
}

void ReplyBuilder::WriteMap() {
  reply_.Map(CountPairs());
  lua_pushnil(lua_);
  while (lua_next(lua_, -2) != 0) {
    lua_pushvalue(lua_, -2);
    Write();
    Write();
  }
}

void ReplyBuilder::WriteSet() {
  reply_.Set(CountPairs());
  lua_pushnil(lua_);
  while (lua_next(lua_, -2) != 0) {
    lua_pop(lua_, 1);
    lua_pushvalue(lua_, -1);
    Write();
  }
}

bool ReplyBuilder::WriteVerbatim() {
  if (!Field("format", LUA_TSTRING)) return false;
  std::string format(TextAt(lua_, -1));
  format.resize(3, ' ');
  lua_pop(lua_, 1);
  if (!Field("string", LUA_TSTRING)) return false;
  reply_.Verbatim(TextAt(lua_, -1), format);
  lua_pop(lua_, 1);
  return true;
}

void ReplyBuilder::WriteTable() {
  if (Field("err", LUA_TSTRING)) {
    reply_.Error(TextAt(lua_, -1));
    lua_pushliteral(lua_, "ignore_error_stats_update");
    lua_rawget(lua_, -3);
    const bool was_counted = lua_toboolean(lua_, -1) != 0;
    lua_pop(lua_, 1);
    on_error_(TextAt(lua_, -1), was_counted);
  } else if (Field("ok", LUA_TSTRING)) {
    reply_.Simple(OneLine(TextAt(lua_, -1)));
  } else if (Field("double", LUA_TNUMBER)) {
    reply_.Double(lua_tonumber(lua_, -1));
  } else if (Field("map", LUA_TTABLE)) {
    WriteMap();
  } else if (Field("set", LUA_TTABLE)) {
    WriteSet();
  } else if (Field("big_number", LUA_TSTRING)) {
    reply_.BigNumber(OneLine(TextAt(lua_, -1)));
  } else {
    if (Field("verbatim_string", LUA_TTABLE)) {
      const bool is_written = WriteVerbatim();
      lua_pop(lua_, 1);
      if (is_written) return;
    }
    return WriteArray();
  }
  lua_pop(lua_, 1);  // the field
}

void ReplyBuilder::Write() {
  if (lua_checkstack(lua_, 6) == 0) {
    reply_.Error("ERR reached lua stack limit");
    lua_pop(lua_, 1);
    return;
  }
  switch (lua_type(lua_, -1)) {
    case LUA_TSTRING: reply_.Bulk(TextAt(lua_, -1)); break;
    case LUA_TNUMBER: reply_.Integer(Truncate(lua_tonumber(lua_, -1))); break;
    case LUA_TBOOLEAN: {
      const bool value = lua_toboolean(lua_, -1) != 0;
      if (script_protocol_ == 3) {
        reply_.Boolean(value);
      } else {
        value ? reply_.Integer(1) : reply_.Null();
      }
      break;
    }
    case LUA_TTABLE: WriteTable(); break;
    default: reply_.Null(); break;
  }
  lua_pop(lua_, 1);
}

}  // namespace

void PushReply(lua_State* lua, std::string_view reply) { ReplyReader(lua, reply).Push(); }

void WriteReply(lua_State* lua, int script_protocol, ReplyWriter& reply, const ErrorListener& on_error) {
  ReplyBuilder(lua, script_protocol, reply, on_error).Write();
}

}  // namespace kvick

#include "scripting/debug_text.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <lua.hpp>
#include <utility>

#include "base/bytes.h"
#include "scripting/lua_sandbox.h"

namespace kvick {
namespace {

// Tables within tables are shown so deep.
constexpr int kDepthMax = 10;
constexpr size_t kFormatBytes = 4;  // "txt:" in front of a verbatim string
constexpr std::string_view kTooDeep = "<max recursion level reached! Nested table?>";

void AppendValue(lua_State* lua, int index, int depth, std::string* out);

// A list is shown without its indices, as far as the table's own order is that of a list.
void AppendTable(lua_State* lua, int index, int depth, std::string* out) {
  luaL_checkstack(lua, 4, "table is nested too deep");
  if (PushReal(lua, index)) {
    lua_replace(lua, index);
  }
  std::string as_list;
  std::string as_map;
  bool is_list = true;
  lua_Number expected = 1;
  for (lua_pushnil(lua); lua_next(lua, index) != 0; lua_pop(lua, 1)) {
    const int top = lua_gettop(lua);
    is_list = is_list && lua_type(lua, top - 1) == LUA_TNUMBER && lua_tonumber(lua, top - 1) == expected;
    expected += 1;
    std::string value;
    AppendValue(lua, top, depth, &value);
    if (is_list) {
      as_list += value;
      as_list += "; ";
    }
    as_map += '[';
    AppendValue(lua, top - 1, depth, &as_map);
    as_map += "]=";
    as_map += value;
    as_map += "; ";
  }
  std::string& text = is_list ? as_list : as_map;
  if (!text.empty()) text.resize(text.size() - 2);
  *out += '{';
  *out += text;
  *out += '}';
}

void AppendValue(lua_State* lua, int index, int depth, std::string* out) {
  if (depth == kDepthMax) {
    *out += kTooDeep;
    return;
  }
  char text[64];
  const int type = lua_type(lua, index);
  switch (type) {
    case LUA_TSTRING: {
      size_t size = 0;
      const char* bytes = lua_tolstring(lua, index, &size);
      *out += QuoteArgument({bytes, size});
      return;
    }
    case LUA_TBOOLEAN: *out += lua_toboolean(lua, index) != 0 ? "true" : "false"; return;
    case LUA_TNUMBER:
      std::snprintf(text, sizeof(text), "%g", lua_tonumber(lua, index));
      *out += text;
      return;
    case LUA_TNIL: *out += "nil"; return;
    case LUA_TTABLE:
      // A copy of the reference: what it stands for may take its place.
      lua_pushvalue(lua, index);
      AppendTable(lua, lua_gettop(lua), depth + 1, out);
      lua_pop(lua, 1);
      return;
    default:
      std::snprintf(text, sizeof(text), "\"%s@%p\"", type == LUA_TLIGHTUSERDATA ? "userdata" : lua_typename(lua, type),
                    lua_topointer(lua, index));
      *out += text;
  }
}

// Takes the next line's text behind its type.
std::string_view TakeLine(std::string_view* reply) {
  const size_t end = reply->find("\r\n");
  const std::string_view line = reply->substr(0, end);
  reply->remove_prefix(end == std::string_view::npos ? reply->size() : end + 2);
  return line;
}

long TakeCount(std::string_view line) { return std::strtol(std::string(line.substr(1)).c_str(), nullptr, 10); }

// Replies are our own commands': well formed, and nested as little as these nest.
void AppendReply(std::string_view* reply, std::string* out) {
  const auto append_items = [&](long count, std::string_view opening, std::string_view closing, bool has_values) {
    *out += opening;
    for (long i = 0; i < count; ++i) {
      if (i > 0) *out += ',';
      AppendReply(reply, out);
      if (!has_values) continue;
      *out += " => ";
      AppendReply(reply, out);
    }
    *out += closing;
  };
  const std::string_view line = TakeLine(reply);
  if (line.empty()) return;
  const std::string_view text = line.substr(1);
  switch (line[0]) {
    case '+':
    case '-': *out += QuoteArgument(line); return;
    case ':': *out += text; return;
    case '$':
    case '=': {
      const long size = TakeCount(line);
      if (size < 0) {
        *out += "NULL";
        return;
      }
      const size_t format_bytes = line[0] == '=' ? std::min<size_t>(kFormatBytes, static_cast<size_t>(size)) : 0;
      *out += QuoteArgument(reply->substr(format_bytes, static_cast<size_t>(size) - format_bytes));
      reply->remove_prefix(static_cast<size_t>(size) + 2);
      return;
    }
    case '*':
    case '>': {
      const long count = TakeCount(line);
      if (count < 0) {
        *out += "NULL";
        return;
      }
      return append_items(count, "[", "]", false);
    }
    case '~': return append_items(TakeCount(line), "~(", ")", false);
    case '%': return append_items(TakeCount(line), "{", "}", true);
    case '_': *out += "(null)"; return;
    case '#': *out += text == "t" ? "#true" : "#false"; return;
    case ',':
      *out += "(double) ";
      *out += text;
      return;
    case '(':
      *out += "(big number) ";
      *out += text;
      return;
    default: return;
  }
}

}  // namespace

std::string DescribeValue(lua_State* lua, int index) {
  std::string text;
  AppendValue(lua, index < 0 ? lua_gettop(lua) + 1 + index : index, 0, &text);
  return text;
}

std::string DescribeReply(std::string_view reply) {
  std::string text;
  AppendReply(&reply, &text);
  return text;
}

}  // namespace kvick

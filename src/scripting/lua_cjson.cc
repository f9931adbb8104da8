// cjson: JSON as scripts of this protocol know it (the interface and the error texts of lua-cjson 2.1).
//
// Written here instead of linking lua-cjson because that ends the process when memory runs out, and knows nothing of
// decode_array_with_array_mt.
#include <strings.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <lua.hpp>
#include <new>
#include <string>
#include <string_view>

#include "scripting/lua_libraries.h"

namespace kvick {
namespace {

constexpr size_t kOutputBytesMax = size_t{512} << 20;

char array_metatable_key;  // registry: marks tables that are arrays even when empty

enum class InvalidNumbers : int { kRefuse = 0, kAllow = 1, kNull = 2 };

char options_key;  // registry: the options of the instance that all scripts share

// The options of one instance (cjson, or what cjson.new() gave); the upvalue of all its functions.
struct Options {
  bool converts_sparse = false;
  int sparse_ratio = 2;
  int sparse_safe = 10;
  int encode_depth_max = 1000;
  int decode_depth_max = 1000;
  int precision = 14;
  bool keeps_buffer = true;
  InvalidNumbers encode_invalid = InvalidNumbers::kRefuse;
  InvalidNumbers decode_invalid = InvalidNumbers::kAllow;
  bool marks_arrays = false;
};

Options& OptionsOf(lua_State* lua) { return *static_cast<Options*>(lua_touserdata(lua, lua_upvalueindex(1))); }

void PushArrayMetatable(lua_State* lua) {
  lua_pushlightuserdata(lua, &array_metatable_key);
  lua_rawget(lua, LUA_REGISTRYINDEX);
}

// ---------------------------------------------------------------------------------------------------- encoding

class Encoder {
 public:
  Encoder(lua_State* lua, const Options& options) : lua_(lua), options_(options) {}

  // The value on the top.
  void Value(int depth);
  const std::string& text() const { return text_; }

 private:
  void Refuse(const char* reason) {
    luaL_error(lua_, "Cannot serialise %s: %s", lua_typename(lua_, lua_type(lua_, -1)), reason);
  }
  void Append(std::string_view bytes) {
    if (text_.size() + bytes.size() > kOutputBytesMax) luaL_error(lua_, "resulting string too large");
    text_.append(bytes);
  }
  void String(std::string_view bytes);
  void Number(lua_Number number);
  void NumberText(lua_Number number) {
    char text[64];
    const int size = std::snprintf(text, sizeof(text), "%.*g", options_.precision, number);
    Append({text, static_cast<size_t>(size)});
  }
  // The length of the table on the top as an array; -1 when it is an object.
  int64_t ArrayLength();
  bool IsMarkedArray();
  void Array(int64_t length, int depth);
  void Object(int depth);
  void CheckDepth(int depth) {
    if (depth <= options_.encode_depth_max && lua_checkstack(lua_, 4) != 0) return;
    luaL_error(lua_, "Cannot serialise, excessive nesting (%d)", depth);
  }

  lua_State* lua_;
  const Options& options_;
  std::string text_;
};

void Encoder::String(std::string_view bytes) {
  static constexpr char kHex[] = "0123456789abcdef";
  Append("\"");
  size_t done = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    const auto c = static_cast<unsigned char>(bytes[i]);
    if (c >= 0x20 && c != '"' && c != '\\' && c != '/' && c != 0x7f) continue;
    Append(bytes.substr(done, i - done));
    done = i + 1;
    char escape[6] = {'\\', 'u', '0', '0', kHex[c >> 4], kHex[c & 15]};
    size_t size = 2;
    switch (c) {
      case '\b': escape[1] = 'b'; break;
      case '\t': escape[1] = 't'; break;
      case '\n': escape[1] = 'n'; break;
      case '\f': escape[1] = 'f'; break;
      case '\r': escape[1] = 'r'; break;
      case '"':
      case '\\':
      case '/': escape[1] = static_cast<char>(c); break;
      default: size = 6;
    }
    Append({escape, size});
  }
  Append(bytes.substr(done));
  Append("\"");
}

void Encoder::Number(lua_Number number) {
  if (std::isfinite(number)) return NumberText(number);
  if (options_.encode_invalid == InvalidNumbers::kNull) return Append("null");
  if (options_.encode_invalid == InvalidNumbers::kRefuse) return Refuse("must not be NaN or Inf");
  Append(std::isnan(number) ? "nan" : number > 0 ? "inf" : "-inf");
}

bool Encoder::IsMarkedArray() {
  if (lua_getmetatable(lua_, -1) == 0) return false;
  PushArrayMetatable(lua_);
  const bool is_marked = lua_rawequal(lua_, -1, -2) != 0;
  lua_pop(lua_, 2);
  return is_marked;
}

int64_t Encoder::ArrayLength() {
  lua_Number maximum = 0;
  int64_t count = 0;
  lua_pushnil(lua_);
  while (lua_next(lua_, -2) != 0) {
    const lua_Number key = lua_type(lua_, -2) == LUA_TNUMBER ? lua_tonumber(lua_, -2) : 0;
    if (key < 1 || std::floor(key) != key || key > static_cast<lua_Number>(INT32_MAX)) {
      lua_pop(lua_, 2);
      return -1;
    }
    if (key > maximum) maximum = key;
    ++count;
    lua_pop(lua_, 1);
  }
  const auto length = static_cast<int64_t>(maximum);
  if (options_.sparse_ratio > 0 && length > count * options_.sparse_ratio && length > options_.sparse_safe) {
    if (!options_.converts_sparse) Refuse("excessively sparse array");
    return -1;
  }
  return length;
}

void Encoder::Array(int64_t length, int depth) {
  Append("[");
  for (int64_t i = 1; i <= length; ++i) {
    if (i > 1) Append(",");
    lua_rawgeti(lua_, -1, static_cast<int>(i));
    Value(depth);
    lua_pop(lua_, 1);
  }
  Append("]");
}

void Encoder::Object(int depth) {
  Append("{");
  bool is_first = true;
  lua_pushnil(lua_);
  while (lua_next(lua_, -2) != 0) {
    if (!is_first) Append(",");
    is_first = false;
    const int key_type = lua_type(lua_, -2);
    if (key_type == LUA_TNUMBER) {
      Append("\"");
      NumberText(lua_tonumber(lua_, -2));
      Append("\"");
    } else if (key_type == LUA_TSTRING) {
      size_t bytes = 0;
      const char* text = lua_tolstring(lua_, -2, &bytes);
      String({text, bytes});
    } else {
      lua_pop(lua_, 1);
      Refuse("table key must be a number or string");
    }
    Append(":");
    Value(depth);
    lua_pop(lua_, 1);
  }
  Append("}");
}

void Encoder::Value(int depth) {
  switch (lua_type(lua_, -1)) {
    case LUA_TSTRING: {
      size_t bytes = 0;
      const char* text = lua_tolstring(lua_, -1, &bytes);
      return String({text, bytes});
    }
    case LUA_TNUMBER: return Number(lua_tonumber(lua_, -1));
    case LUA_TBOOLEAN: return Append(lua_toboolean(lua_, -1) != 0 ? "true" : "false");
    case LUA_TNIL: return Append("null");
    case LUA_TLIGHTUSERDATA:
      if (lua_touserdata(lua_, -1) == nullptr) return Append("null");
      break;
    case LUA_TTABLE: {
      CheckDepth(depth + 1);
      if (IsMarkedArray()) return Array(static_cast<int64_t>(lua_objlen(lua_, -1)), depth + 1);
      const int64_t length = ArrayLength();
      return length > 0 ? Array(length, depth + 1) : Object(depth + 1);
    }
    default: break;
  }
  Refuse("type not supported");
}

int Encode(lua_State* lua) {
  luaL_argcheck(lua, lua_gettop(lua) == 1, 1, "expected 1 argument");
  Encoder encoder(lua, OptionsOf(lua));
  encoder.Value(0);
  lua_pushlstring(lua, encoder.text().data(), encoder.text().size());
  return 1;
}

// ---------------------------------------------------------------------------------------------------- decoding

class Decoder {
 public:
  Decoder(lua_State* lua, const Options& options, std::string_view text) : lua_(lua), options_(options), text_(text) {}

  // Pushes the value of the whole text.
  void Run() {
    Next();
    Value();
    Next();
    if (token_ != Token::kEnd) Fail("the end");
  }

 private:
  enum class Token {
    kObjectBegin,
    kObjectEnd,
    kArrayBegin,
    kArrayEnd,
    kString,
    kNumber,
    kBoolean,
    kNull,
    kColon,
    kComma,
    kEnd,
    kError
  };

  void Fail(const char* expected) {
    static constexpr const char* kNames[] = {"T_OBJ_BEGIN", "T_OBJ_END", "T_ARR_BEGIN", "T_ARR_END",
                                             "T_STRING",    "T_NUMBER",  "T_BOOLEAN",   "T_NULL",
                                             "T_COLON",     "T_COMMA",   "T_END"};
    const char* found = token_ == Token::kError ? problem_ : kNames[static_cast<size_t>(token_)];
    luaL_error(lua_, "Expected %s but found %s at character %d", expected, found, static_cast<int>(token_begin_ + 1));
  }
  void SetError(const char* problem, size_t at) {
    token_ = Token::kError;
    problem_ = problem;
    token_begin_ = at;
  }
  // The byte at a place; zero behind the end, where the interpreter keeps one.
  char At(size_t place) const { return place < text_.size() ? text_[place] : '\0'; }

  void Next();
  void NextString();
  void NextNumber();
  bool IsInvalidNumber() const;
  bool StartsWith(std::string_view word) const { return text_.substr(place_, word.size()) == word; }
  int HexDigits(size_t place) const;
  bool AppendUnicode();
  void AppendUtf8(uint32_t code);

  void Value();
  void Object();
  void Array();
  void Descend() {
    ++depth_;
    if (depth_ <= options_.decode_depth_max && lua_checkstack(lua_, 4) != 0) return;
    luaL_error(lua_, "Found too many nested data structures (%d) at character %d", depth_, static_cast<int>(place_));
  }

  lua_State* lua_;
  const Options& options_;
  std::string_view text_;
  size_t place_ = 0;
  int depth_ = 0;
  Token token_ = Token::kEnd;
  size_t token_begin_ = 0;
  std::string string_;
  lua_Number number_ = 0;
  bool boolean_ = false;
  const char* problem_ = nullptr;
};

void Decoder::Next() {
  while (At(place_) == ' ' || At(place_) == '\t' || At(place_) == '\n' || At(place_) == '\r') ++place_;
  token_begin_ = place_;
  // A zero byte ends the text as well.
  if (At(place_) == '\0') {
    token_ = Token::kEnd;
    return;
  }
  const char c = text_[place_];
  const auto single = [this](Token token) {
    token_ = token;
    ++place_;
  };
  switch (c) {
    case '{': return single(Token::kObjectBegin);
    case '}': return single(Token::kObjectEnd);
    case '[': return single(Token::kArrayBegin);
    case ']': return single(Token::kArrayEnd);
    case ',': return single(Token::kComma);
    case ':': return single(Token::kColon);
    case '"': return NextString();
    default: break;
  }
  const bool allows_invalid = options_.decode_invalid != InvalidNumbers::kRefuse;
  if (c == '-' || (c >= '0' && c <= '9')) {
    if (!allows_invalid && IsInvalidNumber()) return SetError("invalid number", place_);
    return NextNumber();
  }
  if (StartsWith("true") || StartsWith("false")) {
    token_ = Token::kBoolean;
    boolean_ = c == 't';
    place_ += boolean_ ? 4 : 5;
  } else if (StartsWith("null")) {
    token_ = Token::kNull;
    place_ += 4;
  } else if (allows_invalid && IsInvalidNumber()) {
    NextNumber();
  } else {
    SetError("invalid token", place_);
  }
}

// What strtod takes and JSON does not: a plus sign, leading zeros, hexadecimal, infinity, not a number.
bool Decoder::IsInvalidNumber() const {
  size_t place = place_;
  if (At(place) == '+') return true;
  if (At(place) == '-') ++place;
  if (At(place) == '0') {
    const char second = At(place + 1);
    return second == 'x' || second == 'X' || (second >= '0' && second <= '9');
  }
  if (At(place) <= '9') return false;
  const std::string word(text_.substr(place, 3));
  return strcasecmp(word.c_str(), "inf") == 0 || strcasecmp(word.c_str(), "nan") == 0;
}

// The text ends with a zero byte (it is the interpreter's), so strtod stops there at the latest.
void Decoder::NextNumber() {
  const char* begin = text_.data() + place_;
  char* end = nullptr;
  number_ = std::strtod(begin, &end);
  if (end == begin) return SetError("invalid number", place_);
  token_ = Token::kNumber;
  place_ += static_cast<size_t>(end - begin);
}

int Decoder::HexDigits(size_t place) const {
  int value = 0;
  for (size_t i = 0; i < 4; ++i) {
    const char c = At(place + i);
    int digit = 0;
    if (c >= '0' && c <= '9') {
      digit = c - '0';
    } else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') {
      digit = (c | 0x20) - 'a' + 10;
    } else {
      return -1;
    }
    value = value * 16 + digit;
  }
  return value;
}

void Decoder::AppendUtf8(uint32_t code) {
  const auto tail = [this](uint32_t bits) { string_.push_back(static_cast<char>(0x80 | (bits & 0x3f))); };
  if (code < 0x80) {
    string_.push_back(static_cast<char>(code));
  } else if (code < 0x800) {
    string_.push_back(static_cast<char>(0xc0 | code >> 6));
    tail(code);
  } else if (code < 0x10000) {
    string_.push_back(static_cast<char>(0xe0 | code >> 12));
    tail(code >> 6);
    tail(code);
  } else {
    string_.push_back(static_cast<char>(0xf0 | code >> 18));
    tail(code >> 12);
    tail(code >> 6);
    tail(code);
  }
}

// place_ is at the backslash of "\uXXXX"; characters beyond 16 bits are two of them.
bool Decoder::AppendUnicode() {
  const int first = HexDigits(place_ + 2);
  if (first < 0) return false;
  auto code = static_cast<uint32_t>(first);
  size_t size = 6;
  if ((code & 0xf800) == 0xd800) {
    if ((code & 0x400) != 0 || At(place_ + 6) != '\\' || At(place_ + 7) != 'u') return false;
    const int second = HexDigits(place_ + 8);
    if (second < 0 || (second & 0xfc00) != 0xdc00) return false;
    code = ((code & 0x3ff) << 10 | (static_cast<uint32_t>(second) & 0x3ff)) + 0x10000;
    size = 12;
  }
  AppendUtf8(code);
  place_ += size;
  return true;
}

void Decoder::NextString() {
  string_.clear();
  ++place_;
  while (true) {
    if (place_ >= text_.size()) return SetError("unexpected end of string", place_);
    const char c = text_[place_];
    if (c == '"') break;
    if (c != '\\') {
      string_.push_back(c);
      ++place_;
      continue;
    }
    static constexpr std::string_view kFrom = "\"\\/bfnrt";
    static constexpr std::string_view kTo = "\"\\/\b\f\n\r\t";
    const char escape = At(place_ + 1);
    const size_t known = escape == '\0' ? std::string_view::npos : kFrom.find(escape);
    if (known != std::string_view::npos) {
      string_.push_back(kTo[known]);
      place_ += 2;
    } else if (escape != 'u') {
      return SetError("invalid escape code", place_);
    } else if (!AppendUnicode()) {
      return SetError("invalid unicode escape code", place_);
    }
  }
  ++place_;
  token_ = Token::kString;
}

void Decoder::Object() {
  Descend();
  lua_newtable(lua_);
  Next();
  if (token_ == Token::kObjectEnd) {
    --depth_;
    return;
  }
  while (true) {
    if (token_ != Token::kString) Fail("object key string");
    lua_pushlstring(lua_, string_.data(), string_.size());
    Next();
    if (token_ != Token::kColon) Fail("colon");
    Next();
    Value();
    lua_rawset(lua_, -3);
    Next();
    if (token_ == Token::kObjectEnd) break;
    if (token_ != Token::kComma) Fail("comma or object end");
    Next();
  }
  --depth_;
}

void Decoder::Array() {
  Descend();
  lua_newtable(lua_);
  if (options_.marks_arrays) {
    PushArrayMetatable(lua_);
    lua_setmetatable(lua_, -2);
  }
  Next();
  if (token_ == Token::kArrayEnd) {
    --depth_;
    return;
  }
  for (int i = 1;; ++i) {
    Value();
    lua_rawseti(lua_, -2, i);
    Next();
    if (token_ == Token::kArrayEnd) break;
    if (token_ != Token::kComma) Fail("comma or array end");
    Next();
  }
  --depth_;
}

void Decoder::Value() {
  switch (token_) {
    case Token::kString: lua_pushlstring(lua_, string_.data(), string_.size()); return;
    case Token::kNumber: lua_pushnumber(lua_, number_); return;
    case Token::kBoolean: lua_pushboolean(lua_, boolean_ ? 1 : 0); return;
    case Token::kNull: lua_pushlightuserdata(lua_, nullptr); return;
    case Token::kObjectBegin: return Object();
    case Token::kArrayBegin: return Array();
    default: Fail("value");
  }
}

int Decode(lua_State* lua) {
  luaL_argcheck(lua, lua_gettop(lua) == 1, 1, "expected 1 argument");
  size_t bytes = 0;
  const char* text = luaL_checklstring(lua, 1, &bytes);
  if (bytes >= 2 && (text[0] == '\0' || text[1] == '\0')) {
    return luaL_error(lua, "JSON parser does not support UTF-16 or UTF-32");
  }
  Decoder decoder(lua, OptionsOf(lua), {text, bytes});
  decoder.Run();
  return 1;
}

// ---------------------------------------------------------------------------------------------------- options

void TakeArguments(lua_State* lua, int count) {
  if (lua_gettop(lua) > 0) LuaState::Of(lua).cjson_was_changed = true;
  luaL_argcheck(lua, lua_gettop(lua) <= count, count + 1, "found too many arguments");
  lua_settop(lua, count);
}

void IntegerOption(lua_State* lua, int index, int* option, int minimum, int maximum) {
  if (!lua_isnil(lua, index)) {
    const lua_Integer value = luaL_checkinteger(lua, index);
    char expected[64];
    std::snprintf(expected, sizeof(expected), "expected integer between %d and %d", minimum, maximum);
    luaL_argcheck(lua, value >= minimum && value <= maximum, index, expected);
    *option = static_cast<int>(value);
  }
  lua_pushinteger(lua, *option);
}

void SwitchOption(lua_State* lua, int index, bool* option) {
  static const char* const kWords[] = {"off", "on", nullptr};
  if (lua_isboolean(lua, index)) {
    *option = lua_toboolean(lua, index) != 0;
  } else if (!lua_isnil(lua, index)) {
    *option = luaL_checkoption(lua, index, nullptr, kWords) == 1;
  }
  lua_pushboolean(lua, *option ? 1 : 0);
}

int InvalidNumbersOption(lua_State* lua, InvalidNumbers* option) {
  static const char* const kWords[] = {"off", "on", "null", nullptr};
  TakeArguments(lua, 1);
  if (lua_isboolean(lua, 1)) {
    *option = lua_toboolean(lua, 1) != 0 ? InvalidNumbers::kAllow : InvalidNumbers::kRefuse;
  } else if (!lua_isnil(lua, 1)) {
    *option = static_cast<InvalidNumbers>(luaL_checkoption(lua, 1, nullptr, kWords));
  }
  if (*option == InvalidNumbers::kNull) {
    lua_pushliteral(lua, "null");
  } else {
    lua_pushboolean(lua, *option == InvalidNumbers::kAllow ? 1 : 0);
  }
  return 1;
}

int EncodeSparseArray(lua_State* lua) {
  Options& options = OptionsOf(lua);
  TakeArguments(lua, 3);
  SwitchOption(lua, 1, &options.converts_sparse);
  IntegerOption(lua, 2, &options.sparse_ratio, 0, INT32_MAX);
  IntegerOption(lua, 3, &options.sparse_safe, 0, INT32_MAX);
  return 3;
}

int EncodeMaxDepth(lua_State* lua) {
  TakeArguments(lua, 1);
  IntegerOption(lua, 1, &OptionsOf(lua).encode_depth_max, 1, INT32_MAX);
  return 1;
}

int DecodeMaxDepth(lua_State* lua) {
  TakeArguments(lua, 1);
  IntegerOption(lua, 1, &OptionsOf(lua).decode_depth_max, 1, INT32_MAX);
  return 1;
}

int EncodeNumberPrecision(lua_State* lua) {
  TakeArguments(lua, 1);
  IntegerOption(lua, 1, &OptionsOf(lua).precision, 1, 14);
  return 1;
}

int EncodeKeepBuffer(lua_State* lua) {
  TakeArguments(lua, 1);
  SwitchOption(lua, 1, &OptionsOf(lua).keeps_buffer);
  return 1;
}

int EncodeInvalidNumbers(lua_State* lua) { return InvalidNumbersOption(lua, &OptionsOf(lua).encode_invalid); }
int DecodeInvalidNumbers(lua_State* lua) { return InvalidNumbersOption(lua, &OptionsOf(lua).decode_invalid); }

int DecodeArrayWithArrayMt(lua_State* lua) {
  TakeArguments(lua, 1);
  SwitchOption(lua, 1, &OptionsOf(lua).marks_arrays);
  return 1;
}

int New(lua_State* lua);

constexpr luaL_Reg kFunctions[] = {
    {"decode", Decode},
    {"decode_array_with_array_mt", DecodeArrayWithArrayMt},
    {"decode_invalid_numbers", DecodeInvalidNumbers},
    {"decode_max_depth", DecodeMaxDepth},
    {"encode", Encode},
    {"encode_invalid_numbers", EncodeInvalidNumbers},
    {"encode_keep_buffer", EncodeKeepBuffer},
    {"encode_max_depth", EncodeMaxDepth},
    {"encode_number_precision", EncodeNumberPrecision},
    {"encode_sparse_array", EncodeSparseArray},
    {"new", New},
};

int New(lua_State* lua) {
  lua_newtable(lua);
  new (lua_newuserdata(lua, sizeof(Options))) Options;
  for (const luaL_Reg& entry : kFunctions) {
    lua_pushvalue(lua, -1);
    lua_pushcclosure(lua, entry.func, 1);
    lua_setfield(lua, -3, entry.name);
  }
  lua_pop(lua, 1);
  lua_pushlightuserdata(lua, nullptr);
  lua_setfield(lua, -2, "null");
  lua_pushliteral(lua, "cjson");
  lua_setfield(lua, -2, "_NAME");
  lua_pushliteral(lua, "2.1.0");
  lua_setfield(lua, -2, "_VERSION");
  return 1;
}

}  // namespace

void OpenCjson(lua_State* lua) {
  lua_pushlightuserdata(lua, &array_metatable_key);
  lua_createtable(lua, 0, 1);
  // Shared by all scripts, so it is shown to none.
  lua_pushliteral(lua, "array");
  lua_setfield(lua, -2, "__metatable");
  lua_rawset(lua, LUA_REGISTRYINDEX);
  New(lua);
  // Its options are the upvalue of each of its functions.
  lua_getfield(lua, -1, "encode");
  lua_getupvalue(lua, -1, 1);
  lua_pushlightuserdata(lua, &options_key);
  lua_insert(lua, -2);
  lua_rawset(lua, LUA_REGISTRYINDEX);
  lua_pop(lua, 1);
  lua_setglobal(lua, "cjson");
}

void ResetCjson(lua_State* lua) {
  lua_pushlightuserdata(lua, &options_key);
  lua_rawget(lua, LUA_REGISTRYINDEX);
  *static_cast<Options*>(lua_touserdata(lua, -1)) = Options{};
  lua_pop(lua, 1);
}

}  // namespace kvick

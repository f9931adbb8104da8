// Value: one reply as a client sees it, a tree of all types of RESP2 and RESP3.
//
//   Value reply = Value::Map({{Value::Simple("proto"), Value::Integer(3)}});
//   if (reply.IsError()) ...
//
// A plain struct: which fields mean something follows from `type`. Copying copies the tree. The depth of a tree
// that came off the wire is bounded by ReplyDecoder::Limits, so recursing over it is safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvick {

struct Value {
  enum class Type : uint8_t {
    kSimpleString,  // +  text
    kError,         // -  text
    kBlobError,     // !  text
    kInteger,       // :  integer
    kBulkString,    // $  text
    kNull,          // _ and $-1
    kNullArray,     // *-1
    kArray,         // *  elements
    kMap,           // %  elements: key, value, key, value ...
    kSet,           // ~  elements
    kPush,          // >  elements
    kDouble,        // ,  number, and text as it was written
    kBoolean,       // #  boolean
    kBigNumber,     // (  text
    kVerbatim,      // =  text, and format ("txt", "mkd")
  };

  Type type = Type::kNull;
  bool boolean = false;
  int64_t integer = 0;
  double number = 0;
  std::string text;
  std::string format;
  std::vector<Value> elements;
  // What an attribute (|) in front of this value said: key, value, key, value ... An attribute is never a reply
  // of its own.
  std::vector<Value> attributes;

  static Value Simple(std::string text) { return WithText(Type::kSimpleString, std::move(text)); }
  static Value Error(std::string text) { return WithText(Type::kError, std::move(text)); }
  static Value Bulk(std::string text) { return WithText(Type::kBulkString, std::move(text)); }
  static Value Integer(int64_t integer);
  static Value Null() { return Value(); }
  static Value Array(std::vector<Value> elements) { return WithElements(Type::kArray, std::move(elements)); }
  static Value Set(std::vector<Value> elements) { return WithElements(Type::kSet, std::move(elements)); }
  static Value Push(std::vector<Value> elements) { return WithElements(Type::kPush, std::move(elements)); }
  static Value Map(std::vector<std::pair<Value, Value>> pairs);
  static Value WithText(Type type, std::string text);
  static Value WithElements(Type type, std::vector<Value> elements);

  [[nodiscard]] bool IsError() const { return type == Type::kError || type == Type::kBlobError; }
  [[nodiscard]] bool IsNull() const { return type == Type::kNull || type == Type::kNullArray; }
  // Array, map, set or push.
  [[nodiscard]] bool IsAggregate() const {
    return type == Type::kArray || type == Type::kMap || type == Type::kSet || type == Type::kPush;
  }
  // Simple string, bulk string or verbatim text.
  [[nodiscard]] bool IsString() const {
    return type == Type::kSimpleString || type == Type::kBulkString || type == Type::kVerbatim;
  }
  // Elements of an aggregate as its header counts them: a map's pairs.
  [[nodiscard]] size_t Count() const { return type == Type::kMap ? elements.size() / 2 : elements.size(); }
  // The value beside a string key, in a map, or in the flat array that RESP2 sends instead. Null when absent.
  [[nodiscard]] const Value* Find(std::string_view key) const;

  friend bool operator==(const Value& a, const Value& b);
};

}  // namespace kvick

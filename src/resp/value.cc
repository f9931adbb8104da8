#include "resp/value.h"

namespace kvick {

Value Value::Integer(int64_t integer) {
  Value value;
  value.type = Type::kInteger;
  value.integer = integer;
  return value;
}

Value Value::Map(std::vector<std::pair<Value, Value>> pairs) {
  Value value;
  value.type = Type::kMap;
  value.elements.reserve(pairs.size() * 2);
  for (auto& pair : pairs) {
    value.elements.push_back(std::move(pair.first));
    value.elements.push_back(std::move(pair.second));
  }
  return value;
}

Value Value::WithText(Type type, std::string text) {
  Value value;
  value.type = type;
  value.text = std::move(text);
  return value;
}

Value Value::WithElements(Type type, std::vector<Value> elements) {
  Value value;
  value.type = type;
  value.elements = std::move(elements);
  return value;
}

const Value* Value::Find(std::string_view key) const {
  for (size_t i = 0; i + 1 < elements.size(); i += 2) {
    if (elements[i].IsString() && elements[i].text == key) return &elements[i + 1];
  }
  return nullptr;
}

bool operator==(const Value& a, const Value& b) {
  // A double is compared by its text: NaN equals itself, and 1.0 differs from 1 on the wire.
  return a.type == b.type && a.boolean == b.boolean && a.integer == b.integer && a.text == b.text &&
         a.format == b.format && a.elements == b.elements && a.attributes == b.attributes;
}

}  // namespace kvick

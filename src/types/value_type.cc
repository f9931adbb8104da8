#include "types/value_type.h"

#include <array>

namespace kvick {
namespace {

std::array<ValueOperations, kValueTypeCount>& Registry() {
  static std::array<ValueOperations, kValueTypeCount> registry = [] {
    std::array<ValueOperations, kValueTypeCount> initial{};
    initial[static_cast<size_t>(ValueType::kString)].type_name = "string";
    return initial;
  }();
  return registry;
}

}  // namespace

void RegisterValueType(ValueType type, const ValueOperations& operations) {
  Registry()[static_cast<size_t>(type)] = operations;
}

const ValueOperations& OperationsOf(ValueType type) { return Registry()[static_cast<size_t>(type)]; }

}  // namespace kvick

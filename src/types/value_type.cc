#include "types/value_type.h"

#include <array>

#include "base/assert.h"

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
  // What every type needs; without one of them some command would crash, one day.
  KVICK_ASSERT(operations.destroy != nullptr && operations.copy != nullptr && operations.memory_bytes != nullptr &&
               operations.free_effort != nullptr && operations.encoding_name != nullptr &&
               operations.digest != nullptr);
  Registry()[static_cast<size_t>(type)] = operations;
}

const ValueOperations& OperationsOf(ValueType type) { return Registry()[static_cast<size_t>(type)]; }

}  // namespace kvick

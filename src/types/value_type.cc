#include "types/value_type.h"

#include "base/assert.h"

namespace kvick {

// Initialized before the program runs, so that looking something up asks nothing first.
constinit std::array<ValueOperations, kValueTypeCount> operations_by_type = [] {
  std::array<ValueOperations, kValueTypeCount> initial{};
  initial[static_cast<size_t>(ValueType::kString)].type_name = "string";
  return initial;
}();

void RegisterValueType(ValueType type, const ValueOperations& operations) {
  // What every type needs; without one of them some command would crash, one day.
  KVICK_ASSERT(operations.destroy != nullptr && operations.copy != nullptr && operations.memory_bytes != nullptr &&
               operations.free_effort != nullptr && operations.encoding_name != nullptr &&
               operations.digest != nullptr);
  operations_by_type[static_cast<size_t>(type)] = operations;
}

}  // namespace kvick

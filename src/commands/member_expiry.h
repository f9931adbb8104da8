// Parts of a value that expire by themselves, whatever they are called: members of a set, fields of a hash. The hash's
// own commands (HEXPIRE ...) are in hash_expiry.cc.
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/command_context.h"
#include "types/hash_value.h"
#include "types/set_value.h"

namespace kvick {

// The member or field of this name under key 0; at most one of the two values is set.
struct ValuePart {
  SetValue* set = nullptr;
  HashValue* hash = nullptr;
  std::string_view name;
  bool exists = false;
  int64_t expiry_ms = Field::kNoExpiry;

  bool has_key() const { return set != nullptr || hash != nullptr; }
};
// WRONGTYPE for a key of another type.
Result<ValuePart> FindPart(CommandContext& context, std::string_view name);

// Gives the part, which must exist, a moment, or erases it when that has passed, and announces either. kNoExpiry takes
// the moment away.
void ExpirePartAt(CommandContext& context, const ValuePart& part, int64_t moment_ms);

}  // namespace kvick

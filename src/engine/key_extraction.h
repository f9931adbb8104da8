// Finds the keys of a request by the key specs of its command.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "engine/command_table.h"

namespace kvick {

struct KeyPosition {
  uint32_t argument_index;
  uint16_t flags;  // KeyFlags
};

// Appends the positions of all keys to `out`. False when the arguments contradict the specs (a count of keys that is
// no number or more than there are arguments): such a request has no keys, and its handler answers the error.
bool ExtractKeys(const Command& command, std::span<const std::string_view> arguments, std::vector<KeyPosition>* out);

}  // namespace kvick

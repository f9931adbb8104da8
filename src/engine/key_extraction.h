// Finds the keys of a request by the key specs of its command.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "engine/command_table.h"
#include "engine/declared_key.h"

namespace kvick {

class Engine;

struct KeyPosition {
  uint32_t argument_index;
  uint16_t flags;  // KeyFlags
};

// Appends the positions of all keys to `out`. False when the arguments contradict the specs (a count of keys that is
// no number or more than there are arguments): such a request has no keys, and its handler answers the error.
bool ExtractKeys(const Command& command, std::span<const std::string_view> arguments, std::vector<KeyPosition>* out);

// The keys that a request would have in this database, for questions about requests that are not run.
std::vector<DeclaredKey> DeclareKeys(Engine& engine, int database_index, const Command& command,
                                     std::span<const std::string_view> arguments);

}  // namespace kvick

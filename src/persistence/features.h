// What this folder adds to an engine.
#pragma once

#include <span>

#include "engine/engine.h"

namespace kvick {

std::span<const CommandSpec> DumpCommands();  // DUMP, RESTORE

}  // namespace kvick

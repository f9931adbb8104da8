// What the crash report says about the engine: INFO, clients, the commands that were running.
#pragma once

#include "engine/engine.h"

namespace kvick {

// Before threads run; `engine` outlives the process's threads.
void AddEngineCrashSections(Engine& engine);

}  // namespace kvick

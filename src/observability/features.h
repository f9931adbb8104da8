// What this folder adds to an engine.
#pragma once

#include <span>

#include "engine/engine.h"

namespace kvick {

class Rates;
class SlowLog;

std::span<const CommandSpec> InfoCommands();
std::span<const CommandSpec> SlowLogCommands();

// The slow log becomes the engine's call observer. Before executors run, like the others here.
void AttachSlowLog(Engine& engine);
// Adds the sections of INFO that the engine itself can fill.
void AttachInfoSections(Engine& engine);

}  // namespace kvick

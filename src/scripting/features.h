// What this folder adds to an engine: scripts and functions.
#pragma once

#include <span>

#include "engine/engine.h"
#include "scripting/debug_store.h"

namespace kvick {

std::span<const CommandSpec> EvalCommands();
std::span<const CommandSpec> FunctionCommands();
std::span<const CommandSpec> ScriptCommands();

// The engine can run scripts. Before executors run.
void AttachScripting(Engine& engine);
// Afterwards: they can be debugged.
void AttachScriptDebugger(Engine& engine, MakeDebugStore make_store);

}  // namespace kvick

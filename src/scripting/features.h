// What this folder adds to an engine: scripts and functions.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"

namespace kvick {

std::span<const CommandSpec> EvalCommands();
std::span<const CommandSpec> FunctionCommands();
std::span<const CommandSpec> ScriptCommands();

// For files: the texts of all libraries, in the order of their names; and a library from its text, which takes the
// place of one of its name only if it may. The caller is alone.
std::vector<std::string> FunctionLibraryTexts(Engine& engine);
Status LoadFunctionLibrary(Engine& engine, std::string_view text, bool replaces);

// The engine can run scripts. Before executors run.
void AttachScripting(Engine& engine);

}  // namespace kvick

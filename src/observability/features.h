// What this folder adds to an engine.
#pragma once

#include <span>

#include "engine/engine.h"

namespace kvick {

class Rates;

std::span<const CommandSpec> HotKeysCommands();
std::span<const CommandSpec> InfoCommands();
std::span<const CommandSpec> MonitorCommands();
std::span<const CommandSpec> CallLogCommands();  // SLOWLOG, COMMANDLOG
std::span<const CommandSpec> LatencyCommands();
std::span<const CommandSpec> MemoryCommands();

// These become observers of the engine's calls. Before executors run, like the others here.
void AttachMonitors(Engine& engine);
void AttachCallLogs(Engine& engine);
void AttachLatencyMonitor(Engine& engine);
// Publishes keyspace notifications while notify-keyspace-events asks for any.
void AttachKeyNotifications(Engine& engine);
// Lets keys be tracked (HOTKEYS).
void AttachHotKeys(Engine& engine);
// The sections of INFO about keys: how large they are, which are the biggest and the most used.
void AttachKeySections(Engine& engine);
// Adds the sections of INFO that the engine itself can fill.
void AttachInfoSections(Engine& engine);

}  // namespace kvick

// What this folder adds to an engine.
#pragma once

#include <span>

#include "engine/engine.h"

namespace kvick {

class Persistence;

std::span<const CommandSpec> AppendOnlyCommands();  // BGREWRITEAOF, WAITAOF
std::span<const CommandSpec> BackupCommands();
std::span<const CommandSpec> DumpCommands();        // DUMP, RESTORE
std::span<const CommandSpec> HashImportCommands();  // HIMPORT
std::span<const CommandSpec> MigrateCommands();
std::span<const CommandSpec> SaveCommands();

// For MIGRATE. Before executors run.
void AttachMigrations(Engine& engine);
// The engine's data is kept in files. Before executors run.
Persistence& AttachPersistence(Engine& engine);

}  // namespace kvick

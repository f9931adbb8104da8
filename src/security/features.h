// What this folder adds to an engine.
#pragma once

#include <span>

#include "base/status.h"
#include "engine/engine.h"

namespace kvick {

std::span<const CommandSpec> AclCommands();

// Makes the users; after all commands were added, before executors run.
void AttachAccessControl(Engine& engine);
// Those of the configuration or its ACL file. The Status says why the process ends.
Status LoadConfiguredUsers(Engine& engine);
// At the end of the process: what the audit has not written yet.
void FlushAudit(Engine& engine);

}  // namespace kvick

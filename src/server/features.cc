#include "server/features.h"

#include "commands/families.h"

namespace kvick {

void RegisterFeatures(Engine& engine) {
  CommandTable& commands = engine.commands();
  commands.Add(CommandCommands());
  commands.Add(ConfigCommands());
  commands.Add(KeyspaceCommands());
  commands.Add(StringCommands());
}

}  // namespace kvick

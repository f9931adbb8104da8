#include "server/features.h"

#include "commands/families.h"

namespace kvick {

void RegisterFeatures(Engine& engine) {
  CommandTable& commands = engine.commands();
  commands.Add(StringCommands());
  commands.Add(TransactionCommands());
}

}  // namespace kvick

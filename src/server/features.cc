#include "server/features.h"

#include "commands/families.h"
#include "security/password_authorizer.h"
#include "types/set_value.h"

namespace kvick {

void RegisterFeatures(Engine& engine) {
  RegisterSetType();

  CommandTable& commands = engine.commands();
  commands.Add(ClientCommands());
  commands.Add(ClientListCommands());
  commands.Add(ConnectionCommands());
  commands.Add(CommandCommands());
  commands.Add(ConfigCommands());
  commands.Add(KeyspaceCommands());
  commands.Add(SetCombinationCommands());
  commands.Add(SetCommands());
  commands.Add(StringCommands());
  commands.Add(TransactionCommands());

  engine.hooks.authorizer = &engine.Attach<PasswordAuthorizer>(engine.settings());
}

}  // namespace kvick

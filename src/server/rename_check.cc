#include "server/rename_check.h"

#include "base/assert.h"
#include "base/clock.h"
#include "engine/engine.h"
#include "server/features.h"

namespace kvick {

// An engine of which only the table of commands is used.
struct RenameCheck::Rehearsal {
  Rehearsal() : engine(&settings, SystemClock::Instance()) { RegisterFeatures(engine); }
  Settings settings = [] {
    Settings smallest;
    smallest.databases = 1;
    return smallest;
  }();
  Engine engine;
};

RenameCheck::RenameCheck() = default;
RenameCheck::~RenameCheck() = default;

Status RenameCheck::Try(const CommandRename& rename) {
  if (!rehearsal_) rehearsal_ = std::make_unique<Rehearsal>();
  CommandTable& commands = rehearsal_->engine.commands();
  if (commands.Find(rename.name) == nullptr) return Status::Error("No such command in rename-command");
  if (!rename.new_name.empty() && commands.Find(rename.new_name) != nullptr) {
    return Status::Error("Target command name already exists");
  }
  KVICK_ASSERT(commands.Rename(rename.name, rename.new_name));
  return Status::Ok();
}

}  // namespace kvick

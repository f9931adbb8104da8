// RenameCheck tries the `rename-command` lines of a configuration while it is read, when the engine that they are meant
// for does not exist yet, so that the error names the line.
#pragma once

#include <memory>

#include "base/status.h"
#include "config/settings.h"

namespace kvick {

class RenameCheck {
 public:
  RenameCheck();
  ~RenameCheck();

  // Lines build on each other: a name that was given away is free. The Status is the bare reason.
  Status Try(const CommandRename& rename);

 private:
  struct Rehearsal;
  std::unique_ptr<Rehearsal> rehearsal_;  // made for the first line; most configurations have none
};

}  // namespace kvick

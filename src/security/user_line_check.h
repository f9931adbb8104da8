// UserLineCheck looks at the `user` lines of a configuration while it is read, when the server's commands are not known
// yet: at everything but the names of commands.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/status.h"

namespace kvick {

class UserLineCheck {
 public:
  // `words`: the name and the rules. The Status is the bare reason.
  Status Try(const std::vector<std::string>& words);

 private:
  std::set<std::string> names_;
};

}  // namespace kvick

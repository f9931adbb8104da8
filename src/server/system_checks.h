// Settings of the machine that cost speed or memory: --check-system prints them all, the start those that matter to
// the configuration at hand.
#pragma once

#include <string>
#include <vector>

#include "config/settings.h"

namespace kvick {

struct SystemCheck {
  const char* name;
  std::string problem;  // empty: all is well
};
std::vector<SystemCheck> RunSystemChecks();

// One text a warning.
std::vector<std::string> FindStartWarnings(const Settings& settings);

}  // namespace kvick

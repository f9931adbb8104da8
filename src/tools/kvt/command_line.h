// The options of kvick-kvt.
#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "tools/kvt/player.h"

namespace kvick::kvt {

struct CommandLine {
  PlayOptions play;
  bool update = false;
  bool show_help = false;
  bool verbose = false;
  std::vector<std::string> paths;
};

Result<CommandLine> ParseCommandLine(const std::vector<std::string>& arguments);
std::string HelpText();

}  // namespace kvick::kvt

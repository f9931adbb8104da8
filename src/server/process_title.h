// The title under which ps and top show the process, from `proc-title-template`.
#pragma once

#include <string>

#include "config/settings.h"

namespace kvick {

// Keeps the memory of the command line and the environment, over which titles are written. First thing in main().
void KeepTitleArea(int argc, char** argv);

// "{title} {listen-addr} {server-mode}" with its variables filled in. `title` is how the program was started.
std::string ExpandTitle(const Settings& settings, const std::string& title, const std::string& config_path);

// Shows the title, unless `set-proc-title no`. One thread at a time.
void ShowTitle(const Settings& settings, const std::string& title, const std::string& config_path);

}  // namespace kvick

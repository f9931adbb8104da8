// Requests of the command line that answer and end: --version, --help, --test-memory, --check-system.
#pragma once

#include <string>

#include "config/config_file.h"

namespace kvick {

// Returns the exit status of the process.
int RunOneShot(const ServerArguments& arguments, const std::string& invoked_as);

}  // namespace kvick

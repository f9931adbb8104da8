// Plays all conversations that a command line names and reports on standard output.
#pragma once

#include "tools/kvt/command_line.h"

namespace kvick::kvt {

// The exit status: 0 when everything passed.
int RunSuite(const CommandLine& line);

}  // namespace kvick::kvt

// What kvick-cli does with its options.
#pragma once

#include "tools/cli/options.h"

namespace kvick::cli {

// The exit status.
int RunProgram(Options options);

}  // namespace kvick::cli

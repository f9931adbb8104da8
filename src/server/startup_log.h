// What the log says while the server starts, in the words and the order that harnesses wait for.
#pragma once

#include <string>
#include <string_view>

#include "config/config_file.h"
#include "config/settings.h"

namespace kvick {

// How this program was started.
struct ProgramIdentity {
  std::string invoked_as;  // the first word of the command line
  std::string executable;  // the same, absolute; links are not followed
};

// "Redis is starting", the version, and whether there was a configuration.
void LogStarting(const ProgramIdentity& identity, const ServerArguments& arguments);

// The banner, or one line in its place: mode, port and process.
void LogBanner(const Settings& settings);

// Conditions of the machine that will disappoint later.
void LogMachineWarnings(const Settings& settings);

}  // namespace kvick

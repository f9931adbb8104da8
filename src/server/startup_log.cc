#include "server/startup_log.h"

#include <unistd.h>

#include <string>

#include "base/log.h"
#include "base/version.h"
#include "server/build_identity.h"
#include "server/system_checks.h"

namespace kvick {
namespace {

// The one for plain connections, unless there is none.
int ShownPort(const Settings& settings) { return settings.port != 0 ? settings.port : settings.tls_port; }

std::string Banner(const Settings& settings) {
  // The last three lines are what harnesses look for.
  return std::string("\n") +
         "       _           _      _              \n"
         "      | | ____   _(_) ___| | __          kvick " +
         kKvickVersion + " (" + kSourceCommit + "/0) 64 bit\n" +
         "      | |/ /\\ \\ / / |/ __| |/ /          Compatible with Redis " + kCompatibleVersion + "\n" +
         "      |   <  \\ V /| | (__|   <           Running in standalone mode\n"
         "      |_|\\_\\  \\_/ |_|\\___|_|\\_\\          Port: " +
         std::to_string(ShownPort(settings)) + "\n" +
         "                                         PID: " + std::to_string(getpid()) + "\n\n";
}

}  // namespace

void LogStarting(const ProgramIdentity& identity, const ServerArguments& arguments) {
  Log(LogLevel::kNotice, "oO0OoO0OoO0Oo kvick is starting oO0OoO0OoO0Oo");
  Log(LogLevel::kNotice, std::string("kvick version=") + kKvickVersion + ", Redis version=" + kCompatibleVersion +
                             ", bits=64, commit=" + kSourceCommit + ", modified=0, pid=" + std::to_string(getpid()) +
                             ", just started");
  const bool is_configured =
      !arguments.config_path.empty() || arguments.reads_standard_input || !arguments.option_text.empty();
  if (is_configured) {
    Log(LogLevel::kNotice, "Configuration loaded");
  } else {
    Log(LogLevel::kWarning,
        "Warning: no config file specified, using the default config. In order to specify a config file use " +
            identity.invoked_as + " /path/to/kvick.conf");
  }
}

void LogBanner(const Settings& settings) {
  const bool on_terminal = settings.log_file.empty() && !settings.syslog_enabled && isatty(STDOUT_FILENO) == 1;
  if (on_terminal || settings.always_show_logo) {
    LogRaw(LogLevel::kNotice, Banner(settings));
  } else {
    Log(LogLevel::kNotice, "Running mode=standalone, port=" + std::to_string(ShownPort(settings)) + ".");
  }
}

void LogMachineWarnings(const Settings& settings) {
  for (const std::string& warning : FindStartWarnings(settings)) Log(LogLevel::kWarning, "WARNING: " + warning);
}

}  // namespace kvick

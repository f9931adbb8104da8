// kvick-server: from the command line to a running server.
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/status.h"
#include "config/config_file.h"
#include "config/option_table.h"
#include "config/settings.h"
#include "security/user_line_check.h"
#include "server/one_shot.h"
#include "server/process_setup.h"
#include "server/process_title.h"
#include "server/rename_check.h"
#include "server/server.h"
#include "server/signals.h"
#include "server/startup_log.h"
#include "server/supervision.h"

namespace kvick {
namespace {

constexpr int kStartFailed = 1;

int Fail(std::string_view message) {
  std::cerr << message;
  return kStartFailed;
}

// A link named redis-sentinel asks for Sentinel mode, like the option --sentinel.
bool IsSentinelName(std::string_view invoked_as) { return invoked_as.ends_with("-sentinel"); }

int Run(const ProgramIdentity& identity, const std::vector<std::string>& words) {
  const auto arguments = ParseArguments(words);
  if (!arguments.ok()) return Fail(arguments.status().text());
  if (arguments->request != ServerRequest::kRun) return RunOneShot(*arguments, identity.invoked_as);
  if (arguments->is_sentinel || IsSentinelName(identity.invoked_as))
    return Fail("Sentinel mode is not part of kvick yet.\n");

  Settings settings;
  {
    // Dropped again: the engine has the table that lives as long as the server, with the hooks.
    OptionTable options(&settings);
    RenameCheck renames;
    UserLineCheck users;
    const LineChecks checks = {.rename_command = [&](const CommandRename& rename) { return renames.Try(rename); },
                               .user = [&](const std::vector<std::string>& words) { return users.Try(words); }};
    const Status loaded = LoadConfiguration(*arguments, std::cin, checks, &options);
    if (!loaded.ok()) return Fail(loaded.text());
  }
  if (!ApplyLocale(settings)) return Fail(FatalConfigError("Invalid locale name").text());
  const Status log_opened = OpenLog(settings);
  if (!log_opened.ok()) return Fail(FatalConfigError(std::string(log_opened.text())).text());

  // Until it knows what it is, the process has the role of a child, as in the logs of Redis.
  SetLogRole('C');
  const Supervisor supervisor = Supervisor::Find(settings.supervised);
  const bool daemonizes = settings.daemonize && !supervisor.is_present();
  if (daemonizes) Daemonize();
  BlockHandledSignals();  // before the first thread, which all others inherit from
  LogStarting(identity, *arguments);
  SetLogRole('M');
  AdjustDescriptorLimit(&settings);

  Server server(&settings, identity, arguments->config_path, supervisor);
  const Status started = server.Start();
  if (!started.ok()) {
    Log(LogLevel::kWarning, started.text());
    return kStartFailed;
  }
  // Without taking the data set apart: the system is faster at that.
#ifdef KVICK_SANITIZED
  return server.Serve();  // frees everything, so that a leak shows
#else
  std::exit(server.Serve());
#endif
}

}  // namespace
}  // namespace kvick

int main(int argc, char** argv) {
  kvick::ProgramIdentity identity;
  identity.invoked_as = argv[0];
  identity.executable = kvick::ExecutablePath(argv[0]);
  const std::vector<std::string> words(argv + 1, argv + argc);
  kvick::KeepTitleArea(argc, argv);
  return kvick::Run(identity, words);
}

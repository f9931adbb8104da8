#include "tools/cli/program.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/version.h"
#include "tools/cli/command_runner.h"
#include "tools/cli/modes.h"
#include "tools/cli/output.h"
#include "tools/cli/repl.h"
#include "tools/cli/session.h"

namespace kvick::cli {
namespace {

// -x and -X: an argument from standard input.
Status TakeArgumentFromStdin(Options* options) {
  if (!options->last_argument_from_stdin && !options->stdin_tag) return Status::Ok();
  std::string text{std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
  if (options->last_argument_from_stdin) {
    options->arguments.push_back(std::move(text));
    return Status::Ok();
  }
  const auto found = std::find(options->arguments.begin(), options->arguments.end(), *options->stdin_tag);
  if (found == options->arguments.end()) return Status::Error("Using -X option but stdin tag not match.");
  *found = std::move(text);
  return Status::Ok();
}

// --eval file key ... , arg ...
Status MakeEval(Options* options) {
  if (options->eval_path.empty()) return Status::Ok();
  std::ifstream file(options->eval_path, std::ios::binary);
  if (!file) return Status::Error("Can't open file '" + options->eval_path + "': No such file or directory");
  std::ostringstream script;
  script << file.rdbuf();
  const auto comma = std::find(options->arguments.begin(), options->arguments.end(), ",");
  std::vector<std::string> command = {"EVAL", script.str(),
                                      std::to_string(std::distance(options->arguments.begin(), comma))};
  for (std::string& argument : options->arguments) {
    if (argument != ",") command.push_back(std::move(argument));
  }
  options->arguments = std::move(command);
  return Status::Ok();
}

int RunCommand(Session* session, const Output& output, const Options& options) {
  const std::vector<std::string>& arguments = options.arguments;
  if (EqualsIgnoreCase(arguments[0], "help") || arguments[0] == "?") {
    Repl(session, &output, options, Interaction::kCommand).PrintHelp({arguments.begin() + 1, arguments.end()});
    return 0;
  }
  CommandRunner runner(session, &output, options, Interaction::kCommand);
  for (int64_t i = 0; options.repeat_count < 0 || i < options.repeat_count; ++i) {
    if (runner.Run(arguments) != CommandOutcome::kDone) return 1;
    if (options.interval_us) usleep(static_cast<useconds_t>(*options.interval_us));
  }
  return 0;
}

int RunMode(Session* session, const Output& output, const Options& options) {
  if (const Status status = session->Connect(); !status.ok()) {
    Output::PrintError(std::string(status.text()));
    return 1;
  }
  switch (options.mode) {
    case Mode::kScan: return RunScan(session, output, options);
    case Mode::kStat: return RunStat(session, output, options);
    case Mode::kPipe: return RunPipe(session, options);
    case Mode::kBigKeys: return RunBigKeys(session, output, options);
    default: return RunLatency(session, output, options);
  }
}

}  // namespace

int RunProgram(Options options) {
  if (options.mode == Mode::kHelp) {
    std::fputs(UsageText().c_str(), stdout);
    return 0;
  }
  if (options.mode == Mode::kVersion) {
    std::printf("kvick-cli %s\n", kKvickVersion);
    return 0;
  }
  if (const char* password = std::getenv("REDISCLI_AUTH"); password != nullptr && !options.password) {
    options.password = password;
  }
  if (options.password_on_command_line && options.auth_warning) {
    Output::PrintError(
        "Warning: Using a password with '-a' or '-u' option on the command line interface may not be safe.");
  }
  for (const Status& status : {TakeArgumentFromStdin(&options), MakeEval(&options)}) {
    if (status.ok()) continue;
    Output::PrintError(std::string(status.text()));
    return 1;
  }
  Session session(options);
  const Output output(options);
  if (options.debugs) return RunDebugger(&session, output, options);
  if (options.mode != Mode::kCommands) return RunMode(&session, output, options);
  if (!options.arguments.empty()) return RunCommand(&session, output, options);
  const Interaction interaction = isatty(STDIN_FILENO) != 0 ? Interaction::kTerminal : Interaction::kPipe;
  return Repl(&session, &output, options, interaction).Run();
}

}  // namespace kvick::cli

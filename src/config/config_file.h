// The command line and the configuration file: their grammar, and how they fill an OptionTable.
//
//   KVICK_ASSIGN_OR_RETURN(const ServerArguments arguments, ParseArguments({argv + 1, argv + argc}));
//   KVICK_RETURN_IF_ERROR(LoadConfiguration(arguments, std::cin, {}, &options));
//
// A line is a directive and its values, blanks between them, quoted as SplitArguments reads it; '#' begins a line that
// is a comment. Arguments become lines too (see ParseArguments), read after those of the file and of standard input.
//
// Runs at start, in one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "config/option_table.h"

namespace kvick {

enum class ServerRequest { kRun, kVersion, kHelp, kTestMemory, kCheckSystem };

struct ServerArguments {
  ServerRequest request = ServerRequest::kRun;
  uint64_t test_memory_mb = 0;
  // Absolute; empty: no file. CONFIG REWRITE writes it, INFO shows it.
  std::string config_path;
  bool reads_standard_input = false;
  bool is_sentinel = false;
  // What the arguments say, one directive a line.
  std::string option_text;
};

// [file] [--directive value...]... [-]
//
// An argument that begins with "--" begins a line, and the others are its values. The argument after a lone directive
// name is a value whatever it looks like, so `--requirepass --secret` works; after `--save`, which may stand alone,
// it is not. "--maxmemory 1mb" in one argument is a whole line. `arguments` has no program name.
Result<ServerArguments> ParseArguments(const std::vector<std::string>& arguments);

// Checks that need what configuration does not know. Empty ones accept everything; the Status is the bare reason.
struct LineChecks {
  std::function<Status(const CommandRename& rename)> rename_command;
  std::function<Status(const std::vector<std::string>& words)> user;  // name, rules
};

// Reads file, standard input and option text in this order. The text of an error is the whole message to print
// before the process ends with status 1.
Status LoadConfiguration(const ServerArguments& arguments, std::istream& standard_input, const LineChecks& checks,
                         OptionTable* options);

// The same for a text alone.
Status LoadConfigurationText(const std::string& text, const LineChecks& checks, OptionTable* options);

// "\n*** FATAL CONFIG FILE ERROR ...": for what is found wrong after all lines were read.
Status FatalConfigError(const std::string& reason);

// include, user, loadmodule, rename-command, sentinel: directives that are no options of CONFIG GET.
bool IsLineDirective(std::string_view name);
// Old directives that a file may have and that do nothing any more.
bool IsIgnoredDirective(std::string_view name);

}  // namespace kvick

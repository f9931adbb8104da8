// The command line of kvick-cli: the flags of redis-cli, with the same meaning.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "resp/printer.h"
#include "tools/client/server_address.h"
#include "tools/client/tls_options.h"

namespace kvick::cli {

// What the program is to do instead of running commands.
enum class Mode { kCommands, kHelp, kVersion, kStat, kLatency, kLatencyHistory, kScan, kPipe, kBigKeys };

// Which protocol to ask for. Json output prefers RESP3, and is content with less.
enum class Protocol { kDefault, kResp2, kResp3, kResp3IfPossible };

struct Options {
  Mode mode = Mode::kCommands;
  client::ServerAddress address;
  client::TlsOptions tls;
  std::string user;
  std::optional<std::string> password;
  bool password_on_command_line = false;
  bool auth_warning = true;
  int database = 0;
  Protocol protocol = Protocol::kDefault;

  int64_t repeat_count = 1;  // negative: for ever
  std::optional<int64_t> interval_us;
  bool last_argument_from_stdin = false;  // -x
  std::optional<std::string> stdin_tag;   // -X
  bool quoted_input = false;
  bool exit_on_error = false;        // -e
  bool follow_redirections = false;  // -c

  std::optional<PrintMode> print_mode;  // none: formatted on a terminal, else raw
  std::string element_delimiter = "\n";
  std::string reply_delimiter = "\n";
  std::optional<bool> show_pushes;  // none: on a terminal

  std::string pattern;                // --scan, --bigkeys
  std::optional<int64_t> scan_count;  // --count
  int64_t pipe_timeout_s = 30;
  std::string eval_path;         // --eval
  bool debugs = false;           // --ldb: the script of --eval
  bool debugs_in_place = false;  // --ldb-sync-mode: and what it changes stays

  std::vector<std::string> arguments;  // the command
};

// Reads the arguments behind the program's name. The error's text is what standard error is to say.
Result<Options> ParseOptions(const std::vector<std::string>& arguments);

// redis://[[user:]password@]host[:port][/database]
Status ApplyUri(const std::string& uri, Options* options);

std::string UsageText();

}  // namespace kvick::cli

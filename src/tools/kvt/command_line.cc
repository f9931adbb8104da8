#include "tools/kvt/command_line.h"

#include <optional>

#include "base/numbers.h"

namespace kvick::kvt {

Result<CommandLine> ParseCommandLine(const std::vector<std::string>& arguments) {
  CommandLine line;
  bool has_server = false;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& name = arguments[i];
    const bool has_value = i + 1 < arguments.size();
    const auto number = [&](int64_t min, int64_t max) -> std::optional<int64_t> {
      const std::optional<int64_t> value = ParseInt64(arguments[i + 1]);
      return value && *value >= min && *value <= max ? value : std::nullopt;
    };
    std::optional<int64_t> value;
    if (name == "--help") {
      line.show_help = true;
    } else if (name == "--oracle") {
      line.play.oracle = true;
    } else if (name == "--unpacked") {
      line.play.unpacked = true;
    } else if (name == "--in" && has_value && arguments[i + 1] == "multi") {
      line.play.in_multi = true;
      ++i;
    } else if (name == "--in" && has_value && arguments[i + 1] == "script") {
      line.play.in_script = true;
      ++i;
    } else if (name == "--after" && has_value && arguments[i + 1] == "reload") {
      line.play.after_reload = true;
      ++i;
    } else if (name == "--update") {
      line.update = true;
    } else if (name == "--verbose") {
      line.verbose = true;
    } else if (name == "--host" && has_value) {
      line.play.address.host = arguments[++i];
    } else if (name == "--socket" && has_value) {
      line.play.address.socket_path = arguments[++i];
      has_server = true;
    } else if (name == "--port" && has_value && (value = number(1, 65535))) {
      line.play.address.port = static_cast<int>(*value);
      has_server = true;
      ++i;
    } else if (name == "--resp" && has_value && (value = number(2, 3))) {
      line.play.resp = static_cast<int>(*value);
      ++i;
    } else if (name == "--timeout-ms" && has_value && (value = number(1, 3'600'000))) {
      line.play.reply_timeout_ms = *value;
      ++i;
    } else if (name[0] == '-') {
      return Status::Error("unknown option, or a bad or missing value: " + name);
    } else {
      line.paths.push_back(name);
    }
  }
  if (line.show_help) return line;
  // No default: each file empties the server that it is played on.
  if (!has_server) return Status::Error("--port or --socket is needed");
  if (line.play.in_script && line.play.resp != 2) return Status::Error("--in script goes with --resp 2");
  if (line.paths.empty()) return Status::Error("a .kvt file or a folder is needed");
  return line;
}

std::string HelpText() {
  return R"(Usage: kvick-kvt (--port N | --socket PATH) [OPTIONS] FILE-or-FOLDER...

Plays .kvt conversations against a server and compares its replies. Each file
begins with FLUSHALL: never name a server that holds data.

  --port N          the server's port on --host
  --host NAME       default 127.0.0.1
  --socket PATH     the server's unix socket
  --resp 2|3        the protocol to speak (default 2)
  --oracle          the server is redis-server 7.0: leave out what it does not know
  --in multi        send each command as a transaction of its own
  --in script       send each command from a script (RESP2 only: in RESP3 a null
                    ends the table that a script gets, and maps lose their order)
  --after reload    save all data and load it again before each command that
                    reads
  --unpacked        the server packs no small values: do not compare what shows
                    that, nor the order of what has none
  --update          write what the server said into the files
  --timeout-ms N    how long a reply may take (default 30000)
  --verbose         name each file
  --help            this text

The last line is "N passed, N failed"; the exit status is 0 when none failed.
)";
}

}  // namespace kvick::kvt

#include "tools/cli/options.h"

#include <cstdlib>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/version.h"

namespace kvick::cli {
namespace {

// Numbers are read as redis-cli reads them: as far as they go, 0 when there is none.
int64_t LenientInteger(const std::string& text) { return std::strtoll(text.c_str(), nullptr, 10); }

Status ReadQuoted(const std::string& text, std::string* out) {
  std::vector<std::string> words;
  if (text.empty() || (text[0] != '"' && text[0] != '\'')) {
    *out = text;
    return Status::Ok();
  }
  if (!SplitArguments(text, &words) || words.size() != 1) return Status::Error("Invalid quoted string");
  *out = std::move(words[0]);
  return Status::Ok();
}

Status SetPort(const std::string& text, Options* options) {
  const int64_t port = LenientInteger(text);
  if (port < 0 || port > 65535) return Status::Error("Invalid server port.");
  options->address.port = static_cast<int>(port);
  return Status::Ok();
}

void SetJson(PrintMode mode, Options* options) {
  options->print_mode = mode;
  if (options->protocol == Protocol::kDefault) options->protocol = Protocol::kResp3IfPossible;
}

// A flag and what it does; the ones with a value are given it.
struct Flag {
  std::string_view name;
  void (*apply)(Options* options);
};

struct ValueFlag {
  std::string_view name;
  Status (*apply)(const std::string& value, Options* options);
};

// A captureless lambda that assigns and is always content.
#define KVICK_ASSIGNING_FLAG(statement)                      \
  [](const std::string& value, Options* options) -> Status { \
    statement;                                               \
    return Status::Ok();                                     \
  }

constexpr Flag kFlags[] = {
    {"-2", [](Options* options) { options->protocol = Protocol::kResp2; }},
    {"-3", [](Options* options) { options->protocol = Protocol::kResp3; }},
    {"-x", [](Options* options) { options->last_argument_from_stdin = true; }},
    {"-e", [](Options* options) { options->exit_on_error = true; }},
    {"-c", [](Options* options) { options->follow_redirections = true; }},
    {"--raw", [](Options* options) { options->print_mode = PrintMode::kRaw; }},
    {"--no-raw", [](Options* options) { options->print_mode = PrintMode::kFormatted; }},
    {"--csv", [](Options* options) { options->print_mode = PrintMode::kCsv; }},
    {"--json", [](Options* options) { SetJson(PrintMode::kJson, options); }},
    {"--quoted-json", [](Options* options) { SetJson(PrintMode::kQuotedJson, options); }},
    {"--quoted-input", [](Options* options) { options->quoted_input = true; }},
    {"--no-auth-warning", [](Options* options) { options->auth_warning = false; }},
    {"--verbose", [](Options*) {}},
    {"--tls", [](Options* options) { options->tls.is_used = true; }},
    {"--insecure", [](Options* options) { options->tls.is_insecure = true; }},
    {"--help", [](Options* options) { options->mode = Mode::kHelp; }},
    {"--version", [](Options* options) { options->mode = Mode::kVersion; }},
    {"-v", [](Options* options) { options->mode = Mode::kVersion; }},
    {"--stat", [](Options* options) { options->mode = Mode::kStat; }},
    {"--latency", [](Options* options) { options->mode = Mode::kLatency; }},
    {"--latency-history", [](Options* options) { options->mode = Mode::kLatencyHistory; }},
    {"--scan", [](Options* options) { options->mode = Mode::kScan; }},
    {"--pipe", [](Options* options) { options->mode = Mode::kPipe; }},
    {"--bigkeys", [](Options* options) { options->mode = Mode::kBigKeys; }},
    {"--ldb", [](Options* options) { options->debugs = true; }},
    {"--ldb-sync-mode", [](Options* options) { options->debugs = options->debugs_in_place = true; }},
};

constexpr ValueFlag kValueFlags[] = {
    {"-h", KVICK_ASSIGNING_FLAG(options->address.host = value)},
    {"-p", SetPort},
    {"-s", KVICK_ASSIGNING_FLAG(options->address.socket_path = value)},
    {"-a", KVICK_ASSIGNING_FLAG(options->password = value; options->password_on_command_line = true)},
    {"--pass", KVICK_ASSIGNING_FLAG(options->password = value; options->password_on_command_line = true)},
    {"--user", KVICK_ASSIGNING_FLAG(options->user = value)},
    {"-u", ApplyUri},
    {"-n", KVICK_ASSIGNING_FLAG(options->database = static_cast<int>(LenientInteger(value)))},
    {"-r", KVICK_ASSIGNING_FLAG(options->repeat_count = LenientInteger(value))},
    {"-i", KVICK_ASSIGNING_FLAG(options->interval_us =
                                    static_cast<int64_t>(std::strtod(value.c_str(), nullptr) * 1'000'000))},
    {"-X", KVICK_ASSIGNING_FLAG(options->stdin_tag = value)},
    {"-d", KVICK_ASSIGNING_FLAG(options->element_delimiter = value)},
    {"-D", KVICK_ASSIGNING_FLAG(options->reply_delimiter = value)},
    {"--pattern", KVICK_ASSIGNING_FLAG(options->pattern = value)},
    {"--quoted-pattern",
     [](const std::string& value, Options* options) { return ReadQuoted(value, &options->pattern); }},
    {"--count", KVICK_ASSIGNING_FLAG(options->scan_count = LenientInteger(value))},
    {"--pipe-timeout", KVICK_ASSIGNING_FLAG(options->pipe_timeout_s = LenientInteger(value))},
    {"--eval", KVICK_ASSIGNING_FLAG(options->eval_path = value)},
    {"--sni", KVICK_ASSIGNING_FLAG(options->tls.server_name = value)},
    {"--cacert", KVICK_ASSIGNING_FLAG(options->tls.ca_file = value)},
    {"--cacertdir", KVICK_ASSIGNING_FLAG(options->tls.ca_folder = value)},
    {"--cert", KVICK_ASSIGNING_FLAG(options->tls.certificate_file = value)},
    {"--key", KVICK_ASSIGNING_FLAG(options->tls.key_file = value)},
    {"--tls-ciphers", KVICK_ASSIGNING_FLAG(options->tls.ciphers = value)},
    {"--tls-ciphersuites", KVICK_ASSIGNING_FLAG(options->tls.ciphersuites = value)},
    {"--show-pushes", KVICK_ASSIGNING_FLAG(options->show_pushes = EqualsIgnoreCase(value, "yes") || value == "y")},
};

#undef KVICK_ASSIGNING_FLAG

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = ToLower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

std::string DecodePercent(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool escaped =
        text[i] == '%' && i + 2 < text.size() && HexDigit(text[i + 1]) >= 0 && HexDigit(text[i + 2]) >= 0;
    out.push_back(escaped ? static_cast<char>(HexDigit(text[i + 1]) * 16 + HexDigit(text[i + 2])) : text[i]);
    if (escaped) i += 2;
  }
  return out;
}

}  // namespace

Status ApplyUri(const std::string& uri, Options* options) {
  std::string_view rest = uri;
  const size_t scheme_end = rest.find("://");
  const std::string scheme = ToLower(rest.substr(0, scheme_end == std::string_view::npos ? 0 : scheme_end));
  if (scheme == "rediss" || scheme == "valkeys" || scheme == "kvicks") {
    options->tls.is_used = true;
  } else if (scheme != "redis" && scheme != "valkey" && scheme != "kvick") {
    return Status::Error("Invalid URI scheme");
  }
  rest.remove_prefix(scheme_end + 3);

  const size_t slash = rest.find('/');
  std::string_view authority = rest.substr(0, slash);
  const std::string_view database = slash == std::string_view::npos ? "" : rest.substr(slash + 1);
  if (const size_t at = authority.rfind('@'); at != std::string_view::npos) {
    const std::string_view login = authority.substr(0, at);
    authority.remove_prefix(at + 1);
    const size_t colon = login.find(':');
    if (colon != std::string_view::npos) options->user = DecodePercent(login.substr(0, colon));
    options->password = DecodePercent(colon == std::string_view::npos ? login : login.substr(colon + 1));
    options->password_on_command_line = true;
  }
  std::string_view host = authority;
  std::string_view port;
  const size_t bracket = authority.find(']');  // of an IPv6 address
  const size_t colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (colon != std::string_view::npos) {
    host = authority.substr(0, colon);
    port = authority.substr(colon + 1);
  }
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  if (!host.empty()) options->address.host = DecodePercent(host);
  if (!port.empty()) KVICK_RETURN_IF_ERROR(SetPort(std::string(port), options));
  if (!database.empty()) options->database = static_cast<int>(LenientInteger(std::string(database)));
  return Status::Ok();
}

Result<Options> ParseOptions(const std::vector<std::string>& arguments) {
  Options options;
  size_t i = 0;
  const auto apply_one = [&]() -> Result<bool> {
    const std::string& name = arguments[i];
    const bool is_last = i + 1 == arguments.size();
    if (name == "-h" && is_last) {
      options.mode = Mode::kHelp;
      return true;
    }
    for (const Flag& flag : kFlags) {
      if (name != flag.name) continue;
      flag.apply(&options);
      return true;
    }
    for (const ValueFlag& flag : kValueFlags) {
      if (name != flag.name || is_last) continue;
      KVICK_RETURN_IF_ERROR(flag.apply(arguments[++i], &options));
      return true;
    }
    return false;
  };
  for (; i < arguments.size() && !arguments[i].empty() && arguments[i][0] == '-'; ++i) {
    KVICK_ASSIGN_OR_RETURN(const bool known, apply_one());
    if (!known) {
      return Status::Error("Unrecognized option or bad number of args for: '" + arguments[i] + "'");
    }
    if (options.mode == Mode::kHelp || options.mode == Mode::kVersion) return options;
  }
  for (; i < arguments.size(); ++i) {
    std::string argument = arguments[i];
    if (options.quoted_input) KVICK_RETURN_IF_ERROR(ReadQuoted(arguments[i], &argument));
    options.arguments.push_back(std::move(argument));
  }
  if (options.last_argument_from_stdin && options.stdin_tag) {
    return Status::Error("Options -x and -X are mutually exclusive.");
  }
  if (options.debugs && options.eval_path.empty()) {
    return Status::Error(
        "Options --ldb and --ldb-sync-mode require --eval.\nTry kvick-cli --help for more information.");
  }
  return options;
}

std::string UsageText() {
  return std::string("kvick-cli ") + kKvickVersion + R"(

Usage: kvick-cli [OPTIONS] [cmd [arg [arg ...]]]
  -h <hostname>      Server hostname (default: 127.0.0.1).
  -p <port>          Server port (default: 6379).
  -s <socket>        Server socket (overrides hostname and port).
  -a <password>      Password to use when connecting to the server.
                     You can also use the REDISCLI_AUTH environment
                     variable to pass this password more safely
                     (if both are used, this argument takes precedence).
  --user <username>  Used to send ACL style 'AUTH username pass'. Needs -a.
  --pass <password>  Alias of -a for consistency with the --user option.
  -u <uri>           Server URI: redis://user:password@host:port/database,
                     or rediss://... over TLS.
  -r <repeat>        Execute specified command N times.
  -i <interval>      When -r is used, waits <interval> seconds per command.
                     It is possible to specify sub-second times like -i 0.1.
                     This interval is also used in --scan and --stat per cycle,
                     and in --bigkeys per 100 cycles.
  -n <db>            Database number.
  -2                 Start session in RESP2 protocol mode.
  -3                 Start session in RESP3 protocol mode.
  -x                 Read last argument from STDIN (see example below).
  -X <tag>           Read <tag> argument from STDIN (see example below).
  -d <delimiter>     Delimiter between response bulks for raw formatting (default: \n).
  -D <delimiter>     Delimiter between responses for raw formatting (default: \n).
  -c                 Enable cluster mode (follow -ASK and -MOVED redirections).
  -e                 Return exit error code when command execution fails.
  --tls              Establish a secure TLS connection.
  --sni <host>       Server name indication for TLS.
  --cacert <file>    CA Certificate file to verify with.
  --cacertdir <dir>  Directory where trusted CA certificates are stored.
                     If neither cacert nor cacertdir are specified, the default
                     system-wide trusted root certs configuration will apply.
  --insecure         Allow insecure TLS connection by skipping cert validation.
  --cert <file>      Client certificate to authenticate with.
  --key <file>       Private key file to authenticate with.
  --tls-ciphers <list>      Preferred ciphers up to TLSv1.2, separated by colons.
  --tls-ciphersuites <list> Preferred ciphersuites of TLSv1.3, separated by colons.
  --raw              Use raw formatting for replies (default when STDOUT is
                     not a tty).
  --no-raw           Force formatted output even when STDOUT is not a tty.
  --quoted-input     Force input to be handled as quoted strings.
  --csv              Output in CSV format.
  --json             Output in JSON format (default RESP3, use -2 if you want to use with RESP2).
  --quoted-json      Same as --json, but produce ASCII-safe quoted strings, not Unicode.
  --show-pushes <yn> Whether to print RESP3 PUSH messages.  Enabled by default when
                     STDOUT is a tty but can be overridden with --show-pushes no.
  --stat             Print rolling stats about server: mem, clients, ...
  --latency          Continuously sample the latency of PING. When STDOUT is not a
                     tty, or with --raw or --csv, sample for 1 second (change it
                     using -i), print one line and exit.
  --latency-history  Like --latency but tracking latency changes over time.
                     Default time interval is 15 sec. Change it using -i.
  --pipe             Transfer raw protocol from stdin to server.
  --pipe-timeout <n> In --pipe mode, abort with error if after sending all data.
                     no reply is received within <n> seconds.
                     Default timeout: 30. Use 0 to wait forever.
  --bigkeys          Sample keys looking for keys with many elements (complexity).
  --scan             List all keys using the SCAN command.
  --pattern <pat>    Keys pattern when using the --scan or --bigkeys
                     options (default: *).
  --quoted-pattern <pat> Same as --pattern, but the specified string can be
                         quoted, in order to pass an otherwise non binary-safe string.
  --count <count>    Count option when using the --scan or --bigkeys options.
  --eval <file>      Send an EVAL command using the Lua script at <file>.
  --ldb              Used with --eval enable the Lua debugger of the server.
  --ldb-sync-mode    Like --ldb but uses the synchronous Lua debugger, in
                     this mode the server is blocked and script changes are
                     not rolled back from the server memory.
  --verbose          Verbose mode.
  --no-auth-warning  Don't show warning message when using password on command
                     line interface.
  --help             Output this help and exit.
  --version          Output version and exit.

Examples:
  cat /etc/passwd | kvick-cli -x set mypasswd
  kvick-cli -D "" --raw dump key > key.dump && kvick-cli -X dump_tag restore key2 0 dump_tag replace < key.dump
  kvick-cli -r 100 lpush mylist x
  kvick-cli -r 100 -i 1 info | grep used_memory_human:
  kvick-cli --quoted-input set '"null-\x00-separated"' value
  kvick-cli --eval myscript.lua key1 key2 , arg1 arg2 arg3
  kvick-cli --scan --pattern '*:12345*'

  (Note: when using --eval the comma separates KEYS[] from ARGV[] items)

When no command is given, kvick-cli starts in interactive mode.
Type "help" in interactive mode for information on available commands
and settings.

)";
}

}  // namespace kvick::cli

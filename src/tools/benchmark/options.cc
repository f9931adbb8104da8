#include "tools/benchmark/options.h"

#include <functional>
#include <limits>
#include <utility>

#include "base/bytes.h"
#include "base/numbers.h"

namespace kvick::benchmark {
namespace {

using Apply = std::function<Status(Options&, const std::string&)>;

struct Flag {
  std::string_view name;
  bool has_value;
  Apply apply;
};

Result<uint64_t> ParseCount(const std::string& text, uint64_t min, uint64_t max) {
  const std::optional<uint64_t> count = ParseUint64(text);
  if (!count || *count < min || *count > max) {
    return Status::Error("'" + text + "' is not a number from " + std::to_string(min) + " to " + std::to_string(max));
  }
  return *count;
}

Apply Text(std::string Options::*field) {
  return [field](Options& options, const std::string& value) {
    options.*field = value;
    return Status::Ok();
  };
}

Apply Count(uint64_t Options::*field, uint64_t min, uint64_t max) {
  return [field, min, max](Options& options, const std::string& value) {
    KVICK_ASSIGN_OR_RETURN(options.*field, ParseCount(value, min, max));
    return Status::Ok();
  };
}

Apply Number(int Options::*field, uint64_t max) {
  return [field, max](Options& options, const std::string& value) {
    KVICK_ASSIGN_OR_RETURN(const uint64_t number, ParseCount(value, 0, max));
    options.*field = static_cast<int>(number);
    return Status::Ok();
  };
}

Apply Switch(bool Options::*field) {
  return [field](Options& options, const std::string&) {
    options.*field = true;
    return Status::Ok();
  };
}

Apply TlsSwitch(bool client::TlsOptions::*field) {
  return [field](Options& options, const std::string&) {
    options.tls.*field = true;
    return Status::Ok();
  };
}

Apply TlsText(std::string client::TlsOptions::*field) {
  return [field](Options& options, const std::string& value) {
    options.tls.*field = value;
    return Status::Ok();
  };
}

Status ApplyTests(Options& options, const std::string& list) {
  for (size_t start = 0; start <= list.size();) {
    const size_t end = std::min(list.find(',', start), list.size());
    if (end > start) options.tests.push_back(ToLower(std::string_view(list).substr(start, end - start)));
    start = end + 1;
  }
  return Status::Ok();
}

Status ApplyRatio(Options& options, const std::string& text) {
  const size_t colon = text.find(':');
  if (colon == std::string::npos) return Status::Error("--ratio is WRITES:READS, for example 10:90");
  KVICK_ASSIGN_OR_RETURN(options.mixed_writes, ParseCount(text.substr(0, colon), 0, 1'000'000));
  KVICK_ASSIGN_OR_RETURN(options.mixed_reads, ParseCount(text.substr(colon + 1), 0, 1'000'000));
  if (options.mixed_writes + options.mixed_reads == 0) return Status::Error("--ratio has no requests");
  return Status::Ok();
}

Status ApplyPin(Options& options, const std::string& text) {
  KVICK_ASSIGN_OR_RETURN(const uint64_t core, ParseCount(text, 0, 1023));
  options.pinned_core = static_cast<unsigned>(core);
  return Status::Ok();
}

const std::vector<Flag>& Flags() {
  constexpr uint64_t kMany = 1'000'000'000'000;  // what twelve digits hold
  static const auto* const flags = new std::vector<Flag>{
      {"-h", true, Text(&Options::host)},
      {"-p", true, Number(&Options::port, std::numeric_limits<uint16_t>::max())},
      {"-s", true, Text(&Options::unix_socket)},
      {"-a", true, Text(&Options::password)},
      {"--tls", false, TlsSwitch(&client::TlsOptions::is_used)},
      {"--insecure", false, TlsSwitch(&client::TlsOptions::is_insecure)},
      {"--sni", true, TlsText(&client::TlsOptions::server_name)},
      {"--cacert", true, TlsText(&client::TlsOptions::ca_file)},
      {"--cacertdir", true, TlsText(&client::TlsOptions::ca_folder)},
      {"--cert", true, TlsText(&client::TlsOptions::certificate_file)},
      {"--key", true, TlsText(&client::TlsOptions::key_file)},
      {"--tls-ciphers", true, TlsText(&client::TlsOptions::ciphers)},
      {"--tls-ciphersuites", true, TlsText(&client::TlsOptions::ciphersuites)},
      {"--user", true, Text(&Options::user)},
      {"--dbnum", true, Number(&Options::database, 1'000'000)},
      {"-3", false, Switch(&Options::is_resp3)},
      {"-c", true, Count(&Options::client_count, 1, 100'000)},
      {"-n", true, Count(&Options::request_count, 1, kMany)},
      {"-P", true, Count(&Options::pipeline_depth, 1, 100'000)},
      {"--rate", true, Count(&Options::requests_per_second, 1, 100'000'000)},
      {"-d", true, Count(&Options::data_size_bytes, 1, 512 * 1024 * 1024)},
      {"-r", true, Count(&Options::key_count, 1, kMany)},
      {"--each", false, Switch(&Options::each_key_once)},
      {"--in-order", false, Switch(&Options::keys_in_order)},
      {"-l", true, Count(&Options::loop_count, 1, kMany)},
      {"-t", true, ApplyTests},
      {"-q", false, Switch(&Options::is_quiet)},
      {"--ttl", true, Count(&Options::ttl_seconds, 1, kMany)},
      {"--ratio", true, ApplyRatio},
      {"--seed", true, Count(&Options::seed, 0, std::numeric_limits<uint64_t>::max())},
      {"--pin", true, ApplyPin},
      {"--csv", false, Switch(&Options::is_csv)},
      {"--clients", false, Switch(&Options::shows_clients)},
  };
  return *flags;
}

}  // namespace

Result<Options> ParseOptions(const std::vector<std::string>& arguments) {
  Options options;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (argument.empty() || argument[0] != '-') {  // the rest is a command
      options.custom.assign(arguments.begin() + static_cast<ptrdiff_t>(i), arguments.end());
      break;
    }
    const Flag* found = nullptr;
    for (const Flag& flag : Flags()) {
      if (flag.name == argument) found = &flag;
    }
    if (found == nullptr) return Status::Error("unknown option " + argument + "; try --help");
    std::string value;
    if (found->has_value) {
      if (++i == arguments.size()) return Status::Error("option " + argument + " needs a value");
      value = arguments[i];
    }
    if (Status status = found->apply(options, value); !status.ok()) {
      return Status::Error("option " + argument + ": " + std::string(status.text()));
    }
  }
  return options;
}

std::string_view UsageText() {
  return R"(Usage: kvick-benchmark [options] [command word ...]

Puts load on a server and says how many requests a second it answered, and after how long.

 -h HOST          server (127.0.0.1)
 -p PORT          port (6379)
 -s PATH          Unix socket instead
 -a PASSWORD      authenticate, with --user NAME for another than the default user
 --tls            over TLS, with these: --cacert FILE, --cacertdir FOLDER, --insecure, --cert FILE, --key FILE,
                  --sni NAME, --tls-ciphers LIST, --tls-ciphersuites LIST
 --dbnum N        database (0)
 -3               speak RESP3
 -c N             parallel connections (50)
 -n N             requests of each test (100000)
 -P N             requests in flight on each connection (1)
 --rate N         N requests a second over all connections, each at its moment: the time until the reply counts from
                  when the request was due, so that nothing hides how long a server stood still
 -d N             bytes of a value (3)
 -r N             random keys out of N (one key)
 --each           every one of the N keys once instead, in an order that looks random
 --in-order       0, 1, 2 ... instead, for each request the next
 -t LIST          tests, separated by commas: ping_inline, ping_mbulk, set, get, incr, lpush, rpush, lpop, rpop,
                  sadd, hset, spop, zadd, zpopmin, lrange_100, lrange_300, lrange_500, lrange_600, mset, xadd,
                  mixed (SET and GET, see --ratio), fill (SET of the keys 0 to N - 1 in order)
 --ratio W:R      writes and reads of the test mixed (10:90)
 --ttl SECONDS    keys written by the test fill expire
 -l N             run the tests N times
 --seed N         of the random keys (1)
 --pin CORE       run on this core only
 --csv            results as comma-separated values
 --clients        also say the fewest and the most requests that one connection completed
 -q               only the rate

A command given instead of -t may contain __rand_int__ (twelve random digits, see -r), __rand_6__ (six) and __data__
(a value):
  kvick-benchmark -r 100000 -n 1000000 -P 16 HSET user:__rand_int__ name __data__
)";
}

}  // namespace kvick::benchmark

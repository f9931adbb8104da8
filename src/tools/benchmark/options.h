// Options of kvick-benchmark, by the letters that users of redis-benchmark know.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "tools/client/tls_options.h"

namespace kvick::benchmark {

struct Options {
  std::string host = "127.0.0.1";
  int port = 6379;
  std::string unix_socket;
  client::TlsOptions tls;
  std::string user;
  std::string password;
  int database = 0;
  bool is_resp3 = false;

  uint64_t client_count = 50;
  uint64_t request_count = 100'000;
  uint64_t pipeline_depth = 1;
  uint64_t requests_per_second = 0;  // sent at fixed moments, whether the server keeps up or not; 0: as fast as it goes
  uint64_t data_size_bytes = 3;
  uint64_t key_count = 0;  // 0: one key
  bool each_key_once = false;
  bool keys_in_order = false;
  uint64_t loop_count = 1;
  uint64_t ttl_seconds = 0;  // of the keys that `fill` writes; 0: none
  uint64_t mixed_writes = 10;
  uint64_t mixed_reads = 90;
  uint64_t seed = 1;
  std::optional<unsigned> pinned_core;

  bool is_csv = false;
  bool is_quiet = false;
  bool shows_clients = false;       // the fewest and most requests that one client completed
  std::vector<std::string> tests;   // empty: the default ones
  std::vector<std::string> custom;  // a command given on the command line instead of tests
};

Result<Options> ParseOptions(const std::vector<std::string>& arguments);

// Text of --help.
std::string_view UsageText();

}  // namespace kvick::benchmark

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/numbers.h"
#include "tools/cli/modes.h"

namespace kvick::cli {
namespace {

constexpr int kLinesBetweenHeaders = 20;

// The number behind "name:" in an INFO text, 0 when it is not there.
int64_t Field(const std::string& info, std::string_view name) {
  const std::string start = "\n" + std::string(name) + ":";
  const size_t found = info.find(start);
  return found == std::string::npos ? 0 : std::strtoll(info.c_str() + found + start.size(), nullptr, 10);
}

// Keys of all databases: the lines "db0:keys=12,expires=..." of the keyspace section.
int64_t CountKeys(const std::string& info) {
  int64_t count = 0;
  for (size_t at = info.find("\ndb"); at != std::string::npos; at = info.find("\ndb", at + 1)) {
    const size_t keys = info.find(":keys=", at);
    const size_t end = info.find('\n', at + 1);
    if (keys != std::string::npos && keys < end) count += std::strtoll(info.c_str() + keys + 6, nullptr, 10);
  }
  return count;
}

std::string ChildText(const std::string& info) {
  std::string text;
  if (Field(info, "rdb_bgsave_in_progress") != 0) text += "SAVE ";
  if (Field(info, "aof_rewrite_in_progress") != 0) text += "AOF ";
  if (Field(info, "loading") != 0) text += "LOAD ";
  return text;
}

}  // namespace

int RunStat(Session* session, const Output& output, const Options& options) {
  int64_t requests_before = 0;
  for (int64_t line = 0;; ++line) {
    const Result<Value> reply = session->connection().Call({"INFO"});
    if (!reply.ok() || reply.value().IsError()) {
      Output::PrintError("ERROR: " + (reply.ok() ? reply.value().text : std::string(reply.status().text())));
      return 1;
    }
    const std::string& info = reply.value().text;
    if (line % kLinesBetweenHeaders == 0) {
      output.PrintText(
          "------- data ------ --------------------- load -------------------- - child -\n"
          "keys       mem      clients blocked requests            connections          \n");
    }
    const int64_t requests = Field(info, "total_commands_processed");
    const std::string memory = FormatBytesHuman(static_cast<uint64_t>(Field(info, "used_memory")));
    char requests_text[64];
    std::snprintf(requests_text, sizeof(requests_text), "%lld (+%lld)", static_cast<long long>(requests),
                  static_cast<long long>(line == 0 ? 0 : requests - requests_before));
    char text[256];
    std::snprintf(text, sizeof(text), "%-11lld%-9s%-8lld%-8lld%-20s%-12lld%s\n",
                  static_cast<long long>(CountKeys(info)), memory.c_str(),
                  static_cast<long long>(Field(info, "connected_clients")),
                  static_cast<long long>(Field(info, "blocked_clients")), requests_text,
                  static_cast<long long>(Field(info, "total_connections_received")), ChildText(info).c_str());
    output.PrintText(text);
    requests_before = requests;
    usleep(static_cast<useconds_t>(options.interval_us.value_or(1'000'000)));
  }
}

}  // namespace kvick::cli

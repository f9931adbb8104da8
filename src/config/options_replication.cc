// Directives of replication.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/numbers.h"
#include "base/status.h"
#include "config/option_rows.h"
#include "config/option_spec.h"
#include "config/settings.h"

namespace kvick {
namespace {

constexpr int64_t kPortMax = 65535;

// replicaof: <host> <port>; `no one` is a primary.
OptionSpec ReplicaOf() {
  OptionSpec spec;
  spec.name = "replicaof";
  spec.flags = kOptionImmutable | kOptionMultiArg;
  spec.is_kept = true;
  spec.store = [](const OptionSpec& self, const std::vector<std::string>& words, OptionSource, Settings* settings) {
    if (words.size() != 2) return Status::Error("wrong number of arguments");
    const bool is_primary = EqualsIgnoreCase(words[0], "no") && EqualsIgnoreCase(words[1], "one");
    if (!is_primary) {
      const std::optional<int64_t> port = ParseInt64(words[1]);
      if (!port || *port < 0 || *port > kPortMax) return Status::Error("Invalid master port");
    }
    SetKeptValue(self.name, "", is_primary ? "" : JoinWords(words), settings);
    return Status::Ok();
  };
  spec.format = [](const OptionSpec& self, const Settings& settings) { return KeptValue(settings, self.name, ""); };
  spec.rewrite = [](const Settings& settings) {
    std::vector<RewriteLine> lines;
    const std::string primary = KeptValue(settings, "replicaof", "");
    if (!primary.empty()) lines.push_back({primary, true});
    return lines;
  };
  spec.check_together = [](const Settings& settings) {
    const bool is_cluster = KeptValue(settings, "cluster-enabled", "0") == "1";
    const bool is_replica = !KeptValue(settings, "replicaof", "").empty();
    return is_cluster && is_replica ? Status::Error("replicaof directive not allowed in cluster mode") : Status::Ok();
  };
  return spec;
}

}  // namespace

std::vector<OptionSpec> ReplicationOptions() {
  return {
      KeptText("masterauth", "", kOptionSensitive | kOptionUnsetIfEmpty),
      KeptText("masteruser", "", kOptionSensitive | kOptionUnsetIfEmpty),
      KeptInteger("min-replicas-max-lag", 10, {0, kIntMax}).Alias("min-slaves-max-lag"),
      KeptInteger("min-replicas-to-write", 0, {0, kIntMax}).Alias("min-slaves-to-write"),
      KeptChoice("propagation-error-behavior", "ignore", {"ignore", "panic", "panic-on-replicas"}),
      KeptMemory("repl-backlog-size", 1 << 20, {1, kInt64Max}),
      KeptInteger("repl-backlog-ttl", 3600, {0, kInt64Max}),
      KeptInteger("repl-compression", 0, {0, kIntMax}, kOptionImmutable),
      KeptBool("repl-disable-tcp-nodelay", false),
      KeptChoice("repl-diskless-load", "disabled", {"disabled", "on-empty-db", "swapdb", "flushdb"},
                 kOptionDenyLoading),
      KeptBool("repl-diskless-sync", true),
      KeptInteger("repl-diskless-sync-delay", 5, {0, kIntMax}),
      KeptInteger("repl-diskless-sync-max-replicas", 0, {0, kIntMax}),
      KeptInteger("repl-ping-replica-period", 10, {1, kIntMax}).Alias("repl-ping-slave-period"),
      KeptBool("repl-rdb-channel", true, kOptionHidden),
      KeptInteger("repl-timeout", 60, {1, kIntMax}),
      KeptText("replica-announce-ip", "", kOptionUnsetIfEmpty).Alias("slave-announce-ip"),
      KeptInteger("replica-announce-port", 0, {0, 65535}).Alias("slave-announce-port"),
      KeptBool("replica-announced", true),
      KeptMemory("replica-full-sync-buffer-limit", 0, {0, kInt64Max}),
      KeptBool("replica-ignore-disk-write-errors", false),
      KeptBool("replica-ignore-maxmemory", true).Alias("slave-ignore-maxmemory"),
      KeptBool("replica-lazy-flush", false).Alias("slave-lazy-flush"),
      KeptInteger("replica-priority", 100, {0, kIntMax}).Alias("slave-priority"),
      KeptBool("replica-read-only", true).Alias("slave-read-only"),
      KeptBool("replica-serve-stale-data", true).Alias("slave-serve-stale-data"),
      ReplicaOf().Alias("slaveof"),
  };
}

}  // namespace kvick

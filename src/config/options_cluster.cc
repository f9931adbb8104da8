// Directives of cluster mode.
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "config/option_rows.h"
#include "config/option_spec.h"
#include "config/settings.h"

namespace kvick {
namespace {

constexpr size_t kHostnameSizeMax = 255;

bool IsAlphanumeric(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

Status CheckHostname(std::string_view name) {
  if (name.size() > kHostnameSizeMax) return Status::Error("Hostnames must be less than 256 characters");
  for (const char c : name) {
    if (!IsAlphanumeric(c) && c != '-' && c != '.') {
      return Status::Error("Hostnames may only contain alphanumeric characters, hyphens or dots");
    }
  }
  return Status::Ok();
}

Status CheckNodeName(std::string_view name) {
  for (const char c : name) {
    if (!IsAlphanumeric(c) && c != '-' && c != '.' && c != '_') {
      return Status::Error(
          "Announced human node name may only contain alphanumeric characters, hyphens, dots or underscores");
    }
  }
  return Status::Ok();
}

// What is counted for each slot: bits.
constexpr int kSlotStatsCpu = 1;
constexpr int kSlotStatsNet = 2;
constexpr int kSlotStatsMemory = 4;
constexpr int kSlotStatsAll = kSlotStatsCpu | kSlotStatsNet | kSlotStatsMemory;

}  // namespace

std::vector<OptionSpec> ClusterOptions() {
  return {
      KeptBool("cluster-allow-pubsubshard-when-down", true),
      KeptBool("cluster-allow-reads-when-down", false),
      KeptBool("cluster-allow-replica-migration", true),
      KeptInteger("cluster-announce-bus-port", 0, {0, 65535}),
      KeptText("cluster-announce-hostname", "", kOptionUnsetIfEmpty).Check(CheckHostname),
      KeptText("cluster-announce-human-nodename", "", kOptionUnsetIfEmpty).Check(CheckNodeName),
      KeptText("cluster-announce-ip", "", kOptionUnsetIfEmpty),
      KeptInteger("cluster-announce-port", 0, {0, 65535}),
      KeptInteger("cluster-announce-tls-port", 0, {0, 65535}),
      KeptInteger("cluster-compatibility-sample-ratio", 0, {0, 100}),
      KeptText("cluster-config-file", "nodes.conf", kOptionImmutable),
      KeptBool("cluster-enabled", false, kOptionImmutable),
      KeptMemory("cluster-link-sendbuf-limit", 0, {0, kUint64Max}),
      KeptInteger("cluster-migration-barrier", 1, {0, kIntMax}),
      KeptInteger("cluster-node-timeout", 15'000, {0, kInt64Max}),
      KeptInteger("cluster-ping-interval", 0, {0, kInt64Max}, kOptionHidden),
      KeptInteger("cluster-port", 0, {0, 65535}, kOptionImmutable),
      KeptChoice("cluster-preferred-endpoint-type", "ip", {"ip", "hostname", "unknown-endpoint"}),
      KeptBool("cluster-replica-no-failover", false).Alias("cluster-slave-no-failover"),
      KeptInteger("cluster-replica-validity-factor", 10, {0, kIntMax}).Alias("cluster-slave-validity-factor"),
      KeptBool("cluster-require-full-coverage", true),
      KeptMemory("cluster-slot-migration-handoff-max-lag-bytes", 1 << 20, {0, kInt64Max}),
      KeptInteger("cluster-slot-migration-max-archived-tasks", 32, {1, kIntMax}, kOptionHidden),
      KeptInteger("cluster-slot-migration-write-pause-timeout", 10'000, {0, kInt64Max}),
      KeptChoices("cluster-slot-stats-enabled", 0,
                  {{"no", 0},
                   {"yes", kSlotStatsAll},
                   {"cpu", kSlotStatsCpu},
                   {"net", kSlotStatsNet},
                   {"mem", kSlotStatsMemory}}),
  };
}

}  // namespace kvick

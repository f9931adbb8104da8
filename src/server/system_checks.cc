#include "server/system_checks.h"

#include <fstream>
#include <optional>

#include "base/bytes.h"
#include "base/numbers.h"

namespace kvick {
namespace {

constexpr char kClocksourceFolder[] = "/sys/devices/system/clocksource/clocksource0/";
constexpr char kTransparentHugePages[] = "/sys/kernel/mm/transparent_hugepage/enabled";
constexpr char kBacklogLimit[] = "/proc/sys/net/core/somaxconn";

// Empty when the file cannot be read: another kernel, a container without it.
std::string ReadLine(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return std::string(TrimBlanks(line));
}

// A clock without the vDSO makes each reading a system call.
std::string CheckClocksource() {
  const std::string current = ReadLine(std::string(kClocksourceFolder) + "current_clocksource");
  if (current.empty() || current == "tsc" || current == "kvm-clock" || current == "arch_sys_counter" ||
      current == "hyperv_clocksource_tsc_page") {
    return {};
  }
  return "Slow system clocksource detected. This can result in degraded performance. Consider changing the system's "
         "clocksource. Current clocksource: " +
         current + ". Available clocksources: " + ReadLine(std::string(kClocksourceFolder) + "available_clocksource") +
         ". For example: run the command 'echo tsc > " + kClocksourceFolder +
         "current_clocksource' as root. To permanently change the system's clocksource you'll need to set the "
         "'clocksource=' kernel command line parameter.";
}

std::string CheckTransparentHugePages() {
  if (ReadLine(kTransparentHugePages).find("[always]") == std::string::npos) return {};
  return "You have Transparent Huge Pages (THP) support enabled in your kernel. This will create latency and memory "
         "usage issues with kvick where 'disable-thp no' is set. To fix this issue run the command 'echo madvise > " +
         std::string(kTransparentHugePages) +
         "' as root, and add it to your /etc/rc.local in order to retain the setting after a reboot.";
}

std::string CheckBacklog(int backlog) {
  const std::optional<int64_t> limit = ParseInt64(ReadLine(kBacklogLimit));
  if (!limit || *limit >= backlog) return {};
  return "The TCP backlog setting of " + std::to_string(backlog) + " cannot be enforced because " + kBacklogLimit +
         " is set to the lower value of " + std::to_string(*limit) + ".";
}

}  // namespace

std::vector<SystemCheck> RunSystemChecks() {
  return {
      {"slow-clocksource", CheckClocksource()},
      {"backlog", CheckBacklog(Settings().tcp_backlog)},
      {"THP", CheckTransparentHugePages()},
  };
}

// There is no warning about memory overcommit as other servers have it: nothing here forks.
std::vector<std::string> FindStartWarnings(const Settings& settings) {
  std::vector<std::string> warnings = {CheckBacklog(settings.tcp_backlog), CheckClocksource()};
  if (!settings.disable_transparent_huge_pages) warnings.push_back(CheckTransparentHugePages());
  std::erase(warnings, "");
  return warnings;
}

}  // namespace kvick

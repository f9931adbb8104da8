#include "server/one_shot.h"

#include <cstdio>
#include <string_view>

#include "base/version.h"
#include "server/build_identity.h"
#include "server/memory_check.h"
#include "server/system_checks.h"

namespace kvick {
namespace {

// Scripts read the number behind "v=" to learn what the server can do: it is that of the Redis it is compatible with.
// Some look for the words before it too, and those call it redis-server.
int PrintVersion(std::string_view name) {
  std::printf("%s server v=%s sha=%s:0 malloc=%s bits=64 build=%s kvick=%s\n",
              name.ends_with("redis-server") ? "Redis" : "kvick", kCompatibleVersion, kSourceCommit,
              AllocatorName().c_str(), BuildId().c_str(), kKvickVersion);
  return 0;
}

int PrintUsage(const char* name) {
  std::fprintf(stderr,
               "Usage: %s [/path/to/kvick.conf] [options] [-]\n"
               "       %s - (read config from stdin)\n"
               "       %s -v or --version\n"
               "       %s -h or --help\n"
               "       %s --test-memory <megabytes>\n"
               "       %s --check-system\n"
               "\n"
               "Examples:\n"
               "       %s (run the server with default conf)\n"
               "       echo 'maxmemory 128mb' | %s -\n"
               "       %s /etc/kvick/6379.conf\n"
               "       %s --port 7777 --threads 4\n"
               "       %s /etc/kvick.conf --loglevel verbose -\n"
               "       %s /etc/kvick.conf --loglevel verbose\n",
               name, name, name, name, name, name, name, name, name, name, name, name);
  return 1;
}

int CheckSystem() {
  bool all_well = true;
  for (const SystemCheck& check : RunSystemChecks()) {
    all_well = all_well && check.problem.empty();
    std::printf("[%s]...%s\n", check.name, check.problem.empty() ? "OK" : "WARNING:");
    if (!check.problem.empty()) std::printf("%s\n", check.problem.c_str());
  }
  return all_well ? 0 : 1;
}

}  // namespace

int RunOneShot(const ServerArguments& arguments, const std::string& invoked_as) {
  switch (arguments.request) {
    case ServerRequest::kVersion: return PrintVersion(invoked_as);
    case ServerRequest::kHelp: return PrintUsage(invoked_as.c_str());
    case ServerRequest::kTestMemory: return TestMemory(arguments.test_memory_mb);
    case ServerRequest::kCheckSystem: return CheckSystem();
    case ServerRequest::kRun: break;
  }
  return 1;
}

}  // namespace kvick

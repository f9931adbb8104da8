#include "server/crash_sections.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "engine/executor.h"
#include "server/crash_report.h"

namespace kvick {
namespace {

constexpr size_t kArgumentsMax = 128;
constexpr size_t kArgumentBytesMax = 1024;

std::string DescribeClient(const Session& session, bool hides_user_data) {
  return "id=" + std::to_string(session.id) + " addr=" + session.address + " laddr=" + session.local_address +
         " fd=" + std::to_string(session.fd) + " name=" + (hides_user_data ? "*redacted*" : session.name) +
         " db=" + std::to_string(session.database_index) +
         " cmd=" + (session.last_command == nullptr ? "NULL" : session.last_command->name) +
         " user=" + (hides_user_data ? "*redacted*" : session.user) + " resp=" + std::to_string(session.protocol) +
         "\n";
}

std::string DescribeClients(Engine& engine) {
  std::string text;
  engine.ForEachExecutor([&](Executor& executor) {
    for (const Session* session : executor.sessions()) {
      text += DescribeClient(*session, engine.settings().hide_user_data_from_log);
    }
  });
  return text;
}

// Every worker's, for the one that crashed may have met what another one did.
std::string DescribeRunningCalls(Engine& engine) {
  const bool hides_user_data = engine.settings().hide_user_data_from_log;
  std::string text;
  engine.ForEachExecutor([&](Executor& executor) {
    const Executor::RunningCall& call = executor.running_call();
    if (call.session == nullptr) return;
    text += DescribeClient(*call.session, hides_user_data);
    text += "command: " + call.command->name + ", argc: " + std::to_string(call.arguments.size()) + "\n";
    const size_t count = std::min(call.arguments.size(), kArgumentsMax);
    for (size_t i = 0; i < count; ++i) {
      const std::string_view argument = call.arguments[i];
      text += "argv[" + std::to_string(i) + "]: ";
      // The first word names the command; the others may be keys and values.
      if (hides_user_data && i > 0) {
        text += std::to_string(argument.size()) + " bytes\n";
      } else {
        text += "'" + QuoteArgument(argument.substr(0, kArgumentBytesMax)) + "'\n";
      }
    }
  });
  return text;
}

}  // namespace

void AddEngineCrashSections(Engine& engine) {
  AddCrashSection("CURRENT CLIENT INFO", [&engine] { return DescribeRunningCalls(engine); });
  AddCrashSection("INFO OUTPUT", [&engine] { return engine.info().Text({"everything"}); });
  AddCrashSection("CLIENT LIST OUTPUT", [&engine] { return DescribeClients(engine); });
}

}  // namespace kvick

#include "server/crash_sections.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "engine/client_line.h"
#include "engine/executor.h"
#include "server/crash_report.h"

namespace kvick {
namespace {

constexpr size_t kArgumentsMax = 128;
constexpr size_t kArgumentBytesMax = 1024;

// The name and the user's name are the clients' own choice of words.
std::string DescribeClient(Engine& engine, const Session& session) {
  if (engine.settings().hide_user_data_from_log) {
    return "id=" + std::to_string(session.id) + " addr=" + session.address + " *redacted*\n";
  }
  return ClientLine(session, engine.clock().NowMs()) + "\n";
}

std::string DescribeClients(Engine& engine) {
  std::string text;
  engine.ForEachExecutor([&](Executor& executor) {
    for (const Session* session : executor.sessions()) text += DescribeClient(engine, *session);
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
    text += DescribeClient(engine, *call.session);
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

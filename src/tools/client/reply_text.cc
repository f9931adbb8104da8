#include "tools/client/reply_text.h"

#include <string_view>

#include "base/bytes.h"
#include "resp/printer.h"

namespace kvick::client {
namespace {

struct PlainTextCommand {
  std::string_view name;
  std::string_view subcommand;  // empty: any
};

constexpr PlainTextCommand kPlainTextCommands[] = {
    {"INFO", ""},         {"LOLWUT", ""},
    {"CLIENT", "LIST"},   {"CLIENT", "INFO"},
    {"CLUSTER", "NODES"}, {"CLUSTER", "INFO"},
    {"DEBUG", "HTSTATS"}, {"DEBUG", "HTSTATS-KEY"},
    {"MEMORY", "DOCTOR"}, {"MEMORY", "MALLOC-STATS"},
    {"LATENCY", "GRAPH"}, {"LATENCY", "DOCTOR"},
};

}  // namespace

bool RepliesWithPlainText(const std::vector<std::string>& arguments) {
  for (const PlainTextCommand& command : kPlainTextCommands) {
    if (arguments.empty() || !EqualsIgnoreCase(arguments[0], command.name)) continue;
    if (command.subcommand.empty()) return true;
    if (arguments.size() > 1 && EqualsIgnoreCase(arguments[1], command.subcommand)) return true;
  }
  return false;
}

std::string TerminalText(const std::vector<std::string>& arguments, const Value& reply) {
  return RepliesWithPlainText(arguments) ? PrintRaw(reply) : PrintFormatted(reply);
}

}  // namespace kvick::client

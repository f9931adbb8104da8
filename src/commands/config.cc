// CONFIG: reading and changing the directives while the server runs.
//
// Settings are read everywhere without locks, so what changes them is exclusive.
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "commands/families.h"
#include "config/config_rewrite.h"
#include "engine/command_context.h"
#include "engine/help.h"
#include "engine/permission.h"

namespace kvick {
namespace {

Status ConfigGet(CommandContext& context) {
  std::vector<std::string> patterns;
  for (const std::string_view pattern : context.arguments().subspan(2)) patterns.emplace_back(pattern);
  const std::vector<OptionValue> values = context.engine().options().Get(patterns);
  ReplyWriter& reply = context.Reply();
  reply.Map(values.size());
  for (const OptionValue& option : values) {
    reply.Bulk(option.name);
    reply.Bulk(option.value);
  }
  return Status::Ok();
}

Status ConfigSet(CommandContext& context) {
  if (context.argument_count() % 2 != 0) return errors::Syntax();
  std::vector<std::pair<std::string, std::string>> assignments;
  for (size_t i = 2; i < context.argument_count(); i += 2) assignments.emplace_back(context.Arg(i), context.Arg(i + 1));
  SetContext set_context;
  set_context.loading = context.engine().is_loading;
  set_context.protected_allowed = Permits(context.settings().protected_configs, context.session());
  KVICK_RETURN_IF_ERROR(context.engine().options().Set(assignments, set_context));
  context.Reply().Ok();
  return Status::Ok();
}

// Values of passwords and the like.
bool IsConfigSecret(const Engine& engine, std::span<const std::string_view> arguments, size_t index) {
  if (index < 3 || index % 2 == 0) return false;
  const OptionSpec* option = engine.options().Find(arguments[index - 1]);
  return option != nullptr && option->Has(kOptionSensitive);
}

Status ConfigResetStat(CommandContext& context) {
  context.engine().ResetStats();
  context.Reply().Ok();
  return Status::Ok();
}

Status ConfigRewrite(CommandContext& context) {
  ProcessControl* process = context.engine().hooks.process;
  if (process == nullptr || process->config_file().empty()) {
    return errors::Generic("The server is running without a config file");
  }
  std::vector<OwnedLines> owned;
  if (const Authorizer* authorizer = context.engine().hooks.authorizer) {
    owned.push_back({"user", authorizer->UserLines()});
  }
  const Status rewritten = RewriteConfigFile(process->config_file(), context.engine().options(), owned);
  if (!rewritten.ok()) {
    Log(LogLevel::kWarning, "CONFIG REWRITE failed: " + std::string(rewritten.text()));
    return rewritten;
  }
  Log(LogLevel::kNotice, "CONFIG REWRITE executed with success.");
  context.Reply().Ok();
  return Status::Ok();
}

constexpr uint64_t kConfigFlags = kAdmin | kNoScript | kLoading | kStale;

constexpr CommandSpec kCommands[] = {
    {
        .name = "CONFIG",
        .summary = "A container for server configuration commands.",
        .since = "2.0.0",
        .group = "server",
        .complexity = "Depends on subcommand.",
        .arity = -2,
    },
    {
        .name = "CONFIG GET",
        .syntax = "parameter [parameter ...]",
        .summary = "Returns the effective values of configuration parameters.",
        .since = "2.0.0",
        .group = "server",
        .complexity = "O(N) when N is the number of configuration parameters provided",
        .flags = kConfigFlags,
        .handler = ConfigGet,
    },
    {
        .name = "CONFIG HELP",
        .summary = "Returns helpful text about the subcommands.",
        .since = "5.0.0",
        .group = "server",
        .complexity = "O(1)",
        .flags = kLoading | kStale,
        .handler = ReplyHelp,
    },
    {
        .name = "CONFIG RESETSTAT",
        .summary = "Resets the server's statistics.",
        .since = "2.0.0",
        .group = "server",
        .complexity = "O(1)",
        .flags = kConfigFlags | kExclusive,
        .tips = {"request_policy:all_nodes", "response_policy:all_succeeded"},
        .handler = ConfigResetStat,
    },
    {
        .name = "CONFIG REWRITE",
        .summary = "Writes the effective configuration to the configuration file.",
        .since = "2.8.0",
        .group = "server",
        .complexity = "O(1)",
        .flags = kConfigFlags,
        .tips = {"request_policy:all_nodes", "response_policy:all_succeeded"},
        .handler = ConfigRewrite,
    },
    {
        .name = "CONFIG SET",
        .syntax = "parameter value [parameter value ...]",
        .summary = "Sets configuration parameters while the server runs.",
        .since = "2.0.0",
        .group = "server",
        .complexity = "O(N) when N is the number of configuration parameters provided",
        .flags = kConfigFlags | kExclusive | kSensitive,
        .tips = {"request_policy:all_nodes", "response_policy:all_succeeded"},
        .is_secret = IsConfigSecret,
        .handler = ConfigSet,
    },
};

}  // namespace

std::span<const CommandSpec> ConfigCommands() { return kCommands; }

}  // namespace kvick

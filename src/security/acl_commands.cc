// ACL: users and what they may do.
//
// Users change in exclusive moments only; the commands that show them read them inside the gate.
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/numbers.h"
#include "base/random.h"
#include "engine/command_context.h"
#include "engine/help.h"
#include "engine/key_extraction.h"
#include "security/access_control.h"
#include "security/denial_texts.h"
#include "security/features.h"

namespace kvick {
namespace {

constexpr size_t kDefaultLogCount = 10;
constexpr int64_t kDefaultPasswordBits = 256;
constexpr int64_t kPasswordBitsMax = 4096;

// Whoever registers these commands attaches this authorizer.
AccessControl& ControlOf(Engine& engine) { return *static_cast<AccessControl*>(engine.hooks.authorizer); }
AccessControl& ControlOf(CommandContext& context) { return ControlOf(context.engine()); }

Status SetUser(CommandContext& context) {
  AccessControl& control = ControlOf(context);
  const std::string name(context.Arg(2));
  if (!IsUserName(name)) return errors::Generic("Usernames can't contain spaces or null characters");
  const User* known = control.users().Find(name);
  User user = known != nullptr ? *known : User(name, control.catalog(), control.Defaults());
  std::string unclosed;
  const std::vector<std::string> words(context.arguments().begin() + 3, context.arguments().end());
  const std::vector<std::string> rules = JoinSelectors(words, &unclosed);
  if (!unclosed.empty()) {
    return errors::Generic("Unmatched parenthesis in acl selector starting at '" + std::string(UpToZeroByte(unclosed)) +
                           "'.");
  }
  for (const std::string& rule : rules) {
    const RuleProblem problem = user.Apply(rule, control.Defaults());
    if (problem == RuleProblem::kNone) continue;
    return errors::Generic("Error in ACL SETUSER modifier '" + std::string(UpToZeroByte(rule)) +
                           "': " + std::string(TextOf(problem)));
  }
  control.PutUser(user, context.session());
  context.Reply().Ok();
  return Status::Ok();
}

Status DelUser(CommandContext& context) {
  const std::span<const std::string_view> names = context.arguments().subspan(2);
  for (const std::string_view name : names) {
    if (name == kDefaultUser) return errors::Generic("The 'default' user cannot be removed");
  }
  int64_t removed_count = 0;
  for (const std::string_view name : names) {
    if (ControlOf(context).RemoveUser(name, context.session())) ++removed_count;
  }
  context.Reply().Integer(removed_count);
  return Status::Ok();
}

// Databases are shown only when they are limited: who knows nothing of such rules sees what he knows.
size_t FieldCountOf(const Selector& selector) { return selector.DatabasesText().empty() ? 3 : 4; }

void ReplySelectorFields(ReplyWriter& reply, const Selector& selector) {
  reply.Bulk("commands");
  reply.Bulk(selector.commands().Text());
  reply.Bulk("keys");
  reply.Bulk(selector.KeysText());
  reply.Bulk("channels");
  reply.Bulk(selector.ChannelsText());
  if (const std::string databases = selector.DatabasesText(); !databases.empty()) {
    reply.Bulk("databases");
    reply.Bulk(databases);
  }
}

Status GetUser(CommandContext& context) {
  const User* user = ControlOf(context).users().Find(context.Arg(2));
  ReplyWriter& reply = context.Reply();
  if (user == nullptr) {
    reply.NullArray();
    return Status::Ok();
  }
  const std::vector<Selector>& selectors = user->selectors();
  reply.Map(3 + FieldCountOf(selectors[0]));
  reply.Bulk("flags");
  const std::vector<std::string_view> flags = user->Flags();
  reply.Set(flags.size());
  for (const std::string_view flag : flags) reply.Bulk(flag);
  reply.Bulk("passwords");
  reply.Array(user->password_hashes().size());
  for (const std::string& hash : user->password_hashes()) reply.Bulk(hash);
  ReplySelectorFields(reply, selectors[0]);
  reply.Bulk("selectors");
  reply.Array(selectors.size() - 1);
  for (const Selector& selector : std::span(selectors).subspan(1)) {
    reply.Map(FieldCountOf(selector));
    ReplySelectorFields(reply, selector);
  }
  return Status::Ok();
}

Status List(CommandContext& context) {
  const Users::Map& users = ControlOf(context).users().by_name();
  context.Reply().Array(users.size());
  for (const auto& [name, user] : users) context.Reply().Bulk("user " + user->Line());
  return Status::Ok();
}

Status UserNames(CommandContext& context) {
  const Users::Map& users = ControlOf(context).users().by_name();
  context.Reply().Array(users.size());
  for (const auto& [name, user] : users) context.Reply().Bulk(name);
  return Status::Ok();
}

Status WhoAmI(CommandContext& context) {
  context.Reply().Bulk(context.session().user);
  return Status::Ok();
}

Status Categories(CommandContext& context) {
  if (context.argument_count() > 3) return errors::SubcommandArguments(context.Arg(1), "ACL");
  ReplyWriter& reply = context.Reply();
  if (context.argument_count() == 2) {
    const std::vector<std::string_view> categories = CommandCatalog::Categories();
    reply.Array(categories.size());
    for (const std::string_view category : categories) reply.Bulk(category);
    return Status::Ok();
  }
  const std::optional<uint32_t> category = CommandCatalog::FindCategory(context.Arg(2));
  if (!category) return errors::Generic("Unknown category '" + std::string(UpToZeroByte(context.Arg(2))) + "'");
  std::vector<std::string_view> names;
  const CommandTable& commands = context.engine().commands();
  for (size_t i = 0; i < commands.command_count(); ++i) {
    if ((commands.at(i).categories & *category) != 0) names.push_back(commands.at(i).name);
  }
  reply.Array(names.size());
  for (const std::string_view name : names) reply.Bulk(name);
  return Status::Ok();
}

Status GenPass(CommandContext& context) {
  if (context.argument_count() > 3) return errors::SubcommandArguments(context.Arg(1), "ACL");
  int64_t bits = kDefaultPasswordBits;
  if (context.argument_count() == 3) {
    KVICK_ASSIGN_OR_RETURN(bits, context.IntegerArg(2));
    if (bits <= 0 || bits > kPasswordBitsMax) {
      return errors::Generic(
          "ACL GENPASS argument must be the number of bits for the output password, a positive number up to " +
          std::to_string(kPasswordBitsMax));
    }
  }
  context.Reply().Bulk(SecretHex(static_cast<size_t>((bits + 3) / 4)));
  return Status::Ok();
}

void ReplyDeniedAccess(ReplyWriter& reply, const DeniedAccess& access, int64_t now_ms) {
  reply.Map(10);
  reply.Bulk("count");
  reply.Integer(static_cast<int64_t>(access.count));
  reply.Bulk("reason");
  reply.Bulk(ReasonName(access.reason));
  reply.Bulk("context");
  reply.Bulk(access.context);
  reply.Bulk("object");
  reply.Bulk(access.object);
  reply.Bulk("username");
  reply.Bulk(access.user);
  reply.Bulk("age-seconds");
  reply.Double(static_cast<double>(now_ms - access.updated_ms) / 1000);
  reply.Bulk("client-info");
  reply.Bulk(access.client_line);
  reply.Bulk("entry-id");
  reply.Integer(static_cast<int64_t>(access.id));
  reply.Bulk("timestamp-created");
  reply.Integer(access.created_ms);
  reply.Bulk("timestamp-last-updated");
  reply.Integer(access.updated_ms);
}

Status ShowLog(CommandContext& context) {
  if (context.argument_count() > 3) return errors::SubcommandArguments(context.Arg(1), "ACL");
  AccessLog& log = ControlOf(context).log();
  size_t count = kDefaultLogCount;
  if (context.argument_count() == 3) {
    if (context.ArgIs(2, "RESET")) {
      log.Clear();
      context.Reply().Ok();
      return Status::Ok();
    }
    KVICK_ASSIGN_OR_RETURN(const int64_t wanted, context.IntegerArg(2));
    count = wanted < 0 ? 0 : static_cast<size_t>(wanted);
  }
  const std::vector<DeniedAccess> entries = log.Latest(count);
  const int64_t now_ms = context.engine().clock().NowMs();
  context.Reply().Array(entries.size());
  for (const DeniedAccess& access : entries) ReplyDeniedAccess(context.Reply(), access, now_ms);
  return Status::Ok();
}

Status DryRun(CommandContext& context) {
  Engine& engine = context.engine();
  const User* user = ControlOf(context).users().Find(context.Arg(2));
  if (user == nullptr) return errors::Generic("User '" + std::string(UpToZeroByte(context.Arg(2))) + "' not found");
  const std::span<const std::string_view> arguments = context.arguments().subspan(3);
  const Command* container = nullptr;
  const Command* command = engine.commands().Resolve(arguments, &container);
  if (command == nullptr) {
    return errors::Generic("Command '" + std::string(UpToZeroByte(arguments[0])) + "' not found");
  }
  if (!command->accepts(arguments.size())) return errors::WrongArity(command->name);
  const int database_index = context.session().database_index;
  const std::vector<DeclaredKey> keys = DeclareKeys(engine, database_index, *command, arguments);
  const Denial denial = user->Check({*command, arguments, keys, database_index});
  if (denial.allowed()) {
    context.Reply().Ok();
  } else {
    context.Reply().Bulk(DescribeDenial(denial, *user));
  }
  return Status::Ok();
}

Status Load(CommandContext& context) {
  KVICK_RETURN_IF_ERROR(ControlOf(context).LoadFile(context.session()));
  context.Reply().Ok();
  return Status::Ok();
}

Status Save(CommandContext& context) {
  KVICK_RETURN_IF_ERROR(ControlOf(context).SaveFile());
  context.Reply().Ok();
  return Status::Ok();
}

constexpr uint64_t kForAll = kNoScript | kLoading | kStale;
constexpr uint64_t kForAdministrators = kAdmin | kForAll;

constexpr CommandSpec kCommands[] = {
    {
        .name = "ACL",
        .summary = "A container for access list control commands.",
        .since = "6.0.0",
        .group = "server",
        .complexity = "Depends on subcommand.",
        .arity = -2,
    },
    {
        .name = "ACL CAT",
        .syntax = "[category]",
        .summary = "Lists the categories of commands, or the commands of one.",
        .since = "6.0.0",
        .group = "server",
        .complexity = "O(1) since the categories and commands are a fixed set.",
        .flags = kForAll,
        .arity = -2,
        .handler = Categories,
    },
    {
        .name = "ACL DELUSER",
        .syntax = "username [username ...]",
        .summary = "Deletes users and disconnects their clients.",
        .since = "6.0.0",
        .group = "server",
        .complexity = "O(1) amortized time considering the typical user.",
        .flags = kForAdministrators | kExclusive | kSensitive,
        .tips = {"request_policy:all_nodes", "response_policy:all_succeeded"},
        .handler = DelUser,
    },
    {
        .name = "ACL DRYRUN",
        .syntax = "username command [arg [arg ...]]",
        .summary = "Says whether a user may run a command, without running it.",
        .since = "7.0.0",
        .group = "server",
        .complexity = "O(1).",
        .flags = kForAdministrators,
        .handler = DryRun,
    },
    {
        .name = "ACL GENPASS",
        .syntax = "[bits]",
        .argument_notes = "bits(integer)",
        .summary = "Generates a password that cannot be guessed.",
        .since = "6.0.0",
        .group = "server",
        .complexity = "O(1)",
        .flags = kForAll,
        .arity = -2,
        .handler = GenPass,
    },
    {
        .name = "ACL GETUSER",
        .syntax = "username",
        .summary = "Shows the rules of a user.",
        .since = "6.0.0",
        .group = "server",
        .complexity = "O(N). Where N is the number of password, command and pattern rules that the user has.",
        .flags = kForAdministrators | kSensitive,
        .handler = GetUser,
    },
    {
        .name = "ACL HELP",
        .summary = "Returns helpful text about the subcommands.",
        .since = "6.0.0",
        .group = "server",
        .complexity = "O(1)",
        .flags = kLoading | kStale,
        .handler = ReplyHelp,
    },
    {
        .name = "ACL LIST",
        .summary = "Shows all users as rules, in the form of the ACL file.",
        .since = "6.0.0",
        .group = "server",
        .complexity = "O(N). Where N is the number of configured users.",
        .flags = kForAdministrators,
        .handler = List,
    },
    {
        .name = "ACL LOAD",
        .summary = "Replaces all users by those in the ACL file.",
        .since = "6.0.0",
        .group = "server",
        .complexity = "O(N). Where N is the number of configured users.",
        .flags = kForAdministrators | kExclusive,
        .handler = Load,
    },
    {
        .name = "ACL LOG",
        .syntax = "[count | RESET]",
        .argument_notes = "count=operation",
        .summary = "Shows what was denied lately.",
        .since = "6.0.0",
        .group = "server",
        .complexity = "O(N) with N being the number of entries shown.",
        .flags = kForAdministrators,
        .arity = -2,
        .handler = ShowLog,
    },
    {
        .name = "ACL SAVE",
        .summary = "Writes all users into the ACL file.",
        .since = "6.0.0",
        .group = "server",
        .complexity = "O(N). Where N is the number of configured users.",
        .flags = kForAdministrators,
        .tips = {"request_policy:all_nodes", "response_policy:all_succeeded"},
        .handler = Save,
    },
    {
        .name = "ACL SETUSER",
        .syntax = "username [rule [rule ...]]",
        .summary = "Creates a user or changes one's rules.",
        .since = "6.0.0",
        .group = "server",
        .complexity = "O(N). Where N is the number of rules provided.",
        .flags = kForAdministrators | kExclusive | kSensitive,
        .tips = {"request_policy:all_nodes", "response_policy:all_succeeded"},
        .handler = SetUser,
    },
    {
        .name = "ACL USERS",
        .summary = "Lists the names of all users.",
        .since = "6.0.0",
        .group = "server",
        .complexity = "O(N). Where N is the number of configured users.",
        .flags = kForAdministrators,
        .handler = UserNames,
    },
    {
        .name = "ACL WHOAMI",
        .summary = "Returns the name of the connection's user.",
        .since = "6.0.0",
        .group = "server",
        .complexity = "O(1)",
        .flags = kForAll,
        .handler = WhoAmI,
    },
};

}  // namespace

std::span<const CommandSpec> AclCommands() { return kCommands; }

void AttachAccessControl(Engine& engine) { engine.hooks.authorizer = &engine.Attach<AccessControl>(engine); }

void FlushAudit(Engine& engine) { ControlOf(engine).FlushAudit(); }

Status LoadConfiguredUsers(Engine& engine) { return ControlOf(engine).LoadConfiguredUsers(); }

}  // namespace kvick

// CLIENT, the subcommands about the own connection and about the traffic as a whole. Those that look at other clients
// are in client_list.cc.
#include <algorithm>
#include <string>

#include "base/bytes.h"
#include "base/numbers.h"
#include "commands/client_attributes.h"
#include "commands/families.h"
#include "engine/command_context.h"
#include "engine/help.h"

namespace kvick {
namespace {

// ON or OFF in argument 2.
Result<bool> SwitchArg(const CommandContext& context) {
  if (context.ArgIs(2, "ON")) return true;
  if (context.ArgIs(2, "OFF")) return false;
  return errors::Syntax();
}

Status GetName(CommandContext& context) {
  const std::string& name = context.session().name;
  if (name.empty()) {
    context.Reply().Null();
  } else {
    context.Reply().Bulk(name);
  }
  return Status::Ok();
}

Status Id(CommandContext& context) {
  context.Reply().Integer(static_cast<int64_t>(context.session().id));
  return Status::Ok();
}

Status NoEvict(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(context.session().no_evict, SwitchArg(context));
  context.Reply().Ok();
  return Status::Ok();
}

Status NoTouch(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(context.session().no_touch, SwitchArg(context));
  context.Reply().Ok();
  return Status::Ok();
}

// A pause on top of another lasts as long as the longer and holds what either holds.
Status Pause(CommandContext& context) {
  if (context.argument_count() > 4) return errors::SubcommandArguments(context.Arg(1), "client");
  bool all_commands = true;
  if (context.argument_count() == 4) {
    all_commands = context.ArgIs(3, "ALL");
    if (!all_commands && !context.ArgIs(3, "WRITE")) return errors::Generic("CLIENT PAUSE mode must be WRITE or ALL");
  }
  const std::optional<int64_t> timeout_ms = ParseInt64(context.Arg(2));
  if (!timeout_ms) return errors::Generic("timeout is not an integer or out of range");
  if (*timeout_ms < 0) return errors::Generic("timeout is negative");
  if (*timeout_ms > INT64_MAX - context.now_ms()) return errors::Generic("timeout is out of range");

  PauseState& pause = context.engine().pause;
  const int64_t steady_ms = context.engine().clock().MonotonicMs();
  if (!pause.IsActive(steady_ms)) pause = PauseState();
  pause.until_ms = std::max(pause.until_ms, steady_ms + *timeout_ms);
  pause.all_commands = pause.all_commands || all_commands;
  context.Reply().Ok();
  return Status::Ok();
}

Status Unpause(CommandContext& context) {
  context.engine().pause = PauseState();
  context.Reply().Ok();
  return Status::Ok();
}

// The dispatcher drops the replies; it answers whatever turns them on again.
Status ReplyMode(CommandContext& context) {
  Session& session = context.session();
  if (context.ArgIs(2, "ON")) {
    session.reply_mode = Session::ReplyMode::kOn;
    context.Reply().Ok();
  } else if (context.ArgIs(2, "OFF")) {
    session.reply_mode = Session::ReplyMode::kOff;
  } else if (context.ArgIs(2, "SKIP")) {
    if (session.reply_mode != Session::ReplyMode::kOff) session.reply_mode = Session::ReplyMode::kSkipNext;
  } else {
    return errors::Syntax();
  }
  return Status::Ok();
}

Status SetInfo(CommandContext& context) {
  const std::string_view attribute = context.Arg(2);
  const std::string_view value = context.Arg(3);
  Session& session = context.session();
  std::string* target = nullptr;
  if (context.ArgIs(2, "LIB-NAME")) target = &session.library_name;
  if (context.ArgIs(2, "LIB-VER")) target = &session.library_version;
  if (target == nullptr) return errors::Generic("Unrecognized option '" + std::string(attribute) + "'");
  if (!IsClientAttribute(value)) {
    return errors::Generic(std::string(attribute) + " cannot contain spaces, newlines or special characters.");
  }
  *target = value;
  context.Reply().Ok();
  return Status::Ok();
}

Status SetName(CommandContext& context) {
  KVICK_RETURN_IF_ERROR(SetClientName(context.session(), context.Arg(2)));
  context.Reply().Ok();
  return Status::Ok();
}

constexpr uint64_t kOwnConnection = kNoScript | kLoading | kStale;
constexpr uint64_t kAdministration = kOwnConnection | kAdmin;

constexpr CommandSpec kCommands[] = {
    {
        .name = "CLIENT",
        .summary = "A container for client connection commands.",
        .since = "2.4.0",
        .group = "connection",
        .complexity = "Depends on subcommand.",
        .arity = -2,
    },
    {
        .name = "CLIENT GETNAME",
        .summary = "Returns the name of the connection.",
        .since = "2.6.9",
        .group = "connection",
        .complexity = "O(1)",
        .flags = kOwnConnection,
        .categories = kAclConnection,
        .handler = GetName,
    },
    {
        .name = "CLIENT HELP",
        .summary = "Returns helpful text about the different subcommands.",
        .since = "5.0.0",
        .group = "connection",
        .complexity = "O(1)",
        .flags = kLoading | kStale,
        .categories = kAclConnection,
        .handler = ReplyHelp,
    },
    {
        .name = "CLIENT ID",
        .summary = "Returns the unique client ID of the connection.",
        .since = "5.0.0",
        .group = "connection",
        .complexity = "O(1)",
        .flags = kOwnConnection,
        .categories = kAclConnection,
        .handler = Id,
    },
    {
        .name = "CLIENT NO-EVICT",
        .syntax = "<ON | OFF>",
        .argument_notes = "on=enabled",
        .summary = "Sets whether the connection may be closed to save memory.",
        .since = "7.0.0",
        .group = "connection",
        .complexity = "O(1)",
        .flags = kAdministration,
        .categories = kAclConnection,
        .handler = NoEvict,
    },
    {
        .name = "CLIENT NO-TOUCH",
        .syntax = "<ON | OFF>",
        .argument_notes = "on=enabled",
        .summary = "Controls whether commands sent by the client affect the LRU/LFU of accessed keys.",
        .since = "7.2.0",
        .group = "connection",
        .complexity = "O(1)",
        .flags = kOwnConnection,
        .categories = kAclConnection,
        .handler = NoTouch,
    },
    {
        .name = "CLIENT PAUSE",
        .syntax = "timeout [WRITE | ALL]",
        .argument_notes = "write=mode@6.2.0",
        .summary = "Suspends commands processing, of all commands or of those that write.",
        .since = "3.0.0",
        .group = "connection",
        .complexity = "O(1)",
        .flags = kAdministration | kExclusive,
        .categories = kAclConnection,
        .handler = Pause,
    },
    {
        .name = "CLIENT REPLY",
        .syntax = "<ON | OFF | SKIP>",
        .argument_notes = "on=action",
        .summary = "Instructs the server whether to reply to commands.",
        .since = "3.2.0",
        .group = "connection",
        .complexity = "O(1)",
        .flags = kOwnConnection,
        .categories = kAclConnection,
        .handler = ReplyMode,
    },
    {
        .name = "CLIENT SETINFO",
        .syntax = "<LIB-NAME libname | LIB-VER libver>",
        .argument_notes = "libname=attr",
        .summary = "Sets information specific to the client or connection.",
        .since = "7.2.0",
        .group = "connection",
        .complexity = "O(1)",
        .flags = kOwnConnection,
        .categories = kAclConnection,
        .tips = {"request_policy:all_nodes", "response_policy:all_succeeded"},
        .handler = SetInfo,
    },
    {
        .name = "CLIENT SETNAME",
        .syntax = "connection-name",
        .summary = "Sets the connection name.",
        .since = "2.6.9",
        .group = "connection",
        .complexity = "O(1)",
        .flags = kOwnConnection,
        .categories = kAclConnection,
        .tips = {"request_policy:all_nodes", "response_policy:all_succeeded"},
        .handler = SetName,
    },
    {
        .name = "CLIENT UNPAUSE",
        .summary = "Resumes processing commands from paused clients.",
        .since = "6.2.0",
        .group = "connection",
        .complexity = "O(N) Where N is the number of paused clients",
        .flags = kAdministration | kExclusive,
        .categories = kAclConnection,
        .handler = Unpause,
    },
};

}  // namespace

std::span<const CommandSpec> ClientCommands() { return kCommands; }

}  // namespace kvick

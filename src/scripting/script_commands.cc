// SCRIPT: the cache of scripts, and ending one that runs too long.
#include "base/bytes.h"
#include "engine/command_context.h"
#include "engine/help.h"
#include "scripting/debug_sessions.h"
#include "scripting/features.h"
#include "scripting/key_arguments.h"
#include "scripting/script_digest.h"
#include "scripting/scripting.h"

namespace kvick {
namespace {

Status ScriptExists(CommandContext& context) {
  ScriptCache& cache = ScriptingOf(context).cache();
  context.Reply().Array(context.argument_count() - 2);
  for (size_t i = 2; i < context.argument_count(); ++i) {
    context.Reply().Integer(cache.Contains(ToLower(context.Arg(i))) ? 1 : 0);
  }
  return Status::Ok();
}

Status ScriptFlush(CommandContext& context) {
  bool is_async = context.settings().lazy_free_on_user_flush;
  const size_t count = context.argument_count();
  if (count == 3 && context.ArgIs(2, "async")) {
    is_async = true;
  } else if (count == 3 && context.ArgIs(2, "sync")) {
    is_async = false;
  } else if (count != 2) {
    return errors::Generic("SCRIPT FLUSH only support SYNC|ASYNC option");
  }
  auto flushed = std::make_shared<std::unordered_map<std::string_view, std::shared_ptr<Script>>>(
      ScriptingOf(context).cache().Flush());
  if (is_async) context.engine().lazy_free().Add(1, [flushed]() mutable { flushed.reset(); });
  context.Reply().Ok();
  return Status::Ok();
}

Status ScriptKill(CommandContext& context) {
  KVICK_RETURN_IF_ERROR(ScriptingOf(context).Kill(LuaState::Kind::kEval));
  context.Reply().Ok();
  return Status::Ok();
}

Status ScriptLoad(CommandContext& context) {
  const std::string digest = Sha1Digest(context.Arg(2));
  if (!ScriptingOf(context).cache().KeepForGood(digest)) {
    KVICK_ASSIGN_OR_RETURN(std::shared_ptr<Script> script, MakeScript(context.Arg(2)));
    script->is_loaded_by_name = true;
    KVICK_RETURN_IF_ERROR(ExecutorScripts::Of(context).Compile(std::move(script)).status());
    ScriptingOf(context).cache().KeepForGood(digest);
  }
  context.Reply().Bulk(digest);
  return Status::Ok();
}

// Replies that wait to be sent: the debugger's lines must not come between them.
bool HasPendingReplies(const Session& session) {
  if (session.transport == nullptr) return false;
  const SessionTransport::Usage usage = session.transport->MeasureUsage();
  return usage.reply_buffer_used_bytes + usage.reply_list_bytes != 0;
}

Status ScriptDebug(CommandContext& context) {
  using ScriptDebugging = Session::ScriptDebugging;
  Session& session = context.session();
  if (context.executor().is_in_transaction() || HasPendingReplies(session)) {
    return errors::Generic("SCRIPT DEBUG must be called outside a pipeline");
  }
  if (context.ArgIs(2, "no")) {
    session.script_debugging = ScriptDebugging::kOff;
  } else if (ScriptingOf(context).debugging() == nullptr) {
    return errors::Generic("the script debugger is not available");
  } else if (context.ArgIs(2, "yes")) {
    session.script_debugging = ScriptDebugging::kOnCopy;
  } else if (context.ArgIs(2, "sync")) {
    session.script_debugging = ScriptDebugging::kInPlace;
  } else {
    return errors::Generic("Use SCRIPT DEBUG YES/SYNC/NO");
  }
  context.Reply().Ok();
  return Status::Ok();
}

constexpr CommandSpec kCommands[] = {
    {
        .name = "SCRIPT",
        .summary = "A container for Lua scripts management commands.",
        .since = "2.6.0",
        .group = "scripting",
        .complexity = "Depends on subcommand.",
        .arity = -2,
    },
    {
        .name = "SCRIPT DEBUG",
        .syntax = "<YES | SYNC | NO>",
        .argument_notes = "yes=mode",
        .summary = "Sets the debug mode of server-side Lua scripts.",
        .since = "3.2.0",
        .group = "scripting",
        .complexity = "O(1)",
        .flags = kNoScript,
        .categories = kAclScripting,
        .handler = ScriptDebug,
    },
    {
        .name = "SCRIPT EXISTS",
        .syntax = "sha1 [sha1 ...]",
        .summary = "Determines whether server-side Lua scripts exist in the script cache.",
        .since = "2.6.0",
        .group = "scripting",
        .complexity = "O(N) with N being the number of scripts to check (so checking a single script is an O(1) "
                      "operation).",
        .flags = kNoScript,
        .categories = kAclScripting,
        .tips = {"request_policy:all_shards", "response_policy:agg_logical_and"},
        .handler = ScriptExists,
    },
    {
        .name = "SCRIPT FLUSH",
        .syntax = "[ASYNC | SYNC]",
        .argument_notes = "async=flush-type flush-type@6.2.0",
        .summary = "Removes all server-side Lua scripts from the script cache.",
        .since = "2.6.0",
        .group = "scripting",
        .complexity = "O(N) with N being the number of scripts in cache",
        .flags = kNoScript,
        .categories = kAclScripting,
        .arity = -2,
        .tips = {"request_policy:all_nodes", "response_policy:all_succeeded"},
        .handler = ScriptFlush,
    },
    {
        .name = "SCRIPT HELP",
        .summary = "Returns helpful text about the different subcommands.",
        .since = "5.0.0",
        .group = "scripting",
        .complexity = "O(1)",
        .flags = kLoading | kStale,
        .categories = kAclScripting,
        .handler = ReplyHelp,
    },
    {
        .name = "SCRIPT KILL",
        .summary = "Terminates a server-side Lua script during execution.",
        .since = "2.6.0",
        .group = "scripting",
        .complexity = "O(1)",
        .flags = kNoScript | kAllowBusy,
        .categories = kAclScripting,
        .tips = {"request_policy:all_shards", "response_policy:one_succeeded"},
        .handler = ScriptKill,
    },
    {
        .name = "SCRIPT LOAD",
        .syntax = "script",
        .summary = "Loads a server-side Lua script to the script cache.",
        .since = "2.6.0",
        .group = "scripting",
        .complexity = "O(N) with N being the length in bytes of the script body.",
        .flags = kNoScript | kStale,
        .categories = kAclScripting,
        .tips = {"request_policy:all_nodes", "response_policy:all_succeeded"},
        .handler = ScriptLoad,
    },
};

}  // namespace

std::span<const CommandSpec> ScriptCommands() { return kCommands; }

void AttachScriptDebugger(Engine& engine, MakeDebugStore make_store) {
  auto& scripting = static_cast<Scripting&>(*engine.hooks.script_runner);
  scripting.set_debugging(std::make_unique<DebugSessions>(engine, make_store));
}

}  // namespace kvick

// EVAL, EVALSHA, EVAL_RO, EVALSHA_RO.
#include "base/bytes.h"
#include "base/numbers.h"
#include "engine/command_context.h"
#include "engine/errors.h"
#include "scripting/debug_sessions.h"
#include "scripting/features.h"
#include "scripting/key_arguments.h"
#include "scripting/script_digest.h"
#include "scripting/scripting.h"

namespace kvick {
namespace {

constexpr size_t kDigestSize = 40;

Status NoScript() { return Status::Error("NOSCRIPT No matching script. Please use EVAL."); }

Result<const ExecutorScripts::Compiled*> FindByText(CommandContext& context, ExecutorScripts& scripts) {
  const std::string_view text = context.Arg(1);
  if (const ExecutorScripts::Compiled* compiled = scripts.FindByText(text)) return compiled;
  const std::string digest = Sha1Digest(text);
  if (std::shared_ptr<Script> known = ScriptingOf(context).cache().Find(digest))
    return scripts.Compile(std::move(known));
  KVICK_ASSIGN_OR_RETURN(std::shared_ptr<Script> script, MakeScript(text));
  return scripts.Compile(std::move(script));
}

Result<const ExecutorScripts::Compiled*> FindByDigest(CommandContext& context, ExecutorScripts& scripts) {
  if (const ExecutorScripts::Compiled* compiled = scripts.FindByDigest(context.Arg(1))) return compiled;
  const std::string digest = ToLower(context.Arg(1));
  if (const ExecutorScripts::Compiled* compiled = scripts.FindByDigest(digest)) return compiled;
  std::shared_ptr<Script> known = ScriptingOf(context).cache().Find(digest);
  if (known == nullptr) return NoScript();
  return scripts.Compile(std::move(known));
}

enum class Naming { kText, kDigest };
enum class Access { kReadWrite, kReadOnly };

Status Eval(CommandContext& context, Naming naming, Access access) {
  if (naming == Naming::kDigest && context.Arg(1).size() != kDigestSize) return NoScript();
  if (context.session().script_debugging != Session::ScriptDebugging::kOff) {
    if (naming == Naming::kDigest) return errors::Generic("Please use EVAL instead of EVALSHA for debugging");
    return ScriptingOf(context).debugging()->Take(context);
  }
  KVICK_ASSIGN_OR_RETURN(const size_t key_count, KeyCountArgument(context, errors::NotInteger()));
  ExecutorScripts& scripts = ExecutorScripts::Of(context);
  KVICK_ASSIGN_OR_RETURN(const ExecutorScripts::Compiled* compiled,
                         naming == Naming::kText ? FindByText(context, scripts) : FindByDigest(context, scripts));
  // The text may be evicted while it runs.
  const std::shared_ptr<Script> script = compiled->script;
  ScriptingOf(context).cache().CountUse(*script);
  if (script->has_shebang) KVICK_RETURN_IF_ERROR(CheckRoomFor(script->flags, context));
  if (access == Access::kReadOnly && script->has_shebang && (script->flags & kScriptNoWrites) == 0) {
    return Status::Error("ERR Can not execute a script with write flag using *_ro command.");
  }
  const bool is_read_only = access == Access::kReadOnly || (script->flags & kScriptNoWrites) != 0;
  const std::span<const std::string_view> words = context.arguments().subspan(3);
  return Execute(context, scripts,
                 {.state = scripts.EvalState(),
                  .reference = compiled->reference,
                  .traits = script->traits,
                  .rules = {.kind = LuaState::Kind::kEval,
                            .is_read_only = is_read_only,
                            .may_exceed_memory = (script->flags & kScriptAllowOom) != 0,
                            .name = script->digest,
                            .command = context.arguments()},
                  .keys = words.first(key_count),
                  .arguments = words.subspan(key_count)});
}

Status EvalText(CommandContext& context) { return Eval(context, Naming::kText, Access::kReadWrite); }
Status EvalDigest(CommandContext& context) { return Eval(context, Naming::kDigest, Access::kReadWrite); }
Status EvalTextReadOnly(CommandContext& context) { return Eval(context, Naming::kText, Access::kReadOnly); }
Status EvalDigestReadOnly(CommandContext& context) { return Eval(context, Naming::kDigest, Access::kReadOnly); }

constexpr uint64_t kFlags = kNoScript | kStale | kSkipMonitor | kNoMandatoryKeys | kMovableKeys | kScriptRunner;

constexpr CommandSpec kCommands[] = {
    {
        .name = "EVAL",
        .syntax = "script numkeys [key [key ...]] [arg [arg ...]]",
        .summary = "Executes a server-side Lua script.",
        .since = "2.6.0",
        .group = "scripting",
        .complexity = "Depends on the script that is executed.",
        .flags = kFlags,
        .categories = kAclScripting,
        .keys = {CountedKeys(2, kKeyReadWrite | kKeyAccess | kKeyUpdate)},
        .handler = EvalText,
    },
    {
        .name = "EVALSHA",
        .syntax = "sha1 numkeys [key [key ...]] [arg [arg ...]]",
        .summary = "Executes a server-side Lua script by SHA1 digest.",
        .since = "2.6.0",
        .group = "scripting",
        .complexity = "Depends on the script that is executed.",
        .flags = kFlags,
        .categories = kAclScripting,
        .keys = {CountedKeys(2, kKeyReadWrite | kKeyAccess | kKeyUpdate)},
        .handler = EvalDigest,
    },
    {
        .name = "EVALSHA_RO",
        .syntax = "sha1 numkeys [key [key ...]] [arg [arg ...]]",
        .summary = "Executes a read-only server-side Lua script by SHA1 digest.",
        .since = "7.0.0",
        .group = "scripting",
        .complexity = "Depends on the script that is executed.",
        .flags = kFlags | kReadonly,
        .categories = kAclScripting,
        .keys = {CountedKeys(2, kKeyReadOnly | kKeyAccess)},
        .handler = EvalDigestReadOnly,
    },
    {
        .name = "EVAL_RO",
        .syntax = "script numkeys [key [key ...]] [arg [arg ...]]",
        .summary = "Executes a read-only server-side Lua script.",
        .since = "7.0.0",
        .group = "scripting",
        .complexity = "Depends on the script that is executed.",
        .flags = kFlags | kReadonly,
        .categories = kAclScripting,
        .keys = {CountedKeys(2, kKeyReadOnly | kKeyAccess)},
        .handler = EvalTextReadOnly,
    },
};

}  // namespace

Result<std::shared_ptr<Script>> MakeScript(std::string_view text) {
  auto script = std::make_shared<Script>();
  script->text = std::string(text);
  script->digest = Sha1Digest(text);
  if (text.rfind("#!", 0) == 0) {
    KVICK_ASSIGN_OR_RETURN(const Shebang shebang, ParseScriptShebang(text));
    script->has_shebang = true;
    script->flags = shebang.flags;
    script->code_begin = shebang.size_bytes;  // its line end stays, so that lines keep their numbers
  }
  return script;
}

Status CheckRoomFor(uint32_t script_flags, CommandContext& context) {
  if ((script_flags & (kScriptAllowOom | kScriptNoWrites)) != 0) return Status::Ok();
  return context.executor().lacks_room() ? errors::OutOfMemory() : Status::Ok();
}

Result<size_t> KeyCountArgument(CommandContext& context, const Status& not_a_number) {
  const std::optional<int64_t> count = ParseInt64(context.Arg(2));
  if (!count) return not_a_number;
  if (*count > static_cast<int64_t>(context.argument_count() - 3)) {
    return errors::Generic("Number of keys can't be greater than number of args");
  }
  if (*count < 0) return errors::Generic("Number of keys can't be negative");
  return static_cast<size_t>(*count);
}

std::span<const CommandSpec> EvalCommands() { return kCommands; }

}  // namespace kvick

// FUNCTION, FCALL, FCALL_RO. Libraries change when nobody else runs.
#include <array>

#include "base/bytes.h"
#include "engine/command_context.h"
#include "engine/help.h"
#include "scripting/features.h"
#include "scripting/function_payload.h"
#include "scripting/key_arguments.h"
#include "scripting/scripting.h"

namespace kvick {
namespace {

Status FunctionFlagError() { return errors::Generic("Can not execute a script with write flag using *_ro command."); }

Status Call(CommandContext& context, bool is_read_only) {
  const FunctionRegistry::Found found = ScriptingOf(context).functions().Find(context.Arg(1));
  if (found.library == nullptr) return errors::Generic("Function not found");
  KVICK_ASSIGN_OR_RETURN(const size_t key_count,
                         KeyCountArgument(context, errors::Generic("Bad number of keys provided")));
  LibraryFunction& function = *found.function;
  const bool declares_no_writes = (function.flags & kScriptNoWrites) != 0;
  KVICK_RETURN_IF_ERROR(CheckRoomFor(function.flags, context));
  if (is_read_only && !declares_no_writes) return FunctionFlagError();
  ExecutorScripts& scripts = ExecutorScripts::Of(context);
  // The library lives as long as it runs, even if the function deletes it.
  const LibraryRef library = *found.library;
  KVICK_ASSIGN_OR_RETURN(const int callback, scripts.CallbackOf(library, function.name));
  const std::span<const std::string_view> words = context.arguments().subspan(3);
  return Execute(context, scripts,
                 {.state = scripts.FunctionState(),
                  .reference = callback,
                  .traits = function.traits,
                  .rules = {.kind = LuaState::Kind::kFunctions,
                            .is_read_only = is_read_only || declares_no_writes,
                            .may_exceed_memory = (function.flags & kScriptAllowOom) != 0,
                            .name = function.name,
                            .command = context.arguments()},
                  .keys = words.first(key_count),
                  .arguments = words.subspan(key_count)});
}

Status FCall(CommandContext& context) { return Call(context, false); }
Status FCallReadOnly(CommandContext& context) { return Call(context, true); }

// A library from its text, with its functions as this executor knows them.
struct NewLibrary {
  LibraryRef library;
  FunctionCallbacks callbacks;
};
Result<NewLibrary> MakeLibrary(LuaState& state, std::string_view text) {
  KVICK_ASSIGN_OR_RETURN(Shebang shebang, ParseLibraryShebang(text));
  auto library = std::make_shared<FunctionLibrary>();
  library->name = std::move(shebang.name);
  library->text = std::string(text);
  library->code_begin = shebang.size_bytes;
  KVICK_ASSIGN_OR_RETURN(FunctionCallbacks callbacks, FunctionLoading::Load(state, *library));
  return NewLibrary{std::move(library), std::move(callbacks)};
}
Result<NewLibrary> MakeLibrary(CommandContext& context, std::string_view text) {
  return MakeLibrary(ExecutorScripts::Of(context).FunctionState(), text);
}

Status FunctionLoad(CommandContext& context) {
  bool replaces = false;
  for (size_t i = 2; i + 1 < context.argument_count(); ++i) {
    if (!context.ArgIs(i, "replace")) {
      return Status::Error("ERR Unknown option given: " + std::string(UpToZeroByte(context.Arg(i))));
    }
    replaces = true;
  }
  const std::string_view text = context.Arg(context.argument_count() - 1);
  FunctionRegistry& registry = ScriptingOf(context).functions();
  KVICK_ASSIGN_OR_RETURN(const Shebang shebang, ParseLibraryShebang(text));
  if (!replaces && registry.FindLibrary(shebang.name) != nullptr) {
    return Status::Error("ERR Library '" + shebang.name + "' already exists");
  }
  KVICK_ASSIGN_OR_RETURN(NewLibrary made, MakeLibrary(context, text));
  KVICK_RETURN_IF_ERROR(registry.Add(made.library));
  ExecutorScripts::Of(context).KeepCallbacks(made.library, std::move(made.callbacks));
  context.Changed();
  context.Reply().Bulk(made.library->name);
  return Status::Ok();
}

Status FunctionDelete(CommandContext& context) {
  if (!ScriptingOf(context).functions().Remove(context.Arg(2))) return errors::Generic("Library not found");
  context.Changed();
  context.Reply().Ok();
  return Status::Ok();
}

Status FunctionFlush(CommandContext& context) {
  const size_t count = context.argument_count();
  if (count > 3) return errors::SubcommandArguments(context.Arg(1), "FUNCTION");
  if (count == 3 && !context.ArgIs(2, "async") && !context.ArgIs(2, "sync")) {
    return errors::Generic("FUNCTION FLUSH only supports SYNC|ASYNC option");
  }
  // Few and small: freed at once in either mode.
  ScriptingOf(context).functions().Clear();
  context.Changed();
  context.Reply().Ok();
  return Status::Ok();
}

Status FunctionKill(CommandContext& context) {
  KVICK_RETURN_IF_ERROR(ScriptingOf(context).Kill(LuaState::Kind::kFunctions));
  context.Reply().Ok();
  return Status::Ok();
}

void WriteFunctions(ReplyWriter& reply, const FunctionLibrary& library) {
  reply.Array(library.functions.size());
  for (const auto& function : library.functions) {
    reply.Map(3);
    reply.Bulk("name");
    reply.Bulk(function->name);
    reply.Bulk("description");
    function->has_description ? reply.Bulk(function->description) : reply.Null();
    reply.Bulk("flags");
    reply.Set(static_cast<size_t>(__builtin_popcount(function->flags)));
    for (uint32_t flag = 1; flag != 0 && flag <= function->flags; flag <<= 1) {
      if ((function->flags & flag) != 0) reply.Simple(ScriptFlagName(flag));
    }
  }
}

Status FunctionList(CommandContext& context) {
  std::optional<std::string_view> pattern;
  bool with_code = false;
  for (size_t i = 2; i < context.argument_count(); ++i) {
    if (!with_code && context.ArgIs(i, "withcode")) {
      with_code = true;
    } else if (!pattern && context.ArgIs(i, "libraryname")) {
      if (++i == context.argument_count()) return errors::Generic("library name argument was not given");
      pattern = context.Arg(i);
    } else {
      return Status::Error("ERR Unknown argument " + std::string(UpToZeroByte(context.Arg(i))));
    }
  }
  std::vector<const FunctionLibrary*> chosen;
  for (const auto& [name, library] : ScriptingOf(context).functions().libraries()) {
    if (!pattern || MatchesGlob(*pattern, name, true)) chosen.push_back(library.get());
  }
  ReplyWriter& reply = context.Reply();
  reply.Array(chosen.size());
  for (const FunctionLibrary* library : chosen) {
    reply.Map(with_code ? 4 : 3);
    reply.Bulk("library_name");
    reply.Bulk(library->name);
    reply.Bulk("engine");
    reply.Bulk("LUA");
    reply.Bulk("functions");
    WriteFunctions(reply, *library);
    if (with_code) {
      reply.Bulk("library_code");
      reply.Bulk(library->text);
    }
  }
  return Status::Ok();
}

Status FunctionStats(CommandContext& context) {
  ReplyWriter& reply = context.Reply();
  Scripting& scripting = ScriptingOf(context);
  reply.Map(2);
  reply.Bulk("running_script");
  const int64_t now_us = context.engine().clock().MonotonicUs();
  const bool is_running = scripting.VisitRunningFunction([&](const ScriptRun& run) {
    reply.Map(3);
    reply.Bulk("name");
    reply.Bulk(run.rules().name);
    reply.Bulk("command");
    reply.Array(run.words().size());
    for (const std::string& word : run.words()) reply.Bulk(word);
    reply.Bulk("duration_ms");
    reply.Integer((now_us - run.started_us()) / 1000);
  });
  if (!is_running) reply.Null();
  reply.Bulk("engines");
  reply.Map(1);
  reply.Bulk("LUA");
  reply.Map(2);
  reply.Bulk("libraries_count");
  reply.Integer(static_cast<int64_t>(scripting.functions().libraries().size()));
  reply.Bulk("functions_count");
  reply.Integer(static_cast<int64_t>(scripting.functions().function_count()));
  return Status::Ok();
}

Status FunctionDump(CommandContext& context) {
  std::vector<std::string_view> texts;
  for (const auto& [name, library] : ScriptingOf(context).functions().libraries()) texts.push_back(library->text);
  context.Reply().Bulk(EncodeFunctionPayload(texts, context.settings().rdb_compression));
  return Status::Ok();
}

Status FunctionRestore(CommandContext& context) {
  enum class Policy { kAppend, kReplace, kFlush } policy = Policy::kAppend;
  if (context.argument_count() > 4) return errors::SubcommandArguments(context.Arg(1), "FUNCTION");
  if (context.argument_count() == 4) {
    if (context.ArgIs(3, "flush")) {
      policy = Policy::kFlush;
    } else if (context.ArgIs(3, "replace")) {
      policy = Policy::kReplace;
    } else if (!context.ArgIs(3, "append")) {
      return errors::Generic("Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.");
    }
  }
  KVICK_ASSIGN_OR_RETURN(const std::vector<std::string> texts, DecodeFunctionPayload(context.Arg(2)));
  // All or nothing: tried on a copy.
  FunctionRegistry& registry = ScriptingOf(context).functions();
  FunctionRegistry wanted;
  if (policy != Policy::kFlush) {
    for (const auto& [name, library] : registry.libraries()) KVICK_RETURN_IF_ERROR(wanted.Add(library));
  }
  std::vector<NewLibrary> made;
  for (const std::string& text : texts) {
    KVICK_ASSIGN_OR_RETURN(NewLibrary library, MakeLibrary(context, text));
    if (policy != Policy::kReplace && wanted.FindLibrary(library.library->name) != nullptr) {
      return Status::Error("ERR Library " + library.library->name + " already exists");
    }
    if (policy == Policy::kReplace) wanted.Remove(library.library->name);
    KVICK_RETURN_IF_ERROR(wanted.Add(library.library));
    made.push_back(std::move(library));
  }
  if (policy == Policy::kFlush) registry.Clear();
  for (NewLibrary& library : made) {
    KVICK_RETURN_IF_ERROR(registry.Add(library.library));
    ExecutorScripts::Of(context).KeepCallbacks(library.library, std::move(library.callbacks));
  }
  context.Changed();
  context.Reply().Ok();
  return Status::Ok();
}

constexpr uint64_t kCallFlags = kNoScript | kStale | kSkipMonitor | kNoMandatoryKeys | kMovableKeys | kScriptRunner;

constexpr CommandSpec kCommands[] = {
    {
        .name = "FCALL",
        .syntax = "function numkeys [key [key ...]] [arg [arg ...]]",
        .summary = "Invokes a function.",
        .since = "7.0.0",
        .group = "scripting",
        .complexity = "Depends on the function that is executed.",
        .flags = kCallFlags,
        .categories = kAclScripting,
        .keys = {CountedKeys(2, kKeyReadWrite | kKeyAccess | kKeyUpdate)},
        .handler = FCall,
    },
    {
        .name = "FCALL_RO",
        .syntax = "function numkeys [key [key ...]] [arg [arg ...]]",
        .summary = "Invokes a read-only function.",
        .since = "7.0.0",
        .group = "scripting",
        .complexity = "Depends on the function that is executed.",
        .flags = kCallFlags | kReadonly,
        .categories = kAclScripting,
        .keys = {CountedKeys(2, kKeyReadOnly | kKeyAccess)},
        .handler = FCallReadOnly,
    },
    {
        .name = "FUNCTION",
        .summary = "A container for function commands.",
        .since = "7.0.0",
        .group = "scripting",
        .complexity = "Depends on subcommand.",
        .arity = -2,
    },
    {
        .name = "FUNCTION DELETE",
        .syntax = "library-name",
        .summary = "Deletes a library and its functions.",
        .since = "7.0.0",
        .group = "scripting",
        .complexity = "O(1)",
        .flags = kNoScript | kWrite | kExclusive,
        .categories = kAclScripting,
        .tips = {"request_policy:all_shards", "response_policy:all_succeeded"},
        .handler = FunctionDelete,
    },
    {
        .name = "FUNCTION DUMP",
        .summary = "Dumps all libraries into a serialized binary payload.",
        .since = "7.0.0",
        .group = "scripting",
        .complexity = "O(N) where N is the number of functions",
        .flags = kNoScript,
        .categories = kAclScripting,
        .handler = FunctionDump,
    },
    {
        .name = "FUNCTION FLUSH",
        .syntax = "[ASYNC | SYNC]",
        .argument_notes = "async=flush-type",
        .summary = "Deletes all libraries and functions.",
        .since = "7.0.0",
        .group = "scripting",
        .complexity = "O(N) where N is the number of functions deleted",
        .flags = kNoScript | kWrite | kExclusive,
        .categories = kAclScripting,
        .arity = -2,
        .tips = {"request_policy:all_shards", "response_policy:all_succeeded"},
        .handler = FunctionFlush,
    },
    {
        .name = "FUNCTION HELP",
        .summary = "Returns helpful text about the different subcommands.",
        .since = "7.0.0",
        .group = "scripting",
        .complexity = "O(1)",
        .flags = kLoading | kStale,
        .categories = kAclScripting,
        .handler = ReplyHelp,
    },
    {
        .name = "FUNCTION KILL",
        .summary = "Terminates a function during execution.",
        .since = "7.0.0",
        .group = "scripting",
        .complexity = "O(1)",
        .flags = kNoScript | kAllowBusy,
        .categories = kAclScripting,
        .tips = {"request_policy:all_shards", "response_policy:one_succeeded"},
        .handler = FunctionKill,
    },
    {
        .name = "FUNCTION LIST",
        .syntax = "[LIBRARYNAME library-name-pattern] [WITHCODE]",
        .summary = "Returns information about all libraries.",
        .since = "7.0.0",
        .group = "scripting",
        .complexity = "O(N) where N is the number of functions",
        .flags = kNoScript,
        .categories = kAclScripting,
        .tips = {"nondeterministic_output_order"},
        .handler = FunctionList,
    },
    {
        .name = "FUNCTION LOAD",
        .syntax = "[REPLACE] function-code",
        .summary = "Creates a library.",
        .since = "7.0.0",
        .group = "scripting",
        .complexity = "O(1) (considering compilation time is redundant)",
        .flags = kNoScript | kWrite | kDenyOom | kExclusive,
        .categories = kAclScripting,
        .tips = {"request_policy:all_shards", "response_policy:all_succeeded"},
        .handler = FunctionLoad,
    },
    {
        .name = "FUNCTION RESTORE",
        .syntax = "serialized-value [FLUSH | APPEND | REPLACE]",
        .argument_notes = "flush=policy",
        .summary = "Restores all libraries from a payload.",
        .since = "7.0.0",
        .group = "scripting",
        .complexity = "O(N) where N is the number of functions on the payload",
        .flags = kNoScript | kWrite | kDenyOom | kExclusive,
        .categories = kAclScripting,
        .arity = -3,
        .tips = {"request_policy:all_shards", "response_policy:all_succeeded"},
        .handler = FunctionRestore,
    },
    {
        .name = "FUNCTION STATS",
        .summary = "Returns information about a function during execution.",
        .since = "7.0.0",
        .group = "scripting",
        .complexity = "O(1)",
        .flags = kNoScript | kAllowBusy,
        .categories = kAclScripting,
        .tips = {"nondeterministic_output", "request_policy:all_shards", "response_policy:special"},
        .handler = FunctionStats,
    },
};

}  // namespace

std::span<const CommandSpec> FunctionCommands() { return kCommands; }

std::vector<std::string> Scripting::LibraryTexts() const {
  std::vector<std::string> texts;
  for (const auto& [name, library] : functions_.libraries()) texts.push_back(library->text);
  return texts;
}

Status Scripting::LoadLibrary(std::string_view text, bool replaces) {
  // An interpreter of its own: executors make theirs when they first run a function.
  LuaState state(LuaState::Kind::kFunctions);
  KVICK_ASSIGN_OR_RETURN(const NewLibrary made, MakeLibrary(state, text));
  if (!replaces && functions_.FindLibrary(made.library->name) != nullptr) {
    return errors::Generic("Library '" + made.library->name + "' already exists");
  }
  return functions_.Add(made.library);
}

void AttachScripting(Engine& engine) {
  Scripting& scripting = engine.Attach<Scripting>(engine);
  engine.hooks.script_runner = &scripting;
  engine.AddStatsReset([&scripting] { scripting.cache().ResetStats(); });
}

}  // namespace kvick

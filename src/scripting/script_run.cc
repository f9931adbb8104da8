#include "scripting/script_run.h"

#include <lua.hpp>
#include <utility>

#include "base/log.h"
#include "engine/engine.h"
#include "scripting/lua_libraries.h"
#include "scripting/lua_reply.h"
#include "scripting/lua_sandbox.h"
#include "scripting/script_debugger.h"
#include "scripting/scripting.h"

namespace kvick {

ScriptRun::ScriptRun(Scripting& scripting, ExecutorScripts& scripts, CommandContext& context, const Rules& rules)
    : scripting_(scripting),
      scripts_(scripts),
      debugger_(scripts.debugger),
      executor_(context.executor()),
      session_(context.session()),
      rules_(rules),
      started_us_(scripting.engine().clock().MonotonicUs()),
      out_(scripts.call_replies()) {
  MutexLock lock(scripts_.running_mutex);
  scripts_.running = this;
}

ScriptRun::~ScriptRun() {
  if (is_busy()) scripting_.NoteIdle();
  MutexLock lock(scripts_.running_mutex);
  scripts_.running = nullptr;
}

std::string_view ScriptRun::Answer(std::string_view error) {
  executor_.CountError(error);
  text_ = "-";
  text_ += error;
  text_ += "\r\n";
  return text_;
}

bool ScriptRun::Refuse(std::string_view error, std::string_view* reply_text) {
  constexpr std::string_view kCode = "ERR ";
  if (debugger_ != nullptr) debugger_->NoteError(error.substr(error.starts_with(kCode) ? kCode.size() : 0));
  *reply_text = Answer(error);
  return true;
}

bool ScriptRun::Call(std::span<const std::string_view> arguments, std::string_view* reply_text) {
  if (is_unwinding_) return false;
  if (debugger_ != nullptr) debugger_->NoteCall(arguments);
  const Executor::Prepared prepared = executor_.PrepareForScript(session_, arguments);
  switch (prepared.problem) {
    case Executor::Prepared::Problem::kNone: break;
    case Executor::Prepared::Problem::kArity:
      executor_.stats().commands[prepared.command->index].rejected.Add(1);
      return Refuse("ERR Wrong number of args calling Redis command from script", reply_text);
    case Executor::Prepared::Problem::kUnknownCommand:
    case Executor::Prepared::Problem::kUnknownSubcommand:
      return Refuse("ERR Unknown Redis command called from script", reply_text);
  }
  const Command& command = *prepared.command;
  if (command.has(kNoScript) && !scripting_.engine().scripts_may_run_all) {
    return Refuse("ERR This Redis command is not allowed from script", reply_text);
  }
  if (rules_.is_read_only && command.has(kWrite | kMayReplicate)) {
    return Refuse("ERR Write commands are not allowed from read-only scripts.", reply_text);
  }
  if (debugger_ != nullptr && debugger_->before_call != nullptr) {
    const Status status = debugger_->before_call(command, arguments);
    if (!status.ok()) return Refuse(status.text(), reply_text);
  }
  out_.Clear();
  ReplyWriter reply(out_, protocol);
  session_.protocol = protocol;
  executor_.RecordScript(is_recorded);
  switch (executor_.CallFromScript(session_, prepared, !rules_.may_exceed_memory && !has_written(), reply)) {
    case Executor::ScriptCallOutcome::kDone: break;
    case Executor::ScriptCallOutcome::kUnwind: is_unwinding_ = true; return false;
    case Executor::ScriptCallOutcome::kDeadlock:
      *reply_text = Answer(
          "ERR The script reached a key that it did not declare, after it had changed something, while another script "
          "held that key and waited for this one");
      return true;
  }
  if (command.has(kWrite)) has_written_.store(true, std::memory_order_relaxed);
  iovec pieces[2];
  if (out_.Peek(pieces, 2) == 1) {
    *reply_text = {static_cast<const char*>(pieces[0].iov_base), pieces[0].iov_len};
  } else {
    text_ = out_.ToString();
    *reply_text = text_;
  }
  if (debugger_ != nullptr) {
    if ((*reply_text)[0] == '-') debugger_->NoteError(reply_text->substr(0, reply_text->find('\r')));
    debugger_->NoteReply(*reply_text);
  }
  return true;
}

void ScriptRun::LookAround(lua_State* lua) {
  const int64_t threshold_ms = scripting_.engine().settings().busy_reply_threshold_ms;
  const int64_t duration_us = scripting_.engine().clock().MonotonicUs() - started_us_;
  if (words_.empty()) {
    MutexLock lock(scripts_.running_mutex);
    words_.assign(rules_.command.begin(), rules_.command.end());
  }
  if (!is_busy() && threshold_ms > 0 && duration_us / 1000 >= threshold_ms) {
    Log(LogLevel::kWarning, "Slow script detected: still in execution after " + std::to_string(duration_us / 1000) +
                                " milliseconds. You can try killing the script using the " +
                                (rules_.kind == LuaState::Kind::kEval ? "SCRIPT" : "FUNCTION") +
                                " KILL command. Script name is: " + std::string(rules_.name) + ".");
    is_busy_.store(true, std::memory_order_relaxed);
    scripting_.NoteBusy(rules_.kind);
  }
  if (is_busy()) {
    executor_.ShareWhileBusy();
    if (executor_.serve_while_busy) executor_.serve_while_busy();
  }
  if (kill_.load(std::memory_order_relaxed) == Kill::kNone) return;
  Unwind(lua, rules_.kind == LuaState::Kind::kEval ? "ERR Script killed by user with SCRIPT KILL..."
                                                   : "ERR Script killed by user with FUNCTION KILL...");
}

void ScriptRun::Unwind(lua_State* lua, const char* error) {
  is_unwinding_ = was_killed_ = true;
  luaL_checkstack(lua, 3, "script is killed");
  lua_createtable(lua, 0, 1);
  lua_pushstring(lua, error);
  lua_setfield(lua, -2, "err");
  lua_error(lua);
  __builtin_unreachable();
}

namespace {

// Every so many instructions the interpreter asks whether to go on.
constexpr int kHookInstructions = 100'000;

void OnHook(lua_State* lua, lua_Debug* /*where*/) {
  const LuaState& state = LuaState::Of(lua);
  if (state.run != nullptr) state.run->LookAround(lua);
  if (state.loading != nullptr) state.loading->CheckTime(lua);
}

void PushTexts(lua_State* lua, std::span<const std::string_view> texts) {
  lua_createtable(lua, static_cast<int>(texts.size()), 0);
  int index = 0;
  for (const std::string_view text : texts) {
    lua_pushlstring(lua, text.data(), text.size());
    lua_rawseti(lua, -2, ++index);
  }
}

// The closure is made once for each interpreter.
void PushErrorHandler(lua_State* lua) {
  static char key;
  lua_pushlightuserdata(lua, &key);
  lua_rawget(lua, LUA_REGISTRYINDEX);
  if (!lua_isnil(lua, -1)) return;
  lua_pop(lua, 1);
  lua_pushcfunction(lua, AddErrorPosition);
  lua_pushlightuserdata(lua, &key);
  lua_pushvalue(lua, -2);
  lua_rawset(lua, LUA_REGISTRYINDEX);
  // At the same time: from the first script on the interpreter looks around.
  WatchScripts(lua);
}

struct Ending {
  bool has_error = false;
  ScriptError error;
  bool replies_error = false;  // the value that it returned has one
};

// In protected mode: calls the function, and writes what it returned.
void CallScript(lua_State* lua, const Execution& execution, ScriptRun& run, CommandContext& context, Ending* ending) {
  PushErrorHandler(lua);
  int parameter_count = 0;
  if (execution.state.kind() == LuaState::Kind::kEval) {
    if (std::exchange(execution.state.cjson_was_changed, false)) ResetCjson(lua);
    PushGlobals(lua);
    PushTexts(lua, execution.keys);
    lua_setfield(lua, -2, "KEYS");
    PushTexts(lua, execution.arguments);
    lua_setfield(lua, -2, "ARGV");
    lua_pop(lua, 1);
    lua_rawgeti(lua, LUA_REGISTRYINDEX, execution.reference);
  } else {
    lua_rawgeti(lua, LUA_REGISTRYINDEX, execution.reference);
    PushTexts(lua, execution.keys);
    PushTexts(lua, execution.arguments);
    parameter_count = 2;
  }
  if (run.debugger() != nullptr) run.debugger()->Watch(lua);
  if (lua_pcall(lua, parameter_count, 1, 1) != 0) {
    ending->has_error = true;
    ending->error = TakeError(lua);
    return;
  }
  if (run.is_unwinding()) return;
  execution.state.is_unlimited = true;
  WriteReply(lua, run.protocol, context.Reply(), [&context, ending](std::string_view error, bool was_counted) {
    if (!was_counted) context.executor().CountError(error);
    ending->replies_error = true;
  });
  execution.state.is_unlimited = false;
}

Status RunOnce(CommandContext& context, ExecutorScripts& scripts, const Execution& execution) {
  Session& session = context.session();
  const int database_index = session.database_index;
  const int protocol = session.protocol;
  // A script has fieldsets of its own.
  std::shared_ptr<Fieldsets> fieldsets = std::exchange(session.fieldsets, nullptr);
  Ending ending;
  bool is_killed = false;
  bool is_unwound = false;
  {
    ScriptRun run(ScriptingOf(context), scripts, context, execution.rules);
    execution.state.run = &run;
    std::string error;
    const bool is_protected =
        execution.state.Protect([&](lua_State* lua) { CallScript(lua, execution, run, context, &ending); }, &error);
    execution.state.run = nullptr;
    if (run.debugger() != nullptr) WatchScripts(execution.state.lua());
    if (!is_protected) {
      ending.has_error = true;
      ending.error.text = "ERR " + error;
    }
    is_killed = run.was_killed();
    is_unwound = run.is_unwinding();
  }
  session.database_index = database_index;
  session.protocol = protocol;
  session.fieldsets = std::move(fieldsets);
  if (is_unwound && !is_killed) return Status::Ok();  // starts over
  OwnedCounter& failed = context.executor().stats().commands[context.command().index].failed;
  if (ending.replies_error) failed.Add(1);
  if (!ending.has_error) return Status::Ok();
  std::string text = std::move(ending.error.text);
  if (!ending.error.position.empty()) {
    text += " script: " + std::string(execution.rules.name) + ", on " + ending.error.position + ".";
  }
  if (!ending.error.was_counted) return Status::Error(std::move(text));
  failed.Add(1);
  context.Reply().Error(text);
  return Status::Ok();
}

}  // namespace

void WatchScripts(lua_State* lua) { lua_sethook(lua, OnHook, LUA_MASKCOUNT, kHookInstructions); }

Status Execute(CommandContext& context, ExecutorScripts& scripts, const Execution& execution) {
  return context.executor().RunScript(context.session(), execution.traits,
                                      [&] { return RunOnce(context, scripts, execution); });
}

}  // namespace kvick

// ScriptRun: one execution of a script or function: who runs it, what it may do, and what is known of it to others
// (how long it runs, whether it may be killed).
//
// Thread rule: used by its executor's thread; what is atomic may be read, and Kill called, by any.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/executor.h"
#include "engine/session.h"
#include "resp/output_buffer.h"
#include "scripting/lua_state.h"

namespace kvick {

class CommandContext;
class ExecutorScripts;
class ScriptDebugger;
class Scripting;

// What a script says of itself in its first line ("#!lua flags=no-writes").
enum ScriptFlags : uint32_t {
  kScriptNoWrites = 1u << 0,
  kScriptAllowOom = 1u << 1,
  kScriptAllowStale = 1u << 2,
  kScriptNoCluster = 1u << 3,
  kScriptAllowCrossSlotKeys = 1u << 4,
};

class ScriptRun {
 public:
  struct Rules {
    LuaState::Kind kind = LuaState::Kind::kEval;
    bool is_read_only = false;
    bool may_exceed_memory = false;             // kScriptAllowOom
    std::string_view name;                      // the digest, or the function's name
    std::span<const std::string_view> command;  // EVAL … as it came
  };

  ScriptRun(Scripting& scripting, ExecutorScripts& scripts, CommandContext& context, const Rules& rules);
  ~ScriptRun();
  ScriptRun(const ScriptRun&) = delete;
  ScriptRun& operator=(const ScriptRun&) = delete;

  // Runs one command of the script. The reply, or the error that stands for it, is in `reply_text`, valid until the
  // next call. False when the script must be unwound.
  bool Call(std::span<const std::string_view> arguments, std::string_view* reply_text);

  // How long it runs is looked at now and then (a hook of the interpreter): serves others when it is past its time, and
  // begins to unwind the script when it was killed.
  void LookAround(lua_State* lua);

  // Ends the script with this error, whatever it catches.
  [[noreturn]] void Unwind(lua_State* lua, const char* error);

  bool is_unwinding() const { return is_unwinding_; }
  const Rules& rules() const { return rules_; }
  Executor& executor() { return executor_; }
  // Null: nobody debugs it.
  ScriptDebugger* debugger() const { return debugger_; }
  Session& session() { return session_; }

  // The version of the protocol in which the script's commands answer (redis.setresp).
  int protocol = 2;
  // What of its changes is recorded (redis.set_repl).
  bool is_recorded = true;

  // Any thread.
  enum class Kill : uint8_t { kNone, kByUser, kForShutdown };
  void RequestKill(Kill kill) { kill_.store(kill, std::memory_order_relaxed); }
  bool has_written() const { return has_written_.load(std::memory_order_relaxed); }
  bool is_busy() const { return is_busy_.load(std::memory_order_relaxed); }
  int64_t started_us() const { return started_us_; }
  // The command that runs it, once it has run for a while (under ExecutorScripts::running_mutex).
  const std::vector<std::string>& words() const { return words_; }
  bool was_killed() const { return was_killed_; }

 private:
  std::string_view Answer(std::string_view error);
  // The command is not run because of this.
  bool Refuse(std::string_view error, std::string_view* reply_text);

  Scripting& scripting_;
  ExecutorScripts& scripts_;
  ScriptDebugger* const debugger_;
  Executor& executor_;
  Session& session_;
  Rules rules_;
  const int64_t started_us_;
  bool is_unwinding_ = false;
  bool was_killed_ = false;
  std::atomic<bool> is_busy_{false};
  std::atomic<bool> has_written_{false};
  std::atomic<Kill> kill_{Kill::kNone};
  std::vector<std::string> words_;
  OutputBuffer& out_;  // its commands' replies
  std::string text_;
};

// The interpreter's hook: lets what runs look around now and then.
void WatchScripts(lua_State* lua);

}  // namespace kvick

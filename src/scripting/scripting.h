// Scripting: what an engine knows of scripts and functions: the caches, who runs one at present, and who is killed.
//
// Any thread, but for the functions, which are exclusive state (FunctionRegistry).
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/sync.h"
#include "engine/command_context.h"
#include "engine/engine.h"
#include "engine/hooks.h"
#include "resp/output_buffer.h"
#include "scripting/function_library.h"
#include "scripting/function_loading.h"
#include "scripting/lua_state.h"
#include "scripting/script_cache.h"
#include "scripting/script_run.h"

namespace kvick {

class DebugSessions;
class Scripting;

// What one executor has for scripts: its interpreters, and what it compiled. Used by its thread.
class ExecutorScripts {
 public:
  explicit ExecutorScripts(Scripting& scripting);
  ~ExecutorScripts();
  ExecutorScripts(const ExecutorScripts&) = delete;
  ExecutorScripts& operator=(const ExecutorScripts&) = delete;

  static ExecutorScripts& Of(CommandContext& context) { return Of(context.executor()); }
  static ExecutorScripts& Of(Executor& executor);

  LuaState& EvalState();
  LuaState& FunctionState();

  struct Compiled {
    std::shared_ptr<Script> script;
    int reference = 0;  // of its function, in the registry of EvalState
  };
  // What was compiled here and is still in the cache; null otherwise.
  const Compiled* FindByText(std::string_view text);
  const Compiled* FindByDigest(std::string_view digest);
  // Compiles; the error is a client's. The script is the shared one, or is put into the cache.
  Result<const Compiled*> Compile(std::shared_ptr<Script> script);
  // The reference of a function's callback in FunctionState; runs its library here first if need be.
  Result<int> CallbackOf(const LibraryRef& library, const std::string& function);
  // Another executor's thread made the same library a moment ago: keeps what this one has of it.
  void KeepCallbacks(const LibraryRef& library, FunctionCallbacks callbacks);

  OutputBuffer& call_replies() { return call_replies_; }

  // For the next run; null: nobody debugs it.
  ScriptDebugger* debugger = nullptr;

  // Who runs: for others, under the mutex.
  Mutex running_mutex;
  ScriptRun* running KVICK_GUARDED_BY(running_mutex) = nullptr;

  // Any thread.
  size_t eval_memory_bytes() const {
    return eval_memory_state_.load() != nullptr ? eval_memory_state_.load()->memory_bytes() : 0;
  }
  size_t function_memory_bytes() const {
    return function_memory_state_.load() != nullptr ? function_memory_state_.load()->memory_bytes() : 0;
  }

 private:
  void ForgetRetired();

  Scripting& scripting_;
  std::unique_ptr<LuaState> eval_state_;
  std::unique_ptr<LuaState> function_state_;
  std::atomic<const LuaState*> eval_memory_state_{nullptr};
  std::atomic<const LuaState*> function_memory_state_{nullptr};
  std::unordered_map<std::string_view, Compiled> by_digest_;
  std::unordered_map<std::string_view, const Compiled*> by_text_;
  struct LoadedLibrary {
    LibraryRef library;
    FunctionCallbacks callbacks;
  };
  std::unordered_map<const FunctionLibrary*, LoadedLibrary> libraries_;
  uint64_t library_generation_ = 0;
  OutputBuffer call_replies_;
};

class Scripting final : public ScriptRunner {
 public:
  explicit Scripting(Engine& engine);
  ~Scripting() override;

  Engine& engine() { return engine_; }
  ScriptCache& cache() { return cache_; }
  FunctionRegistry& functions() { return functions_; }
  // Null: scripts cannot be debugged. Set before executors run.
  DebugSessions* debugging() { return debugging_.get(); }
  void set_debugging(std::unique_ptr<DebugSessions> sessions);

  // ScriptRunner
  bool IsBusy() const override { return busy_count_.load(std::memory_order_relaxed) > 0; }
  std::string BusyError() const override;
  void KillForShutdown() override;
  void HurryToEnd() override;
  void EndDebugging() override;
  std::vector<std::string> LibraryTexts() const override;
  Status LoadLibrary(std::string_view text, bool replaces) override;
  ScriptUsage MeasureUsage() override KVICK_EXCLUDES(mutex_);

  // SCRIPT KILL, FUNCTION KILL.
  Status Kill(LuaState::Kind kind);
  // FUNCTION STATS: calls `visit` with a function that runs, if there is one whose run has been noticed.
  bool VisitRunningFunction(const std::function<void(const ScriptRun&)>& visit);

  void Add(ExecutorScripts* scripts) KVICK_EXCLUDES(mutex_);
  void Remove(ExecutorScripts* scripts) KVICK_EXCLUDES(mutex_);
  // A run has passed its time; its end.
  void NoteBusy(LuaState::Kind kind) {
    busy_kind_.store(kind, std::memory_order_relaxed);
    busy_count_.fetch_add(1, std::memory_order_relaxed);
  }
  void NoteIdle() { busy_count_.fetch_sub(1, std::memory_order_relaxed); }

 private:
  Engine& engine_;
  ScriptCache cache_;
  FunctionRegistry functions_;
  std::atomic<int> busy_count_{0};
  std::atomic<LuaState::Kind> busy_kind_{LuaState::Kind::kEval};
  Mutex mutex_;
  std::vector<ExecutorScripts*> executors_ KVICK_GUARDED_BY(mutex_);
  std::unique_ptr<DebugSessions> debugging_;
};

// The scripting of a context's engine.
inline Scripting& ScriptingOf(CommandContext& context) {
  return static_cast<Scripting&>(*context.engine().hooks.script_runner);
}

// Runs a compiled script or function for a command: its keys and arguments become KEYS and ARGV, or parameters.
struct Execution {
  LuaState& state;
  int reference;
  ScriptTraits& traits;
  ScriptRun::Rules rules;
  std::span<const std::string_view> keys;
  std::span<const std::string_view> arguments;
};
Status Execute(CommandContext& context, ExecutorScripts& scripts, const Execution& execution);

}  // namespace kvick

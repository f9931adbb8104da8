#include "scripting/scripting.h"

#include <algorithm>
#include <lua.hpp>
#include <utility>

#include "scripting/debug_sessions.h"
#include "scripting/script_digest.h"

namespace kvick {
namespace {

// Scripts that have left the cache are looked for when so many were compiled here.
constexpr size_t kCompiledMax = 2 * ScriptCache::kEvalCountMax;
// SCRIPT KILL is for scripts that run for a while, not for one that happens to run.
constexpr int64_t kKillableUs = 20'000;

constexpr std::string_view kEvalBusy =
    "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.";
constexpr std::string_view kFunctionBusy =
    "BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE.";

}  // namespace

ExecutorScripts::ExecutorScripts(Scripting& scripting) : scripting_(scripting) { scripting_.Add(this); }
ExecutorScripts::~ExecutorScripts() { scripting_.Remove(this); }

ExecutorScripts& ExecutorScripts::Of(Executor& executor) {
  std::shared_ptr<void>& state = executor.script_state;
  if (state == nullptr) {
    state = std::make_shared<ExecutorScripts>(static_cast<Scripting&>(*executor.engine().hooks.script_runner));
  }
  return *static_cast<ExecutorScripts*>(state.get());
}

LuaState& ExecutorScripts::EvalState() {
  if (eval_state_ == nullptr) {
    eval_state_ = std::make_unique<LuaState>(LuaState::Kind::kEval);
    eval_memory_state_ = eval_state_.get();
  }
  return *eval_state_;
}

LuaState& ExecutorScripts::FunctionState() {
  if (function_state_ == nullptr) {
    function_state_ = std::make_unique<LuaState>(LuaState::Kind::kFunctions);
    function_memory_state_ = function_state_.get();
  }
  return *function_state_;
}

const ExecutorScripts::Compiled* ExecutorScripts::FindByText(std::string_view text) {
  const auto found = by_text_.find(text);
  if (found == by_text_.end()) return nullptr;
  const Compiled* compiled = found->second;
  return compiled->script->is_retired.load(std::memory_order_relaxed) ? nullptr : compiled;
}

const ExecutorScripts::Compiled* ExecutorScripts::FindByDigest(std::string_view digest) {
  const auto found = by_digest_.find(digest);
  if (found == by_digest_.end() || found->second.script->is_retired.load(std::memory_order_relaxed)) return nullptr;
  return &found->second;
}

void ExecutorScripts::ForgetRetired() {
  for (auto place = by_digest_.begin(); place != by_digest_.end();) {
    const Compiled& compiled = place->second;
    if (!compiled.script->is_retired.load(std::memory_order_relaxed)) {
      ++place;
      continue;
    }
    luaL_unref(eval_state_->lua(), LUA_REGISTRYINDEX, compiled.reference);
    by_text_.erase(compiled.script->text);
    // The key is a view into the script: it goes first.
    const std::shared_ptr<Script> script = compiled.script;
    place = by_digest_.erase(place);
  }
}

Result<const ExecutorScripts::Compiled*> ExecutorScripts::Compile(std::shared_ptr<Script> script) {
  LuaState& state = EvalState();
  if (by_digest_.size() >= kCompiledMax || by_digest_.count(script->digest) != 0) ForgetRetired();
  int reference = LUA_NOREF;
  std::string problem;
  std::string error;
  const bool is_protected = state.Protect(
      [&](lua_State* lua) {
        // The parser keeps the name only in itself: held here, so that the collector does not take it.
        lua_pushliteral(lua, "@user_script");
        const std::string_view code = script->code();
        if (!code.empty() && code[0] == LUA_SIGNATURE[0]) {
          problem = "user_script: attempt to load a binary chunk";
        } else if (luaL_loadbuffer(lua, code.data(), code.size(), lua_tostring(lua, -1)) != 0) {
          problem = lua_tostring(lua, -1);
        } else {
          reference = luaL_ref(lua, LUA_REGISTRYINDEX);
        }
      },
      &error);
  if (!is_protected) problem = error;
  if (!problem.empty()) return Status::Error("ERR Error compiling script (new function): " + problem);
  std::shared_ptr<Script> shared = scripting_.cache().Add(std::move(script));
  const auto [place, is_new] = by_digest_.insert_or_assign(shared->digest, Compiled{shared, reference});
  by_text_[shared->text] = &place->second;
  return &place->second;
}

void ExecutorScripts::KeepCallbacks(const LibraryRef& library, FunctionCallbacks callbacks) {
  libraries_[library.get()] = {library, std::move(callbacks)};
}

Result<int> ExecutorScripts::CallbackOf(const LibraryRef& library, const std::string& function) {
  LuaState& state = FunctionState();
  const FunctionRegistry& registry = scripting_.functions();
  if (library_generation_ != registry.generation()) {
    library_generation_ = registry.generation();
    for (auto place = libraries_.begin(); place != libraries_.end();) {
      const LibraryRef* current = registry.FindLibrary(place->second.library->name);
      if (current != nullptr && *current == place->second.library) {
        ++place;
        continue;
      }
      for (const auto& [name, reference] : place->second.callbacks) {
        luaL_unref(state.lua(), LUA_REGISTRYINDEX, reference);
      }
      place = libraries_.erase(place);
    }
  }
  auto found = libraries_.find(library.get());
  if (found == libraries_.end()) {
    // Its functions are known: the copy only takes what the text registers here.
    FunctionLibrary copy;
    copy.name = library->name;
    copy.text = library->text;
    copy.code_begin = library->code_begin;
    KVICK_ASSIGN_OR_RETURN(FunctionCallbacks callbacks, FunctionLoading::Load(state, copy));
    found = libraries_.emplace(library.get(), LoadedLibrary{library, std::move(callbacks)}).first;
  }
  const auto callback = found->second.callbacks.find(function);
  if (callback == found->second.callbacks.end()) return Status::Error("ERR Function not found");
  return callback->second;
}

Scripting::Scripting(Engine& engine) : engine_(engine) {}
Scripting::~Scripting() = default;

void Scripting::set_debugging(std::unique_ptr<DebugSessions> sessions) { debugging_ = std::move(sessions); }

void Scripting::HurryToEnd() {
  if (debugging_ != nullptr) debugging_->Dismiss();
}

void Scripting::EndDebugging() {
  if (debugging_ != nullptr) debugging_->EndAll();
}

void Scripting::Add(ExecutorScripts* scripts) {
  MutexLock lock(mutex_);
  executors_.push_back(scripts);
}

void Scripting::Remove(ExecutorScripts* scripts) {
  MutexLock lock(mutex_);
  executors_.erase(std::remove(executors_.begin(), executors_.end(), scripts), executors_.end());
}

std::string Scripting::BusyError() const {
  return std::string(busy_kind_.load(std::memory_order_relaxed) == LuaState::Kind::kEval ? kEvalBusy : kFunctionBusy);
}

Status Scripting::Kill(LuaState::Kind kind) {
  const int64_t now_us = engine_.clock().MonotonicUs();
  bool is_other_kind = false;
  bool has_written = false;
  bool is_killed = false;
  MutexLock lock(mutex_);
  for (ExecutorScripts* scripts : executors_) {
    MutexLock running_lock(scripts->running_mutex);
    ScriptRun* run = scripts->running;
    if (run == nullptr || (!run->is_busy() && now_us - run->started_us() < kKillableUs)) continue;
    if (run->rules().kind != kind) {
      is_other_kind = true;
    } else if (run->has_written()) {
      has_written = true;
    } else {
      run->RequestKill(ScriptRun::Kill::kByUser);
      is_killed = true;
    }
  }
  if (is_killed) return Status::Ok();
  if (has_written) {
    return Status::Error(
        "UNKILLABLE Sorry the script already executed write commands against the dataset. You can either wait the "
        "script termination or kill the server in a hard way using the SHUTDOWN NOSAVE command.");
  }
  if (is_other_kind) {
    return Status::Error(std::string(kind == LuaState::Kind::kEval ? kFunctionBusy : kEvalBusy));
  }
  return Status::Error("NOTBUSY No scripts in execution right now.");
}

void Scripting::KillForShutdown() {
  MutexLock lock(mutex_);
  for (ExecutorScripts* scripts : executors_) {
    MutexLock running_lock(scripts->running_mutex);
    if (scripts->running != nullptr && scripts->running->is_busy()) {
      scripts->running->RequestKill(ScriptRun::Kill::kForShutdown);
    }
  }
}

bool Scripting::VisitRunningFunction(const std::function<void(const ScriptRun&)>& visit) {
  MutexLock lock(mutex_);
  for (ExecutorScripts* scripts : executors_) {
    MutexLock running_lock(scripts->running_mutex);
    const ScriptRun* run = scripts->running;
    if (run == nullptr || run->rules().kind != LuaState::Kind::kFunctions || run->words().empty()) continue;
    visit(*run);
    return true;
  }
  return false;
}

ScriptUsage Scripting::MeasureUsage() {
  ScriptUsage usage;
  usage.script_bytes = cache_.memory_bytes();
  usage.script_count = cache_.count();
  usage.evicted_script_count = cache_.evicted_count();
  usage.library_bytes = functions_.memory_bytes();
  usage.library_count = functions_.libraries().size();
  usage.function_count = functions_.function_count();
  MutexLock lock(mutex_);
  for (const ExecutorScripts* scripts : executors_) {
    usage.eval_interpreter_bytes += scripts->eval_memory_bytes();
    usage.function_interpreter_bytes += scripts->function_memory_bytes();
  }
  return usage;
}

}  // namespace kvick

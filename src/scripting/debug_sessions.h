// DebugSessions: all clients of a server that debug scripts at present.
#pragma once

#include <memory>
#include <vector>

#include "base/sync.h"
#include "engine/command_context.h"
#include "scripting/debug_session.h"

namespace kvick {

class DebugSessions {
 public:
  DebugSessions(Engine& engine, MakeDebugStore make_store) : engine_(engine), make_store_(make_store) {}
  ~DebugSessions() { EndAll(); }
  DebugSessions(const DebugSessions&) = delete;
  DebugSessions& operator=(const DebugSessions&) = delete;

  // EVAL of a client that asked for the debugger: the client leaves its worker, and gets its answers from a session
  // of its own. The error of a client that cannot leave.
  Status Take(CommandContext& context);

  // Any thread: treats all clients as if they had left, those that come as well.
  void Dismiss() KVICK_EXCLUDES(mutex_);
  // When nobody comes any more: waits for the ends of all.
  void EndAll() KVICK_EXCLUDES(mutex_);

 private:
  // Outside the gate, which a new executor has to enter for the first time.
  std::shared_ptr<Executor> LendExecutor() KVICK_EXCLUDES(mutex_);
  void TakeBack(Executor* executor) KVICK_EXCLUDES(mutex_);
  void Begin(std::unique_ptr<DebugSession> session) KVICK_EXCLUDES(mutex_);

  Engine& engine_;
  const MakeDebugStore make_store_;
  Mutex mutex_;
  bool is_dismissed_ KVICK_GUARDED_BY(mutex_) = false;
  std::vector<std::unique_ptr<DebugSession>> sessions_ KVICK_GUARDED_BY(mutex_);
  // An executor lives as long as the server, because its counters count.
  std::vector<std::unique_ptr<Executor>> executors_ KVICK_GUARDED_BY(mutex_);
  std::vector<Executor*> idle_executors_ KVICK_GUARDED_BY(mutex_);
};

}  // namespace kvick

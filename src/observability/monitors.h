// Monitors: the clients that see every command (MONITOR).
//
// All threads tell of their calls under one lock, so every monitor sees the same order; since a call is told under the
// locks of its keys, it is the order in which calls that touch the same keys had effect. While nobody monitors, a call
// costs the reading of a flag (Engine::shows_calls).
#pragma once

#include <span>
#include <string_view>

#include "base/sync.h"
#include "engine/engine.h"
#include "engine/push.h"

namespace kvick {

class Monitors final : public CallObserver {
 public:
  explicit Monitors(Engine& engine) : engine_(engine) {}

  // In the session's thread.
  void Add(Session& session) KVICK_EXCLUDES(mutex_);

  void OnCall(const Session& session, const Command& command, std::span<const std::string_view> arguments,
              bool is_from_script) override KVICK_EXCLUDES(mutex_);
  void ForgetSession(Session& session) override KVICK_EXCLUDES(mutex_);

 private:
  Engine& engine_;
  Mutex mutex_;
  Receivers receivers_ KVICK_GUARDED_BY(mutex_);
};

}  // namespace kvick

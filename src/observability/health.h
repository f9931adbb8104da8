// Whether the server is alive and whether it is ready, for who supervises it from outside.
#pragma once

#include <string>

#include "engine/engine.h"

namespace kvick {

struct Health {
  bool is_good = true;
  std::string status;  // "ok", "stuck", "loading", "writes_refused", "busy"
  std::string reason;  // in words; empty when all is well
};

// A worker that has begun no turn for so long is stuck. A script that runs past its time is not: its worker answers
// others meanwhile.
inline constexpr int64_t kStuckAfterMs = 10'000;

// The process answers and no worker is stuck. Any thread; waits for nobody but for who walks the list of executors.
Health CheckLiveness(Engine& engine);

// The data is there and writes are accepted. Inside the gate, in any thread.
Health CheckReadiness(Engine& engine);

// Somebody is alone in the server for longer than the asker wants to wait.
Health BusyHealth();

// {"status":"loading","reason":"..."}
std::string HealthJson(const Health& health);

}  // namespace kvick

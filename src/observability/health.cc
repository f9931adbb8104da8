#include "observability/health.h"

#include <algorithm>
#include <cstdio>
#include <string_view>

#include "engine/executor.h"

namespace kvick {
namespace {

std::string Quote(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      quoted += {'\\', c};
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof(escape), "\\u%04x", static_cast<unsigned char>(c));
      quoted += escape;
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

}  // namespace

Health CheckLiveness(Engine& engine) {
  const int64_t now_us = engine.clock().MonotonicUs();
  int64_t oldest_ms = 0;
  int oldest_worker = -1;
  engine.ForEachExecutor([&](Executor& executor) {
    const ExecutorStats& stats = executor.stats();
    const auto started_us = static_cast<int64_t>(stats.turn_started_us.Load());
    if (stats.worker_index < 0 || started_us == 0) return;
    const int64_t age_ms = (now_us - started_us) / 1000;
    if (age_ms <= oldest_ms) return;
    oldest_ms = age_ms;
    oldest_worker = stats.worker_index;
  });
  if (oldest_ms < kStuckAfterMs) return {true, "ok", ""};
  return {false, "stuck",
          "worker " + std::to_string(oldest_worker) + " has begun no turn for " + std::to_string(oldest_ms / 1000) +
              " seconds"};
}

Health CheckReadiness(Engine& engine) {
  if (engine.is_loading) return {false, "loading", "the data set is being loaded"};
  if (engine.write_refusal_count.load(std::memory_order_relaxed) != 0) {
    for (WriteGuard* guard : engine.hooks.write_guards) {
      const Status refusal = guard->Check();
      if (!refusal.ok()) return {false, "writes_refused", std::string(refusal.text())};
    }
  }
  return {true, "ok", ""};
}

Health BusyHealth() { return {false, "busy", "an operation that runs alone goes on"}; }

std::string HealthJson(const Health& health) {
  std::string json = "{\"status\":" + Quote(health.status);
  if (!health.reason.empty()) json += ",\"reason\":" + Quote(health.reason);
  return json + "}\n";
}

}  // namespace kvick

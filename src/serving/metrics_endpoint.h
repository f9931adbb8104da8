// MetricsEndpoint serves /metrics, /health/live and /health/ready over HTTP on metrics-bind and metrics-port.
//
// It has a thread of its own, which works inside the gate like an executor does, for a part of the metrics at a time:
// no worker waits for it longer than such a part takes. When it cannot get in for a while, it says so.
#pragma once

#include <atomic>
#include <functional>
#include <string_view>

#include "base/status.h"
#include "engine/engine.h"
#include "engine/exclusive_gate.h"
#include "serving/http_server.h"

namespace kvick {

class MetricsEndpoint {
 public:
  // `engine` outlives it.
  explicit MetricsEndpoint(Engine& engine);
  ~MetricsEndpoint();
  MetricsEndpoint(const MetricsEndpoint&) = delete;
  MetricsEndpoint& operator=(const MetricsEndpoint&) = delete;

  // What the settings say: opens it, closes it, or opens it elsewhere. Before workers run, or in an exclusive moment.
  // The error is logged.
  Status FollowSettings();
  // Outside of the gate, or in an exclusive moment.
  void Close();

 private:
  HttpReply Answer(std::string_view path);
  // Runs it where figures may be read; false when that cannot be had for a while, or the endpoint closes.
  bool RunPart(const std::function<void()>& part);
  bool EnterGate(const std::function<bool()>& gives_up);

  Engine& engine_;
  ExclusiveGate::Slot gate_slot_;
  std::atomic<bool> is_closing_{false};  // its thread gives up what it waits for
  HttpServer server_;
};

}  // namespace kvick

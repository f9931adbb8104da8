#include "serving/metrics_endpoint.h"

#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "base/log.h"
#include "observability/health.h"
#include "observability/metrics.h"

namespace kvick {
namespace {

// How long somebody who is alone in the server is waited for.
constexpr int64_t kGatePatienceMs = 1000;
constexpr unsigned kUnavailable = 503;
constexpr std::string_view kMetricsType = "text/plain; version=0.0.4; charset=utf-8";

HttpReply ReplyWith(const Health& health) {
  return {health.is_good ? 200U : kUnavailable, "application/json", HealthJson(health)};
}

}  // namespace

MetricsEndpoint::MetricsEndpoint(Engine& engine) : engine_(engine) { engine_.gate().Register(&gate_slot_); }

MetricsEndpoint::~MetricsEndpoint() {
  Close();
  engine_.gate().Unregister(&gate_slot_);
}

Status MetricsEndpoint::FollowSettings() {
  Close();
  const Settings& settings = engine_.settings();
  if (settings.metrics_port == 0) return Status::Ok();
  const Status status = server_.Open(settings.metrics_bind, settings.metrics_port,
                                     [this](std::string_view path) { return Answer(path); });
  const std::string place = settings.metrics_bind + ":" + std::to_string(settings.metrics_port);
  if (!status.ok()) {
    Log(LogLevel::kWarning, "Could not serve metrics on " + place + ": " + std::string(status.text()));
    return Status::Error("Unable to listen on this port. Check server logs.");
  }
  Log(LogLevel::kNotice, "Serving metrics on http://" + place + "/metrics");
  return Status::Ok();
}

void MetricsEndpoint::Close() {
  is_closing_.store(true, std::memory_order_relaxed);
  server_.Close();
  is_closing_.store(false, std::memory_order_relaxed);
}

// In steps, because whoever closes the endpoint may be alone, and waits for its thread.
bool MetricsEndpoint::EnterGate(const std::function<bool()>& gives_up) {
  while (!engine_.gate().TryEnter(gate_slot_)) {
    if (gives_up()) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

bool MetricsEndpoint::RunPart(const std::function<void()>& part) {
  const int64_t deadline_ms = SystemClock::Instance().MonotonicMs() + kGatePatienceMs;
  const auto gives_up = [&] {
    return is_closing_.load(std::memory_order_relaxed) || SystemClock::Instance().MonotonicMs() > deadline_ms;
  };
  if (engine_.is_concurrent()) {
    if (!EnterGate(gives_up)) return false;
    part();
    engine_.gate().Leave(gate_slot_);
    return true;
  }
  return engine_.gate().RunExclusiveUnless(gives_up, [&] {
    part();
    return true;
  });
}

HttpReply MetricsEndpoint::Answer(std::string_view path) {
  if (path == "/metrics") {
    std::optional<std::string> text =
        MetricsText(engine_, [this](const std::function<void()>& part) { return RunPart(part); });
    if (!text) return ReplyWith(BusyHealth());
    return {200, std::string(kMetricsType), std::move(*text)};
  }
  if (path == "/health/live") return ReplyWith(CheckLiveness(engine_));
  if (path == "/health/ready") {
    Health health = BusyHealth();
    RunPart([&] { health = CheckReadiness(engine_); });
    return ReplyWith(health);
  }
  if (path == "/") return {200, "text/plain; charset=utf-8", "/metrics\n/health/live\n/health/ready\n"};
  return {404, "text/plain; charset=utf-8", "there are /metrics, /health/live and /health/ready\n"};
}

}  // namespace kvick

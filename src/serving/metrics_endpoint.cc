#include "serving/metrics_endpoint.h"

#include <chrono>
#include <string>
#include <thread>
#include <utility>

#include "base/log.h"
#include "observability/health.h"
#include "observability/metrics.h"

namespace kvick {
namespace {

// How long somebody who is alone in the server is waited for.
constexpr int kGatePatienceMs = 1000;
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
bool MetricsEndpoint::EnterGate() {
  for (int waited_ms = 0; waited_ms < kGatePatienceMs; ++waited_ms) {
    if (engine_.gate().TryEnter(gate_slot_)) return true;
    if (is_closing_.load(std::memory_order_relaxed)) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

bool MetricsEndpoint::LetOthersBeAlone() {
  if (!engine_.gate().is_closed()) return true;
  engine_.gate().Leave(gate_slot_);
  return EnterGate();
}

HttpReply MetricsEndpoint::AnswerInside(const std::function<std::optional<HttpReply>()>& answer) {
  if (!EnterGate()) return ReplyWith(BusyHealth());
  std::optional<HttpReply> reply = answer();
  if (!reply) return ReplyWith(BusyHealth());
  engine_.gate().Leave(gate_slot_);
  return std::move(*reply);
}

HttpReply MetricsEndpoint::Answer(std::string_view path) {
  if (path == "/metrics") {
    return AnswerInside([this]() -> std::optional<HttpReply> {
      std::optional<std::string> text = MetricsText(engine_, [this] { return LetOthersBeAlone(); });
      if (!text) return std::nullopt;
      return HttpReply{200, std::string(kMetricsType), std::move(*text)};
    });
  }
  if (path == "/health/live") return ReplyWith(CheckLiveness(engine_));
  if (path == "/health/ready") {
    return AnswerInside([this] { return ReplyWith(CheckReadiness(engine_)); });
  }
  if (path == "/") return {200, "text/plain; charset=utf-8", "/metrics\n/health/live\n/health/ready\n"};
  return {404, "text/plain; charset=utf-8", "there are /metrics, /health/live and /health/ready\n"};
}

}  // namespace kvick

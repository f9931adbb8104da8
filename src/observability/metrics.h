// The metrics of a server, in Prometheus's text format.
//
// What INFO shows has the names under which the field's usual exporter publishes it (redis_...), so that dashboards and
// alerts that exist go on working. What only this server knows begins with kvick_. docs/metrics.md lists both.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "engine/engine.h"

namespace kvick {

// Inside the gate, in any thread. `pause` is called between parts: the caller lets others be alone there. When it
// returns false, nothing more is touched and there are no metrics.
std::optional<std::string> MetricsText(Engine& engine, const std::function<bool()>& pause);

}  // namespace kvick

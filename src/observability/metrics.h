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

// Runs a part of the work where figures may be read: inside the gate, with nobody changing stripes without their locks.
// False: that was not possible within reasonable time, and the part did not run.
using PartRunner = std::function<bool(const std::function<void()>& part)>;

// In any thread. Nothing when a part could not be run.
std::optional<std::string> MetricsText(Engine& engine, const PartRunner& run_part);

}  // namespace kvick

// What LATENCY GRAPH and LATENCY DOCTOR say of the monitor's samples, as text for people.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/settings.h"
#include "engine/latency_monitor.h"

namespace kvick {

// The samples of an event, drawn: one column each, with its age below.
std::string DrawLatency(const LatencyMonitor::Series& series, int64_t now_s);

// Findings for each event, and what may be done about them. `threshold_ms`: of the monitor.
std::string DiagnoseLatency(const std::vector<LatencyMonitor::Series>& all, int64_t threshold_ms, int64_t now_s,
                            const Settings& settings);

}  // namespace kvick

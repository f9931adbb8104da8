// Fields of INFO as metrics: which field becomes which metric.
#pragma once

#include <span>
#include <string_view>

#include "engine/info.h"
#include "observability/metric_writer.h"

namespace kvick {

struct InfoMetric {
  enum class Unit : unsigned char {
    kPlain,
    kMicroseconds,  // shown in seconds
    kIsOk,          // "ok" and "up" are 1, all else is 0
  };

  std::string_view section;
  std::string_view field;
  std::string_view name;
  MetricType type;
  std::string_view help;
  Unit unit = Unit::kPlain;
};

// By section.
std::span<const InfoMetric> InfoMetrics();

// Writes those of the section's metrics whose fields are there and are numbers.
void WriteInfoMetrics(std::string_view section, std::span<const InfoField> fields, MetricWriter& out);
// The replicas of the section "replication", and a replica's own link.
void WriteReplicationMetrics(std::span<const InfoField> fields, MetricWriter& out);

}  // namespace kvick

// What executors have counted, summed: of each command, of errors, of keys. For INFO, LATENCY HISTOGRAM and the
// metrics.
//
// Counters are read while their owners go on adding, so a sum is no cut in time. Inside the gate.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "engine/latency_histogram.h"
#include "engine/stats.h"

namespace kvick {

struct CommandTotals {
  uint64_t calls = 0;
  uint64_t cycles = 0;
  uint64_t rejected = 0;
  uint64_t failed = 0;
  uint64_t slow_calls = 0;
  uint64_t slow_us = 0;
  uint64_t slow_us_max = 0;

  void Add(const CommandStats& stats) {
    calls += stats.calls.Load();
    cycles += stats.cycles.Load();
    rejected += stats.rejected.Load();
    failed += stats.failed.Load();
    slow_calls += stats.slow_calls.Load();
    slow_us += stats.slow_us.Load();
    slow_us_max = std::max(slow_us_max, stats.slow_us_max.Load());
  }
  [[nodiscard]] bool is_used() const { return calls != 0 || rejected != 0 || failed != 0; }
};

// Cycles of the CycleClock.
uint64_t CyclesToUs(uint64_t cycles);

uint64_t SumOf(Engine& engine, OwnedCounter ExecutorStats::*counter);
CommandTotals TotalsOfAllCommands(Engine& engine);
// By Command::index.
std::vector<CommandTotals> TotalsByCommand(Engine& engine);
// By the first word of their text.
std::map<std::string, uint64_t> ErrorTotals(Engine& engine);

// Durations in cycles; empty when latency-tracking was off all the time.
LatencyHistogram::Sum LatenciesOf(Engine& engine, size_t command_index);

// Durations by powers of two of 1.024 µs, as clients of this protocol know them. Only steps in which there are calls.
struct LatencyDistribution {
  struct Step {
    uint64_t up_to_us = 0;    // what is shown: the end of the step, in whole microseconds
    uint64_t call_count = 0;  // of this step and all below
  };
  uint64_t call_count = 0;
  std::vector<Step> steps;
};
// What took longer than a second counts as a second.
LatencyDistribution DistributionOf(const LatencyHistogram::Sum& latencies, double cycles_per_us);
LatencyDistribution DistributionOf(Engine& engine, size_t command_index);

struct DatabaseTotals {
  int index = 0;
  uint64_t key_count = 0;
  uint64_t expiring_count = 0;
  int64_t average_ttl_ms = 0;  // an estimate
};
// Of databases that hold keys.
std::vector<DatabaseTotals> TotalsByDatabase(Engine& engine);

}  // namespace kvick

#include "observability/command_totals.h"

#include "base/random.h"
#include "engine/executor.h"

namespace kvick {
namespace {

// Entries that are looked at for a database's average time to live.
constexpr int kTtlSamples = 32;

// Steps of a LatencyDistribution: up to a second, each twice as long as the one before.
constexpr size_t kStepCount = 21;
constexpr uint64_t kFirstStepNs = 1024;
constexpr uint64_t kLongestNs = (1 << 30) - 1;
constexpr uint64_t kPrecision = 128;  // a step goes on for one part in so many

constexpr uint64_t StepEndNs(size_t step) {
  const uint64_t ns = kFirstStepNs << step;
  return std::min(ns + ns / kPrecision - 1, kLongestNs);
}

// An estimate from some entries that are met on the way; 0 when all their stripes are busy.
KVICK_NO_THREAD_SAFETY_ANALYSIS int64_t AverageTtlMs(Database& database, int64_t now_ms, uint64_t seed) {
  int64_t average_ms = 0;  // of those so far: the sum of a few that live for ever does not fit
  int64_t count = 0;
  Random random(seed);
  const size_t start = random.Below(Stripe::kCount);
  for (size_t i = 0; i < Stripe::kCount && count < kTtlSamples; ++i) {
    Stripe& stripe = database.StripeAt((start + i) % Stripe::kCount);
    if (stripe.expiring_count.load(std::memory_order_relaxed) == 0 || !stripe.lock.TryLock()) continue;
    for (int draw = 0; draw < 4; ++draw) {
      const Entry* entry = stripe.table.RandomEntry(random.Next());
      if (entry == nullptr || !entry->has_expiry() || entry->expiry_ms() <= now_ms) continue;
      ++count;
      average_ms += (entry->expiry_ms() - now_ms - average_ms) / count;
    }
    stripe.lock.Unlock();
  }
  return average_ms;
}

}  // namespace

uint64_t CyclesToUs(uint64_t cycles) {
  return static_cast<uint64_t>(static_cast<double>(cycles) / CycleClock::CyclesPerMicrosecond());
}

uint64_t SumOf(Engine& engine, OwnedCounter ExecutorStats::*counter) {
  uint64_t sum = 0;
  engine.ForEachExecutor([&](Executor& executor) { sum += (executor.stats().*counter).Load(); });
  return sum;
}

CommandTotals TotalsOfAllCommands(Engine& engine) {
  CommandTotals totals;
  engine.ForEachExecutor([&totals](Executor& executor) {
    for (const CommandStats& stats : executor.stats().commands) totals.Add(stats);
  });
  return totals;
}

std::vector<CommandTotals> TotalsByCommand(Engine& engine) {
  std::vector<CommandTotals> totals(engine.commands().command_count());
  engine.ForEachExecutor([&totals](Executor& executor) {
    for (size_t i = 0; i < totals.size(); ++i) totals[i].Add(executor.stats().commands[i]);
  });
  return totals;
}

std::map<std::string, uint64_t> ErrorTotals(Engine& engine) {
  std::map<std::string, uint64_t> totals;
  engine.ForEachExecutor([&totals](Executor& executor) {
    const ExecutorStats& stats = executor.stats();
    MutexLock lock(stats.errors_mutex);
    for (const auto& [code, count] : stats.errors) {
      // Executors bound their own; together they could know more.
      const bool has_room = totals.size() < ExecutorStats::kErrorCodesMax || totals.contains(code);
      totals[has_room ? code : std::string("ERRORSTATS_OVERFLOW")] += count;
    }
  });
  return totals;
}

LatencyHistogram::Sum LatenciesOf(Engine& engine, size_t command_index) {
  LatencyHistogram::Sum sum;
  engine.ForEachExecutor([&sum, command_index](Executor& executor) {
    const LatencyHistogram* latency = executor.stats().commands[command_index].latency.load(std::memory_order_acquire);
    if (latency != nullptr) sum.Add(*latency);
  });
  return sum;
}

LatencyDistribution DistributionOf(const LatencyHistogram::Sum& latencies, double cycles_per_us) {
  std::vector<uint64_t> counts(kStepCount);
  for (size_t bucket = 0; bucket < LatencyHistogram::kBucketCount; ++bucket) {
    if (latencies.count_in(bucket) == 0) continue;
    const double ns = static_cast<double>(LatencyHistogram::LongestIn(bucket)) / cycles_per_us * 1000;
    size_t step = 0;
    while (step + 1 < kStepCount && ns > static_cast<double>(StepEndNs(step))) ++step;
    counts[step] += latencies.count_in(bucket);
  }
  LatencyDistribution distribution;
  for (size_t step = 0; step < kStepCount; ++step) {
    if (counts[step] == 0) continue;
    distribution.call_count += counts[step];
    distribution.steps.push_back({StepEndNs(step) / 1000, distribution.call_count});
  }
  return distribution;
}

LatencyDistribution DistributionOf(Engine& engine, size_t command_index) {
  return DistributionOf(LatenciesOf(engine, command_index), CycleClock::CyclesPerMicrosecond());
}

std::vector<DatabaseTotals> TotalsByDatabase(Engine& engine) {
  const int64_t now_ms = engine.clock().NowMs();
  std::vector<DatabaseTotals> all;
  for (int i = 0; i < engine.database_count(); ++i) {
    Database& database = engine.database(i);
    DatabaseTotals totals;
    totals.index = i;
    totals.key_count = database.EntryCount();
    if (totals.key_count == 0) continue;
    totals.expiring_count = database.ExpiringCount();
    if (totals.expiring_count != 0) {
      totals.average_ttl_ms = AverageTtlMs(database, now_ms, static_cast<uint64_t>(now_ms) + 1);
    }
    all.push_back(totals);
  }
  return all;
}

}  // namespace kvick

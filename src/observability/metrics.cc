#include "observability/metrics.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/version.h"
#include "engine/executor.h"
#include "engine/latency_monitor.h"
#include "observability/call_logs.h"
#include "observability/command_totals.h"
#include "observability/info_metrics.h"
#include "observability/key_figures.h"
#include "observability/metric_writer.h"

namespace kvick {
namespace {

constexpr size_t kHottestStripeCount = 10;
// Each is a series, and others take their place: few.
constexpr size_t kTopKeyCount = 10;

double Seconds(uint64_t us) { return static_cast<double>(us) / 1e6; }

std::string FieldOr(const std::vector<InfoField>& fields, std::string_view name, std::string_view otherwise) {
  for (const InfoField& field : fields) {
    if (field.name == name) return field.value;
  }
  return std::string(otherwise);
}

// The commands that were called, with what each sample is made of.
template <typename Value>
void WriteByCommand(Engine& engine, const std::vector<CommandTotals>& totals, std::string_view name,
                    std::string_view help, Value value, MetricWriter& out) {
  out.Family(name, MetricType::kCounter, help);
  for (size_t i = 0; i < totals.size(); ++i) {
    if (totals[i].is_used()) out.Sample({{"cmd", engine.commands().at(i).name}}, value(totals[i]));
  }
}

void WriteInstance(Engine& engine, const std::vector<InfoField>& server, MetricWriter& out) {
  const std::vector<InfoField> memory = engine.info().Fields("memory");
  const std::vector<InfoField> replication = engine.info().Fields("replication");
  MetricWriter::Labels labels;
  for (const std::string_view name :
       {"redis_version", "redis_build_id", "redis_mode", "os", "run_id", "process_id", "tcp_port"}) {
    labels.emplace_back(name, FieldOr(server, name, ""));
  }
  labels.emplace_back("maxmemory_policy", FieldOr(memory, "maxmemory_policy", ""));
  labels.emplace_back("role", FieldOr(replication, "role", ""));
  labels.emplace_back("master_replid", FieldOr(replication, "master_replid", ""));
  out.Family("redis_instance_info", MetricType::kGauge, "What the server is.");
  out.Sample(labels, uint64_t{1});
  out.Family("kvick_build_info", MetricType::kGauge, "Which kvick it is.");
  out.Sample({{"version", kKvickVersion}, {"compatible_version", kCompatibleVersion}}, uint64_t{1});
}

void WriteServer(Engine& engine, MetricWriter& out) {
  const std::vector<InfoField> server = engine.info().Fields("server");
  out.Single("redis_up", MetricType::kGauge, "The server answers.", uint64_t{1});
  out.Single("redis_start_time_seconds", MetricType::kGauge, "When the server started.",
             static_cast<double>(engine.started_ms() / 1000));
  const Settings& settings = engine.settings();
  out.Single("redis_config_maxmemory", MetricType::kGauge, "The directive maxmemory.", settings.max_memory_bytes);
  out.Single("redis_config_io_threads", MetricType::kGauge, "The directive threads.",
             static_cast<uint64_t>(settings.threads));
  WriteInstance(engine, server, out);
  WriteInfoMetrics("server", server, out);
}

void WriteReplication(Engine& engine, MetricWriter& out) {
  const std::vector<InfoField> fields = engine.info().Fields("replication");
  WriteInfoMetrics("replication", fields, out);
  WriteReplicationMetrics(fields, out);
}

void WriteCommands(Engine& engine, MetricWriter& out) {
  const std::vector<CommandTotals> totals = TotalsByCommand(engine);
  WriteByCommand(
      engine, totals, "redis_commands_total", "Calls of a command.", [](const CommandTotals& t) { return t.calls; },
      out);
  WriteByCommand(
      engine, totals, "redis_commands_duration_seconds_total", "How long the calls of a command took.",
      [](const CommandTotals& t) { return Seconds(CyclesToUs(t.cycles)); }, out);
  WriteByCommand(
      engine, totals, "redis_commands_rejected_calls_total", "Calls of a command that were refused before they ran.",
      [](const CommandTotals& t) { return t.rejected; }, out);
  WriteByCommand(
      engine, totals, "redis_commands_failed_calls_total", "Calls of a command that answered an error.",
      [](const CommandTotals& t) { return t.failed; }, out);
  WriteByCommand(
      engine, totals, "kvick_commands_slow_calls_total",
      "Calls of a command that ran longer than slowlog-log-slower-than.",
      [](const CommandTotals& t) { return t.slow_calls; }, out);
}

void WriteLatencies(Engine& engine, MetricWriter& out) {
  if (!engine.settings().latency_tracking) return;
  struct OfCommand {
    const std::string& name;
    LatencyHistogram::Sum latencies;
    double duration_us;
  };
  const double cycles_per_us = CycleClock::CyclesPerMicrosecond();
  const std::vector<CommandTotals> totals = TotalsByCommand(engine);
  std::vector<OfCommand> commands;
  for (size_t i = 0; i < engine.commands().command_count(); ++i) {
    LatencyHistogram::Sum latencies = LatenciesOf(engine, i);
    if (latencies.total() == 0) continue;
    commands.push_back(
        {engine.commands().at(i).name, latencies, static_cast<double>(totals[i].cycles) / cycles_per_us});
  }
  // Quantiles are percents here: so does the exporter whose names these are.
  out.Family("redis_latency_percentiles_usec", MetricType::kSummary, "Percentiles of a command's latency, in µs.");
  for (const OfCommand& command : commands) {
    for (const double percent : engine.settings().latency_tracking_percentiles) {
      out.Sample({{"cmd", command.name}, {"quantile", FormatMetricNumber(percent)}},
                 static_cast<double>(command.latencies.Percentile(percent)) / cycles_per_us);
    }
    out.Sample({{"cmd", command.name}}, command.duration_us, "_sum");
    out.Sample({{"cmd", command.name}}, command.latencies.total(), "_count");
  }
  out.Family("redis_commands_latencies_usec", MetricType::kHistogram, "A command's latency, in µs.");
  for (const OfCommand& command : commands) {
    const LatencyDistribution distribution = DistributionOf(command.latencies, cycles_per_us);
    for (const LatencyDistribution::Step& step : distribution.steps) {
      out.Sample({{"cmd", command.name}, {"le", std::to_string(step.up_to_us)}}, step.call_count, "_bucket");
    }
    out.Sample({{"cmd", command.name}, {"le", "+Inf"}}, distribution.call_count, "_bucket");
    out.Sample({{"cmd", command.name}}, command.duration_us, "_sum");
    out.Sample({{"cmd", command.name}}, distribution.call_count, "_count");
  }
}

void WriteErrors(Engine& engine, MetricWriter& out) {
  out.Family("redis_errors_total", MetricType::kCounter, "Errors that were answered, by their first word.");
  for (const auto& [code, count] : ErrorTotals(engine)) out.Sample({{"err", code}}, count);
}

void WriteDatabases(Engine& engine, MetricWriter& out) {
  // Empty ones too: a series that goes away looks like a server that does.
  std::vector<DatabaseTotals> databases(static_cast<size_t>(engine.database_count()));
  for (const DatabaseTotals& totals : TotalsByDatabase(engine)) databases[static_cast<size_t>(totals.index)] = totals;
  const auto name = [](size_t index) { return "db" + std::to_string(index); };
  out.Family("redis_db_keys", MetricType::kGauge, "Keys of a database.");
  for (size_t i = 0; i < databases.size(); ++i) out.Sample({{"db", name(i)}}, databases[i].key_count);
  out.Family("redis_db_keys_expiring", MetricType::kGauge, "Keys of a database that have a time to live.");
  for (size_t i = 0; i < databases.size(); ++i) out.Sample({{"db", name(i)}}, databases[i].expiring_count);
  out.Family("redis_db_avg_ttl_seconds", MetricType::kGauge, "Their average time to live, estimated.");
  for (size_t i = 0; i < databases.size(); ++i) {
    if (databases[i].expiring_count == 0) continue;
    out.Sample({{"db", name(i)}}, static_cast<double>(databases[i].average_ttl_ms) / 1000);
  }
}

void WriteCallLogs(Engine& engine, MetricWriter& out) {
  const CallLogs* logs = engine.hooks.call_logs;
  if (logs == nullptr) return;
  const auto length = [logs](CallLogKind kind) { return uint64_t{logs->size(kind)}; };
  out.Single("redis_slowlog_length", MetricType::kGauge, "Entries of the slow log.", length(CallLogKind::kSlow));
  out.Single("redis_slowlog_last_id", MetricType::kGauge, "Id of its latest entry; -1: there was none.",
             static_cast<double>(logs->last_id(CallLogKind::kSlow)));
  const std::vector<LoggedCall> latest = logs->Latest(CallLogKind::kSlow, 1);
  out.Single("redis_last_slow_execution_duration_seconds", MetricType::kGauge, "How long its latest entry took.",
             latest.empty() ? 0.0 : static_cast<double>(latest[0].amount) / 1e6);
  out.Family("kvick_commandlog_length", MetricType::kGauge, "Entries of a command log.");
  out.Sample({{"type", "slow"}}, length(CallLogKind::kSlow));
  out.Sample({{"type", "large-request"}}, length(CallLogKind::kLargeRequest));
  out.Sample({{"type", "large-reply"}}, length(CallLogKind::kLargeReply));
}

void WriteLatencyEvents(Engine& engine, MetricWriter& out) {
  const LatencyMonitor* monitor = engine.hooks.latency_monitor;
  if (monitor == nullptr) return;
  const std::vector<LatencyMonitor::Series> all = monitor->All();
  if (all.empty()) return;
  const auto labels = [](const LatencyMonitor::Series& series) {
    return MetricWriter::Labels{{"event_name", std::string(LatencyEventName(series.event))}};
  };
  out.Family("redis_latency_spike_last", MetricType::kGauge, "When an event last took long.");
  for (const auto& series : all) out.Sample(labels(series), static_cast<uint64_t>(series.samples.back().at_s));
  out.Family("redis_latency_spike_duration_seconds", MetricType::kGauge, "How long it took.");
  for (const auto& series : all)
    out.Sample(labels(series), Seconds(static_cast<uint64_t>(series.samples.back().latency_ms) * 1000));
}

// ---- What only this server has

struct WorkerFigures {
  int index;
  uint64_t commands;
  uint64_t turns;
  uint64_t busy_us;
  uint64_t messages;
  uint64_t reads;
  uint64_t writes;
  uint64_t connections;
  uint64_t stripe_waits;
  uint64_t stripe_wait_cycles;
  uint64_t turn_started_us;
};

void WriteWorkers(Engine& engine, MetricWriter& out) {
  std::vector<WorkerFigures> workers;
  std::vector<uint64_t> stripe_waits(Stripe::kCount);
  engine.ForEachExecutor([&](Executor& executor) {
    const ExecutorStats& stats = executor.stats();
    for (size_t i = 0; i < stripe_waits.size(); ++i) stripe_waits[i] += stats.stripe_waits[i].Load();
    if (stats.worker_index < 0) return;
    workers.push_back({stats.worker_index, stats.command_count.Load(), stats.loop_count.Load(),
                       stats.loop_duration_us.Load(), stats.message_count.Load(), stats.read_count.Load(),
                       stats.write_count.Load(), stats.session_count.Load(), stats.stripe_wait_count.Load(),
                       stats.stripe_wait_cycles.Load(), stats.turn_started_us.Load()});
  });
  std::sort(workers.begin(), workers.end(), [](const auto& a, const auto& b) { return a.index < b.index; });
  const auto write = [&](std::string_view name, MetricType type, std::string_view help, auto value) {
    out.Family(name, type, help);
    for (const WorkerFigures& worker : workers) out.Sample({{"worker", std::to_string(worker.index)}}, value(worker));
  };
  using W = WorkerFigures;
  constexpr MetricType kCounter = MetricType::kCounter;
  constexpr MetricType kGauge = MetricType::kGauge;
  write("kvick_worker_commands_total", kCounter, "Commands that a worker executed.",
        [](const W& w) { return w.commands; });
  write("kvick_worker_batches_total", kCounter, "Turns of a worker: what was ready is read, executed and answered.",
        [](const W& w) { return w.turns; });
  write("kvick_worker_busy_seconds_total", kCounter, "How long these turns took.",
        [](const W& w) { return Seconds(w.busy_us); });
  write("kvick_worker_messages_total", kCounter, "Messages of other threads that a worker took from its mailbox.",
        [](const W& w) { return w.messages; });
  write("kvick_worker_reads_total", kCounter, "Reads from a worker's sockets.", [](const W& w) { return w.reads; });
  write("kvick_worker_writes_total", kCounter, "Writes to a worker's sockets.", [](const W& w) { return w.writes; });
  write("kvick_worker_connections", kGauge, "Clients of a worker.", [](const W& w) { return w.connections; });
  const auto now_us = static_cast<uint64_t>(engine.clock().MonotonicUs());
  write("kvick_worker_turn_age_seconds", kGauge, "How long ago a worker began a turn.", [now_us](const W& w) {
    return w.turn_started_us == 0 || w.turn_started_us > now_us ? 0.0 : Seconds(now_us - w.turn_started_us);
  });
  write("kvick_stripe_lock_waits_total", kCounter, "How often a worker had to wait for a stripe of the keyspace.",
        [](const W& w) { return w.stripe_waits; });
  write("kvick_stripe_lock_wait_seconds_total", kCounter, "How long it waited for them.",
        [](const W& w) { return Seconds(CyclesToUs(w.stripe_wait_cycles)); });

  std::vector<size_t> hottest(stripe_waits.size());
  for (size_t i = 0; i < hottest.size(); ++i) hottest[i] = i;
  std::partial_sort(hottest.begin(), hottest.begin() + kHottestStripeCount, hottest.end(),
                    [&](size_t a, size_t b) { return stripe_waits[a] > stripe_waits[b]; });
  hottest.resize(kHottestStripeCount);
  out.Family("kvick_stripe_hottest_lock_waits_total", kCounter,
             "Waits for the stripes that were waited for most often.");
  for (const size_t stripe : hottest) {
    out.Sample({{"stripe", std::to_string(stripe)}}, stripe_waits[stripe]);
  }
}

void WriteKeySizes(Engine& engine, MetricWriter& out) {
  out.Family("kvick_keys_by_size", MetricType::kGauge,
             "Keys whose values have so many bytes (strings) or items, from `from` up to twice that.");
  for (int i = 0; i < engine.database_count(); ++i) {
    const KeySizes& sizes = engine.database(i).key_sizes();
    for (size_t row = 0; row < KeySizes::kRowCount; ++row) {
      const std::string type(OperationsOf(static_cast<ValueType>(row)).type_name);
      for (size_t bin = 0; bin < KeySizes::kBinCount; ++bin) {
        const uint64_t count = sizes.Count(row, bin);
        if (count == 0) continue;
        const uint64_t from = bin == 0 ? 0 : uint64_t{1} << (bin - 1);
        out.Sample({{"db", "db" + std::to_string(i)}, {"type", type}, {"from", std::to_string(from)}}, count);
      }
    }
  }
}

void WriteTopKeys(Engine& engine, MetricWriter& out) {
  const auto database = [](int index) { return "db" + std::to_string(index); };
  out.Family(
      "kvick_hot_key_share", MetricType::kGauge,
      "Which part of all uses of keys, lately, were of this one: of the keys that are used most, from a sample.");
  for (const HotKey& key : MostUsedKeys(engine, kTopKeyCount)) {
    out.Sample({{"db", database(key.database)}, {"key", ShownKey(key.name)}}, key.share);
  }
  out.Family("kvick_big_key_size", MetricType::kGauge,
             "Bytes of the longest strings, items of the largest other values.");
  for (size_t row = 0; row < KeySizes::kRowCount; ++row) {
    const auto type = static_cast<ValueType>(row);
    for (const BigKey& key : BiggestOfType(engine, type, kTopKeyCount)) {
      out.Sample({{"db", database(key.database)},
                  {"type", std::string(OperationsOf(type).type_name)},
                  {"key", ShownKey(key.name)}},
                 key.size);
    }
  }
}

}  // namespace

std::optional<std::string> MetricsText(Engine& engine, const PartRunner& run_part) {
  const int64_t start_us = engine.clock().MonotonicUs();
  MetricWriter out;
  for (const std::string_view section : {"clients", "memory", "persistence", "stats", "cpu", "cluster"}) {
    if (!run_part([&] { WriteInfoMetrics(section, engine.info().Fields(section), out); })) return std::nullopt;
  }
  using Part = void (*)(Engine&, MetricWriter&);
  for (const Part part :
       {&WriteServer, &WriteReplication, &WriteCommands, &WriteLatencies, &WriteErrors, &WriteDatabases, &WriteKeySizes,
        &WriteTopKeys, &WriteCallLogs, &WriteLatencyEvents, &WriteWorkers}) {
    if (!run_part([&] { part(engine, out); })) return std::nullopt;
  }
  out.Single("kvick_scrape_duration_seconds", MetricType::kGauge, "How long it took to gather these metrics.",
             Seconds(static_cast<uint64_t>(engine.clock().MonotonicUs() - start_us)));
  return out.text();
}

}  // namespace kvick

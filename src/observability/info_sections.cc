// The sections of INFO about the engine itself. Features that exist apart (replication, persistence, ...) replace or
// extend a section beside their own code when they come.
//
// Nothing here stops a worker: counters are read while their owners go on adding, and of the keyspace only single
// stripes are locked, and only when they are free. INFO may run inside a transaction that holds stripes itself.
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/block_pool.h"
#include "base/memory_usage.h"
#include "base/numbers.h"
#include "base/version.h"
#include "engine/compaction.h"
#include "engine/executor.h"
#include "keyspace/access_clock.h"
#include "observability/command_totals.h"
#include "observability/features.h"
#include "observability/memory_figures.h"
#include "observability/rates.h"
#include "types/hash_template.h"

namespace kvick {
namespace {

constexpr int64_t kSecondsPerDay = 86'400;

std::string FormatFixed(double value, int decimals) {
  char buffer[64];
  const int length = std::snprintf(buffer, sizeof(buffer), "%.*f", decimals, value);
  return std::string(buffer, static_cast<size_t>(length));
}

void FieldWithHuman(InfoWriter& out, const std::string& name, uint64_t size_bytes) {
  out.Field(name, size_bytes);
  out.Field(name + "_human", FormatBytesHuman(size_bytes));
}

double Ratio(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

uint64_t MaxOf(Engine& engine, OwnedCounter ExecutorStats::*counter) {
  uint64_t highest = 0;
  engine.ForEachExecutor([&](Executor& executor) { highest = std::max(highest, (executor.stats().*counter).Load()); });
  return highest;
}

ScriptUsage ScriptUsageOf(Engine& engine) {
  return engine.hooks.script_runner != nullptr ? engine.hooks.script_runner->MeasureUsage() : ScriptUsage{};
}

// ---- Sections

void WriteListeners(const Settings& settings, InfoWriter& out) {
  int index = 0;
  const auto write_bound = [&](const std::string& kind, int port) {
    if (port == 0) return;
    std::string line = "name=" + kind;
    for (const std::string& bind : settings.bind) line += ",bind=" + bind;
    out.Field("listener" + std::to_string(index++), line + ",port=" + std::to_string(port));
  };
  write_bound("tcp", settings.port);
  if (!settings.unix_socket.empty()) {
    out.Field("listener" + std::to_string(index++), "name=unix,bind=" + settings.unix_socket);
  }
  write_bound("tls", settings.tls_port);
}

// Monotonic, and of nearly the moment at which the engine began.
struct Start {
  explicit Start(const Clock& clock) : at_ms(clock.MonotonicMs()) {}
  const int64_t at_ms;
};

void WriteServer(Engine& engine, const Start& start, InfoWriter& out) {
  const Settings& settings = engine.settings();
  const ProcessControl* process = engine.hooks.process;
  utsname machine{};
  uname(&machine);
  const int64_t now_us = engine.clock().NowUs();
  const int64_t uptime_s = (engine.clock().MonotonicMs() - start.at_ms) / 1000;
  out.Field("redis_version", kCompatibleVersion);
  out.Field("redis_git_sha1", "00000000");
  out.Field("redis_git_dirty", 0);
  if (process != nullptr && !process->build_id().empty()) out.Field("redis_build_id", process->build_id());
  out.Field("redis_mode", "standalone");
  out.Field("server_name", "kvick");
  out.Field("kvick_version", kKvickVersion);
  out.Field("os", std::string(machine.sysname) + " " + machine.release + " " + machine.machine);
  out.Field("arch_bits", static_cast<int>(sizeof(void*) * 8));
  out.Field("monotonic_clock", "POSIX clock_gettime");
  out.Field("multiplexing_api", "epoll");
  out.Field("atomicvar_api", "c11-builtin");
  out.Field("gcc_version", std::to_string(__GNUC__) + "." + std::to_string(__GNUC_MINOR__) + "." +
                               std::to_string(__GNUC_PATCHLEVEL__));
  out.Field("process_id", int64_t{getpid()});
  out.Field("process_supervised", process == nullptr ? "no" : process->supervisor());
  out.Field("run_id", engine.run_id());
  out.Field("tcp_port", settings.port != 0 ? settings.port : settings.tls_port);
  out.Field("server_time_usec", now_us);
  out.Field("uptime_in_seconds", uptime_s);
  out.Field("uptime_in_days", uptime_s / kSecondsPerDay);
  out.Field("hz", settings.hz);
  out.Field("configured_hz", settings.hz);
  out.Field("lru_clock", uint64_t{RecencyClock(now_us / 1000)});
  out.Field("executable", process == nullptr ? std::string() : process->executable());
  out.Field("config_file", process == nullptr ? std::string() : process->config_file());
  out.Field("io_threads_active", engine.is_concurrent());
  WriteListeners(settings, out);
}

void WriteClients(Engine& engine, InfoWriter& out) {
  uint64_t watched_keys = 0;
  for (int i = 0; i < engine.database_count(); ++i) watched_keys += engine.database(i).watched_key_count();
  out.Field("connected_clients", engine.client_count.load(std::memory_order_relaxed));
  out.Field("cluster_connections", 0);
  out.Field("maxclients", uint64_t{engine.settings().max_clients});
  out.Field("client_recent_max_input_buffer", MaxOf(engine, &ExecutorStats::client_input_bytes_max));
  out.Field("client_recent_max_output_buffer", MaxOf(engine, &ExecutorStats::client_output_bytes_max));
  out.Field("blocked_clients", engine.blocked_client_count.load(std::memory_order_relaxed));
  out.Field("tracking_clients", uint64_t{engine.tracking().client_count()});
  out.Field("pubsub_clients", uint64_t{engine.channels().subscriber_count()});
  out.Field("watching_clients", engine.watching_client_count.load(std::memory_order_relaxed));
  out.Field("total_watched_keys", watched_keys);
}

std::string PolicyName(Engine& engine) { return engine.options().Value(*engine.options().Find("maxmemory-policy")); }

void WriteMemory(Engine& engine, InfoWriter& out) {
  const MemoryFigures figures = MeasureMemory(engine);
  const uint64_t used = figures.used_bytes;
  const uint64_t active = figures.active_bytes;
  const uint64_t kept = figures.kept_bytes;
  const uint64_t resident = figures.resident_bytes;
  uint64_t table_bytes = 0;
  for (int i = 0; i < engine.database_count(); ++i) table_bytes += engine.database(i).TableBytes();
  const uint64_t overhead = std::min(used, figures.startup_bytes + table_bytes + figures.script_bytes +
                                               figures.function_bytes + SumOf(engine, &ExecutorStats::client_bytes));
  const MemoryHistory::Peak peak = figures.peak;
  const auto difference = [](uint64_t a, uint64_t b) { return static_cast<int64_t>(a) - static_cast<int64_t>(b); };

  FieldWithHuman(out, "used_memory", used);
  FieldWithHuman(out, "used_memory_rss", resident);
  FieldWithHuman(out, "used_memory_peak", peak.size_bytes);
  out.Field("used_memory_peak_time", peak.at_s);
  out.Field("used_memory_peak_perc", FormatFixed(100 * Ratio(used, peak.size_bytes), 2) + "%");
  out.Field("used_memory_overhead", overhead);
  out.Field("used_memory_startup", figures.startup_bytes);
  out.Field("used_memory_dataset", used - overhead);
  out.Field("used_memory_dataset_perc",
            FormatFixed(std::min(100.0, 100 * Ratio(used - overhead, figures.net_bytes())), 2) + "%");
  out.Field("allocator_allocated", used);
  out.Field("allocator_active", active);
  out.Field("allocator_resident", kept);
  out.Field("allocator_muzzy", figures.muzzy_bytes);
  FieldWithHuman(out, "total_system_memory", MachineMemoryBytes());
  const ScriptUsage scripts = ScriptUsageOf(engine);
  FieldWithHuman(out, "used_memory_lua", scripts.eval_interpreter_bytes);
  out.Field("used_memory_vm_eval", scripts.eval_interpreter_bytes);
  out.Field("used_memory_scripts_eval", scripts.script_bytes);
  out.Field("number_of_cached_scripts", scripts.script_count);
  out.Field("number_of_functions", scripts.function_count);
  out.Field("number_of_libraries", scripts.library_count);
  out.Field("used_memory_vm_functions", scripts.function_interpreter_bytes);
  FieldWithHuman(out, "used_memory_vm_total", scripts.eval_interpreter_bytes + scripts.function_interpreter_bytes);
  out.Field("used_memory_functions", scripts.library_bytes);
  FieldWithHuman(out, "used_memory_scripts", scripts.script_bytes + scripts.library_bytes);
  out.Field("used_memory_hash_templates", HashTemplates::MeasureUsage().memory_bytes);
  const CompressedBytes::Usage compressed = CompressedBytes::MeasureUsage();
  out.Field("compressed_values", compressed.count);
  out.Field("compressed_values_bytes", compressed.bytes);
  out.Field("compressed_values_plain_bytes", compressed.plain_bytes);
  FieldWithHuman(out, "maxmemory", engine.settings().max_memory_bytes);
  out.Field("maxmemory_policy", PolicyName(engine));
  out.Decimal("allocator_frag_ratio", Ratio(active, used));
  out.Field("allocator_frag_bytes", difference(active, used));
  out.Decimal("allocator_rss_ratio", Ratio(kept, active));
  out.Field("allocator_rss_bytes", difference(kept, active));
  out.Decimal("rss_overhead_ratio", Ratio(resident, kept));
  out.Field("rss_overhead_bytes", difference(resident, kept));
  out.Decimal("mem_fragmentation_ratio", Ratio(resident, used));
  out.Field("mem_fragmentation_bytes", difference(resident, used));
  out.Field("mem_not_counted_for_evict", engine.memory_limit().not_counted_bytes());
  out.Field("mem_replication_backlog", 0);
  out.Field("mem_total_replication_buffers", 0);
  out.Field("mem_replica_full_sync_buffer", 0);
  out.Field("mem_clients_slaves", 0);
  out.Field("mem_clients_normal", SumOf(engine, &ExecutorStats::client_bytes));
  out.Field("mem_cluster_links", 0);
  out.Field("mem_aof_buffer", 0);
  out.Field("mem_allocator", AllocatorLabel());
  // Tables grow by the bucket: there is never a second one.
  out.Field("mem_overhead_db_hashtable_rehashing", 0);
  out.Field("active_defrag_running", engine.compaction().share());
  out.Field("lazyfree_pending_objects", engine.lazy_free().pending_objects());
  out.Field("lazyfreed_objects", engine.lazy_free().freed_objects());
}

void WriteThreads(Engine& engine, InfoWriter& out) {
  int index = 0;
  engine.ForEachExecutor([&](Executor& executor) {
    const ExecutorStats& stats = executor.stats();
    out.Field("io_thread_" + std::to_string(index++), "reads=" + std::to_string(stats.read_count.Load()) +
                                                          ",writes=" + std::to_string(stats.write_count.Load()));
  });
}

void WriteStats(Engine& engine, const Rates& rates, InfoWriter& out) {
  using Stats = ExecutorStats;
  const auto sum = [&engine](OwnedCounter Stats::*counter) { return SumOf(engine, counter); };
  const CommandTotals commands = TotalsOfAllCommands(engine);
  const double loops_per_second = rates.PerSecond(Rates::kLoops);
  const double loop_us = loops_per_second > 0 ? rates.PerSecond(Rates::kLoopDurationUs) / loops_per_second : 0;
  out.Field("total_connections_received", sum(&Stats::connection_count));
  out.Field("total_commands_processed", sum(&Stats::command_count));
  out.Field("instantaneous_ops_per_sec", static_cast<uint64_t>(rates.PerSecond(Rates::kCommands)));
  out.Field("total_net_input_bytes", sum(&Stats::input_bytes));
  out.Field("total_net_output_bytes", sum(&Stats::output_bytes));
  out.Field("total_net_repl_input_bytes", 0);
  out.Field("total_net_repl_output_bytes", 0);
  out.Decimal("instantaneous_input_kbps", rates.PerSecond(Rates::kInputBytes) / 1024);
  out.Decimal("instantaneous_output_kbps", rates.PerSecond(Rates::kOutputBytes) / 1024);
  out.Decimal("instantaneous_input_repl_kbps", 0);
  out.Decimal("instantaneous_output_repl_kbps", 0);
  out.Field("rejected_connections", sum(&Stats::rejected_connection_count));
  out.Field("sync_full", 0);
  out.Field("sync_partial_ok", 0);
  out.Field("sync_partial_err", 0);
  out.Field("expired_subkeys", sum(&Stats::expired_fields));
  out.Field("expired_keys", sum(&Stats::expired_keys));
  // Due keys are known by their index, not found by sampling: none is stale for longer than a timer's turn.
  out.Field("expired_stale_perc", "0.00");
  out.Field("expired_time_cap_reached_count", sum(&Stats::expiry_cut_count));
  out.Field("expire_cycle_cpu_milliseconds", sum(&Stats::expiry_duration_us) / 1000);
  out.Field("evicted_keys", sum(&Stats::evicted_keys));
  out.Field("evicted_scripts", ScriptUsageOf(engine).evicted_script_count);
  out.Field("total_eviction_exceeded_time", engine.memory_limit().total_exceeded_ms());
  out.Field("current_eviction_exceeded_time", engine.memory_limit().exceeded_ms());
  out.Field("keyspace_hits", sum(&Stats::keyspace_hits));
  out.Field("keyspace_misses", sum(&Stats::keyspace_misses));
  const auto channel_count = [&engine](ChannelKind kind) { return uint64_t{engine.channels().channel_count(kind)}; };
  out.Field("pubsub_channels", channel_count(ChannelKind::kChannel));
  out.Field("pubsub_patterns", channel_count(ChannelKind::kPattern));
  out.Field("pubsubshard_channels", channel_count(ChannelKind::kShardChannel));
  out.Field("latest_fork_usec", 0);
  out.Field("total_forks", 0);
  out.Field("migrate_cached_sockets", 0);
  out.Field("slave_expires_tracked_keys", 0);
  const Compaction::Totals compaction = engine.compaction().totals();
  out.Field("active_defrag_hits", compaction.moved_blocks);
  out.Field("active_defrag_misses", compaction.left_blocks);
  out.Field("active_defrag_key_hits", compaction.moved_keys);
  out.Field("active_defrag_key_misses", compaction.left_keys);
  out.Field("total_active_defrag_time", compaction.total_ms);
  out.Field("current_active_defrag_time", compaction.current_ms);
  out.Field("tracking_total_keys", uint64_t{engine.tracking().key_count()});
  out.Field("tracking_total_items", uint64_t{engine.tracking().item_count()});
  out.Field("tracking_total_prefixes", uint64_t{engine.tracking().prefix_count()});
  const HashTemplates::Usage templates = HashTemplates::MeasureUsage();
  out.Field("hash_templates", templates.template_count);
  out.Field("hash_template_keys", templates.key_count);
  out.Field("unexpected_error_replies", 0);
  out.Field("total_error_replies", sum(&Stats::error_reply_count));
  out.Field("dump_payload_sanitizations", 0);
  out.Field("total_reads_processed", sum(&Stats::read_count));
  out.Field("total_writes_processed", sum(&Stats::write_count));
  out.Field("io_threaded_reads_processed", engine.is_concurrent() ? sum(&Stats::read_count) : 0);
  out.Field("io_threaded_writes_processed", engine.is_concurrent() ? sum(&Stats::write_count) : 0);
  out.Field("client_query_buffer_limit_disconnections", sum(&Stats::query_limit_disconnections));
  out.Field("client_output_buffer_limit_disconnections", sum(&Stats::output_limit_disconnections));
  out.Field("eventloop_cycles", sum(&Stats::loop_count));
  out.Field("eventloop_duration_sum", sum(&Stats::loop_duration_us));
  out.Field("eventloop_duration_cmd_sum", CyclesToUs(commands.cycles));
  out.Field("instantaneous_eventloop_cycles_per_sec", static_cast<uint64_t>(loops_per_second));
  out.Field("instantaneous_eventloop_duration_usec", static_cast<uint64_t>(loop_us));
  out.Field("slowlog_commands_count", commands.slow_calls);
  out.Field("slowlog_commands_time_ms_sum", commands.slow_us / 1000);
  out.Field("slowlog_commands_time_ms_max", commands.slow_us_max / 1000);
  const uint64_t parsed_commands = sum(&Stats::parsed_command_count);
  const uint64_t parsed_batches = sum(&Stats::parsed_batch_count);
  out.Field("total_client_processing_events", sum(&Stats::client_event_count));
  out.Field("eventloop_cycles_with_clients_processing", sum(&Stats::serving_loop_count));
  out.Field("commands_per_parse_batch_sum", parsed_commands);
  out.Field("commands_per_parse_batch_cnt", parsed_batches);
  out.Decimal("commands_per_parse_batch_avg", Ratio(parsed_commands, parsed_batches));
  const DenialCounts denials =
      engine.hooks.authorizer != nullptr ? engine.hooks.authorizer->denial_counts() : DenialCounts();
  out.Field("acl_access_denied_auth", denials.authentications);
  out.Field("acl_access_denied_cmd", denials.commands);
  out.Field("acl_access_denied_key", denials.keys);
  out.Field("acl_access_denied_channel", denials.channels);
  out.Field("acl_access_denied_tls_cert", denials.certificates);
}

void WriteReplication(Engine& engine, InfoWriter& out) {
  out.Field("role", "master");
  out.Field("connected_slaves", 0);
  out.Field("master_failover_state", "no-failover");
  out.Field("master_replid", engine.replication_id);
  out.Field("master_replid2", std::string(40, '0'));
  out.Field("master_repl_offset", engine.log().end_position());
  out.Field("second_repl_offset", -1);
  out.Field("repl_backlog_active", 0);
  out.Field("repl_backlog_size", engine.options().Value(*engine.options().Find("repl-backlog-size")));
  out.Field("repl_backlog_first_byte_offset", 0);
  out.Field("repl_backlog_histlen", 0);
}

void WriteCpu(InfoWriter& out) {
  const auto write = [&out](int who, const std::string& suffix) {
    rusage usage{};
    getrusage(who, &usage);
    const auto seconds = [](const timeval& time) {
      return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    out.Decimal("used_cpu_sys" + suffix, seconds(usage.ru_stime), 6);
    out.Decimal("used_cpu_user" + suffix, seconds(usage.ru_utime), 6);
  };
  write(RUSAGE_SELF, "");
  write(RUSAGE_CHILDREN, "_children");
}

void WriteCommandStats(Engine& engine, InfoWriter& out) {
  const std::vector<CommandTotals> totals = TotalsByCommand(engine);
  for (size_t i = 0; i < totals.size(); ++i) {
    const CommandTotals& total = totals[i];
    if (!total.is_used()) continue;
    const uint64_t duration_us = CyclesToUs(total.cycles);
    out.Field("cmdstat_" + engine.commands().at(i).name,
              "calls=" + std::to_string(total.calls) + ",usec=" + std::to_string(duration_us) +
                  ",usec_per_call=" + FormatFixed(Ratio(duration_us, total.calls), 2) + ",rejected_calls=" +
                  std::to_string(total.rejected) + ",failed_calls=" + std::to_string(total.failed) + ",slowlog_count=" +
                  std::to_string(total.slow_calls) + ",slowlog_time_ms_sum=" + std::to_string(total.slow_us / 1000) +
                  ",slowlog_time_ms_max=" + std::to_string(total.slow_us_max / 1000));
  }
}

void WriteErrorStats(Engine& engine, InfoWriter& out) {
  for (const auto& [code, count] : ErrorTotals(engine)) {
    out.Field("errorstat_" + code, "count=" + std::to_string(count));
  }
}

// "50", "99.9": a percentile as its name in a field has it.
std::string PercentileName(double percent) {
  std::string name = FormatFixed(percent, 6);
  name.erase(name.find_last_not_of('0') + 1);
  if (name.back() == '.') name.pop_back();
  return name;
}

void WriteLatencyStats(Engine& engine, InfoWriter& out) {
  if (!engine.settings().latency_tracking) return;
  for (size_t i = 0; i < engine.commands().command_count(); ++i) {
    const LatencyHistogram::Sum sum = LatenciesOf(engine, i);
    if (sum.total() == 0) continue;
    std::string line;
    for (const double percent : engine.settings().latency_tracking_percentiles) {
      const double duration_us = static_cast<double>(sum.Percentile(percent)) / CycleClock::CyclesPerMicrosecond();
      line += (line.empty() ? "p" : ",p") + PercentileName(percent) + "=" + FormatFixed(duration_us, 3);
    }
    out.Field("latency_percentiles_usec_" + engine.commands().at(i).name, line);
  }
}

void WriteKeyspace(Engine& engine, InfoWriter& out) {
  for (const DatabaseTotals& database : TotalsByDatabase(engine)) {
    out.Field("db" + std::to_string(database.index),
              "keys=" + std::to_string(database.key_count) + ",expires=" + std::to_string(database.expiring_count) +
                  ",avg_ttl=" + std::to_string(database.average_ttl_ms) + ",subexpiry=0");
  }
}

}  // namespace

void AttachInfoSections(Engine& engine) {
  const Start start(engine.clock());
  Rates& rates = engine.Attach<Rates>(engine);
  engine.AddPeriodicWork([&rates] { rates.Sample(); });
  engine.AddStatsReset([&rates] {
    rates.Reset();
    MemoryHistory::Instance().ForgetPeak();
  });
  MemoryHistory::Instance().MarkStart(UsedMemoryBytes());

  using Write = std::function<void(InfoWriter&)>;
  const auto add = [&engine](std::string name, std::string title, InfoShown shown, Write write) {
    engine.info().Add({std::move(name), std::move(title), shown, std::move(write)});
  };
  add("server", "Server", InfoShown::kByDefault,
      [&engine, start](InfoWriter& out) { WriteServer(engine, start, out); });
  add("clients", "Clients", InfoShown::kByDefault, [&engine](InfoWriter& out) { WriteClients(engine, out); });
  add("memory", "Memory", InfoShown::kByDefault, [&engine](InfoWriter& out) { WriteMemory(engine, out); });
  add("persistence", "Persistence", InfoShown::kByDefault, [](InfoWriter&) {});  // persistence/ knows all of it
  add("threads", "Threads", InfoShown::kAmongAll, [&engine](InfoWriter& out) { WriteThreads(engine, out); });
  add("stats", "Stats", InfoShown::kByDefault, [&engine, &rates](InfoWriter& out) { WriteStats(engine, rates, out); });
  add("replication", "Replication", InfoShown::kByDefault,
      [&engine](InfoWriter& out) { WriteReplication(engine, out); });
  add("cpu", "CPU", InfoShown::kByDefault, WriteCpu);
  add("modules", "Modules", InfoShown::kByDefault, [](InfoWriter&) {});
  add("commandstats", "Commandstats", InfoShown::kAmongAll,
      [&engine](InfoWriter& out) { WriteCommandStats(engine, out); });
  add("errorstats", "Errorstats", InfoShown::kByDefault, [&engine](InfoWriter& out) { WriteErrorStats(engine, out); });
  add("latencystats", "Latencystats", InfoShown::kAmongAll,
      [&engine](InfoWriter& out) { WriteLatencyStats(engine, out); });
  add("cluster", "Cluster", InfoShown::kByDefault, [](InfoWriter& out) { out.Field("cluster_enabled", 0); });
  add("keyspace", "Keyspace", InfoShown::kByDefault, [&engine](InfoWriter& out) { WriteKeyspace(engine, out); });
}

}  // namespace kvick

#include "observability/info_metrics.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/numbers.h"

namespace kvick {
namespace {

using Unit = InfoMetric::Unit;

// Names, types and units are those of the usual exporter, where it has the field.
constexpr InfoMetric kMetrics[] = {
    {"server", "uptime_in_seconds", "redis_uptime_in_seconds", MetricType::kGauge, "Seconds since the server started."},
    {"server", "process_id", "redis_process_id", MetricType::kGauge, "Process id of the server."},
    {"server", "io_threads_active", "redis_io_threads_active", MetricType::kGauge,
     "Whether more than one thread serves clients."},
    {"clients", "connected_clients", "redis_connected_clients", MetricType::kGauge, "Connected clients."},
    {"clients", "cluster_connections", "redis_cluster_connections", MetricType::kGauge,
     "Connections of the cluster bus."},
    {"clients", "maxclients", "redis_config_maxclients", MetricType::kGauge, "The directive maxclients."},
    {"clients", "blocked_clients", "redis_blocked_clients", MetricType::kGauge,
     "Clients that wait in a blocking command."},
    {"clients", "client_recent_max_input_buffer", "redis_client_recent_max_input_buffer_bytes", MetricType::kGauge,
     "The longest request that a client has in its buffer."},
    {"clients", "client_recent_max_output_buffer", "redis_client_recent_max_output_buffer_bytes", MetricType::kGauge,
     "The longest reply that a client has had in its buffer lately."},
    {"clients", "tracking_clients", "redis_tracking_clients", MetricType::kGauge,
     "Clients that keep values and want to be told of changes."},
    {"clients", "pubsub_clients", "redis_pubsub_clients", MetricType::kGauge,
     "Clients that are subscribed to something."},
    {"clients", "watching_clients", "redis_watching_clients", MetricType::kGauge, "Clients that watch keys."},
    {"clients", "total_watched_keys", "redis_total_watched_keys", MetricType::kGauge, "Watched keys."},
    {"memory", "used_memory", "redis_memory_used_bytes", MetricType::kGauge,
     "Memory that the data set and the server use."},
    {"memory", "used_memory_rss", "redis_memory_used_rss_bytes", MetricType::kGauge,
     "Memory of the process as the system counts it."},
    {"memory", "used_memory_peak", "redis_memory_used_peak_bytes", MetricType::kGauge,
     "The most memory that was used."},
    {"memory", "used_memory_overhead", "redis_memory_used_overhead_bytes", MetricType::kGauge,
     "Used memory that is not data."},
    {"memory", "used_memory_startup", "redis_memory_used_startup_bytes", MetricType::kGauge,
     "Memory that was used at the start."},
    {"memory", "used_memory_dataset", "redis_memory_used_dataset_bytes", MetricType::kGauge,
     "Memory that the data set uses."},
    {"memory", "used_memory_lua", "redis_memory_used_lua_bytes", MetricType::kGauge,
     "Memory of the interpreters of EVAL."},
    {"memory", "used_memory_vm_eval", "redis_memory_used_vm_eval_bytes", MetricType::kGauge,
     "Memory of the interpreters of EVAL."},
    {"memory", "used_memory_scripts_eval", "redis_memory_used_scripts_eval_bytes", MetricType::kGauge,
     "Memory of cached scripts."},
    {"memory", "number_of_cached_scripts", "redis_number_of_cached_scripts", MetricType::kGauge, "Cached scripts."},
    {"memory", "number_of_functions", "redis_number_of_functions", MetricType::kGauge, "Functions."},
    {"memory", "number_of_libraries", "redis_number_of_libraries", MetricType::kGauge, "Libraries of functions."},
    {"memory", "used_memory_vm_functions", "redis_memory_used_vm_functions_bytes", MetricType::kGauge,
     "Memory of the interpreters of functions."},
    {"memory", "used_memory_vm_total", "redis_memory_used_vm_total_bytes", MetricType::kGauge,
     "Memory of all interpreters."},
    {"memory", "used_memory_functions", "redis_memory_used_functions_bytes", MetricType::kGauge,
     "Memory of libraries of functions."},
    {"memory", "used_memory_scripts", "redis_memory_used_scripts_bytes", MetricType::kGauge,
     "Memory of cached scripts and of libraries."},
    {"memory", "total_system_memory", "redis_total_system_memory_bytes", MetricType::kGauge, "Memory of the machine."},
    {"memory", "maxmemory", "redis_memory_max_bytes", MetricType::kGauge, "The directive maxmemory; 0: no limit."},
    {"memory", "allocator_active", "redis_allocator_active_bytes", MetricType::kGauge,
     "Pages in which the allocator has placed something."},
    {"memory", "allocator_allocated", "redis_allocator_allocated_bytes", MetricType::kGauge,
     "Memory that was asked of the allocator."},
    {"memory", "allocator_resident", "redis_allocator_resident_bytes", MetricType::kGauge,
     "Pages that the allocator keeps."},
    {"memory", "allocator_frag_bytes", "redis_allocator_frag_bytes", MetricType::kGauge,
     "Active bytes that are not allocated."},
    {"memory", "allocator_frag_ratio", "redis_allocator_frag_ratio", MetricType::kGauge, "Active by allocated bytes."},
    {"memory", "allocator_rss_bytes", "redis_allocator_rss_bytes", MetricType::kGauge,
     "Resident bytes that are not active."},
    {"memory", "allocator_rss_ratio", "redis_allocator_rss_ratio", MetricType::kGauge, "Resident by active bytes."},
    {"memory", "mem_fragmentation_bytes", "redis_mem_fragmentation_bytes", MetricType::kGauge,
     "Memory of the process that is not used."},
    {"memory", "mem_fragmentation_ratio", "redis_mem_fragmentation_ratio", MetricType::kGauge,
     "Memory of the process by used memory."},
    {"memory", "mem_not_counted_for_evict", "redis_mem_not_counted_for_eviction_bytes", MetricType::kGauge,
     "Used memory that maxmemory does not count."},
    {"memory", "mem_clients_normal", "redis_mem_clients_normal", MetricType::kGauge, "Memory of clients."},
    {"memory", "mem_clients_slaves", "redis_mem_clients_slaves", MetricType::kGauge, "Memory of replicas."},
    {"memory", "active_defrag_running", "redis_active_defrag_running", MetricType::kGauge,
     "Whether memory is being defragmented."},
    {"memory", "lazyfree_pending_objects", "redis_lazyfree_pending_objects", MetricType::kGauge,
     "Values that are still to be freed."},
    {"memory", "lazyfreed_objects", "redis_lazyfreed_objects_total", MetricType::kCounter,
     "Values that were freed by the thread for it."},
    {"persistence", "loading", "redis_loading_dump_file", MetricType::kGauge, "Whether a data set is being loaded."},
    {"persistence", "async_loading", "redis_async_loading", MetricType::kGauge,
     "Whether a data set is being loaded while the old one is served."},
    {"persistence", "rdb_changes_since_last_save", "redis_rdb_changes_since_last_save", MetricType::kGauge,
     "Changes since the last snapshot."},
    {"persistence", "rdb_bgsave_in_progress", "redis_rdb_bgsave_in_progress", MetricType::kGauge,
     "Whether a snapshot is being saved."},
    {"persistence", "rdb_last_save_time", "redis_rdb_last_save_timestamp_seconds", MetricType::kGauge,
     "When the last snapshot was saved."},
    {"persistence", "rdb_last_bgsave_status", "redis_rdb_last_bgsave_status", MetricType::kGauge,
     "Whether the last snapshot was saved.", Unit::kIsOk},
    {"persistence", "rdb_last_bgsave_time_sec", "redis_rdb_last_bgsave_duration_sec", MetricType::kGauge,
     "How long the last snapshot took."},
    {"persistence", "rdb_current_bgsave_time_sec", "redis_rdb_current_bgsave_duration_sec", MetricType::kGauge,
     "How long the present snapshot has taken; -1: there is none."},
    {"persistence", "rdb_saves", "redis_rdb_saves_total", MetricType::kCounter, "Snapshots that were saved."},
    {"persistence", "rdb_last_cow_size", "redis_rdb_last_cow_size_bytes", MetricType::kGauge,
     "What writers kept for the last snapshot."},
    {"persistence", "rdb_last_load_keys_expired", "redis_rdb_last_load_expired_keys", MetricType::kGauge,
     "Expired keys in the file that was loaded."},
    {"persistence", "rdb_last_load_keys_loaded", "redis_rdb_last_load_loaded_keys", MetricType::kGauge,
     "Keys that were loaded."},
    {"persistence", "aof_enabled", "redis_aof_enabled", MetricType::kGauge, "Whether the append-only file is on."},
    {"persistence", "aof_rewrite_in_progress", "redis_aof_rewrite_in_progress", MetricType::kGauge,
     "Whether the append-only file is being rewritten."},
    {"persistence", "aof_rewrite_scheduled", "redis_aof_rewrite_scheduled", MetricType::kGauge,
     "Whether a rewrite is to follow."},
    {"persistence", "aof_last_rewrite_time_sec", "redis_aof_last_rewrite_duration_sec", MetricType::kGauge,
     "How long the last rewrite took; -1: there was none."},
    {"persistence", "aof_current_rewrite_time_sec", "redis_aof_current_rewrite_duration_sec", MetricType::kGauge,
     "How long the present rewrite has taken; -1: there is none."},
    {"persistence", "aof_last_bgrewrite_status", "redis_aof_last_bgrewrite_status", MetricType::kGauge,
     "Whether the last rewrite succeeded.", Unit::kIsOk},
    {"persistence", "aof_last_write_status", "redis_aof_last_write_status", MetricType::kGauge,
     "Whether the append-only file can be written.", Unit::kIsOk},
    {"persistence", "aof_last_cow_size", "redis_aof_last_cow_size_bytes", MetricType::kGauge,
     "What writers kept for the last rewrite."},
    {"persistence", "aof_current_size", "redis_aof_current_size_bytes", MetricType::kGauge,
     "Size of the append-only file."},
    {"persistence", "aof_base_size", "redis_aof_base_size_bytes", MetricType::kGauge,
     "Its size after the last rewrite."},
    {"persistence", "aof_pending_rewrite", "redis_aof_pending_rewrite", MetricType::kGauge, "Whether a rewrite waits."},
    {"persistence", "aof_buffer_length", "redis_aof_buffer_length", MetricType::kGauge,
     "Bytes that are still to be written."},
    {"persistence", "aof_pending_bio_fsync", "redis_aof_pending_bio_fsync", MetricType::kGauge, "Syncs at work."},
    {"persistence", "aof_delayed_fsync", "redis_aof_delayed_fsync", MetricType::kGauge, "Syncs that took too long."},
    {"persistence", "module_fork_in_progress", "redis_module_fork_in_progress", MetricType::kGauge,
     "There is no fork: 0."},
    {"persistence", "module_fork_last_cow_size", "redis_module_fork_last_cow_size", MetricType::kGauge,
     "There is no fork: 0."},
    {"stats", "total_connections_received", "redis_connections_received_total", MetricType::kCounter,
     "Connections that were accepted."},
    {"stats", "total_commands_processed", "redis_commands_processed_total", MetricType::kCounter,
     "Commands that were executed."},
    {"stats", "instantaneous_ops_per_sec", "redis_instantaneous_ops_per_sec", MetricType::kGauge,
     "Commands a second, lately."},
    {"stats", "total_net_input_bytes", "redis_net_input_bytes_total", MetricType::kCounter, "Bytes from clients."},
    {"stats", "total_net_output_bytes", "redis_net_output_bytes_total", MetricType::kCounter, "Bytes to clients."},
    {"stats", "total_net_repl_input_bytes", "redis_net_repl_input_bytes_total", MetricType::kCounter,
     "Bytes from the primary."},
    {"stats", "total_net_repl_output_bytes", "redis_net_repl_output_bytes_total", MetricType::kCounter,
     "Bytes to replicas."},
    {"stats", "rejected_connections", "redis_rejected_connections_total", MetricType::kCounter,
     "Connections that maxclients refused."},
    {"stats", "sync_full", "redis_replica_resyncs_full", MetricType::kGauge, "Full synchronizations of replicas."},
    {"stats", "sync_partial_ok", "redis_replica_partial_resync_accepted", MetricType::kGauge,
     "Partial synchronizations of replicas."},
    {"stats", "sync_partial_err", "redis_replica_partial_resync_denied", MetricType::kGauge,
     "Partial synchronizations that were not possible."},
    {"stats", "expired_keys", "redis_expired_keys_total", MetricType::kCounter, "Keys that expired."},
    {"stats", "expired_subkeys", "redis_expired_subkeys_total", MetricType::kCounter, "Fields of hashes that expired."},
    {"stats", "expired_stale_perc", "redis_expired_stale_percentage", MetricType::kGauge,
     "Keys that are due and still there, in percent."},
    {"stats", "expired_time_cap_reached_count", "redis_expired_time_cap_reached_total", MetricType::kGauge,
     "How often removing due keys ran out of its time."},
    {"stats", "evicted_keys", "redis_evicted_keys_total", MetricType::kCounter, "Keys that were evicted."},
    {"stats", "evicted_clients", "redis_evicted_clients_total", MetricType::kCounter,
     "Clients that were disconnected because of their memory."},
    {"stats", "evicted_scripts", "redis_evicted_scripts_total", MetricType::kCounter,
     "Cached scripts that were evicted."},
    {"stats", "keyspace_hits", "redis_keyspace_hits_total", MetricType::kCounter, "Reads of keys that were there."},
    {"stats", "keyspace_misses", "redis_keyspace_misses_total", MetricType::kCounter,
     "Reads of keys that were not there."},
    {"stats", "pubsub_channels", "redis_pubsub_channels", MetricType::kGauge, "Channels with subscribers."},
    {"stats", "pubsub_patterns", "redis_pubsub_patterns", MetricType::kGauge, "Patterns with subscribers."},
    {"stats", "pubsubshard_channels", "redis_pubsubshard_channels", MetricType::kGauge,
     "Shard channels with subscribers."},
    {"stats", "latest_fork_usec", "redis_latest_fork_seconds", MetricType::kGauge, "There is no fork: 0.",
     Unit::kMicroseconds},
    {"stats", "migrate_cached_sockets", "redis_migrate_cached_sockets_total", MetricType::kGauge,
     "Connections that MIGRATE keeps."},
    {"stats", "slave_expires_tracked_keys", "redis_slave_expires_tracked_keys", MetricType::kGauge,
     "Keys of a writable replica that expire."},
    {"stats", "active_defrag_hits", "redis_defrag_hits", MetricType::kGauge, "Blocks that defragmenting moved."},
    {"stats", "active_defrag_misses", "redis_defrag_misses", MetricType::kGauge, "Blocks that it left."},
    {"stats", "active_defrag_key_hits", "redis_defrag_key_hits", MetricType::kGauge, "Keys that it moved."},
    {"stats", "active_defrag_key_misses", "redis_defrag_key_misses", MetricType::kGauge, "Keys that it left."},
    {"stats", "tracking_total_keys", "redis_tracking_total_keys", MetricType::kGauge,
     "Keys that clients are known to keep."},
    {"stats", "tracking_total_items", "redis_tracking_total_items", MetricType::kGauge,
     "Clients of these keys, summed."},
    {"stats", "tracking_total_prefixes", "redis_tracking_total_prefixes", MetricType::kGauge,
     "Prefixes of broadcasts."},
    {"stats", "unexpected_error_replies", "redis_unexpected_error_replies", MetricType::kCounter,
     "Errors that should not be."},
    {"stats", "total_error_replies", "redis_total_error_replies", MetricType::kCounter, "Errors that were answered."},
    {"stats", "dump_payload_sanitizations", "redis_dump_payload_sanitizations", MetricType::kCounter,
     "Payloads that were checked in depth."},
    {"stats", "total_reads_processed", "redis_total_reads_processed", MetricType::kCounter, "Reads from sockets."},
    {"stats", "total_writes_processed", "redis_total_writes_processed", MetricType::kCounter, "Writes to sockets."},
    {"stats", "io_threaded_reads_processed", "redis_io_threaded_reads_processed", MetricType::kCounter,
     "Reads from sockets by several threads."},
    {"stats", "io_threaded_writes_processed", "redis_io_threaded_writes_processed", MetricType::kCounter,
     "Writes to sockets by several threads."},
    {"stats", "client_query_buffer_limit_disconnections", "redis_client_query_buffer_limit_disconnections_total",
     MetricType::kCounter, "Clients that sent too much."},
    {"stats", "client_output_buffer_limit_disconnections", "redis_client_output_buffer_limit_disconnections_total",
     MetricType::kCounter, "Clients that read too slowly."},
    {"stats", "eventloop_cycles", "redis_eventloop_cycles_total", MetricType::kCounter, "Turns of all workers."},
    {"stats", "eventloop_duration_sum", "redis_eventloop_duration_sum_usec_total", MetricType::kCounter,
     "How long these took, in microseconds."},
    {"stats", "eventloop_duration_cmd_sum", "redis_eventloop_duration_cmd_sum_usec_total", MetricType::kCounter,
     "How long commands took in them, in microseconds."},
    {"stats", "instantaneous_eventloop_cycles_per_sec", "redis_instantaneous_eventloop_cycles_per_sec",
     MetricType::kGauge, "Turns a second, lately."},
    {"stats", "instantaneous_eventloop_duration_usec", "redis_instantaneous_eventloop_duration_usec",
     MetricType::kGauge, "How long a turn takes, lately, in microseconds."},
    {"stats", "slowlog_commands_count", "kvick_slow_commands_total", MetricType::kCounter,
     "Commands that ran longer than slowlog-log-slower-than."},
    {"stats", "acl_access_denied_auth", "redis_acl_access_denied_auth_total", MetricType::kCounter,
     "Failed authentications."},
    {"stats", "acl_access_denied_cmd", "redis_acl_access_denied_cmd_total", MetricType::kCounter, "Denied commands."},
    {"stats", "acl_access_denied_key", "redis_acl_access_denied_key_total", MetricType::kCounter, "Denied keys."},
    {"stats", "acl_access_denied_channel", "redis_acl_access_denied_channel_total", MetricType::kCounter,
     "Denied channels."},
    {"replication", "connected_slaves", "redis_connected_slaves", MetricType::kGauge, "Connected replicas."},
    {"replication", "master_repl_offset", "redis_master_repl_offset", MetricType::kGauge,
     "Position of the command log."},
    {"replication", "second_repl_offset", "redis_second_repl_offset", MetricType::kGauge,
     "Up to where the previous history holds; -1: there is none."},
    {"replication", "repl_backlog_active", "redis_repl_backlog_is_active", MetricType::kGauge,
     "Whether the backlog is kept."},
    {"replication", "repl_backlog_size", "redis_replication_backlog_bytes", MetricType::kGauge, "Size of the backlog."},
    {"replication", "repl_backlog_first_byte_offset", "redis_repl_backlog_first_byte_offset", MetricType::kGauge,
     "Where the backlog begins."},
    {"replication", "repl_backlog_histlen", "redis_repl_backlog_history_bytes", MetricType::kGauge,
     "How much of it is used."},
    {"replication", "slave_repl_offset", "redis_slave_repl_offset", MetricType::kGauge,
     "Position up to which this replica has followed."},
    {"replication", "slave_priority", "redis_slave_priority", MetricType::kGauge, "The directive replica-priority."},
    {"cpu", "used_cpu_sys", "redis_cpu_sys_seconds_total", MetricType::kCounter, "Processor time in the system."},
    {"cpu", "used_cpu_user", "redis_cpu_user_seconds_total", MetricType::kCounter,
     "Processor time outside of the system."},
    {"cpu", "used_cpu_sys_children", "redis_cpu_sys_children_seconds_total", MetricType::kCounter,
     "Processor time of children in the system."},
    {"cpu", "used_cpu_user_children", "redis_cpu_user_children_seconds_total", MetricType::kCounter,
     "Processor time of children outside of it."},
    {"cluster", "cluster_enabled", "redis_cluster_enabled", MetricType::kGauge,
     "Whether this server is part of a cluster."},
};

std::optional<std::string> ValueOf(const InfoMetric& metric, const std::string& text) {
  if (metric.unit == Unit::kIsOk) return text == "ok" || text == "up" ? "1" : "0";
  const std::optional<double> number = ParseDouble(text);
  if (!number) return std::nullopt;
  return metric.unit == Unit::kMicroseconds ? FormatMetricNumber(*number / 1e6) : text;
}

const std::string* FindField(std::span<const InfoField> fields, std::string_view name) {
  const auto found = std::find_if(fields.begin(), fields.end(), [name](const InfoField& f) { return f.name == name; });
  return found == fields.end() ? nullptr : &found->value;
}

// Of "ip=127.0.0.1,port=6380,state=online": the part behind "port=".
std::string PartOf(std::string_view list, std::string_view name) {
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    const std::string_view part = list.substr(0, comma);
    const size_t equals = part.find('=');
    if (equals != std::string_view::npos && part.substr(0, equals) == name) return std::string(part.substr(equals + 1));
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return {};
}

// "slave0", "slave1", ...
bool IsReplica(std::string_view field) {
  return field.size() > 5 && field.starts_with("slave") && ParseUint64(field.substr(5));
}

}  // namespace

std::span<const InfoMetric> InfoMetrics() { return kMetrics; }

void WriteInfoMetrics(std::string_view section, std::span<const InfoField> fields, MetricWriter& out) {
  for (const InfoMetric& metric : kMetrics) {
    if (metric.section != section) continue;
    const std::string* text = FindField(fields, metric.field);
    if (text == nullptr) continue;
    const std::optional<std::string> value = ValueOf(metric, *text);
    if (!value) continue;
    out.Family(metric.name, metric.type, metric.help);
    out.SampleText({}, *value);
  }
}

void WriteReplicationMetrics(std::span<const InfoField> fields, MetricWriter& out) {
  struct PerReplica {
    std::string_view name;
    std::string_view part;
    std::string_view help;
  };
  static constexpr PerReplica kPerReplica[] = {
      {"redis_connected_slave_offset_bytes", "offset", "Position up to which a replica has followed."},
      {"redis_connected_slave_lag_seconds", "lag", "Seconds since a replica was heard of."},
  };
  for (const PerReplica& metric : kPerReplica) {
    bool has_family = false;
    for (const InfoField& field : fields) {
      if (!IsReplica(field.name) || !ParseDouble(PartOf(field.value, metric.part))) continue;
      if (!has_family) out.Family(metric.name, MetricType::kGauge, metric.help);
      has_family = true;
      out.SampleText({{"slave_ip", PartOf(field.value, "ip")},
                      {"slave_port", PartOf(field.value, "port")},
                      {"slave_state", PartOf(field.value, "state")}},
                     PartOf(field.value, metric.part));
    }
  }

  const std::string* host = FindField(fields, "master_host");
  const std::string* port = FindField(fields, "master_port");
  if (host == nullptr || port == nullptr) return;
  const MetricWriter::Labels primary = {{"master_host", *host}, {"master_port", *port}};
  static constexpr InfoMetric kOfLink[] = {
      {"replication", "master_link_status", "redis_master_link_up", MetricType::kGauge,
       "Whether the link to the primary is up.", Unit::kIsOk},
      {"replication", "master_last_io_seconds_ago", "redis_master_last_io_seconds_ago", MetricType::kGauge,
       "Seconds since the primary was heard of."},
      {"replication", "master_sync_in_progress", "redis_master_sync_in_progress", MetricType::kGauge,
       "Whether a full synchronization goes on."},
  };
  for (const InfoMetric& metric : kOfLink) {
    const std::string* text = FindField(fields, metric.field);
    if (text == nullptr) continue;
    const std::optional<std::string> value = ValueOf(metric, *text);
    if (!value) continue;
    out.Family(metric.name, metric.type, metric.help);
    out.SampleText(primary, *value);
  }
}

}  // namespace kvick

// Settings: every value of the configuration that kvick acts on, as plain typed fields.
//
//   if (settings.max_clients <= connected) ...
//
// Thread rule: fields are read everywhere without locks. They change in two moments only: before the workers run
// (defaults, file, arguments), and inside an exclusive operation (run_exclusive), which is how CONFIG SET changes them
// through OptionTable. Code that runs beside the workers (a background thread) takes a copy in such a moment.
//
// The initialisers are the defaults; the option rows (options_*.cc) do not repeat them.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/compressed_bytes.h"
#include "base/log.h"

namespace kvick {

enum class SyslogFacility { kUser, kLocal0, kLocal1, kLocal2, kLocal3, kLocal4, kLocal5, kLocal6, kLocal7 };
enum class SupervisedMode { kNo, kAuto, kSystemd, kUpstart };
enum class OomScoreAdjMode { kNo, kRelative, kAbsolute };
// Who may use something dangerous: nobody, everybody, connections from this machine.
enum class AccessPermission { kNo, kYes, kLocal };
enum class SanitizePayload { kNo, kYes, kClients };
// When what was appended is handed to the disk.
enum class AppendSync { kNo, kEverySecond, kAlways };
enum class EvictionPolicy {
  kNoEviction,
  kVolatileLru,
  kVolatileLfu,
  kVolatileLrm,
  kVolatileRandom,
  kVolatileTtl,
  kAllKeysLru,
  kAllKeysLfu,
  kAllKeysLrm,
  kAllKeysRandom,
};

// Whether clients have to show a certificate.
enum class TlsClientCertificates { kNo, kYes, kOptional };

// Bits of shutdown-on-sigint and shutdown-on-sigterm.
inline constexpr unsigned kShutdownDefault = 0;
inline constexpr unsigned kShutdownSave = 1U << 0;
inline constexpr unsigned kShutdownNoSave = 1U << 1;
inline constexpr unsigned kShutdownNow = 1U << 2;
inline constexpr unsigned kShutdownForce = 1U << 3;

struct SavePoint {
  int64_t seconds = 0;
  int64_t changes = 0;
  bool operator==(const SavePoint&) const = default;
};

struct OutputBufferLimit {
  uint64_t hard_limit_bytes = 0;
  uint64_t soft_limit_bytes = 0;
  int64_t soft_limit_s = 0;
  bool operator==(const OutputBufferLimit&) const = default;
};
enum class OutputBufferClass { kNormal, kReplica, kPubSub };
inline constexpr size_t kOutputBufferClassCount = 3;

struct CommandRename {
  std::string name;
  std::string new_name;  // empty: the command is removed
  bool operator==(const CommandRename&) const = default;
};

struct Settings {
  // Network
  std::vector<std::string> bind = {"*", "-::*"};  // a leading '-' means: do not fail when it is not available
  int port = 6379;
  int tcp_backlog = 511;
  int tcp_keepalive_s = 300;
  int idle_timeout_s = 0;
  std::string unix_socket;
  unsigned unix_socket_permissions = 0;
  unsigned socket_mark_id = 0;
  std::string bind_source_address;
  bool protected_mode = true;
  unsigned max_new_connections_per_cycle = 10;
  unsigned lookahead = 16;  // commands parsed in advance for one client

  // TLS. Paths and lists are empty where they are not given.
  int tls_port = 0;
  unsigned max_new_tls_connections_per_cycle = 1;  // handshakes that a worker goes on with in one turn
  TlsClientCertificates tls_client_certificates = TlsClientCertificates::kYes;
  bool tls_user_is_common_name = false;
  std::string tls_certificate_file;
  std::string tls_key_file;
  std::string tls_key_password;
  // For connections that the server opens; the server's own where these are not given.
  std::string tls_outgoing_certificate_file;
  std::string tls_outgoing_key_file;
  std::string tls_outgoing_key_password;
  std::string tls_ca_file;
  std::string tls_ca_folder;
  std::string tls_dh_params_file;
  std::string tls_protocols;
  std::string tls_ciphers;
  std::string tls_ciphersuites;
  bool tls_prefers_own_ciphers = false;
  bool tls_caches_sessions = true;
  int tls_cached_sessions_max = 20'480;
  int tls_session_timeout_s = 300;
  bool tls_replication = false;
  bool tls_cluster = false;

  // Security
  std::string require_password;
  std::string acl_file;
  bool acl_pubsub_allows_all_channels = false;
  uint64_t acl_log_entries_max = 128;
  std::string audit_file;
  uint64_t auth_failures_max = 0;  // of one address in a minute; 0: no limit
  unsigned unauthenticated_timeout_s = 0;
  AccessPermission debug_command = AccessPermission::kNo;
  AccessPermission module_command = AccessPermission::kNo;
  AccessPermission protected_configs = AccessPermission::kNo;
  std::vector<CommandRename> command_renames;        // `rename-command` lines
  std::vector<std::vector<std::string>> user_lines;  // `user` lines without the word user: name, rules

  // General: process and log
  bool daemonize = false;
  std::string pid_file;
  std::string log_file;
  LogLevel log_level = LogLevel::kNotice;
  LogFormat log_format = LogFormat::kText;
  LogTimestampFormat log_timestamp_format = LogTimestampFormat::kLegacy;
  bool syslog_enabled = false;
  std::string syslog_ident = "redis";  // the name under which existing collectors look for it
  SyslogFacility syslog_facility = SyslogFacility::kLocal0;
  SupervisedMode supervised = SupervisedMode::kNo;
  bool always_show_logo = false;
  bool hide_user_data_from_log = false;
  bool crash_log_enabled = true;
  bool crash_memcheck_enabled = true;
  bool set_proc_title = true;
  std::string proc_title_template = "{title} {listen-addr} {server-mode}";
  bool disable_transparent_huge_pages = true;
  OomScoreAdjMode oom_score_adj = OomScoreAdjMode::kNo;
  std::array<int, 3> oom_score_adj_values = {0, 200, 800};  // primary, replica, background child
  std::string locale_collate;
  std::string ignore_warnings;
  int databases = 16;
  int threads = 0;  // 0: as many as the machine has cores
  int hz = 10;
  bool dynamic_hz = true;
  std::vector<std::vector<std::string>> module_lines;         // `loadmodule` lines without the word: path, arguments
  std::vector<std::vector<std::string>> module_option_lines;  // `module.option value` lines, for the modules to come

  // Clients
  unsigned max_clients = 10'000;
  int64_t max_memory_clients = 0;  // bytes; negative: percent of max_memory_bytes
  int64_t proto_max_bulk_len_bytes = 512LL << 20;
  uint64_t client_query_buffer_limit_bytes = 1ULL << 30;
  // By OutputBufferClass.
  std::array<OutputBufferLimit, kOutputBufferClassCount> client_output_buffer_limits = {
      OutputBufferLimit{},
      OutputBufferLimit{.hard_limit_bytes = 256ULL << 20, .soft_limit_bytes = 64ULL << 20, .soft_limit_s = 60},
      OutputBufferLimit{.hard_limit_bytes = 32ULL << 20, .soft_limit_bytes = 8ULL << 20, .soft_limit_s = 60},
  };
  unsigned client_default_resp = 2;
  uint64_t tracking_table_keys_max = 1'000'000;
  // Event classes as CONFIG GET prints them: a canonical subset of "Ag$lshzxetdnaKEmocSTIV".
  std::string notify_keyspace_events;

  // Memory
  uint64_t max_memory_bytes = 0;
  EvictionPolicy max_memory_policy = EvictionPolicy::kNoEviction;
  int max_memory_samples = 5;
  int max_memory_eviction_tenacity = 10;
  int lfu_log_factor = 10;
  int lfu_decay_time_min = 1;
  int active_expire_effort = 1;
  bool active_rehashing = true;
  // Without it, memory is given back by rules of our own (engine/compaction.h).
  bool active_defrag = false;
  uint64_t active_defrag_ignore_bytes = 100ULL << 20;
  int active_defrag_threshold_lower = 10;
  int active_defrag_threshold_upper = 100;
  int active_defrag_cycle_min = 1;
  int active_defrag_cycle_max = 25;
  uint64_t active_defrag_scan_fields_max = 1000;

  // Lazy freeing
  bool lazy_free_on_eviction = false;
  bool lazy_free_on_expire = false;
  bool lazy_free_on_server_delete = false;
  bool lazy_free_on_user_delete = false;
  bool lazy_free_on_user_flush = false;

  // Strings that are written as a whole are kept compressed
  ValueCompression value_compression;

  // Encodings: up to these limits a collection is kept in its compact form
  uint64_t hash_listpack_entries_max = 512;
  uint64_t hash_listpack_value_max_bytes = 64;
  // Hashes of so many fields become compact: when they are written to, and when they are loaded from a file that has
  // none. Minimum 0: never; maximum 0: without bound.
  uint64_t hash_template_entries_min = 0;
  uint64_t hash_template_entries_max = 0;
  uint64_t hash_load_template_entries_min = 0;
  uint64_t hash_load_template_entries_max = 0;
  uint64_t hash_load_template_keys_min = 0;  // a template of fewer keys is dissolved after loading
  uint64_t set_intset_entries_max = 512;
  uint64_t set_listpack_entries_max = 128;
  uint64_t set_listpack_value_max_bytes = 64;
  uint64_t zset_listpack_entries_max = 128;
  uint64_t zset_listpack_value_max_bytes = 64;
  int list_listpack_size_max = -2;  // entries; negative: -1 4 KiB, -2 8, -3 16, -4 32, -5 64
  int list_compress_depth = 0;
  size_t list_packed_threshold_bytes = 0;  // no directive: see ListLimits::huge_bytes_min
  uint32_t array_slice_size = 4096;        // indexes; of arrays to come
  uint32_t array_sparse_max = 10;          // items of a slice that is a list
  uint32_t array_sparse_min = 5;           // items below which a slice becomes a list again
  uint64_t hll_sparse_max_bytes = 3000;
  uint64_t stream_node_max_bytes = 4096;
  int64_t stream_node_entries_max = 100;
  int64_t stream_idempotence_duration_s = 100;
  int64_t stream_idempotence_entries_max = 100;

  // Scripting
  int64_t busy_reply_threshold_ms = 5000;

  // Logs of calls that stand out, latency, metrics
  int64_t slowlog_log_slower_than_us = 10'000;
  uint64_t slowlog_entries_max = 128;
  int slowlog_entry_arguments_max = 32;
  uint64_t slowlog_entry_string_max_bytes = 128;
  int64_t large_request_bytes_min = 1 << 20;  // -1: none is logged
  uint64_t large_request_entries_max = 128;
  int64_t large_reply_bytes_min = 1 << 20;
  uint64_t large_reply_entries_max = 128;
  int metrics_port = 0;  // 0: no endpoint
  std::string metrics_bind = "127.0.0.1";
  int64_t latency_monitor_threshold_ms = 0;
  bool latency_tracking = true;
  std::vector<double> latency_tracking_percentiles = {50, 99, 99.9};
  uint64_t top_keys_sample_ratio = 128;  // the keys of one of so many calls count for the top keys; 0: none do
  bool key_memory_histograms = false;

  // Snapshots. The directory is the process's working directory: setting `dir` changes it, so it has no field.
  std::string db_filename = "dump.rdb";
  std::vector<SavePoint> save_points = {{3600, 1}, {300, 100}, {60, 10'000}};
  bool save_points_are_default = true;  // the first `save` line of a file replaces the defaults, later ones add
  bool rdb_compression = true;
  bool rdb_checksum = true;
  int rdb_version = 0;  // the newest version of the format to be written; 0: whatever the data needs
  bool rdb_delete_sync_files = false;
  bool rdb_save_incremental_fsync = true;
  bool stop_writes_on_bgsave_error = true;
  SanitizePayload sanitize_dump_payload = SanitizePayload::kNo;
  int rdb_key_save_delay_us = 0;
  int key_load_delay_us = 0;
  int64_t loading_process_events_interval_bytes = 2 << 20;

  // Append-only file
  bool append_only = false;
  AppendSync append_sync = AppendSync::kEverySecond;
  std::string append_file_name = "appendonly.aof";
  std::string append_folder_name = "appendonlydir";
  bool aof_use_rdb_preamble = true;
  bool aof_timestamps = false;
  bool aof_no_sync_on_rewrite = false;
  bool aof_rewrite_incremental_sync = true;
  bool aof_keeps_history = false;
  bool aof_load_truncated = true;
  int64_t aof_load_corrupt_tail_bytes_max = 0;
  int aof_rewrite_percentage = 100;  // growth since the last rewrite that begins another one; 0: none does
  int64_t aof_rewrite_bytes_min = 64 << 20;

  // Seconds since 1970: what the append-only file has of later times is not loaded; 0: everything is.
  int64_t aof_load_until_s = 0;

  // Backups
  std::string backup_folder_name = "backupdir";
  int64_t backup_sealed_ttl_s = 0;  // 0: sealed backups stay until BACKUP CLEANUP
  std::string preload_file;         // aof:<manifest> or rdb:<file>: loaded instead of the server's own files

  // Shutdown
  int shutdown_timeout_s = 10;
  unsigned shutdown_on_sigint = kShutdownDefault;
  unsigned shutdown_on_sigterm = kShutdownDefault;
  bool use_exit_on_panic = false;
  int watchdog_period_ms = 0;

  // Directives whose feature does not exist yet, by name, where they are not at their default. Bools, choices and
  // integers as a number in decimal; OptionTable::Value gives the text of any.
  std::map<std::string, std::string, std::less<>> kept;
};

}  // namespace kvick

"""Why a field of INFO is not there, and why a directive is kept without an effect.

The tables of docs/compatibility.md show the reasons; a field or a directive without one fails
tests/processes/test_parity_tables.py, and so does a reason for something that is there by now.
"""

NO_REPLICAS = "there is no replication yet"
NO_CLUSTER = "there is no cluster mode yet"
NO_SENTINEL = "there is no Sentinel mode yet"
NO_MODULES = "there are no loadable modules"
NOT_KEPT = "not counted yet"

# Shown only while something happens that a server at rest does not do. A string that must be in the source text.
INFO_FIELDS_ON_OCCASION = {
    "aof_base_size": "aof_base_size",
    "cmdstat_<command>": "cmdstat_",
    "db<N>": "db",
    "db<N>_distrib_strings_sizes": "strings_sizes",
    "db<N>_distrib_lists_items": "lists_items",
    "db<N>_distrib_sets_items": "sets_items",
    "db<N>_distrib_zsets_items": "zsets_items",
    "db<N>_distrib_hashes_items": "hashes_items",
    "db<N>_distrib_lists_sizes": 'lists"}',
    "db<N>_distrib_sets_sizes": 'sets"}',
    "db<N>_distrib_hashes_sizes": 'hashes"}',
    "db<N>_distrib_zsets_sizes": 'zsets"}',
    "errorstat_<CODE>": "errorstat_",
    "latency_percentiles_usec_<command>": "latency_percentiles_usec_",
    "loading_start_time": "loading_start_time",
    "loading_total_bytes": "loading_total_bytes",
    "loading_rdb_used_mem": "loading_rdb_used_mem",
    "loading_loaded_bytes": "loading_loaded_bytes",
    "loading_loaded_perc": "loading_loaded_perc",
    "loading_eta_seconds": "loading_eta_seconds",
}

# (section, pattern of the whole name, reason); the first that fits counts.
INFO_FIELDS_ABSENT = (
    ("server", "shutdown_in_milliseconds", NO_REPLICAS + ", for which a shutdown would wait"),
    ("clients", "clients_in_timeout_table|total_blocking_keys|total_blocking_keys_on_nokey", NOT_KEPT),
    ("memory", "mem_cluster_slot_migration_.*", NO_CLUSTER),
    ("persistence", "aof_rewrite_buffer_length", "gone from Redis too, since 7.0"),
    ("stats", "reply_buffer_(shrinks|expands)", "a client has no reply buffer of its own: replies wait in shared blocks"),
    ("stats", "cluster_incompatible_ops", NO_CLUSTER),
    ("replication", "min_slaves_good_slaves|slave<N>|slave_.*|replica_announced|master_.*|total_disconnect_time_sec", NO_REPLICAS),
    ("cpu", "used_cpu_(sys|user)_main_thread", "there is no main thread: all workers execute commands"),
    ("modules", "module", NO_MODULES),
    ("hotkeys", "cpu_time", "what tracking takes is part of the time of the commands"),
    ("sentinel", ".*", NO_SENTINEL),
    ("debug", ".*", NOT_KEPT),
    ("search (module)", ".*", "there is no search yet"),
)

# (pattern of the whole name, reason) for directives that CONFIG knows, rewrites and checks, and that change nothing.
DIRECTIVES_KEPT = (
    ("cluster-.*|tls-cluster", NO_CLUSTER),
    ("repl-.*|replica-.*|masterauth|masteruser|min-replicas-.*|tls-replication|shutdown-timeout|rdb-del-sync-files|"
     "propagation-error-behavior|tls-expected-peer-name", NO_REPLICAS),
    ("(bf|cf)-.*", "there are no probabilistic types yet"),
    ("search-.*", "there is no search yet"),
    ("ts-.*", "there are no time series yet"),
    ("vset-.*", "there are no vector sets yet"),
    ("activerehashing", "tables grow bucket by bucket: there is nothing to finish in idle time"),
    ("active-expire-effort", "due keys are found by an index, not by sampling: there is no effort to choose"),
    ("lazyfree-lazy-user-del", "large values are always freed in the background"),
    ("dynamic-hz", "what grows with the number of clients is done by each worker for its own"),
    ("io-threads-do-reads", "every thread reads, executes and writes"),
    ("jemalloc-bg-thread", "the allocator's own threads are not used"),
    (".*-cpulist", "threads are not pinned"),
    ("enable-module-command|loadmodule", NO_MODULES),
    ("lookahead", "64 commands of a read are always looked at together"),
    ("loading-process-events-interval-bytes", "loading has threads of its own: clients are answered all the time"),
    ("rdb-key-save-delay|watchdog-period|req-res-logfile", "a test aid of Redis's own tests"),
    ("sanitize-dump-payload", "payloads are always checked in full"),
    ("ignore-warnings", "the one fault that it names in Redis, ARM64-COW-BUG, harms servers that fork"),
    ("crash-memcheck-enabled|maxmemory-clients", "not done yet"),
    ("list-max-ziplist-(entries|value)|lua-replicate-commands", "an old name that does nothing in Redis either"),
)

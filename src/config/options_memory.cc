// Directives of memory: its limit, eviction, expiry, freeing, defragmentation.
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "config/option_rows.h"
#include "config/option_spec.h"
#include "config/settings.h"

namespace kvick {

std::vector<OptionSpec> MemoryOptions() {
  return {
      Integer("active-defrag-cycle-max", &Settings::active_defrag_cycle_max, {1, 99}),
      Integer("active-defrag-cycle-min", &Settings::active_defrag_cycle_min, {1, 99}),
      Memory("active-defrag-ignore-bytes", &Settings::active_defrag_ignore_bytes, {1, kInt64Max}),
      Integer("active-defrag-max-scan-fields", &Settings::active_defrag_scan_fields_max, {1, kInt64Max}),
      Integer("active-defrag-threshold-lower", &Settings::active_defrag_threshold_lower, {0, 1000}),
      Integer("active-defrag-threshold-upper", &Settings::active_defrag_threshold_upper, {0, 1000}),
      Integer("active-expire-effort", &Settings::active_expire_effort, {1, 10}),
      Bool("activedefrag", &Settings::active_defrag),
      Bool("activerehashing", &Settings::active_rehashing),
      Bool("lazyfree-lazy-eviction", &Settings::lazy_free_on_eviction),
      Bool("lazyfree-lazy-expire", &Settings::lazy_free_on_expire),
      Bool("lazyfree-lazy-server-del", &Settings::lazy_free_on_server_delete),
      Bool("lazyfree-lazy-user-del", &Settings::lazy_free_on_user_delete),
      Bool("lazyfree-lazy-user-flush", &Settings::lazy_free_on_user_flush),
      Integer("lfu-decay-time", &Settings::lfu_decay_time_min, {0, kIntMax}),
      Integer("lfu-log-factor", &Settings::lfu_log_factor, {0, kIntMax}),
      Memory("maxmemory", &Settings::max_memory_bytes, {0, kUint64Max}),
      Integer("maxmemory-eviction-tenacity", &Settings::max_memory_eviction_tenacity, {0, 100}),
      Choice("maxmemory-policy", &Settings::max_memory_policy,
             {{"volatile-lru", EvictionPolicy::kVolatileLru},
              {"volatile-lfu", EvictionPolicy::kVolatileLfu},
              {"volatile-lrm", EvictionPolicy::kVolatileLrm},
              {"volatile-random", EvictionPolicy::kVolatileRandom},
              {"volatile-ttl", EvictionPolicy::kVolatileTtl},
              {"allkeys-lru", EvictionPolicy::kAllKeysLru},
              {"allkeys-lfu", EvictionPolicy::kAllKeysLfu},
              {"allkeys-lrm", EvictionPolicy::kAllKeysLrm},
              {"allkeys-random", EvictionPolicy::kAllKeysRandom},
              {"noeviction", EvictionPolicy::kNoEviction}}),
      Integer("maxmemory-samples", &Settings::max_memory_samples, {1, 64}),
  };
}

}  // namespace kvick

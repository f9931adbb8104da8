// Counters of one executor. Its thread adds; anyone may read and sum (OwnedCounter).
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/sync.h"
#include "engine/latency_histogram.h"

namespace kvick {

struct CommandStats {
  OwnedCounter calls;
  OwnedCounter cycles;    // CycleClock
  OwnedCounter rejected;  // refused before they ran
  OwnedCounter failed;    // ran and answered an error
  OwnedCounter slow_calls;
  OwnedCounter slow_us;
  OwnedCounter slow_us_max;
  // Durations in cycles; made with the first call while latency-tracking is on.
  std::atomic<LatencyHistogram*> latency{nullptr};

  CommandStats() = default;
  CommandStats(const CommandStats&) = delete;
  CommandStats& operator=(const CommandStats&) = delete;
  ~CommandStats() { delete latency.load(std::memory_order_relaxed); }

  // By the owner.
  void RecordLatency(uint64_t duration_cycles) {
    LatencyHistogram* histogram = latency.load(std::memory_order_relaxed);
    if (histogram == nullptr) {
      histogram = new LatencyHistogram;
      latency.store(histogram, std::memory_order_release);
    }
    histogram->Record(duration_cycles);
  }
};

struct ExecutorStats {
  ExecutorStats(size_t command_count, size_t stripe_count) : stripe_waits(stripe_count), commands(command_count) {}

  OwnedCounter command_count;
  OwnedCounter connection_count;  // accepted, ever
  OwnedCounter rejected_connection_count;
  OwnedCounter input_bytes;
  OwnedCounter output_bytes;
  OwnedCounter read_count;
  OwnedCounter write_count;
  OwnedCounter keyspace_hits;
  OwnedCounter keyspace_misses;
  OwnedCounter expired_keys;
  OwnedCounter expired_fields;  // of hashes
  OwnedCounter evicted_keys;
  OwnedCounter change_count;  // as the save points count them, ever
  OwnedCounter error_reply_count;
  OwnedCounter query_limit_disconnections;
  OwnedCounter output_limit_disconnections;
  OwnedCounter loop_count;
  OwnedCounter loop_duration_us;
  OwnedCounter message_count;       // from other threads
  OwnedCounter client_event_count;  // that a client's socket was looked at for requests
  OwnedCounter serving_loop_count;  // turns in which any was
  OwnedCounter parsed_command_count;
  OwnedCounter parsed_batch_count;  // groups of commands that one read brought
  OwnedCounter expiry_duration_us;  // of removing due keys, besides commands
  OwnedCounter expiry_cut_count;    // that it ran out of time
  // Stripes that another thread held at the first try.
  OwnedCounter stripe_wait_count;
  OwnedCounter stripe_wait_cycles;         // CycleClock
  std::vector<OwnedCounter> stripe_waits;  // the first of these by stripe, of all databases

  // Not counters, and not reset.
  int worker_index = -1;       // of the worker that it belongs to; -1: none. Set before others may see it
  OwnedCounter session_count;  // at present
  // Of the worker's clients, as it measured them within the last second: what they hold in all, and the longest request
  // and reply that one of them has in its buffers.
  OwnedCounter client_bytes;
  OwnedCounter client_input_bytes_max;
  OwnedCounter client_output_bytes_max;
  OwnedCounter turn_started_us;  // monotonic: when the worker last began a turn. 0: never

  std::vector<CommandStats> commands;  // by Command::index

  // Error replies by their code, bounded: clients can invent codes through scripts.
  static constexpr size_t kErrorCodesMax = 128;
  mutable Mutex errors_mutex;
  std::map<std::string, uint64_t, std::less<>> errors KVICK_GUARDED_BY(errors_mutex);
};

}  // namespace kvick

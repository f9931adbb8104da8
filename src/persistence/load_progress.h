// LoadProgress: how far loading has come, for INFO and the log. Written by who loads, read by any thread.
#pragma once

#include <atomic>
#include <cstdint>

#include "engine/info.h"
#include "persistence/rdb_loader.h"

namespace kvick {

struct LoadProgress {
  std::atomic<int64_t> started_s{0};  // seconds since 1970
  std::atomic<uint64_t> total_bytes{0};
  std::atomic<uint64_t> loaded_bytes{0};       // without those of the RDB file that is being loaded
  std::atomic<uint64_t> used_memory_bytes{0};  // as the file says, of the server that wrote it

  RdbLoadProgress rdb;

  // Whether it is cancelled stays as it is: that may have been asked for before it began.
  void Begin(int64_t now_s, uint64_t size_bytes) {
    started_s = now_s;
    total_bytes = size_bytes;
    loaded_bytes = 0;
    used_memory_bytes = 0;
    rdb.bytes_total = rdb.bytes_read = rdb.keys_loaded = rdb.keys_expired = rdb.empty_keys = 0;
  }

  // The fields of INFO persistence while something is being loaded.
  void WriteInfo(int64_t now_s, InfoWriter& out) const {
    const uint64_t total = total_bytes;
    const uint64_t loaded = loaded_bytes + rdb.bytes_read;
    const int64_t elapsed_s = now_s - started_s;
    const auto left = static_cast<double>(total > loaded ? total - loaded : 0);
    out.Field("loading_start_time", started_s.load());
    out.Field("loading_total_bytes", total);
    out.Field("loading_rdb_used_mem", used_memory_bytes.load());
    out.Field("loading_loaded_bytes", loaded);
    out.Decimal("loading_loaded_perc", total == 0 ? 0 : static_cast<double>(loaded) * 100 / static_cast<double>(total));
    // As long as nothing is known: a second.
    out.Field("loading_eta_seconds",
              elapsed_s == 0 || loaded == 0
                  ? int64_t{1}
                  : static_cast<int64_t>(static_cast<double>(elapsed_s) * left / static_cast<double>(loaded)));
  }
};

}  // namespace kvick

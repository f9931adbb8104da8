// Directives of the built-in components: probabilistic structures, search, time series.
#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/numbers.h"
#include "base/status.h"
#include "config/option_rows.h"
#include "config/option_spec.h"
#include "config/settings.h"

namespace kvick {
namespace {

constexpr unsigned kSearchWorkersMax = 16;
constexpr uint64_t kChunkSizeUnit = 8;

int64_t DefaultSearchWorkers() { return std::min(kSearchWorkersMax, std::thread::hardware_concurrency()); }

Status CheckChunkSize(std::string_view value) {
  const std::optional<uint64_t> size_bytes = ParseUint64(value);
  if (size_bytes && *size_bytes % kChunkSizeUnit == 0) return Status::Ok();
  return Status::Error("argument must be a multiple of 8");
}

// A rate of nothing can never be met, and one of everything needs no filter.
Status CheckErrorRate(std::string_view value) {
  const std::optional<double> rate = ParseDouble(value);
  if (rate && *rate > 0 && *rate < 1) return Status::Ok();
  return Status::Error("argument must be between 0 and 1 exclusive");
}

}  // namespace

std::vector<OptionSpec> ComponentOptions() {
  return {
      KeptDecimal("bf-error-rate", "0.01", {0, 1}).Check(CheckErrorRate),
      KeptInteger("bf-expansion-factor", 2, {0, 32768}),
      KeptInteger("bf-initial-size", 100, {1, 1 << 20}),
      KeptInteger("cf-bucket-size", 2, {1, 255}),
      KeptInteger("cf-expansion-factor", 1, {0, 32768}),
      KeptInteger("cf-initial-size", 1024, {2, 1 << 20}),
      KeptInteger("cf-max-expansions", 32, {1, 65535}),
      KeptInteger("cf-max-iterations", 20, {1, 65535}),
      KeptInteger("search-_bg-index-mem-pct-thr", 100, {0, 100}),
      KeptInteger("search-_bg-index-oom-pause-time", 0, {0, kUint32Max}),
      KeptBool("search-_fallback-to-main-thread-when-block-client-unavailable", true),
      KeptBool("search-_free-resource-on-thread", true),
      KeptBool("search-_info-on-zero-indexes", false),
      KeptInteger("search-_max-foreground-timeout-limit", 60'000, {0, kInt64Max}),
      KeptInteger("search-_max-trim-delay-ms", 5000, {1, kUint32Max}),
      KeptInteger("search-_min-trim-delay-ms", 2000, {1, kUint32Max}),
      KeptBool("search-_numeric-compress", false),
      KeptInteger("search-_numeric-ranges-parents", 0, {0, 2}),
      KeptBool("search-_print-profile-clock", true),
      KeptBool("search-_prioritize-intersect-union-children", false),
      KeptBool("search-_simulate-in-flex", false, kOptionImmutable),
      KeptInteger("search-_trimming-state-check-delay-ms", 100, {1, kUint32Max}),
      KeptInteger("search-bg-index-sleep-duration-us", 1, {1, 999'999}),
      KeptInteger("search-bg-index-sleep-gap", 100, {1, kUint32Max}, kOptionImmutable),
      KeptInteger("search-bm25std-tanh-factor", 4, {1, 10'000}),
      KeptInteger("search-conn-per-shard", 0, {0, kUint32Max}),
      KeptInteger("search-connect-timeout", 10'000, {0, kIntMax}),
      KeptInteger("search-cursor-max-idle", 300'000, {1, kInt64Max}),
      KeptInteger("search-cursor-reply-threshold", 1, {1, kInt64Max}),
      KeptInteger("search-default-dialect", 1, {1, 4}),
      KeptText("search-default-scorer", "BM25STD"),
      KeptInteger("search-disk-buffer-percentage", 20, {0, 100}),
      KeptBool("search-disk-drop-read-cache", false, kOptionImmutable),
      KeptInteger("search-disk-max-open-files", 1024, {-1, kIntMax}),
      KeptBool("search-disk-use-direct-reads", false, kOptionImmutable),
      KeptBool("search-enable-unstable-features", false),
      KeptText("search-ext-load", "", kOptionImmutable),
      KeptInteger("search-fork-gc-clean-threshold", 100, {1, kInt64Max}),
      KeptInteger("search-fork-gc-retry-interval", 5, {1, kInt64Max}),
      KeptInteger("search-fork-gc-run-interval", 30, {1, kInt64Max}),
      KeptInteger("search-fork-gc-sleep-before-exit", 0, {0, kInt64Max}),
      KeptText("search-friso-ini", "", kOptionImmutable),
      KeptChoice("search-gc-policy", "FORK", {"FORK", "DEFAULT"}, kOptionImmutable),
      KeptInteger("search-gc-scan-size", 100, {1, kInt64Max}, kOptionImmutable),
      KeptInteger("search-index-cursor-limit", 128, {0, kInt64Max}),
      KeptInteger("search-indexer-yield-every-ops", 1000, {1, kUint32Max}),
      KeptInteger("search-io-threads", 1, {1, 256}, kOptionImmutable),
      KeptInteger("search-max-aggregate-groups", 1'000'000, {1, 64 << 20}),
      KeptInteger("search-max-aggregate-results", 2'147'483'648, {0, 2'147'483'648}),
      KeptInteger("search-max-doctablesize", 1'000'000, {1, 100'000'000}, kOptionImmutable),
      KeptInteger("search-max-prefix-expansions", 200, {1, kInt64Max}).Alias("search-max-expansions"),
      KeptInteger("search-max-search-results", 1'000'000, {0, 2'147'483'648}),
      KeptInteger("search-min-operation-workers", 4, {0, 16}),
      KeptInteger("search-min-phonetic-term-len", 3, {1, kInt64Max}),
      KeptInteger("search-min-prefix", 2, {1, kInt64Max}),
      KeptInteger("search-min-stem-len", 4, {2, kUint32Max}),
      KeptBool("search-monitor-expiration", true),
      KeptInteger("search-multi-text-slop", 100, {1, kUint32Max}, kOptionImmutable),
      KeptBool("search-no-gc", false, kOptionImmutable),
      KeptBool("search-no-mem-pools", false, kOptionImmutable),
      KeptChoice("search-on-oom", "RETURN", {"RETURN", "FAIL", "IGNORE"}),
      KeptChoice("search-on-timeout", "RETURN", {"RETURN", "RETURN_STRICT", "FAIL"}),
      KeptBool("search-partial-indexed-docs", false, kOptionImmutable),
      KeptBool("search-raw-docid-encoding", false, kOptionImmutable),
      KeptInteger("search-threads", 20, {1, kInt64Max}, kOptionImmutable),
      KeptInteger("search-tiered-hnsw-buffer-limit", 1024, {0, kInt64Max}, kOptionImmutable),
      KeptInteger("search-timeout", 500, {1, kInt64Max}),
      KeptInteger("search-topology-validation-timeout", 30'000, {0, kInt64Max}),
      KeptInteger("search-union-iterator-heap", 20, {1, kInt64Max}),
      KeptInteger("search-vss-max-resize", 0, {0, kUint32Max}),
      KeptInteger("search-workers", DefaultSearchWorkers(), {0, 16}),
      KeptInteger("search-workers-priority-bias-threshold", 1, {0, kInt64Max}, kOptionImmutable),
      KeptInteger("ts-chunk-size-bytes", 4096, {48, 1 << 20}).Check(CheckChunkSize),
      KeptText("ts-compaction-policy", ""),
      KeptChoice("ts-duplicate-policy", "BLOCK", {"BLOCK", "FIRST", "LAST", "MIN", "MAX", "SUM"}),
      KeptChoice("ts-encoding", "COMPRESSED", {"COMPRESSED", "UNCOMPRESSED"}),
      KeptInteger("ts-ignore-max-time-diff", 0, {0, kInt64Max}),
      KeptDecimal("ts-ignore-max-val-diff", "0.0", {0, std::numeric_limits<double>::max()}),
      KeptText("ts-libmr-protocol", "INTERNAL", kOptionImmutable),
      KeptInteger("ts-num-threads", 3, {1, 16}, kOptionImmutable),
      KeptInteger("ts-retention-policy", 0, {0, kInt64Max}),
      KeptBool("ts-topology-events", true, kOptionImmutable),
  };
}

}  // namespace kvick

// Directives of how values are held: the limits of the compact forms, and of the forms to come.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/compression_use.h"
#include "base/numbers.h"
#include "base/status.h"
#include "config/option_rows.h"
#include "config/option_spec.h"
#include "config/settings.h"

namespace kvick {
namespace {

Status CheckPowerOfTwo(std::string_view value) {
  const std::optional<uint64_t> number = ParseUint64(value);
  if (number && *number != 0 && (*number & (*number - 1)) == 0) return Status::Ok();
  return Status::Error("argument must be a power of two");
}

// A slice that becomes sparse at kmin must not become dense again at the same count.
Status CheckArraySparseLimits(const Settings& settings) {
  if (settings.array_sparse_max == 0 || settings.array_sparse_min < settings.array_sparse_max) return Status::Ok();
  return Status::Error("array-sparse-kmin must be less than array-sparse-kmax");
}

NumberField CompressionMethodField() {
  return {[](const Settings& settings) { return static_cast<int64_t>(settings.value_compression.method); },
          [](int64_t value, Settings* settings) {
            settings->value_compression.method = static_cast<CompressionMethod>(value);
            if (settings->value_compression.method != CompressionMethod::kNone) CompressionUse::Note();
          }};
}

NumberField CompressedBytesMinField() {
  return {
      [](const Settings& settings) { return static_cast<int64_t>(settings.value_compression.bytes_min); },
      [](int64_t value, Settings* settings) { settings->value_compression.bytes_min = static_cast<uint64_t>(value); }};
}

}  // namespace

std::vector<OptionSpec> EncodingOptions() {
  return {
      Integer("array-slice-size", &Settings::array_slice_size, {1, kUint32Max}).Check(CheckPowerOfTwo),
      Integer("array-sparse-kmax", &Settings::array_sparse_max, {0, kUint32Max}).CheckTogether(CheckArraySparseLimits),
      Integer("array-sparse-kmin", &Settings::array_sparse_min, {0, kUint32Max}).CheckTogether(CheckArraySparseLimits),
      Integer("hash-max-listpack-entries", &Settings::hash_listpack_entries_max, {0, kInt64Max})
          .Alias("hash-max-ziplist-entries"),
      Memory("hash-max-listpack-value", &Settings::hash_listpack_value_max_bytes, {0, kInt64Max})
          .Alias("hash-max-ziplist-value"),
      Integer("hash-max-template-entries", &Settings::hash_template_entries_max, {0, kInt64Max}),
      Integer("hash-min-template-entries", &Settings::hash_template_entries_min, {0, kInt64Max}),
      Integer("hash-rdb-load-max-template-entries", &Settings::hash_load_template_entries_max, {0, kInt64Max}),
      Integer("hash-rdb-load-min-template-entries", &Settings::hash_load_template_entries_min, {0, kInt64Max}),
      Integer("hash-rdb-load-template-disassembly-threshold", &Settings::hash_load_template_keys_min, {0, kInt64Max}),
      Memory("hll-sparse-max-bytes", &Settings::hll_sparse_max_bytes, {0, kInt64Max}),
      Integer("list-compress-depth", &Settings::list_compress_depth, {0, kIntMax}),
      Integer("list-max-listpack-size", &Settings::list_listpack_size_max, {kIntMin, kIntMax})
          .Alias("list-max-ziplist-size"),
      Integer("set-max-intset-entries", &Settings::set_intset_entries_max, {0, kInt64Max}),
      Integer("set-max-listpack-entries", &Settings::set_listpack_entries_max, {0, kInt64Max}),
      Integer("set-max-listpack-value", &Settings::set_listpack_value_max_bytes, {0, kInt64Max}),
      Integer("stream-idmp-duration", &Settings::stream_idempotence_duration_s, {1, 86'400}),
      Integer("stream-idmp-maxsize", &Settings::stream_idempotence_entries_max, {1, 10'000}),
      Memory("stream-node-max-bytes", &Settings::stream_node_max_bytes, {0, kInt64Max}),
      Integer("stream-node-max-entries", &Settings::stream_node_entries_max, {0, kInt64Max}),
      KeptBool("vset-force-single-threaded-execution", false),
      ChoiceOption("value-compression", CompressionMethodField(),
                   {{"no", static_cast<int>(CompressionMethod::kNone)},
                    {"lz4", static_cast<int>(CompressionMethod::kLz4)},
                    {"zstd", static_cast<int>(CompressionMethod::kZstd)}},
                   0),
      IntegerOption("value-compression-min-bytes", CompressedBytesMinField(), {0, kInt64Max}, NumberUnit::kMemory, 0),
      Integer("zset-max-listpack-entries", &Settings::zset_listpack_entries_max, {0, kInt64Max})
          .Alias("zset-max-ziplist-entries"),
      Memory("zset-max-listpack-value", &Settings::zset_listpack_value_max_bytes, {0, kInt64Max})
          .Alias("zset-max-ziplist-value"),
  };
}

}  // namespace kvick

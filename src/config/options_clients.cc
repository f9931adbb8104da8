// Directives of what clients may use and get: buffers, limits, tracking, notifications, scripts.
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/status.h"
#include "config/option_rows.h"
#include "config/option_spec.h"
#include "config/settings.h"

namespace kvick {
namespace {

// client-output-buffer-limit: <class> <hard> <soft> <soft seconds>, any number of times. A class that is not named
// keeps its limits.
constexpr size_t kLimitWordCount = 4;
constexpr const char* kClassNames[kOutputBufferClassCount] = {"normal", "slave", "pubsub"};
constexpr const char* kClassNamesInFiles[kOutputBufferClassCount] = {"normal", "replica", "pubsub"};

std::optional<size_t> FindOutputBufferClass(const std::string& word) {
  for (size_t i = 0; i < kOutputBufferClassCount; ++i) {
    if (EqualsIgnoreCase(word, kClassNames[i]) || EqualsIgnoreCase(word, kClassNamesInFiles[i])) return i;
  }
  return std::nullopt;
}

Status StoreOutputBufferLimits(const OptionSpec&, const std::vector<std::string>& words, OptionSource,
                               Settings* settings) {
  if (words.size() % kLimitWordCount != 0) {
    return Status::Error("Wrong number of arguments in buffer limit configuration.");
  }
  auto limits = settings->client_output_buffer_limits;
  for (size_t i = 0; i < words.size(); i += kLimitWordCount) {
    const std::optional<size_t> buffer_class = FindOutputBufferClass(words[i]);
    if (!buffer_class) return Status::Error("Invalid client class specified in buffer limit configuration.");
    const Result<uint64_t> hard = ParseMemory(words[i + 1]);
    const Result<uint64_t> soft = ParseMemory(words[i + 2]);
    const std::optional<int64_t> seconds = ParseListNumber(words[i + 3]);
    if (!hard.ok() || !soft.ok() || !seconds || *seconds < 0) {
      return Status::Error("Error in hard, soft or soft_seconds setting in buffer limit configuration.");
    }
    limits[*buffer_class] = {.hard_limit_bytes = *hard, .soft_limit_bytes = *soft, .soft_limit_s = *seconds};
  }
  settings->client_output_buffer_limits = limits;
  return Status::Ok();
}

OptionSpec ClientOutputBufferLimit() {
  OptionSpec spec;
  spec.name = "client-output-buffer-limit";
  spec.flags = kOptionMultiArg;
  spec.store = StoreOutputBufferLimits;
  spec.format = [](const OptionSpec&, const Settings& settings) {
    std::vector<std::string> words;
    for (size_t i = 0; i < kOutputBufferClassCount; ++i) {
      const OutputBufferLimit& limit = settings.client_output_buffer_limits[i];
      words.insert(words.end(), {kClassNames[i], std::to_string(limit.hard_limit_bytes),
                                 std::to_string(limit.soft_limit_bytes), std::to_string(limit.soft_limit_s)});
    }
    return JoinWords(words);
  };
  spec.rewrite = [](const Settings& settings) {
    const Settings defaults;
    std::vector<RewriteLine> lines;
    for (size_t i = 0; i < kOutputBufferClassCount; ++i) {
      const OutputBufferLimit& limit = settings.client_output_buffer_limits[i];
      lines.push_back({JoinWords({kClassNamesInFiles[i], FormatMemoryWithUnit(limit.hard_limit_bytes),
                                  FormatMemoryWithUnit(limit.soft_limit_bytes), std::to_string(limit.soft_limit_s)}),
                       limit != defaults.client_output_buffer_limits[i]});
    }
    return lines;
  };
  return spec;
}

// notify-keyspace-events: letters of event classes. A stands for kAllClasses; the others are only ever named.
constexpr std::string_view kAllClasses = "g$lshzxetda";
// 'n' stays when A is printed (it is not part of A): a rewritten file must not lose it.
constexpr std::string_view kOtherClasses = "nKEmocSTIV";

std::string CanonicalEventClasses(std::string_view letters) {
  const auto is_set = [letters](char c) {
    return letters.find(c) != std::string_view::npos ||
           (letters.find('A') != std::string_view::npos && kAllClasses.find(c) != std::string_view::npos);
  };
  std::string all;
  for (const char c : kAllClasses) {
    if (is_set(c)) all += c;
  }
  std::string text = all == kAllClasses ? "A" : all;
  for (const char c : kOtherClasses) {
    if (is_set(c)) text += c;
  }
  return text;
}

OptionSpec NotifyKeyspaceEvents() {
  OptionSpec spec;
  spec.name = "notify-keyspace-events";
  spec.store = [](const OptionSpec&, const std::vector<std::string>& words, OptionSource, Settings* settings) {
    for (const char c : words[0]) {
      if (c != 'A' && kAllClasses.find(c) == std::string_view::npos &&
          kOtherClasses.find(c) == std::string_view::npos) {
        return Status::Error("Invalid event class character. Use 'Ag$lshzxeKEtmdnocaSTIV'.");
      }
    }
    settings->notify_keyspace_events = CanonicalEventClasses(words[0]);
    return Status::Ok();
  };
  spec.format = [](const OptionSpec&, const Settings& settings) { return settings.notify_keyspace_events; };
  spec.rewrite = [](const Settings& settings) {
    const std::string& classes = settings.notify_keyspace_events;
    return std::vector<RewriteLine>{{QuoteArgument(classes), !classes.empty()}};
  };
  return spec;
}

}  // namespace

std::vector<OptionSpec> ClientOptions() {
  return {
      Integer("busy-reply-threshold", &Settings::busy_reply_threshold_ms, {0, kInt64Max}).Alias("lua-time-limit"),
      Integer("client-default-resp", &Settings::client_default_resp, {2, 3}, kOptionImmutable | kOptionHidden),
      ClientOutputBufferLimit(),
      Memory("client-query-buffer-limit", &Settings::client_query_buffer_limit_bytes, {1 << 20, kInt64Max}),
      Integer("lookahead", &Settings::lookahead, {1, kIntMax}),
      Integer("max-new-connections-per-cycle", &Settings::max_new_connections_per_cycle, {1, 1000}),
      Integer("maxclients", &Settings::max_clients, {1, kUint32Max}),
      MemoryOrPercent("maxmemory-clients", &Settings::max_memory_clients, {-100, kInt64Max}),
      NotifyKeyspaceEvents(),
      Memory("proto-max-bulk-len", &Settings::proto_max_bulk_len_bytes, {1 << 20, kInt64Max}),
      Integer("timeout", &Settings::idle_timeout_s, {0, kIntMax}),
      Integer("tracking-table-max-keys", &Settings::tracking_table_keys_max, {0, kInt64Max}),
  };
}

}  // namespace kvick

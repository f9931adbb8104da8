#include "observability/key_figures.h"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <utility>

#include "base/bytes.h"
#include "engine/executor.h"
#include "engine/key_usage.h"

namespace kvick {
namespace {

// A name is shown up to here.
constexpr size_t kShownNameMax = 128;
// Less is chance: a key that was met so often in the sample.
constexpr uint64_t kSampledUsesMin = 2;

// "1", "512", "1K", "2M": a power of two as a histogram labels it.
std::string PowerLabel(unsigned exponent) {
  constexpr std::string_view kSuffixes = " KMGTPE";
  std::string label = std::to_string(1u << exponent % 10);
  if (exponent >= 10) label += kSuffixes[exponent / 10];
  return label;
}

}  // namespace

std::string HistogramText(std::span<const uint64_t> counts) {
  std::string text;
  for (size_t bin = 0; bin < counts.size(); ++bin) {
    if (counts[bin] == 0) continue;
    if (!text.empty()) text += ',';
    text += (bin == 0 ? "0" : PowerLabel(static_cast<unsigned>(bin - 1))) + "=" + std::to_string(counts[bin]);
  }
  return text;
}

std::string KeySizeHistogram(const KeySizes& sizes, size_t row) {
  std::array<uint64_t, KeySizes::kBinCount> counts;
  for (size_t bin = 0; bin < counts.size(); ++bin) counts[bin] = sizes.Count(row, bin);
  return HistogramText(counts);
}

std::string_view KeySizeFieldName(size_t row) {
  constexpr std::array<std::string_view, KeySizes::kRowCount> kNames = {
      "strings_sizes", "lists_items", "sets_items", "zsets_items", "hashes_items", "streams_items"};
  return kNames[row];
}

std::string ShownKey(std::string_view name) {
  const bool is_cut = name.size() > kShownNameMax;
  return QuoteArgument(name.substr(0, kShownNameMax)) + (is_cut ? "..." : "");
}

std::vector<BigKey> BiggestOfType(Engine& engine, ValueType type, size_t count_max) {
  std::vector<BigKey> keys;
  for (int i = 0; i < engine.database_count(); ++i) {
    Database& database = engine.database(i);
    for (const BiggestKeys::Candidate& candidate : database.key_sizes().biggest().Candidates(KeySizes::RowOf(type))) {
      bool is_busy = false;
      const std::optional<uint64_t> size = database.MeasureIfFree({candidate.name, candidate.hash}, type, &is_busy);
      if (is_busy) {
        keys.push_back({i, candidate.bin == 0 ? 0 : uint64_t{1} << (candidate.bin - 1), candidate.name});
      } else if (size) {
        keys.push_back({i, *size, candidate.name});
      } else {
        database.ForgetBiggest(type, {candidate.name, candidate.hash});
      }
    }
  }
  std::sort(keys.begin(), keys.end(), [](const BigKey& a, const BigKey& b) {
    if (a.size != b.size) return a.size > b.size;
    return a.database != b.database ? a.database < b.database : a.name < b.name;
  });
  if (keys.size() > count_max) keys.resize(count_max);
  return keys;
}

std::vector<HotKey> MostUsedKeys(Engine& engine, size_t count_max) {
  std::unordered_map<uint64_t, HeavyHitters::Item> by_id;
  uint64_t total = 0;
  const int64_t now_ms = engine.clock().NowMs();
  engine.ForEachExecutor([&](Executor& executor) {
    KeyUsage::TopKeys top = executor.key_usage().SampledTopKeys(now_ms);
    total += top.total;
    for (HeavyHitters::Item& item : top.items) {
      const uint64_t sum = item.sum_min();
      HeavyHitters::Item& merged =
          by_id.try_emplace(item.id, HeavyHitters::Item{item.id, 0, 0, item.database, {}}).first->second;
      if (merged.name.empty()) merged.name = std::move(item.name);
      merged.sum += sum;
    }
  });
  std::vector<HotKey> keys;
  const uint64_t ratio = engine.settings().top_keys_sample_ratio;
  for (auto& [id, item] : by_id) {
    if (item.sum < kSampledUsesMin * KeyUsage::kTopKeyUnit) continue;
    keys.push_back({item.database, std::move(item.name), static_cast<double>(item.sum) / static_cast<double>(total),
                    item.sum * ratio / KeyUsage::kTopKeyUnit});
  }
  std::sort(keys.begin(), keys.end(),
            [](const HotKey& a, const HotKey& b) { return a.share != b.share ? a.share > b.share : a.name < b.name; });
  if (keys.size() > count_max) keys.resize(count_max);
  return keys;
}

}  // namespace kvick

// The sections of INFO about keys: keysizes, as other servers of this protocol show it, and topkeys, which only kvick
// has.
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "keyspace/key_sizes.h"
#include "observability/features.h"
#include "observability/key_figures.h"
#include "observability/key_memory.h"

namespace kvick {
namespace {

constexpr size_t kShownCount = 16;

void WriteKeyMemory(const std::vector<KeyMemory::ByType>& by_database, size_t database_index, InfoWriter& out) {
  if (database_index >= by_database.size()) return;
  constexpr std::pair<ValueType, std::string_view> kRows[] = {{ValueType::kList, "lists"},
                                                              {ValueType::kSet, "sets"},
                                                              {ValueType::kHash, "hashes"},
                                                              {ValueType::kSortedSet, "zsets"}};
  for (const auto& [type, name] : kRows) {
    const std::string histogram = HistogramText(by_database[database_index][KeySizes::RowOf(type)]);
    if (histogram.empty()) continue;
    out.Field("db" + std::to_string(database_index) + "_distrib_" + std::string(name) + "_sizes", histogram);
  }
}

void WriteKeySizes(Engine& engine, const KeyMemory& memory, InfoWriter& out) {
  const std::vector<KeyMemory::ByType> memory_by_database = memory.Latest();
  for (int i = 0; i < engine.database_count(); ++i) {
    const KeySizes& sizes = engine.database(i).key_sizes();
    for (size_t row = 0; row < KeySizes::kRowCount; ++row) {
      const std::string histogram = KeySizeHistogram(sizes, row);
      if (histogram.empty()) continue;
      out.Field("db" + std::to_string(i) + "_distrib_" + std::string(KeySizeFieldName(row)), histogram);
    }
    WriteKeyMemory(memory_by_database, static_cast<size_t>(i), out);
  }
}

void WriteTopKeys(Engine& engine, InfoWriter& out) {
  out.Field("top_keys_sample_ratio", engine.settings().top_keys_sample_ratio);
  size_t place = 0;
  for (const HotKey& key : MostUsedKeys(engine, kShownCount)) {
    char share[32];
    std::snprintf(share, sizeof(share), "%.4f", key.share);
    out.Field("hot_key_" + std::to_string(++place), "db=" + std::to_string(key.database) + ",share=" + share +
                                                        ",uses=" + std::to_string(key.uses) +
                                                        ",key=" + ShownKey(key.name));
  }
  for (size_t row = 0; row < KeySizes::kRowCount; ++row) {
    const auto type = static_cast<ValueType>(row);
    const std::string name = "big_" + std::string(OperationsOf(type).type_name) + "_";
    const std::string_view unit = type == ValueType::kString ? ",bytes=" : ",items=";
    place = 0;
    for (const BigKey& key : BiggestOfType(engine, type, kShownCount)) {
      out.Field(name + std::to_string(++place), "db=" + std::to_string(key.database) + std::string(unit) +
                                                    std::to_string(key.size) + ",key=" + ShownKey(key.name));
    }
  }
}

}  // namespace

void AttachKeySections(Engine& engine) {
  KeyMemory& memory = engine.Attach<KeyMemory>(engine);
  engine.AddPeriodicWork([&memory] { memory.RunPeriodicWork(); });
  engine.info().Add({"keysizes", "Keysizes", InfoShown::kAmongAll,
                     [&engine, &memory](InfoWriter& out) { WriteKeySizes(engine, memory, out); }});
  engine.info().Add(
      {"topkeys", "Topkeys", InfoShown::kAmongAll, [&engine](InfoWriter& out) { WriteTopKeys(engine, out); }});
}

}  // namespace kvick

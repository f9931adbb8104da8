// What INFO and the metrics tell about keys: how large values are, which are the biggest, which are used most.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"
#include "types/value_type.h"

namespace kvick {

// "0=1,1=20,2=5,1K=3": the powers of two from which sizes were counted, with how many there are. Empty when none are.
std::string KeySizeHistogram(const KeySizes& sizes, size_t row);
// The same of counts by bin.
std::string HistogramText(std::span<const uint64_t> counts);
// As the fields of INFO keysizes name a row: "strings_sizes", "lists_items".
std::string_view KeySizeFieldName(size_t row);

// A key as INFO and labels of metrics show it: quoted, bytes that are not printable as \xhh, cut when it is long.
std::string ShownKey(std::string_view name);

struct BigKey {
  int database = 0;
  uint64_t size = 0;
  std::string name;
};
// The biggest of a type in all databases, the biggest first. Locks stripes only when they are free.
std::vector<BigKey> BiggestOfType(Engine& engine, ValueType type, size_t count_max);

struct HotKey {
  int database = 0;
  std::string name;
  double share = 0;   // of all uses, 0 to 1
  uint64_t uses = 0;  // about so many lately, as KeyUsage forgets them
};
// Keys that are used most, the most used first.
std::vector<HotKey> MostUsedKeys(Engine& engine, size_t count_max);

}  // namespace kvick

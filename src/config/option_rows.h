// The words in which the rows of the option tables are written.
//
//   Integer("timeout", &Settings::idle_timeout_s, {0, kIntMax})
//   KeptBool("appendonly", false)
//
// Bound rows take their default from Settings; kept rows, whose feature does not exist yet, name it.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/status.h"
#include "config/option_spec.h"
#include "config/settings.h"

namespace kvick {

inline constexpr int64_t kIntMin = std::numeric_limits<int>::min();
inline constexpr uint64_t kIntMax = std::numeric_limits<int>::max();
inline constexpr uint64_t kUint32Max = std::numeric_limits<uint32_t>::max();
inline constexpr uint64_t kInt64Max = std::numeric_limits<int64_t>::max();
inline constexpr uint64_t kUint64Max = std::numeric_limits<uint64_t>::max();

struct IntegerRange {
  int64_t minimum;
  uint64_t maximum;
};

// Values of a directive as a number: bools, integers, choices.
struct NumberField {
  std::function<int64_t(const Settings& settings)> read;
  std::function<void(int64_t value, Settings* settings)> write;
};

template <typename T>
NumberField FieldOf(T Settings::*field) {
  return {[field](const Settings& settings) { return static_cast<int64_t>(settings.*field); },
          [field](int64_t value, Settings* settings) { settings->*field = static_cast<T>(value); }};
}

OptionSpec BoolOption(std::string_view name, NumberField field, OptionFlags flags);
OptionSpec IntegerOption(std::string_view name, NumberField field, IntegerRange range, NumberUnit unit,
                         OptionFlags flags);
OptionSpec ChoiceOption(std::string_view name, NumberField field, std::vector<OptionChoice> choices, OptionFlags flags);

inline OptionSpec Bool(std::string_view name, bool Settings::*field, OptionFlags flags = 0) {
  return BoolOption(name, FieldOf(field), flags);
}
template <typename T>
OptionSpec Integer(std::string_view name, T Settings::*field, IntegerRange range, OptionFlags flags = 0) {
  return IntegerOption(name, FieldOf(field), range, NumberUnit::kPlain, flags);
}
template <typename T>
OptionSpec Memory(std::string_view name, T Settings::*field, IntegerRange range, OptionFlags flags = 0) {
  return IntegerOption(name, FieldOf(field), range, NumberUnit::kMemory, flags);
}
template <typename T>
OptionSpec MemoryOrPercent(std::string_view name, T Settings::*field, IntegerRange range, OptionFlags flags = 0) {
  return IntegerOption(name, FieldOf(field), range, NumberUnit::kMemoryOrPercent, flags);
}
template <typename T>
OptionSpec Octal(std::string_view name, T Settings::*field, IntegerRange range, OptionFlags flags = 0) {
  return IntegerOption(name, FieldOf(field), range, NumberUnit::kOctal, flags);
}
template <typename T>
OptionSpec Choice(std::string_view name, T Settings::*field,
                  std::initializer_list<std::pair<std::string_view, std::type_identity_t<T>>> choices,
                  OptionFlags flags = 0) {
  std::vector<OptionChoice> named;
  for (const auto& [choice, value] : choices) named.push_back({choice, static_cast<int>(value)});
  return ChoiceOption(name, FieldOf(field), std::move(named), flags);
}
OptionSpec Text(std::string_view name, std::string Settings::*field, OptionFlags flags = 0);

OptionSpec KeptBool(std::string_view name, bool default_value, OptionFlags flags = 0);
OptionSpec KeptInteger(std::string_view name, int64_t default_value, IntegerRange range, OptionFlags flags = 0);
OptionSpec KeptMemory(std::string_view name, int64_t default_bytes, IntegerRange range, OptionFlags flags = 0);
// `range` both ends included.
OptionSpec KeptDecimal(std::string_view name, std::string_view default_value, std::pair<double, double> range,
                       OptionFlags flags = 0);
OptionSpec KeptText(std::string_view name, std::string_view default_value, OptionFlags flags = 0);
OptionSpec KeptChoice(std::string_view name, std::string_view default_value,
                      std::initializer_list<std::string_view> choices, OptionFlags flags = 0);
// With bits: choices that may be combined.
OptionSpec KeptChoices(std::string_view name, int default_value, std::vector<OptionChoice> choices,
                       OptionFlags flags = 0);

// How numbers are read and written; also used by directives with their own grammar.
Result<uint64_t> ParseMemory(std::string_view text);
// A number in a list: unlike a value of its own, it may have a sign, zeros or blanks before it.
std::optional<int64_t> ParseListNumber(const std::string& word);
// "1gb", "1536kb", "1000": the largest unit that divides it.
std::string FormatMemoryWithUnit(uint64_t size_bytes);

std::string JoinWords(const std::vector<std::string>& words);

// The value of a kept directive; `default_value` when it was never set.
std::string KeptValue(const Settings& settings, std::string_view name, std::string_view default_value);
void SetKeptValue(std::string_view name, std::string_view default_value, std::string value, Settings* settings);

// The tables. Each file holds the rows of its group and the grammar of its special ones.
std::vector<OptionSpec> NetworkOptions();
std::vector<OptionSpec> GeneralOptions();
std::vector<OptionSpec> ClientOptions();
std::vector<OptionSpec> MemoryOptions();
std::vector<OptionSpec> EncodingOptions();
std::vector<OptionSpec> ObservabilityOptions();
std::vector<OptionSpec> PersistenceOptions();
std::vector<OptionSpec> ReplicationOptions();
std::vector<OptionSpec> ClusterOptions();
std::vector<OptionSpec> TlsOptions();
std::vector<OptionSpec> ComponentOptions();

}  // namespace kvick

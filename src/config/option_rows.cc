#include "config/option_rows.h"

#include <cstdio>
#include <cstdlib>
#include <limits>

#include "base/bytes.h"
#include "base/numbers.h"

namespace kvick {
namespace {

Status OutOfRange(const OptionSpec& spec) {
  char text[128];
  const auto minimum = static_cast<long long>(spec.minimum);
  const auto maximum = static_cast<unsigned long long>(spec.maximum);
  if (spec.unit == NumberUnit::kOctal) {
    std::snprintf(text, sizeof(text), "argument must be between %llo and %llo inclusive",
                  static_cast<unsigned long long>(minimum), maximum);
  } else {
    std::snprintf(text, sizeof(text), "argument must be between %lld and %llu inclusive", minimum, maximum);
  }
  return Status::Error(text);
}

Status CheckRange(const OptionSpec& spec, int64_t value) {
  if (spec.Has(kOptionUnsigned64)) {
    return static_cast<uint64_t>(value) > spec.maximum ? OutOfRange(spec) : Status::Ok();
  }
  const bool is_inside = value >= spec.minimum && (value < 0 || static_cast<uint64_t>(value) <= spec.maximum);
  return is_inside ? Status::Ok() : OutOfRange(spec);
}

Result<int64_t> ParseOctal(const std::string& word) {
  char* end = nullptr;
  const long long value = std::strtoll(word.c_str(), &end, 8);
  if (*end != '\0') return Status::Error("argument couldn't be parsed as an octal number");
  return int64_t{value};
}

// Percents are stored negative, so that one field holds either.
Result<int64_t> ParsePercent(std::string_view digits) {
  const std::optional<uint64_t> percent = ParseUint64(digits);
  if (!percent) return Status::Error("argument must be a memory or percent value");
  if (*percent > 100) return Status::Error("percentage argument must be less or equal to 100");
  return -static_cast<int64_t>(*percent);
}

Result<int64_t> ParseNumber(const OptionSpec& spec, const std::string& word) {
  switch (spec.unit) {
    case NumberUnit::kPlain: {
      const std::optional<int64_t> value = ParseInt64(word);
      if (!value) return Status::Error("argument couldn't be parsed into an integer");
      return *value;
    }
    case NumberUnit::kOctal: return ParseOctal(word);
    case NumberUnit::kMemoryOrPercent:
      if (!word.empty() && word.back() == '%') return ParsePercent(std::string_view(word).substr(0, word.size() - 1));
      break;
    case NumberUnit::kMemory: break;
  }
  const Result<uint64_t> size_bytes = ParseMemory(word);
  if (!size_bytes.ok()) {
    return spec.unit == NumberUnit::kMemory ? size_bytes.status()
                                            : Status::Error("argument must be a memory or percent value");
  }
  if (*size_bytes > kInt64Max && !spec.Has(kOptionUnsigned64)) return OutOfRange(spec);
  return static_cast<int64_t>(*size_bytes);
}

std::string FormatNumber(const OptionSpec& spec, int64_t value) {
  if (spec.unit == NumberUnit::kOctal) {
    char text[32];
    std::snprintf(text, sizeof(text), "%llo", static_cast<unsigned long long>(value));
    return text;
  }
  if (spec.unit == NumberUnit::kMemoryOrPercent && value < 0) return std::to_string(-value) + "%";
  return spec.Has(kOptionUnsigned64) ? std::to_string(static_cast<uint64_t>(value)) : std::to_string(value);
}

Status NoSuchChoice(const OptionSpec& spec) {
  std::string text = "argument(s) must be one of the following: ";
  for (const OptionChoice& choice : spec.choices) {
    if (&choice != &spec.choices.front()) text += ", ";
    text += choice.name;
  }
  return Status::Error(std::move(text));
}

Result<int64_t> ParseChoices(const OptionSpec& spec, const std::vector<std::string>& words) {
  if (words.empty()) return NoSuchChoice(spec);
  int value = 0;
  for (const std::string& word : words) {
    bool is_found = false;
    for (const OptionChoice& choice : spec.choices) {
      if (!EqualsIgnoreCase(choice.name, word)) continue;
      value |= choice.value;
      is_found = true;
      break;
    }
    if (!is_found) return NoSuchChoice(spec);
  }
  return int64_t{value};
}

// The first choice of that value, or, of combined ones, those whose bits make it up.
std::string FormatChoices(const OptionSpec& spec, int64_t value) {
  for (const OptionChoice& choice : spec.choices) {
    if (choice.value == value) return std::string(choice.name);
  }
  std::string text;
  for (const OptionChoice& choice : spec.choices) {
    if (choice.value == 0 || (value & choice.value) != choice.value) continue;
    value &= ~int64_t{choice.value};
    if (!text.empty()) text += ' ';
    text += choice.name;
  }
  return text;
}

OptionSpec Named(std::string_view name, OptionKind kind, OptionFlags flags) {
  OptionSpec spec;
  spec.name = name;
  spec.kind = kind;
  spec.flags = flags;
  return spec;
}

// A number in Settings::kept, by the text that the directive's own kind gives it.
NumberField KeptField(std::string_view name, int64_t default_value) {
  return {[name, default_value](const Settings& settings) {
            return *ParseInt64(KeptValue(settings, name, std::to_string(default_value)));
          },
          [name, default_value](int64_t value, Settings* settings) {
            SetKeptValue(name, std::to_string(default_value), std::to_string(value), settings);
          }};
}

OptionSpec Kept(OptionSpec spec) {
  spec.is_kept = true;
  return spec;
}

}  // namespace

Result<uint64_t> ParseMemory(std::string_view text) {
  size_t digit_count = 0;
  while (digit_count < text.size() && text[digit_count] >= '0' && text[digit_count] <= '9') ++digit_count;
  const std::string unit = ToLower(text.substr(digit_count));
  uint64_t factor = 0;
  if (unit.empty() || unit == "b") factor = 1;
  if (unit == "k") factor = 1000;
  if (unit == "kb") factor = 1024;
  if (unit == "m") factor = 1000 * 1000;
  if (unit == "mb") factor = 1024 * 1024;
  if (unit == "g") factor = 1000 * 1000 * 1000;
  if (unit == "gb") factor = 1024 * 1024 * 1024;
  uint64_t value = 0;  // no digits at all are zero, as they always were
  bool is_valid = factor != 0;
  for (const char c : text.substr(0, digit_count)) {
    is_valid = is_valid && !__builtin_mul_overflow(value, uint64_t{10}, &value) &&
               !__builtin_add_overflow(value, static_cast<uint64_t>(c - '0'), &value);
  }
  // A size past 2^64 is refused: to wrap around would turn a typing error into a tiny limit.
  if (!is_valid || __builtin_mul_overflow(value, factor, &value)) {
    return Status::Error("argument must be a memory value");
  }
  return value;
}

std::optional<int64_t> ParseListNumber(const std::string& word) {
  char* end = nullptr;
  const long long value = std::strtoll(word.c_str(), &end, 10);
  return *end == '\0' ? std::optional<int64_t>(value) : std::nullopt;
}

std::string FormatMemoryWithUnit(uint64_t size_bytes) {
  static constexpr std::pair<uint64_t, const char*> kUnits[] = {{1ULL << 30, "gb"}, {1ULL << 20, "mb"}, {1024, "kb"}};
  for (const auto& [unit_bytes, name] : kUnits) {
    if (size_bytes != 0 && size_bytes % unit_bytes == 0) return std::to_string(size_bytes / unit_bytes) + name;
  }
  return std::to_string(size_bytes);
}

std::string JoinWords(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    if (&word != &words.front()) text += ' ';
    text += word;
  }
  return text;
}

std::string KeptValue(const Settings& settings, std::string_view name, std::string_view default_value) {
  const auto found = settings.kept.find(name);
  return found == settings.kept.end() ? std::string(default_value) : found->second;
}

void SetKeptValue(std::string_view name, std::string_view default_value, std::string value, Settings* settings) {
  if (value == default_value) {
    settings->kept.erase(std::string(name));
  } else {
    settings->kept.insert_or_assign(std::string(name), std::move(value));
  }
}

OptionSpec BoolOption(std::string_view name, NumberField field, OptionFlags flags) {
  OptionSpec spec = Named(name, OptionKind::kBool, flags);
  spec.store = [write = field.write](const OptionSpec&, const std::vector<std::string>& words, OptionSource,
                                     Settings* settings) {
    const bool is_yes = EqualsIgnoreCase(words[0], "yes");
    if (!is_yes && !EqualsIgnoreCase(words[0], "no")) return Status::Error("argument must be 'yes' or 'no'");
    write(is_yes ? 1 : 0, settings);
    return Status::Ok();
  };
  spec.format = [read = field.read](const OptionSpec&, const Settings& settings) {
    return std::string(read(settings) != 0 ? "yes" : "no");
  };
  return spec;
}

OptionSpec IntegerOption(std::string_view name, NumberField field, IntegerRange range, NumberUnit unit,
                         OptionFlags flags) {
  OptionSpec spec = Named(name, OptionKind::kInteger, flags);
  spec.minimum = range.minimum;
  spec.maximum = range.maximum;
  spec.unit = unit;
  if (range.maximum > kInt64Max) spec.flags |= kOptionUnsigned64;
  spec.store = [write = field.write](const OptionSpec& self, const std::vector<std::string>& words, OptionSource,
                                     Settings* settings) {
    KVICK_ASSIGN_OR_RETURN(const int64_t value, ParseNumber(self, words[0]));
    KVICK_RETURN_IF_ERROR(CheckRange(self, value));
    if (self.check) KVICK_RETURN_IF_ERROR(self.check(words[0]));
    write(value, settings);
    return Status::Ok();
  };
  spec.format = [read = field.read](const OptionSpec& self, const Settings& settings) {
    return FormatNumber(self, read(settings));
  };
  return spec;
}

OptionSpec ChoiceOption(std::string_view name, NumberField field, std::vector<OptionChoice> choices,
                        OptionFlags flags) {
  OptionSpec spec = Named(name, OptionKind::kChoice, flags);
  spec.choices = std::move(choices);
  spec.store = [write = field.write](const OptionSpec& self, const std::vector<std::string>& words, OptionSource,
                                     Settings* settings) {
    KVICK_ASSIGN_OR_RETURN(const int64_t value, ParseChoices(self, words));
    if (self.check) KVICK_RETURN_IF_ERROR(self.check(FormatChoices(self, value)));
    write(value, settings);
    return Status::Ok();
  };
  spec.format = [read = field.read](const OptionSpec& self, const Settings& settings) {
    return FormatChoices(self, read(settings));
  };
  return spec;
}

OptionSpec Text(std::string_view name, std::string Settings::*field, OptionFlags flags) {
  OptionSpec spec = Named(name, OptionKind::kText, flags);
  spec.store = [field](const OptionSpec& self, const std::vector<std::string>& words, OptionSource,
                       Settings* settings) {
    if (self.check) KVICK_RETURN_IF_ERROR(self.check(words[0]));
    settings->*field = words[0];
    return Status::Ok();
  };
  spec.format = [field](const OptionSpec&, const Settings& settings) { return settings.*field; };
  return spec;
}

OptionSpec KeptBool(std::string_view name, bool default_value, OptionFlags flags) {
  return Kept(BoolOption(name, KeptField(name, default_value ? 1 : 0), flags));
}

OptionSpec KeptInteger(std::string_view name, int64_t default_value, IntegerRange range, OptionFlags flags) {
  return Kept(IntegerOption(name, KeptField(name, default_value), range, NumberUnit::kPlain, flags));
}

OptionSpec KeptMemory(std::string_view name, int64_t default_bytes, IntegerRange range, OptionFlags flags) {
  return Kept(IntegerOption(name, KeptField(name, default_bytes), range, NumberUnit::kMemory, flags));
}

OptionSpec KeptDecimal(std::string_view name, std::string_view default_value, std::pair<double, double> range,
                       OptionFlags flags) {
  OptionSpec spec = KeptText(name, default_value, flags);
  spec.kind = OptionKind::kDecimal;
  spec.check = [range](std::string_view value) {
    const std::optional<double> number = ParseDouble(value);
    if (!number) return Status::Error("argument couldn't be parsed into a number");
    if (*number >= range.first && *number <= range.second) return Status::Ok();
    return Status::Error("argument must be between " + FormatDouble(range.first) + " and " +
                         FormatDouble(range.second) + " inclusive");
  };
  return spec;
}

OptionSpec KeptText(std::string_view name, std::string_view default_value, OptionFlags flags) {
  OptionSpec spec = Named(name, OptionKind::kText, flags);
  spec.store = [default_value](const OptionSpec& self, const std::vector<std::string>& words, OptionSource,
                               Settings* settings) {
    if (self.check) KVICK_RETURN_IF_ERROR(self.check(words[0]));
    SetKeptValue(self.name, default_value, words[0], settings);
    return Status::Ok();
  };
  spec.format = [default_value](const OptionSpec& self, const Settings& settings) {
    return KeptValue(settings, self.name, default_value);
  };
  return Kept(std::move(spec));
}

OptionSpec KeptChoice(std::string_view name, std::string_view default_value,
                      std::initializer_list<std::string_view> choices, OptionFlags flags) {
  std::vector<OptionChoice> numbered;
  int default_number = 0;
  for (const std::string_view choice : choices) {
    const int number = static_cast<int>(numbered.size());
    if (choice == default_value) default_number = number;
    numbered.push_back({choice, number});
  }
  return Kept(ChoiceOption(name, KeptField(name, default_number), std::move(numbered), flags));
}

OptionSpec KeptChoices(std::string_view name, int default_value, std::vector<OptionChoice> choices, OptionFlags flags) {
  return Kept(ChoiceOption(name, KeptField(name, default_value), std::move(choices), flags | kOptionMultiArg));
}

}  // namespace kvick

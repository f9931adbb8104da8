// OptionSpec: all there is to know about one directive of the configuration. The rows are in options_<group>.cc.
//
// A directive is either bound to a field of Settings, or kept: its feature does not exist yet, so its value is checked
// by the same rules, remembered in Settings::kept and reported, and has no effect.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "config/settings.h"

namespace kvick {

enum class OptionKind {
  kBool,
  kInteger,
  kText,
  kChoice,   // one of some words; with kMultiArg any combination of them
  kSpecial,  // a list with its own grammar: save, bind, client-output-buffer-limit, ...
};

enum class NumberUnit {
  kPlain,
  kMemory,           // 1k = 1000, 1kb = 1024, ...; printed in bytes
  kMemoryOrPercent,  // memory, or N% which is stored as -N
  kOctal,
};

using OptionFlags = unsigned;
inline constexpr OptionFlags kOptionImmutable = 1U << 0;    // only at start: CONFIG SET refuses
inline constexpr OptionFlags kOptionHidden = 1U << 1;       // CONFIG GET shows it by its full name only
inline constexpr OptionFlags kOptionProtected = 1U << 2;    // CONFIG SET needs enable-protected-configs
inline constexpr OptionFlags kOptionSensitive = 1U << 3;    // the value is redacted in logs
inline constexpr OptionFlags kOptionDenyLoading = 1U << 4;  // CONFIG SET refuses while a data set is loaded
inline constexpr OptionFlags kOptionMultiArg = 1U << 5;     // several words: `save 900 1`
inline constexpr OptionFlags kOptionVolatile = 1U << 6;  // hooks run even when the text stays: files may have changed
inline constexpr OptionFlags kOptionProcessEffect = 1U
                                                    << 7;  // setting changes the process (dir); undone by setting back
inline constexpr OptionFlags kOptionUnsigned64 = 1U << 8;  // an integer up to 2^64-1
inline constexpr OptionFlags kOptionLinePerValue = 1U << 9;  // CONFIG REWRITE writes its own lines: save, output limits

struct OptionChoice {
  const char* name;
  int value;
};

// Where a value comes from: lines of a file add to each other where CONFIG SET replaces.
enum class OptionSource { kFile, kCommand };

struct OptionSpec {
  std::string_view name;
  std::string_view alias;  // empty: none
  OptionKind kind = OptionKind::kSpecial;
  OptionFlags flags = 0;

  // Integers. `maximum` is compared unsigned when kOptionUnsigned64 is set, then `minimum` is 0.
  int64_t minimum = std::numeric_limits<int64_t>::min();
  uint64_t maximum = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  NumberUnit unit = NumberUnit::kPlain;
  // Choices, in the order in which the error message lists them.
  std::vector<OptionChoice> choices;

  // True: no field of Settings, see above.
  bool is_kept = false;
  // Why an accepted directive has no effect here, where that is for good (there is no fork, ...). May be empty.
  std::string_view note;

  // Parses, checks and stores the words of the directive. The Status is the bare reason ("argument must be ...").
  std::function<Status(const OptionSpec& spec, const std::vector<std::string>& words, OptionSource source,
                       Settings* settings)>
      store;
  // The value as CONFIG GET prints it.
  std::function<std::string(const OptionSpec& spec, const Settings& settings)> format;
  // The values that CONFIG REWRITE writes, one line each; only with kOptionLinePerValue.
  std::function<std::vector<std::string>(const Settings& settings)> format_lines;

  bool Has(OptionFlags flag) const { return (flags & flag) != 0; }
};

}  // namespace kvick

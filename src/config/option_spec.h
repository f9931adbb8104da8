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
#include <utility>
#include <vector>

#include "base/status.h"
#include "config/settings.h"

namespace kvick {

enum class OptionKind {
  kBool,
  kInteger,
  kDecimal,
  kText,
  kChoice,   // one of some words; with kOptionMultiArg any combination of them
  kSpecial,  // a list with its own grammar: save, bind, client-output-buffer-limit, ...
};

enum class NumberUnit {
  kPlain,
  kMemory,           // 1k = 1000, 1kb = 1024, ...; printed in bytes
  kMemoryOrPercent,  // memory, or N% which is stored as -N
  kOctal,
};

using OptionFlags = unsigned;
inline constexpr OptionFlags kOptionImmutable = 1U << 0;     // only at start: CONFIG SET refuses
inline constexpr OptionFlags kOptionHidden = 1U << 1;        // CONFIG GET shows it by its full name only
inline constexpr OptionFlags kOptionProtected = 1U << 2;     // CONFIG SET needs enable-protected-configs
inline constexpr OptionFlags kOptionSensitive = 1U << 3;     // the value is redacted in logs
inline constexpr OptionFlags kOptionDenyLoading = 1U << 4;   // CONFIG SET refuses while a data set is loaded
inline constexpr OptionFlags kOptionMultiArg = 1U << 5;      // several words: `save 900 1`
inline constexpr OptionFlags kOptionVolatile = 1U << 6;      // hooks run even for the same text: files may have changed
inline constexpr OptionFlags kOptionUnsetIfEmpty = 1U << 7;  // CONFIG REWRITE drops the line of an empty value
inline constexpr OptionFlags kOptionProcessEffect = 1U << 8;  // storing changes the process; undone by storing back
inline constexpr OptionFlags kOptionUnsigned64 = 1U << 9;     // an integer up to 2^64-1, its bits held in an int64_t

struct OptionChoice {
  std::string_view name;
  int value;
};

// Lines of a file add to each other where CONFIG SET replaces.
enum class OptionSource { kFile, kCommand };

// One line that CONFIG REWRITE may write. An existing line of the directive is replaced; where there is none, the
// line is appended when it must be written, because its value is not the default.
struct RewriteLine {
  std::string value;
  bool is_needed;
};

struct OptionSpec {
  std::string_view name;
  std::string_view alias;  // the old name; empty: none
  OptionKind kind = OptionKind::kSpecial;
  OptionFlags flags = 0;

  // Integers. With kOptionUnsigned64 the comparison is unsigned and `minimum` is 0.
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
  using Store = Status(const OptionSpec& spec, const std::vector<std::string>& words, OptionSource source,
                       Settings* settings);
  std::function<Store> store;
  // The value as CONFIG GET prints it.
  std::function<std::string(const OptionSpec& spec, const Settings& settings)> format;
  // What CONFIG REWRITE writes where one line with the value is not right; else empty.
  std::function<std::vector<RewriteLine>(const Settings& settings)> rewrite;
  // A further check of one value; empty: none.
  std::function<Status(std::string_view value)> check;
  // A check against other directives, made when all of them are stored (after a whole file, too); empty: none.
  std::function<Status(const Settings& settings)> check_together;

  bool Has(OptionFlags flag) const { return (flags & flag) != 0; }

  // For rows: Bool("replica-read-only", ...).Alias("slave-read-only").
  OptionSpec&& Alias(std::string_view old_name) && {
    alias = old_name;
    return std::move(*this);
  }
  OptionSpec&& Note(std::string_view text) && {
    note = text;
    return std::move(*this);
  }
  OptionSpec&& Check(std::function<Status(std::string_view)> function) && {
    check = std::move(function);
    return std::move(*this);
  }
  OptionSpec&& CheckTogether(std::function<Status(const Settings&)> function) && {
    check_together = std::move(function);
    return std::move(*this);
  }
};

}  // namespace kvick

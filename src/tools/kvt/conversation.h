// Conversation: one .kvt file, parsed. The format is described in tests/commands/README.md.
//
// Parsing is strict: a directive that nothing follows, an unknown word or an expected line behind something that
// has no reply is an error, because a test that silently tests nothing is worse than none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace kvick::kvt {

struct Version {
  int major = 0;
  int minor = 0;
  friend bool operator==(Version, Version) = default;
  friend auto operator<=>(Version, Version) = default;
};

// The version of the server that --oracle compares with.
inline constexpr Version kOracleVersion{7, 0};

// How the order of the elements of a reply counts.
enum class Order {
  kExact,
  kElements,  // @unordered: the elements of the outermost level in any order
  kPairs,     // @unordered pairs: the same, two by two (HGETALL in RESP2)
  kLines,     // @unordered lines: all lines in any order, their indexes ignored
};

struct Modifiers {
  int resp = 0;                // only under this protocol; 0 is any
  Version since;               // newer than the oracle: left out under --oracle
  std::string oracle_differs;  // the reason, when the oracle answers otherwise on purpose
  std::string direct;          // the reason not to send it inside of something else (--in)
  std::string packed;          // the reason not to compare it where nothing is packed (--unpacked)
  std::string unscripted;      // the reason not to send it from a script (--in script)
  std::string reloaded;        // the reason not to compare it where data was saved and loaded (--after reload)
  bool pattern = false;        // <<...>> in expected lines is a regular expression
  Order order = Order::kExact;
};

struct Step {
  enum class Kind {
    kCall,     // > command              sent, its reply compared
    kSend,     // > command &            sent only
    kReceive,  // @receive name          the next reply or push, compared
    kRaw,      // @raw "bytes"           sent as they are, the bytes of the reply compared
    kClient,   // @client name
    kClock,    // @clock +1s
    kConfig,   // @config name value
  };

  Kind kind = Kind::kCall;
  std::string client;                  // empty: the one of the latest @client
  std::vector<std::string> arguments;  // of the command, or name and value of @config
  std::string bytes;                   // of @raw
  int64_t advance_ms = 0;              // of @clock
  Modifiers modifiers;

  std::string source;        // the line as it stands in the file
  size_t line_number = 0;    // of `source`, from 1
  size_t expected_line = 0;  // of the first expected line
  std::vector<std::string> expected;

  // Steps whose reply is compared are the tests that are counted.
  [[nodiscard]] bool IsExchange() const { return kind == Kind::kCall || kind == Kind::kReceive || kind == Kind::kRaw; }
  // Steps that a server may not know; the others pass a directive on to the step behind them.
  [[nodiscard]] bool TakesModifiers() const { return IsExchange() || kind == Kind::kSend || kind == Kind::kConfig; }
};

struct Conversation {
  std::string path;
  std::vector<std::string> lines;  // the file as it was, for --update
  std::vector<Step> steps;

  [[nodiscard]] bool UsesClock() const;
  [[nodiscard]] size_t ExchangeCount() const;
};

// The error's text starts with "path:line: ".
Result<Conversation> ParseConversation(std::string path, std::string_view text);

// An expected line in the file, and the line it stands for: a backslash in front protects lines that would be
// read as something else.
std::string EscapeExpectedLine(std::string_view line);

}  // namespace kvick::kvt

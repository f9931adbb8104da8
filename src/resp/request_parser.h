// RequestParser turns the bytes of a connection into commands, without copying: arguments are views into the bytes
// it was given. Understands multibulk requests and inline commands, in any fragmentation: an unfinished command
// costs only the bytes that are new, however often it is looked at.
//
//   RequestParser parser;
//   switch (parser.Parse(bytes, limits, &command)) {
//     case RequestParser::Outcome::kCommand: ... command.arguments; bytes.remove_prefix(command.consumed) ...
//     case RequestParser::Outcome::kIncomplete: ... keep the bytes, come back with more behind them ...
//     case RequestParser::Outcome::kError: ... reply "-" + parser.error() and close ...
//
// The grammar:
//
//   request   = multibulk | inline
//   multibulk = "*" count CRLF { "$" length CRLF bytes CRLF }
//   inline    = words separated by blanks, quoted as in a configuration file, LF
//
// Nothing is allocated from a length that the wire names. One thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kvick {

class RequestParser {
 public:
  enum class Outcome { kCommand, kIncomplete, kError };

  struct Limits {
    int64_t bulk_bytes_max = int64_t{512} * 1024 * 1024;
    int64_t argument_count_max = INT32_MAX;
    // Stricter rules for clients that have not authenticated.
    bool authenticated = true;
  };

  // Arguments may be none (an empty line, "*0"): such a request has no reply.
  struct Command {
    std::vector<std::string_view> arguments;
    std::vector<std::string> inline_words;  // what the arguments of an inline command are views of
    size_t consumed = 0;                    // bytes of the input that belong to the command
  };

  // `bytes` starts where the current command starts and is at least as long as at the last call for this command.
  // The arguments live as long as the bytes, and for an inline command as long as `command`.
  Outcome Parse(std::string_view bytes, const Limits& limits, Command* command);

  // "Protocol error: ...", valid after kError.
  const std::string& error() const { return error_; }
  // The whole length that a large argument will need, so that the caller can read it in one piece; 0 when unknown.
  size_t expected_bytes() const { return expected_bytes_; }
  // Of the unfinished command: bytes of the arguments that are complete.
  size_t argument_bytes() const;
  // Forgets an unfinished command.
  void Reset();

 private:
  struct Piece {
    size_t begin;
    size_t size;
  };

  Outcome ParseInline(std::string_view bytes, Command* command);
  Outcome ParseMultibulk(std::string_view bytes, const Limits& limits, Command* command);
  Outcome Fail(std::string text);

  // Progress in an unfinished multibulk request: where to go on, and what was found so far.
  size_t position_ = 0;
  int64_t remaining_count_ = -1;  // arguments still to come; -1: the header was not read
  int64_t bulk_bytes_ = -1;       // length of the argument being read; -1: its header was not read
  std::vector<Piece> pieces_;
  size_t expected_bytes_ = 0;

  std::string error_;
};

}  // namespace kvick

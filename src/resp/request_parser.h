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
// A large argument that has not come as a whole is read into memory of its own, which whoever stores it can keep
// without copying:
//
//   if (parser.WantsDetach(limits)) { kept = parser.Detach(bytes); ... keep bytes.substr(0, kept) ... }
//   while (parser.is_detached()) parser.CommitDetached(read(fd, parser.DetachedRoom()));
//   ... Parse what was kept, as before ...
//
// Its memory is asked for at once, up to the limit of an argument, but touched only as the bytes come. Nothing else is
// allocated from a length that the wire names. One thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/shared_bytes.h"

namespace kvick {

class RequestParser {
 public:
  enum class Outcome { kCommand, kIncomplete, kError };

  struct Limits {
    int64_t bulk_bytes_max = int64_t{512} * 1024 * 1024;
    int64_t argument_count_max = INT32_MAX;
    // From this size on an argument is worth memory of its own.
    int64_t detach_bytes_min = int64_t{32} * 1024;
    // Stricter rules for clients that have not authenticated.
    bool authenticated = true;
  };

  // Arguments may be none (an empty line, "*0"): such a request has no reply.
  struct Command {
    std::vector<std::string_view> arguments;
    std::vector<std::string> inline_words;        // what the arguments of an inline command are views of
    std::vector<SharedBytesRef> large_arguments;  // what detached arguments are views of
    size_t consumed = 0;                          // bytes of the input that belong to the command

    // Gives up what it holds, and memory that only an uncommon command needs.
    void Release();
  };

  // `bytes` starts where the current command starts and is at least as long as at the last call for this command.
  // The arguments live as long as the bytes, those of an inline command and detached ones as long as `command`.
  Outcome Parse(std::string_view bytes, const Limits& limits, Command* command);

  // "Protocol error: ...", valid after kError.
  const std::string& error() const { return error_; }

  // After kIncomplete: what is missing belongs to a large argument.
  bool WantsDetach(const Limits& limits) const;
  // Gives that argument memory of its own and moves what `bytes` (as given to Parse) has of it there. Returns how many
  // of `bytes` are still needed, from the front.
  size_t Detach(std::string_view bytes);
  // While an argument is detached, the stream's next bytes go there, and nothing is parsed.
  bool is_detached() const { return static_cast<bool>(detached_); }
  std::span<char> DetachedRoom();
  void CommitDetached(size_t size);
  // Bytes of detached arguments that have come.
  size_t detached_bytes() const { return detached_bytes_; }

  // Takes a command back: the next Parse of the same bytes finds it again. `bytes` starts with it.
  void Restore(std::string_view bytes, Command command);

  // Of the unfinished command: bytes of the arguments that are complete.
  size_t argument_bytes() const;
  // Forgets an unfinished command.
  void Reset();

 private:
  struct Piece {
    size_t begin;  // in the bytes; or the index of a large argument
    size_t size;
    bool is_large;
  };

  Outcome ParseInline(std::string_view bytes, Command* command);
  static bool ParseWhole(std::string_view bytes, const Limits& limits, Command* command);
  Outcome ParseMultibulk(std::string_view bytes, const Limits& limits, Command* command);
  Outcome Fail(std::string text);

  // Progress in an unfinished multibulk request: where to go on, and what was found so far.
  size_t position_ = 0;
  int64_t remaining_count_ = -1;  // arguments still to come; -1: the header was not read
  int64_t bulk_bytes_ = -1;       // length of the argument being read; -1: its header was not read
  std::vector<Piece> pieces_;
  std::vector<SharedBytesRef> large_;  // detached arguments that are complete
  SharedBytesRef detached_;            // the one that is being read
  size_t detached_used_ = 0;           // how much of it and of the line break behind it has come
  size_t detached_bytes_ = 0;

  std::string error_;
};

}  // namespace kvick

// Requests in any fragmentation: the commands found in one piece and in fragments are the same, with arguments that
// are detached and without; a parser consumes no more than it was given, and what is no request is refused rather than
// read past.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "resp/request_parser.h"

namespace {

using kvick::RequestParser;

struct Outcome {
  std::vector<std::vector<std::string>> commands;
  std::string error;

  bool operator==(const Outcome&) const = default;
};

// Gives the parser `fragment_bytes` more each time, as a socket would. Arguments of at least `detach_bytes_min` are
// detached when they are not there as a whole.
Outcome ParseInFragments(std::string_view stream, size_t fragment_bytes, int64_t detach_bytes_min) {
  Outcome outcome;
  RequestParser parser;
  RequestParser::Limits limits;
  limits.bulk_bytes_max = 1 << 20;
  limits.argument_count_max = 1 << 16;
  limits.detach_bytes_min = detach_bytes_min;
  std::string pending;
  while (!stream.empty()) {
    const std::string_view fragment = stream.substr(0, fragment_bytes);
    if (parser.is_detached()) {
      const std::span<char> room = parser.DetachedRoom();
      const size_t count = std::min(room.size(), fragment.size());
      std::memcpy(room.data(), fragment.data(), count);
      parser.CommitDetached(count);
      stream.remove_prefix(count);
      if (parser.is_detached()) continue;
    } else {
      pending += fragment;
      stream.remove_prefix(fragment.size());
    }
    while (!pending.empty()) {
      RequestParser::Command command;
      const RequestParser::Outcome parsed = parser.Parse(pending, limits, &command);
      if (parsed == RequestParser::Outcome::kIncomplete) {
        if (parser.WantsDetach(limits)) pending.resize(parser.Detach(pending));
        break;
      }
      if (parsed == RequestParser::Outcome::kError) {
        outcome.error = parser.error();
        KVICK_ASSERT(!outcome.error.empty());
        return outcome;
      }
      KVICK_ASSERT(command.consumed > 0 && command.consumed <= pending.size());
      outcome.commands.emplace_back(command.arguments.begin(), command.arguments.end());
      pending.erase(0, command.consumed);
    }
  }
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view stream(reinterpret_cast<const char*>(data) + 1, size - 1);
  const size_t fragment_bytes = size_t{data[0]} % 16 + 1;
  const Outcome whole = ParseInFragments(stream, stream.size() + 1, INT64_MAX);
  KVICK_ASSERT(ParseInFragments(stream, fragment_bytes, INT64_MAX) == whole);
  KVICK_ASSERT(ParseInFragments(stream, fragment_bytes, data[0] / 16) == whole);
  return 0;
}

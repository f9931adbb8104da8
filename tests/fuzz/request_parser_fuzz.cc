// Requests in any fragmentation: the commands found in one piece and in fragments are the same, a parser consumes no
// more than it was given, and what is no request is refused rather than read past.
#include <cstddef>
#include <cstdint>
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

// Shows the parser `fragment_bytes` more each time, as a socket would.
Outcome ParseInFragments(std::string_view stream, size_t fragment_bytes) {
  Outcome outcome;
  RequestParser parser;
  RequestParser::Limits limits;
  limits.bulk_bytes_max = 1 << 20;
  limits.argument_count_max = 1 << 16;
  size_t begin = 0;
  size_t end = 0;
  while (end < stream.size()) {
    end = end + fragment_bytes < stream.size() ? end + fragment_bytes : stream.size();
    while (true) {
      RequestParser::Command command;
      const RequestParser::Outcome parsed = parser.Parse(stream.substr(begin, end - begin), limits, &command);
      if (parsed == RequestParser::Outcome::kIncomplete) break;
      if (parsed == RequestParser::Outcome::kError) {
        outcome.error = parser.error();
        KVICK_ASSERT(!outcome.error.empty());
        return outcome;
      }
      KVICK_ASSERT(command.consumed > 0 && command.consumed <= end - begin);
      outcome.commands.emplace_back(command.arguments.begin(), command.arguments.end());
      begin += command.consumed;
      if (begin == end) break;
    }
  }
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view stream(reinterpret_cast<const char*>(data) + 1, size - 1);
  const size_t fragment_bytes = size_t{data[0]} % 16 + 1;
  const Outcome whole = ParseInFragments(stream, stream.size());
  const Outcome fragments = ParseInFragments(stream, fragment_bytes);
  KVICK_ASSERT(whole == fragments);
  return 0;
}

// Replies in any fragmentation: byte by byte and in one piece give the same values or the same error, and whatever
// was decoded can be printed.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "resp/printer.h"
#include "resp/reply_decoder.h"

namespace {

struct Outcome {
  std::vector<std::string> replies;
  std::string error;

  bool operator==(const Outcome&) const = default;
};

Outcome DecodeInFragments(std::string_view stream, size_t fragment_bytes) {
  kvick::ReplyDecoder decoder({.bulk_size_bytes_max = 1 << 20, .element_count_max = 1 << 16, .nesting_max = 16});
  Outcome outcome;
  while (!stream.empty() && outcome.error.empty()) {
    decoder.Feed(stream.substr(0, fragment_bytes));
    stream.remove_prefix(fragment_bytes < stream.size() ? fragment_bytes : stream.size());
    while (true) {
      const kvick::Result<std::optional<kvick::Value>> reply = decoder.Next();
      if (!reply.ok()) {
        outcome.error = reply.status().text();
        break;
      }
      if (!reply.value()) break;
      outcome.replies.push_back(kvick::PrintFormatted(*reply.value()));
    }
  }
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view stream(reinterpret_cast<const char*>(data), size);
  const Outcome whole = DecodeInFragments(stream, size + 1);
  const Outcome bytes = DecodeInFragments(stream, 1);
  KVICK_ASSERT(whole == bytes);
  return 0;
}

// The text helpers of base/ on any bytes: what is quoted reads back, what parses prints back, and a pattern takes no
// longer than its text deserves.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/numbers.h"

namespace {

void QuotedReadsBack(std::string_view text) {
  std::vector<std::string> words;
  KVICK_ASSERT(kvick::SplitArguments(kvick::QuoteArgument(text), &words));
  KVICK_ASSERT(words.size() == 1 && words[0] == text);
}

void ParsedPrintsBack(std::string_view text) {
  char buffer[kvick::kInt64TextMax];
  if (const auto number = kvick::ParseInt64(text)) {
    KVICK_ASSERT(std::string_view(buffer, kvick::FormatInt64(*number, buffer)) == text);
  }
  if (const auto number = kvick::ParseUint64(text)) {
    KVICK_ASSERT(std::string_view(buffer, kvick::FormatUint64(*number, buffer)) == text);
  }
  if (const auto number = kvick::ParseDouble(text)) {
    const auto again = kvick::ParseDouble(kvick::FormatDouble(*number));
    KVICK_ASSERT(again && *again == *number);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  QuotedReadsBack(text);
  ParsedPrintsBack(text);
  std::vector<std::string> words;
  static_cast<void>(kvick::SplitArguments(text, &words));
  // The first line is the pattern, the rest the text.
  const size_t line_end = text.find('\n');
  if (line_end != std::string_view::npos) {
    const std::string_view pattern = text.substr(0, line_end);
    const std::string_view subject = text.substr(line_end + 1);
    static_cast<void>(kvick::MatchesGlob(pattern, subject));
    static_cast<void>(kvick::MatchesGlob(pattern, subject, true));
    std::string escaped;
    for (const char c : subject) escaped.append({'\\', c});
    KVICK_ASSERT(kvick::MatchesGlob(escaped, subject));
    // Stars do not match an empty text, as clients know it.
    KVICK_ASSERT(subject.empty() || kvick::MatchesGlob("*" + escaped + "*", subject));
  }
  return 0;
}

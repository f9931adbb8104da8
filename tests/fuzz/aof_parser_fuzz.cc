// The commands of an append-only file: what was cut out, written again, is the same stream; a beginning of a sound
// stream is sound or truncated, never bad; and the parser stays within its bytes.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "persistence/aof_parser.h"
#include "persistence/command_text.h"

using kvick::AofParser;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  AofParser parser(bytes);
  std::string written;
  size_t end = 0;
  AofParser::Outcome outcome;
  while (true) {
    outcome = parser.Next();
    if (outcome != AofParser::Outcome::kCommand && outcome != AofParser::Outcome::kAnnotation) break;
    KVICK_ASSERT(parser.offset() > end && parser.offset() <= size);
    if (outcome == AofParser::Outcome::kCommand) {
      kvick::AppendCommandHead(&written, parser.arguments().size());
      for (const std::string_view argument : parser.arguments()) kvick::AppendCommandWord(&written, argument);
      // Numbers have one form only.
      KVICK_ASSERT(written == bytes.substr(end, parser.offset() - end));
      written.clear();
    }
    end = parser.offset();
  }
  KVICK_ASSERT(parser.offset() == end);
  KVICK_ASSERT((outcome == AofParser::Outcome::kEnd) == (end == size));
  AofParser beginning(bytes.substr(0, end / 2));
  while (true) {
    outcome = beginning.Next();
    if (outcome != AofParser::Outcome::kCommand && outcome != AofParser::Outcome::kAnnotation) break;
  }
  KVICK_ASSERT(outcome != AofParser::Outcome::kBadFormat);
  return 0;
}

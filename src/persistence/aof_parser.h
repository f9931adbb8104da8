// AofParser cuts the bytes of an append-only file into commands, without copying.
//
//   file       = { annotation | command }
//   annotation = "#" text LF                          "#TS:1700000000": from here on, recorded in this second
//   command    = "*" count CRLF { "$" length CRLF bytes CRLF }
//
//   AofParser parser(bytes);
//   while (parser.Next() == AofParser::Outcome::kCommand) Use(parser.arguments());
//
// Nothing is allocated from a number that the file names: arguments are views, and there are no more of them than
// bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace kvick {

class AofParser {
 public:
  enum class Outcome {
    kCommand,
    kAnnotation,
    kEnd,
    kTruncated,  // the bytes end within a command
    kBadFormat,
  };

  // `offset`: where to begin.
  explicit AofParser(std::string_view bytes, size_t offset = 0) : bytes_(bytes), position_(offset), offset_(offset) {}

  Outcome Next();

  // After kCommand.
  const std::vector<std::string_view>& arguments() const { return arguments_; }
  // After kAnnotation: with the "#", without the line break.
  std::string_view annotation() const { return annotation_; }
  // The second of a "#TS:" annotation.
  std::optional<int64_t> timestamp() const;

  // Behind the last whole command or annotation.
  size_t offset() const { return offset_; }

 private:
  enum class Line { kWhole, kCut, kBad };

  // "*3": a prefix and a number up to a line break.
  Line ReadNumber(char prefix, int64_t* number);

  std::string_view bytes_;
  size_t position_;
  size_t offset_;
  std::vector<std::string_view> arguments_;
  std::string_view annotation_;
};

}  // namespace kvick

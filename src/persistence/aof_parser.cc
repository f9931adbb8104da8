#include "persistence/aof_parser.h"

#include <algorithm>

#include "base/numbers.h"

namespace kvick {
namespace {

// Of a line with a number: prefix, digits, CRLF.
constexpr size_t kNumberLineMax = 1 + kInt64TextMax + 2;
constexpr std::string_view kTimestampPrefix = "#TS:";
constexpr size_t kArgumentsKept = 1024;

}  // namespace

AofParser::Line AofParser::ReadNumber(char prefix, int64_t* number) {
  const std::string_view rest = bytes_.substr(position_, kNumberLineMax);
  if (rest.empty()) return Line::kCut;
  if (rest[0] != prefix) return Line::kBad;
  const size_t end = rest.find('\n');
  if (end == std::string_view::npos) return rest.size() < kNumberLineMax ? Line::kCut : Line::kBad;
  if (rest[end - 1] != '\r') return Line::kBad;
  const std::optional<int64_t> value = ParseInt64(rest.substr(1, end - 2));
  if (!value) return Line::kBad;
  *number = *value;
  position_ += end + 1;
  return Line::kWhole;
}

AofParser::Outcome AofParser::Next() {
  position_ = offset_;
  if (position_ == bytes_.size()) return Outcome::kEnd;
  if (bytes_[position_] == '#') {
    const size_t end = bytes_.find('\n', position_);
    if (end == std::string_view::npos) return Outcome::kTruncated;
    annotation_ = bytes_.substr(position_, end - position_);
    if (annotation_.ends_with('\r')) annotation_.remove_suffix(1);
    offset_ = end + 1;
    return Outcome::kAnnotation;
  }
  const auto fail = [](Line line) { return line == Line::kCut ? Outcome::kTruncated : Outcome::kBadFormat; };
  int64_t count = 0;
  if (const Line line = ReadNumber('*', &count); line != Line::kWhole) return fail(line);
  if (count < 1) return Outcome::kBadFormat;
  arguments_.clear();
  if (arguments_.capacity() > kArgumentsKept) arguments_.shrink_to_fit();
  for (int64_t i = 0; i < count; ++i) {
    int64_t size = 0;
    if (const Line line = ReadNumber('$', &size); line != Line::kWhole) return fail(line);
    if (size < 0) return Outcome::kBadFormat;
    const auto length = static_cast<size_t>(size);
    const std::string_view rest = bytes_.substr(position_);
    if (length > rest.size() || rest.size() - length < 2) {
      // What stands in the place of the line break may show that the length is wrong.
      const bool is_bad = length < rest.size() && rest[length] != '\r';
      return is_bad ? Outcome::kBadFormat : Outcome::kTruncated;
    }
    if (rest.substr(length, 2) != "\r\n") return Outcome::kBadFormat;
    arguments_.push_back(rest.substr(0, length));
    position_ += length + 2;
  }
  offset_ = position_;
  return Outcome::kCommand;
}

std::optional<int64_t> AofParser::timestamp() const {
  if (!annotation_.starts_with(kTimestampPrefix)) return std::nullopt;
  return ParseInt64(annotation_.substr(kTimestampPrefix.size()));
}

}  // namespace kvick

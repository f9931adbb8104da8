#include "tools/check_aof/stream_check.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "base/bytes.h"
#include "base/numbers.h"

namespace kvick {
namespace {

constexpr std::string_view kTimestampPrefix = "#TS:";
constexpr size_t kNumberLineMax = 127;

}  // namespace

bool StreamCheck::Fail(const std::string& text) {
  char place[32];
  std::snprintf(place, sizeof(place), "0x%16zx: ", reading_at_);
  error_ = place + text;
  return false;
}

bool StreamCheck::ExpectLineBreak(std::string_view rest) {
  if (rest.starts_with("\r\n")) return true;
  const auto byte = [&rest](size_t index) {
    return index < rest.size() ? static_cast<unsigned>(static_cast<unsigned char>(rest[index])) : 0u;
  };
  char got[8];
  std::snprintf(got, sizeof(got), "%02x%02x", byte(0), byte(1));
  return Fail("Expected \\r\\n, got: " + std::string(got));
}

bool StreamCheck::ReadNumber(char prefix, int64_t* number) {
  reading_at_ = at_;
  std::string_view rest = bytes_.substr(at_, kNumberLineMax);
  if (rest.empty()) return false;  // the end: nothing to be said
  rest = rest.substr(0, std::min(rest.find('\n'), rest.size() - 1) + 1);
  if (rest[0] != prefix) {
    return Fail(std::string("Expected prefix '") + prefix + "', got: '" + rest[0] + "'");
  }
  const std::string text(rest.substr(1));
  char* end = nullptr;
  *number = std::strtoll(text.c_str(), &end, 10);
  if (!ExpectLineBreak(std::string_view(text).substr(static_cast<size_t>(end - text.c_str())))) return false;
  at_ += rest.size();
  ++line_;
  return true;
}

bool StreamCheck::ReadText(int64_t size, std::string_view* text) {
  if (size < 0 || size > INT64_MAX - 2) {
    return Fail("Expected to read string of " + std::to_string(size) + " bytes, which is not in the suitable range");
  }
  reading_at_ = at_;
  const size_t wanted = static_cast<size_t>(size) + 2;
  const std::string_view rest = bytes_.substr(at_);
  if (rest.size() < wanted) {
    return Fail("Expected to read " + std::to_string(wanted) + " bytes, got " + std::to_string(rest.size()) + " bytes");
  }
  if (!ExpectLineBreak(rest.substr(wanted - 2, 2))) return false;
  *text = rest.substr(0, wanted - 2);
  at_ += wanted;
  ++line_;
  return true;
}

bool StreamCheck::NoteTransaction(std::string_view name) {
  if (EqualsIgnoreCase(name, "multi") && transaction_depth_++ != 0) {
    return Fail("Unexpected MULTI in AOF " + std::string(name_));
  }
  if (EqualsIgnoreCase(name, "exec") && --transaction_depth_ != 0) {
    return Fail("Unexpected EXEC in AOF " + std::string(name_));
  }
  return true;
}

bool StreamCheck::ReadCommand() {
  int64_t count = 0;
  if (!ReadNumber('*', &count)) return false;
  for (int64_t i = 0; i < count; ++i) {
    int64_t size = 0;
    std::string_view text;
    if (!ReadNumber('$', &size) || !ReadText(size, &text)) return false;
    if (i == 0 && !NoteTransaction(text)) return false;
  }
  return true;
}

StreamCheck::Outcome StreamCheck::Run(size_t begin, int64_t last_second) {
  at_ = sound_end_ = begin;
  bool goes_on = true;
  while (goes_on) {
    if (transaction_depth_ == 0) sound_end_ = at_;
    if (at_ == bytes_.size()) break;
    if (bytes_[at_] == '#') {
      reading_at_ = at_;
      const size_t end = std::min(bytes_.find('\n', at_), bytes_.size() - 1);
      std::string_view line = bytes_.substr(at_, end + 1 - at_);
      if (last_second != 0 && line.starts_with(kTimestampPrefix)) {
        line = line.substr(0, line.find('\r'));
        const std::optional<int64_t> second = ParseInt64(line.substr(kTimestampPrefix.size()));
        if (!second) return Outcome::kBadTimestamp;
        if (*second > last_second) {
          sound_end_ = at_;
          return at_ == 0 ? Outcome::kNothingLeft : Outcome::kCutHere;
        }
      }
      at_ = end + 1;
    } else if (bytes_[at_] == '*') {
      goes_on = ReadCommand();
    } else {
      has_format_error_ = true;
      goes_on = false;
    }
  }
  if (at_ == bytes_.size() && transaction_depth_ > 0 && error_.empty())
    Fail("Reached EOF before reading EXEC for MULTI");
  return Outcome::kDone;
}

}  // namespace kvick

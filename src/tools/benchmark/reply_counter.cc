#include "tools/benchmark/reply_counter.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "base/numbers.h"

namespace kvick::benchmark {

uint64_t ReplyCounter::Feed(std::string_view bytes) {
  uint64_t completed = 0;
  while (!bytes.empty() && !is_broken_) {
    if (skipped_bytes_ > 0) {
      const uint64_t taken = std::min<uint64_t>(skipped_bytes_, bytes.size());
      bytes.remove_prefix(taken);
      skipped_bytes_ -= taken;
      if (skipped_bytes_ == 0 && CompleteElement()) ++completed;
      continue;
    }
    const auto* end = static_cast<const char*>(std::memchr(bytes.data(), '\n', bytes.size()));
    if (end == nullptr) {
      partial_line_.append(bytes);
      break;
    }
    const auto length = static_cast<size_t>(end - bytes.data());
    std::string_view line = bytes.substr(0, length);
    bytes.remove_prefix(length + 1);
    if (!partial_line_.empty()) {
      partial_line_.append(line);
      line = partial_line_;
    }
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (TakeLine(line)) ++completed;
    partial_line_.clear();
  }
  return completed;
}

bool ReplyCounter::TakeLine(std::string_view line) {
  if (line.empty()) {
    is_broken_ = true;
    return false;
  }
  const std::string_view rest = line.substr(1);
  switch (line[0]) {
    case '-':
      ++error_count_;
      if (first_error_.empty()) first_error_ = rest;
      return CompleteElement();
    case '+':
    case ':':
    case '_':
    case ',':
    case '#':
    case '(': return CompleteElement();
    case '$':
    case '=':
    case '!': {
      const std::optional<int64_t> size = ParseInt64(rest);
      if (!size) break;
      if (*size < 0) return CompleteElement();
      if (line[0] == '!') ++error_count_;
      skipped_bytes_ = static_cast<uint64_t>(*size) + 2;
      return false;
    }
    case '*':
    case '~':
    case '>':
    case '%':
    case '|': {
      const std::optional<int64_t> count = ParseInt64(rest);
      if (!count) break;
      const bool is_pairs = line[0] == '%' || line[0] == '|';
      if (awaited_elements_ == 0) awaited_elements_ = 1;
      if (*count > 0) awaited_elements_ += static_cast<uint64_t>(*count) * (is_pairs ? 2 : 1);
      if (line[0] == '|') return false;  // an attribute is no element: the value it describes is still to come
      return CompleteElement();
    }
    default: break;
  }
  is_broken_ = true;
  return false;
}

bool ReplyCounter::CompleteElement() {
  if (awaited_elements_ == 0) return true;  // a reply of one element
  return --awaited_elements_ == 0;
}

}  // namespace kvick::benchmark

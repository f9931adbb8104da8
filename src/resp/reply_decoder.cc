#include "resp/reply_decoder.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/numbers.h"

namespace kvick {
namespace {

Status ProtocolError(std::string_view what) { return Status::Error("Protocol error, " + std::string(what)); }

std::optional<int64_t> ParseWireInteger(std::string_view text) {
  // The protocol allows a plus sign that the canonical form does not.
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  return ParseInt64(text);
}

bool IsBigNumber(std::string_view text) {
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::optional<double> ParseWireDouble(std::string_view text) {
  if (text == "nan" || text == "-nan") return std::numeric_limits<double>::quiet_NaN();
  return ParseDouble(text);
}

// Elements for which room is made before they arrive: as many as the bytes at hand could hold, and not many.
constexpr size_t kReserveCountMax = 1024;
constexpr size_t kElementSizeBytesMin = 3;

}  // namespace

void ReplyDecoder::Feed(std::string_view bytes) {
  Compact();
  buffer_.append(bytes);
}

Result<std::optional<Value>> ReplyDecoder::Next() {
  if (!failure_.ok()) return failure_;
  while (true) {
    Value value;
    Result<Step> step = ReadOne(&value);
    if (!step.ok()) {
      failure_ = step.status();
      return failure_;
    }
    if (*step == Step::kNeedsMore) return std::optional<Value>();
    if (*step == Step::kOpened) continue;
    // The finished value may finish the aggregate it is in, and that one the next.
    while (true) {
      if (open_.empty()) return std::optional<Value>(std::move(value));
      Open& parent = open_.back();
      parent.value.elements.push_back(std::move(value));
      if (--parent.missing_count > 0) break;
      if (parent.is_attribute) {
        attributes_ = std::move(parent.attributes_outside);
        std::move(parent.value.elements.begin(), parent.value.elements.end(), std::back_inserter(attributes_));
        open_.pop_back();
        break;
      }
      value = std::move(parent.value);
      open_.pop_back();
    }
  }
}

Result<std::optional<std::string_view>> ReplyDecoder::ReadLine(size_t* line_end) const {
  const size_t begin = position_ + 1;
  const size_t end = buffer_.find('\r', begin);
  const size_t size_bytes = (end == std::string::npos ? buffer_.size() : end) - begin;
  if (size_bytes > limits_.line_size_bytes_max) return ProtocolError("too long line in a reply");
  if (end == std::string::npos || end + 1 >= buffer_.size()) return std::optional<std::string_view>();
  if (buffer_[end + 1] != '\n') return ProtocolError("carriage return without line feed in a reply");
  *line_end = end + 2;
  return std::optional(std::string_view(buffer_).substr(begin, size_bytes));
}

Result<ReplyDecoder::Step> ReplyDecoder::ReadOne(Value* value) {
  if (position_ >= buffer_.size()) return Step::kNeedsMore;
  const char mark = buffer_[position_];
  if (std::string_view("+-:$*_,#(=!%~>|").find(mark) == std::string_view::npos) {
    return ProtocolError("got \"" + std::string(1, mark) + "\" as reply type byte");
  }
  size_t line_end = 0;
  KVICK_ASSIGN_OR_RETURN(const std::optional<std::string_view> found, ReadLine(&line_end));
  if (!found) return Step::kNeedsMore;
  const std::string_view line = *found;
  switch (mark) {
    case '+':
    case '-':
      value->type = mark == '+' ? Value::Type::kSimpleString : Value::Type::kError;
      value->text = line;
      break;
    case ':': {
      const std::optional<int64_t> integer = ParseWireInteger(line);
      if (!integer) return Status::Error("Bad integer value");
      value->type = Value::Type::kInteger;
      value->integer = *integer;
      break;
    }
    case '_':
      if (!line.empty()) return Status::Error("Bad nil value");
      break;
    case ',': {
      const std::optional<double> number = ParseWireDouble(line);
      if (!number) return Status::Error("Bad double value");
      value->type = Value::Type::kDouble;
      value->number = *number;
      value->text = line;
      break;
    }
    case '#':
      if (line != "t" && line != "f") return Status::Error("Bad bool value");
      value->type = Value::Type::kBoolean;
      value->boolean = line == "t";
      break;
    case '(':
      if (!IsBigNumber(line)) return Status::Error("Bad bignum value");
      value->type = Value::Type::kBigNumber;
      value->text = line;
      break;
    case '$':
    case '=':
    case '!': return ReadBlob(mark, line, line_end, value);
    default: return ReadAggregate(mark, line, line_end, value);
  }
  position_ = line_end;
  TakeAttributes(value);
  return Step::kValue;
}

Result<ReplyDecoder::Step> ReplyDecoder::ReadBlob(char mark, std::string_view line, size_t line_end, Value* value) {
  const std::optional<int64_t> size = ParseWireInteger(line);
  if (!size) return Status::Error("Bad bulk string length");
  if (*size == -1 && mark == '$') {
    position_ = line_end;
    TakeAttributes(value);
    return Step::kValue;
  }
  if (*size < 0 || static_cast<uint64_t>(*size) > limits_.bulk_size_bytes_max) {
    return Status::Error("Bulk string length out of range");
  }
  const auto size_bytes = static_cast<size_t>(*size);
  if (buffer_.size() - line_end < size_bytes + 2) return Step::kNeedsMore;
  std::string_view payload = std::string_view(buffer_).substr(line_end, size_bytes);
  if (std::string_view(buffer_).substr(line_end + size_bytes, 2) != "\r\n") {
    return ProtocolError("bulk string without its line end");
  }
  if (mark == '=') {
    if (payload.size() < 4 || payload[3] != ':') {
      return Status::Error("Verbatim string 4 bytes of content type are missing or incorrectly encoded.");
    }
    value->type = Value::Type::kVerbatim;
    value->format = payload.substr(0, 3);
    payload.remove_prefix(4);
  } else {
    value->type = mark == '$' ? Value::Type::kBulkString : Value::Type::kBlobError;
  }
  value->text = payload;
  position_ = line_end + size_bytes + 2;
  TakeAttributes(value);
  return Step::kValue;
}

Result<ReplyDecoder::Step> ReplyDecoder::ReadAggregate(char mark, std::string_view line, size_t line_end,
                                                       Value* value) {
  const std::optional<int64_t> count = ParseWireInteger(line);
  if (!count) return Status::Error("Bad multi-bulk length");
  switch (mark) {
    case '*': value->type = Value::Type::kArray; break;
    case '~': value->type = Value::Type::kSet; break;
    case '>': value->type = Value::Type::kPush; break;
    default: value->type = Value::Type::kMap; break;
  }
  if (*count == -1 && mark == '*') {
    value->type = Value::Type::kNullArray;
    position_ = line_end;
    TakeAttributes(value);
    return Step::kValue;
  }
  if (*count < 0 || static_cast<uint64_t>(*count) > limits_.element_count_max) {
    return Status::Error("Multi-bulk length out of range");
  }
  const bool is_attribute = mark == '|';
  const size_t element_count = static_cast<size_t>(*count) * (value->type == Value::Type::kMap ? 2 : 1);
  if (element_count == 0) {
    position_ = line_end;
    if (is_attribute) return Step::kOpened;  // says nothing about the value that follows
    TakeAttributes(value);
    return Step::kValue;
  }
  if (open_.size() >= limits_.nesting_max) return ProtocolError("reply is nested too deeply");
  position_ = line_end;
  Open open{std::move(*value), element_count, is_attribute, {}};
  if (is_attribute) {
    open.attributes_outside = std::exchange(attributes_, {});
  } else {
    TakeAttributes(&open.value);
  }
  open.value.elements.reserve(
      std::min({element_count, kReserveCountMax, pending_size_bytes() / kElementSizeBytesMin + 1}));
  open_.push_back(std::move(open));
  return Step::kOpened;
}

void ReplyDecoder::TakeAttributes(Value* value) { value->attributes = std::exchange(attributes_, {}); }

void ReplyDecoder::Compact() {
  // Moving the rest costs its bytes, so it waits until at least half of the buffer is done with.
  if (position_ < buffer_.size() / 2 + 1 && position_ != buffer_.size()) return;
  buffer_.erase(0, position_);
  position_ = 0;
}

}  // namespace kvick

#include "resp/request_parser.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "base/bytes.h"
#include "base/numbers.h"
#include "base/words.h"

namespace kvick {
namespace {

constexpr size_t kInlineBytesMax = size_t{64} * 1024;
constexpr int64_t kUnauthenticatedArgumentCountMax = 10;
constexpr int64_t kUnauthenticatedBulkBytesMax = 16384;
constexpr size_t kLineBreakBytes = 2;
// So many arguments may leave their room behind for the next command.
constexpr size_t kArgumentsKept = 1024;

// Empties; keeps the memory unless it is unusually much.
template <typename T>
void ClearVector(std::vector<T>* items) {
  if (items->capacity() > kArgumentsKept) {
    std::vector<T>().swap(*items);
  } else {
    items->clear();
  }
}

enum class LineState { kFound, kIncomplete, kTooLong };

// The line that starts at `*position`, without its CRLF; moves `*position` behind it.
LineState ReadLine(std::string_view bytes, size_t* position, std::string_view* line) {
  const char* begin = bytes.data() + *position;
  const size_t available = bytes.size() - *position;
  const auto* end = static_cast<const char*>(std::memchr(begin, '\r', available));
  if (end == nullptr) return available > kInlineBytesMax ? LineState::kTooLong : LineState::kIncomplete;
  const auto size = static_cast<size_t>(end - begin);
  if (size + 2 > available) return LineState::kIncomplete;  // the LF has not come yet
  *line = {begin, size};
  *position += size + 2;
  return LineState::kFound;
}

// One to nine digits, by far the most common; anything else goes through the strict parser.
std::optional<int64_t> ReadNumber(std::string_view text) {
  if (text.empty() || text.size() > 9 || (text[0] == '0' && text.size() > 1)) return ParseInt64(text);
  int64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return ParseInt64(text);
    value = value * 10 + (c - '0');
  }
  return value;
}

bool IsLineBreak(const char* at) { return at[0] == '\r' && at[1] == '\n'; }
uint32_t DigitOf(char c) { return static_cast<uint8_t>(c) - uint32_t{'0'}; }  // above 9: it is none

// A number of up to nine digits without leading zeros and the line break behind it, all of it before `end`. Returns
// what is behind, or null for anything else.
const char* ReadLongNumber(const char* at, const char* end, uint32_t* number) {
  constexpr ptrdiff_t kDigitsMax = 9;
  const char* const begin = at;
  uint32_t value = 0;
  for (; at < end && DigitOf(*at) <= 9; ++at) {
    if (at - begin == kDigitsMax) return nullptr;
    value = value * 10 + DigitOf(*at);
  }
  const bool is_odd = at == begin || (*begin == '0' && at - begin > 1);
  if (is_odd || end - at < 2 || !IsLineBreak(at)) return nullptr;
  *number = value;
  return at + kLineBreakBytes;
}

// The same; numbers of one and two digits, which nearly all are, without a loop.
inline const char* ReadPlainNumber(const char* at, const char* end, uint32_t* number) {
  if (end - at >= 4 && DigitOf(at[0]) <= 9) {
    if (IsLineBreak(at + 1)) {
      *number = DigitOf(at[0]);
      return at + 3;
    }
    if (IsLineBreak(at + 2) && DigitOf(at[1]) <= 9 && at[0] != '0') {
      *number = DigitOf(at[0]) * 10 + DigitOf(at[1]);
      return at + 4;
    }
  }
  return ReadLongNumber(at, end, number);
}

// The line in front of an argument, "$<size>": what is behind it, or null. A short size is read with one load.
inline const char* ReadArgumentSize(const char* at, const char* end, uint32_t* size) {
  constexpr uint64_t kLineBreak = '\r' | '\n' << 8;
  if (end - at >= 8) {
    const uint64_t word = LoadWord<uint64_t>(at);
    const uint32_t first = DigitOf(static_cast<char>(word >> 8));
    if ((word & 0xff) != '$' || first > 9) return nullptr;
    if ((word >> 16 & 0xffff) == kLineBreak) {
      *size = first;
      return at + 4;
    }
    const uint32_t second = DigitOf(static_cast<char>(word >> 16));
    if ((word >> 24 & 0xffff) == kLineBreak && second <= 9 && first != 0) {
      *size = first * 10 + second;
      return at + 5;
    }
  }
  return at != end && *at == '$' ? ReadPlainNumber(at + 1, end, size) : nullptr;
}

}  // namespace

void RequestParser::Command::Release() {
  ClearVector(&arguments);
  ClearVector(&inline_words);
  large_arguments.clear();
}

void RequestParser::Reset() {
  position_ = 0;
  remaining_count_ = -1;
  bulk_bytes_ = -1;
  ClearVector(&pieces_);
  large_.clear();
  detached_ = SharedBytesRef();
  detached_used_ = detached_bytes_ = 0;
}

size_t RequestParser::argument_bytes() const {
  size_t sum = 0;
  for (const Piece& piece : pieces_) sum += piece.size;
  return sum;
}

bool RequestParser::WantsDetach(const Limits& limits) const {
  return bulk_bytes_ >= limits.detach_bytes_min && !is_detached();
}

size_t RequestParser::Detach(std::string_view bytes) {
  const auto size = static_cast<size_t>(bulk_bytes_);
  SharedBytes* memory = SharedBytes::Make(size, size + kLineBreakBytes);
  detached_ = SharedBytesRef(memory);
  memory->Drop();  // the reference alone holds it
  const std::string_view beginning = bytes.substr(position_);
  std::memcpy(memory->data(), beginning.data(), beginning.size());
  detached_used_ = 0;
  CommitDetached(beginning.size());
  return position_;
}

std::span<char> RequestParser::DetachedRoom() {
  SharedBytes* memory = detached_.get();
  return {memory->data() + detached_used_, memory->capacity() - detached_used_};
}

void RequestParser::CommitDetached(size_t size) {
  detached_used_ += size;
  detached_bytes_ += size;
  if (detached_used_ < detached_.get()->capacity()) return;
  pieces_.push_back({large_.size(), detached_.get()->size(), true});
  large_.push_back(std::move(detached_));
  detached_ = SharedBytesRef();
  bulk_bytes_ = -1;
  --remaining_count_;
}

void RequestParser::Restore(std::string_view bytes, Command command) {
  Reset();
  position_ = command.consumed;
  remaining_count_ = 0;
  for (const std::string_view argument : command.arguments) {
    pieces_.push_back({static_cast<size_t>(argument.data() - bytes.data()), argument.size(), false});
    for (size_t i = 0; i < command.large_arguments.size(); ++i) {
      if (command.large_arguments[i].view().data() == argument.data()) pieces_.back() = {i, argument.size(), true};
    }
  }
  large_ = std::move(command.large_arguments);
}

RequestParser::Outcome RequestParser::Fail(std::string text) {
  Reset();
  error_ = "Protocol error: " + text;
  return Outcome::kError;
}

// Most requests: all of it has come, and nothing about it is odd. Says no to anything else, and has changed nothing
// then but `command`, which is written before it is used.
inline bool RequestParser::ParseWhole(std::string_view bytes, const Limits& limits, Command* command) {
  const char* const end = bytes.data() + bytes.size();
  uint32_t count = 0;
  const char* at = ReadPlainNumber(bytes.data() + 1, end, &count);
  if (at == nullptr || count == 0 || count > kArgumentsKept || !limits.authenticated) return false;
  if (count > limits.argument_count_max) return false;
  if (command->arguments.size() != count) command->arguments.resize(count);
  for (std::string_view& argument : command->arguments) {
    uint32_t size = 0;
    if ((at = ReadArgumentSize(at, end, &size)) == nullptr) return false;
    if (end - at < static_cast<ptrdiff_t>(size + kLineBreakBytes) || size > limits.bulk_bytes_max) return false;
    argument = {at, size};
    at += size + kLineBreakBytes;
  }
  if (!command->large_arguments.empty()) command->large_arguments.clear();
  command->consumed = static_cast<size_t>(at - bytes.data());
  return true;
}

RequestParser::Outcome RequestParser::Parse(std::string_view bytes, const Limits& limits, Command* command) {
  if (bytes.empty()) return Outcome::kIncomplete;
  if (bytes[0] != '*') return ParseInline(bytes, command);
  if (remaining_count_ < 0 && ParseWhole(bytes, limits, command)) return Outcome::kCommand;
  return ParseMultibulk(bytes, limits, command);
}

RequestParser::Outcome RequestParser::ParseInline(std::string_view bytes, Command* command) {
  const auto* newline = static_cast<const char*>(std::memchr(bytes.data(), '\n', bytes.size()));
  if (newline == nullptr) {
    return bytes.size() > kInlineBytesMax ? Fail("too big inline request") : Outcome::kIncomplete;
  }
  auto size = static_cast<size_t>(newline - bytes.data());
  command->consumed = size + 1;
  if (size > 0 && bytes[size - 1] == '\r') --size;
  if (!SplitArguments(bytes.substr(0, size), &command->inline_words)) return Fail("unbalanced quotes in request");
  command->arguments.assign(command->inline_words.begin(), command->inline_words.end());
  return Outcome::kCommand;
}

RequestParser::Outcome RequestParser::ParseMultibulk(std::string_view bytes, const Limits& limits, Command* command) {
  std::string_view line;
  if (remaining_count_ < 0) {
    size_t position = 0;
    switch (ReadLine(bytes, &position, &line)) {
      case LineState::kTooLong: return Fail("too big mbulk count string");
      case LineState::kIncomplete: return Outcome::kIncomplete;
      case LineState::kFound: break;
    }
    const std::optional<int64_t> count = ReadNumber(line.substr(1));
    if (!count || *count > limits.argument_count_max) return Fail("invalid multibulk length");
    if (!limits.authenticated && *count > kUnauthenticatedArgumentCountMax)
      return Fail("unauthenticated multibulk length");
    if (*count <= 0) {
      command->arguments.clear();
      command->consumed = position;
      return Outcome::kCommand;
    }
    remaining_count_ = *count;
    position_ = position;
    pieces_.clear();
  }
  while (remaining_count_ > 0) {
    if (bulk_bytes_ < 0) {
      if (position_ >= bytes.size()) return Outcome::kIncomplete;
      size_t position = position_;
      switch (ReadLine(bytes, &position, &line)) {
        case LineState::kTooLong: return Fail("too big bulk count string");
        case LineState::kIncomplete: return Outcome::kIncomplete;
        case LineState::kFound: break;
      }
      if (line.empty() || line[0] != '$') {
        return Fail(std::string("expected '$', got '") + (line.empty() ? '\r' : line[0]) + "'");
      }
      const std::optional<int64_t> size = ReadNumber(line.substr(1));
      if (!size || *size < 0 || *size > limits.bulk_bytes_max) return Fail("invalid bulk length");
      if (!limits.authenticated && *size > kUnauthenticatedBulkBytesMax) return Fail("unauthenticated bulk length");
      bulk_bytes_ = *size;
      position_ = position;
    }
    const auto size = static_cast<size_t>(bulk_bytes_);
    if (is_detached() || bytes.size() - position_ < size + kLineBreakBytes) return Outcome::kIncomplete;
    pieces_.push_back({position_, size, false});
    position_ += size + kLineBreakBytes;
    bulk_bytes_ = -1;
    --remaining_count_;
  }
  command->arguments.clear();
  for (const Piece& piece : pieces_) {
    command->arguments.push_back(piece.is_large ? large_[piece.begin].view() : bytes.substr(piece.begin, piece.size));
  }
  command->large_arguments.swap(large_);  // both are empty nearly always
  command->consumed = position_;
  Reset();
  return Outcome::kCommand;
}

}  // namespace kvick

// ReplyDecoder turns the bytes a server sends into Values, however the bytes are cut into reads.
//
//   decoder.Feed(bytes);
//   while (true) {
//     KVICK_ASSIGN_OR_RETURN(std::optional<Value> reply, decoder.Next());
//     if (!reply) break;  // needs more bytes
//     ...
//   }
//
// What it trusts: nothing. A length on the wire is checked against the limits, and memory is only taken for bytes
// that have arrived: an array header that announces a million elements costs nothing until they come. After an
// error the stream has no known boundary any more, so every later Next() answers the same error.
//
// Not thread safe. Cost: linear in the bytes; the bytes of a long string are looked at once, when all are there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "resp/value.h"

namespace kvick {

class ReplyDecoder {
 public:
  struct Limits {
    size_t bulk_size_bytes_max = size_t{512} << 20;
    size_t line_size_bytes_max = size_t{64} << 10;  // simple strings, errors, big numbers
    size_t element_count_max = size_t{1} << 32;     // of one aggregate
    size_t nesting_max = 128;                       // aggregates (and attributes) inside each other
  };

  ReplyDecoder() = default;
  explicit ReplyDecoder(Limits limits) : limits_(limits) {}

  void Feed(std::string_view bytes);

  // The next complete reply, none when more bytes are needed, or what is wrong with the bytes.
  Result<std::optional<Value>> Next();

  // Bytes fed that are not yet part of a value; 0 between replies.
  [[nodiscard]] size_t pending_size_bytes() const { return buffer_.size() - position_; }
  // True between replies: nothing has begun.
  [[nodiscard]] bool idle() const { return open_.empty() && attributes_.empty() && pending_size_bytes() == 0; }

 private:
  // An aggregate whose elements are still arriving.
  struct Open {
    Value value;
    size_t missing_count;
    bool is_attribute;
    std::vector<Value> attributes_outside;  // an attribute's own attributes have nowhere to go; kept for its value
  };

  // One header with its payload: a finished value, an opened aggregate, or not enough bytes.
  enum class Step { kValue, kOpened, kNeedsMore };
  Result<Step> ReadOne(Value* value);
  Result<Step> ReadAggregate(char mark, std::string_view line, size_t line_end, Value* value);
  Result<Step> ReadBlob(char mark, std::string_view line, size_t line_end, Value* value);
  // The line behind the mark at position_; sets *line_end behind its CR LF. None when it has not ended yet.
  Result<std::optional<std::string_view>> ReadLine(size_t* line_end) const;
  void TakeAttributes(Value* value);
  void Compact();

  Limits limits_;
  std::string buffer_;
  size_t position_ = 0;  // of the first byte that is not yet part of a value
  std::vector<Open> open_;
  std::vector<Value> attributes_;  // waiting for the value they stand before
  Status failure_;
};

}  // namespace kvick

// ReplyWriter writes replies in the protocol version of the connection. Types that RESP2 lacks are written as what
// clients of RESP2 expect in their place (a map as a flat array, a double as a bulk string, and so on).
//
// Aggregates are announced by their length and then filled: Array(2), Bulk("a"), Integer(1).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/status.h"
#include "base/words.h"
#include "resp/output_buffer.h"

namespace kvick {

class ReplyWriter {
 public:
  ReplyWriter(OutputBuffer& out, int protocol) : out_(&out), protocol_(protocol) {}

  int protocol() const { return protocol_; }
  void set_protocol(int protocol) { protocol_ = protocol; }
  bool is_resp3() const { return protocol_ == 3; }
  OutputBuffer& out() { return *out_; }
  void set_out(OutputBuffer& out) { out_ = &out; }

  void Ok() { out_->Append("+OK\r\n"); }
  void Simple(std::string_view text);
  // `text` starts with its code: "ERR syntax error". Line breaks in it become blanks.
  void Error(std::string_view text);
  void Error(const Status& status) { Error(status.text()); }
  void Integer(int64_t value);
  void Bulk(std::string_view bytes) {
    if (bytes.size() >= kShortBulkEnd) return LongBulk(bytes);
    char* const begin = out_->Reserve(kShortBulkEnd + 8);
    char* out = begin;
    *out++ = '$';
    if (bytes.size() >= 10) *out++ = static_cast<char>('0' + bytes.size() / 10);
    *out++ = static_cast<char>('0' + bytes.size() % 10);
    *out++ = '\r';
    *out++ = '\n';
    CopyBytes(out, bytes);
    out += bytes.size();
    *out++ = '\r';
    *out++ = '\n';
    out_->Commit(static_cast<size_t>(out - begin));
  }
  // Lends the bytes when they are long enough for that to be cheaper than copying.
  void Bulk(SharedBytes* bytes);
  void BulkInteger(int64_t value);
  void Null();       // a missing value
  void NullArray();  // a missing array: RESP2 tells the two apart
  void BulkOrNull(std::optional<std::string_view> bytes) { bytes ? Bulk(*bytes) : Null(); }
  void Double(double value);
  // A double whose digits the caller chose.
  void DoubleText(std::string_view digits);
  void Boolean(bool value);
  void BigNumber(std::string_view digits);
  // `format`: three letters, "txt" or "mkd".
  void Verbatim(std::string_view text, std::string_view format = "txt");

  void Array(size_t count) { Header('*', count); }
  void Map(size_t pair_count) { is_resp3() ? Header('%', pair_count) : Header('*', pair_count * 2); }
  void Set(size_t count) { Header(is_resp3() ? '~' : '*', count); }
  void Push(size_t count) { Header(is_resp3() ? '>' : '*', count); }
  // RESP3 only; the caller leaves attributes out for RESP2.
  void Attribute(size_t pair_count) { Header('|', pair_count); }

  // An array, map or set whose length is known only after it was filled.
  enum class Aggregate : char { kArray = '*', kMap = '%', kSet = '~' };
  OutputBuffer::Hole Begin() { return out_->MakeHole(); }
  void End(OutputBuffer::Hole hole, Aggregate kind, size_t count);

 private:
  static constexpr size_t kLendMin = size_t{16} * 1024;  // below it a copy is cheaper than a piece of its own

  static constexpr size_t kShortBulkEnd = 100;  // two digits say how long it is

  void Header(char type, size_t count);
  void LongBulk(std::string_view bytes);

  OutputBuffer* out_;
  int protocol_;
};

}  // namespace kvick

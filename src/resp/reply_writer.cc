#include "resp/reply_writer.h"

#include <cmath>
#include <cstring>

#include "base/numbers.h"

namespace kvick {
namespace {

// "<type><number>\r\n" into `out`; returns the length.
size_t WriteNumberLine(char* out, char type, uint64_t number) {
  out[0] = type;
  size_t length = 1;
  if (number < 10) {
    out[length++] = static_cast<char>('0' + number);
  } else {
    length += FormatUint64(number, out + 1);
  }
  out[length++] = '\r';
  out[length++] = '\n';
  return length;
}

}  // namespace

void ReplyWriter::Header(char type, size_t count) {
  char* out = out_->Reserve(32);
  out_->Commit(WriteNumberLine(out, type, count));
}

void ReplyWriter::End(OutputBuffer::Hole hole, Aggregate kind, size_t count) {
  char line[32];
  char type = static_cast<char>(kind);
  if (!is_resp3()) {
    if (kind == Aggregate::kMap) count *= 2;
    type = '*';
  }
  out_->FillHole(hole, {line, WriteNumberLine(line, type, count)});
}

void ReplyWriter::Simple(std::string_view text) {
  out_->Append("+");
  out_->Append(text);
  out_->Append("\r\n");
}

void ReplyWriter::Error(std::string_view text) {
  out_->Append("-");
  for (const char c : text) {
    char* out = out_->Reserve(1);
    *out = c == '\r' || c == '\n' ? ' ' : c;
    out_->Commit(1);
  }
  out_->Append("\r\n");
}

void ReplyWriter::Integer(int64_t value) {
  char* out = out_->Reserve(32);
  out[0] = ':';
  size_t length = 1 + FormatInt64(value, out + 1);
  out[length++] = '\r';
  out[length++] = '\n';
  out_->Commit(length);
}

void ReplyWriter::LongBulk(std::string_view bytes) {
  if (bytes.size() <= OutputBuffer::kReserveMax - 32) {
    char* out = out_->Reserve(bytes.size() + 32);
    size_t length = WriteNumberLine(out, '$', bytes.size());
    std::memcpy(out + length, bytes.data(), bytes.size());
    length += bytes.size();
    out[length++] = '\r';
    out[length++] = '\n';
    out_->Commit(length);
    return;
  }
  Header('$', bytes.size());
  out_->Append(bytes);
  out_->Append("\r\n");
}

void ReplyWriter::Bulk(SharedBytes* bytes) {
  if (bytes->size() < kLendMin) return Bulk(bytes->view());
  Header('$', bytes->size());
  out_->AppendShared(SharedBytesRef(bytes));
  out_->Append("\r\n");
}

void ReplyWriter::BulkInteger(int64_t value) {
  char text[kInt64TextMax];
  Bulk(std::string_view(text, FormatInt64(value, text)));
}

void ReplyWriter::Null() { out_->Append(is_resp3() ? "_\r\n" : "$-1\r\n"); }
void ReplyWriter::NullArray() { out_->Append(is_resp3() ? "_\r\n" : "*-1\r\n"); }

void ReplyWriter::Double(double value) {
  char text[kDoubleTextMax];
  DoubleText({text, FormatDouble(value, text)});
}

void ReplyWriter::DoubleText(std::string_view digits) {
  if (!is_resp3()) return Bulk(digits);
  out_->Append(",");
  out_->Append(digits);
  out_->Append("\r\n");
}

void ReplyWriter::Boolean(bool value) {
  if (!is_resp3()) return Integer(value ? 1 : 0);
  out_->Append(value ? "#t\r\n" : "#f\r\n");
}

void ReplyWriter::BigNumber(std::string_view digits) {
  if (!is_resp3()) return Bulk(digits);
  out_->Append("(");
  out_->Append(digits);
  out_->Append("\r\n");
}

void ReplyWriter::Verbatim(std::string_view text, std::string_view format) {
  if (!is_resp3()) return Bulk(text);
  Header('=', text.size() + 4);
  out_->Append(format);
  out_->Append(":");
  out_->Append(text);
  out_->Append("\r\n");
}

}  // namespace kvick

#include "containers/stream_id.h"

#include <cerrno>
#include <cstdlib>

#include "base/bytes.h"
#include "base/numbers.h"

namespace kvick {
namespace {

// A longer text is no id, whatever it says.
constexpr size_t kInputMax = 127;

void StoreBigEndian(uint64_t value, char* out) {
  for (int i = 7; i >= 0; --i, value >>= 8) out[i] = static_cast<char>(value & 0xff);
}

uint64_t LoadBigEndian(const char* in) {
  uint64_t value = 0;
  for (int i = 0; i < 8; ++i) value = value << 8 | static_cast<uint8_t>(in[i]);
  return value;
}

}  // namespace

std::optional<StreamId> StreamId::Next() const {
  if (seq != UINT64_MAX) return StreamId{ms, seq + 1};
  if (ms != UINT64_MAX) return StreamId{ms + 1, 0};
  return std::nullopt;
}

std::optional<StreamId> StreamId::Previous() const {
  if (seq != 0) return StreamId{ms, seq - 1};
  if (ms != 0) return StreamId{ms - 1, UINT64_MAX};
  return std::nullopt;
}

StreamId::Key StreamId::ToKey() const {
  Key key;
  StoreBigEndian(ms, key.data());
  StoreBigEndian(seq, key.data() + 8);
  return key;
}

StreamId StreamId::FromKey(std::string_view key) { return {LoadBigEndian(key.data()), LoadBigEndian(key.data() + 8)}; }

size_t StreamId::Format(char* buffer) const {
  size_t size = FormatUint64(ms, buffer);
  buffer[size++] = '-';
  return size + FormatUint64(seq, buffer + size);
}

std::string StreamId::ToString() const {
  char buffer[kTextMax];
  return std::string(buffer, Format(buffer));
}

std::optional<uint64_t> ParseStreamNumber(std::string_view text) {
  if (const std::optional<uint64_t> number = ParseUint64(text)) return number;
  if (ParseInt64(text)) return std::nullopt;  // negative
  const std::string copy(text);
  char* end = nullptr;
  errno = 0;
  const unsigned long long number = std::strtoull(copy.c_str(), &end, 10);
  if (errno != 0 || copy.empty() || *end != '\0') return std::nullopt;
  return number;
}

std::optional<StreamId> ParseStreamId(std::string_view text, uint64_t seq_if_missing) {
  if (text.size() > kInputMax) return std::nullopt;
  text = UpToZeroByte(text);
  const size_t dash = text.find('-');
  const std::optional<uint64_t> ms = ParseStreamNumber(text.substr(0, dash));
  if (!ms) return std::nullopt;
  if (dash == std::string_view::npos) return StreamId{*ms, seq_if_missing};
  const std::optional<uint64_t> seq = ParseStreamNumber(text.substr(dash + 1));
  if (!seq) return std::nullopt;
  return StreamId{*ms, *seq};
}

}  // namespace kvick

#include "scripting/function_payload.h"

#include <liblzf/lzf.h>

#include <cstdint>
#include <optional>

#include "base/crc64.h"

namespace kvick {
namespace {

constexpr unsigned char kFunctionOpcode = 0xf5;
constexpr unsigned char kOldFunctionOpcode = 0xf6;  // of a release candidate: refused by everybody
constexpr uint16_t kVersionWritten = 10;
constexpr uint16_t kVersionMax = 13;
constexpr size_t kFooterBytes = 10;
constexpr size_t kCompressedMin = 20;
constexpr uint64_t kTextBytesMax = uint64_t{512} << 20;

void AppendLittleEndian(std::string* out, uint64_t value, size_t size) {
  for (size_t i = 0; i < size; ++i) out->push_back(static_cast<char>(value >> (i * 8)));
}

void AppendLength(std::string* out, uint64_t length) {
  if (length < 64) {
    out->push_back(static_cast<char>(length));
  } else if (length < 16384) {
    out->push_back(static_cast<char>(0x40 | length >> 8));
    out->push_back(static_cast<char>(length));
  } else {
    const bool is_short = length <= UINT32_MAX;
    out->push_back(static_cast<char>(is_short ? 0x80 : 0x81));
    for (size_t i = is_short ? 4 : 8; i-- > 0;) out->push_back(static_cast<char>(length >> (i * 8)));
  }
}

void AppendString(std::string* out, std::string_view text, bool compresses) {
  if (compresses && text.size() > kCompressedMin && text.size() < UINT32_MAX) {
    std::string packed(text.size() - 4, '\0');
    const unsigned size = lzf_compress(text.data(), static_cast<unsigned>(text.size()), packed.data(),
                                       static_cast<unsigned>(packed.size()));
    if (size != 0) {
      out->push_back(static_cast<char>(0xc3));
      AppendLength(out, size);
      AppendLength(out, text.size());
      out->append(packed, 0, size);
      return;
    }
  }
  AppendLength(out, text.size());
  out->append(text);
}

class PayloadReader {
 public:
  explicit PayloadReader(std::string_view bytes) : bytes_(bytes) {}

  bool is_at_end() const { return place_ == bytes_.size(); }
  std::optional<uint64_t> BigEndian(size_t size) {
    if (size > bytes_.size() - place_) return std::nullopt;
    uint64_t value = 0;
    for (size_t i = 0; i < size; ++i) value = value << 8 | static_cast<unsigned char>(bytes_[place_++]);
    return value;
  }
  std::optional<std::string> String();

 private:
  // The length behind its first byte.
  std::optional<uint64_t> Length(uint64_t first) {
    switch (first >> 6) {
      case 0: return first;
      case 1: {
        const std::optional<uint64_t> low = BigEndian(1);
        if (!low) return std::nullopt;
        return (first & 0x3f) << 8 | *low;
      }
      default:
        if (first == 0x80) return BigEndian(4);
        if (first == 0x81) return BigEndian(8);
        return std::nullopt;
    }
  }
  std::optional<std::string> Bytes(uint64_t count) {
    if (count > bytes_.size() - place_) return std::nullopt;
    std::string text(bytes_.substr(place_, count));
    place_ += count;
    return text;
  }
  std::optional<std::string> Integer(size_t size);
  std::optional<std::string> Compressed();

  std::string_view bytes_;
  size_t place_ = 0;
};

std::optional<std::string> PayloadReader::Integer(size_t size) {
  const std::optional<uint64_t> big = BigEndian(size);
  if (!big) return std::nullopt;
  uint64_t value = 0;
  for (size_t i = 0; i < size; ++i) value |= (*big >> (i * 8) & 0xff) << ((size - 1 - i) * 8);
  const int64_t number = size == 1   ? static_cast<int8_t>(value)
                         : size == 2 ? static_cast<int16_t>(value)
                                     : static_cast<int64_t>(static_cast<int32_t>(value));
  return std::to_string(number);
}

std::optional<std::string> PayloadReader::Compressed() {
  const auto read_length = [this]() -> std::optional<uint64_t> {
    const std::optional<uint64_t> first = BigEndian(1);
    return first ? Length(*first) : std::nullopt;
  };
  const std::optional<uint64_t> packed_size = read_length();
  const std::optional<uint64_t> size = packed_size ? read_length() : std::nullopt;
  // LZF cannot make more than some 264 bytes of three: a size beyond that is a lie that would cost memory.
  if (!size || *size == 0 || *size > kTextBytesMax || *size / 300 > *packed_size) return std::nullopt;
  const std::optional<std::string> packed = Bytes(*packed_size);
  if (!packed) return std::nullopt;
  std::string text(*size, '\0');
  const unsigned unpacked = lzf_decompress(packed->data(), static_cast<unsigned>(packed->size()), text.data(),
                                           static_cast<unsigned>(text.size()));
  if (unpacked != text.size()) return std::nullopt;
  return text;
}

std::optional<std::string> PayloadReader::String() {
  const std::optional<uint64_t> first = BigEndian(1);
  if (!first) return std::nullopt;
  switch (*first) {
    case 0xc0: return Integer(1);
    case 0xc1: return Integer(2);
    case 0xc2: return Integer(4);
    case 0xc3: return Compressed();
    default: break;
  }
  const std::optional<uint64_t> length = Length(*first);
  return length ? Bytes(*length) : std::nullopt;
}

Status BadPayload() { return Status::Error("ERR DUMP payload version or checksum are wrong"); }

}  // namespace

std::string EncodeFunctionPayload(std::span<const std::string_view> texts, bool compresses) {
  std::string payload;
  for (const std::string_view text : texts) {
    payload.push_back(static_cast<char>(kFunctionOpcode));
    AppendString(&payload, text, compresses);
  }
  AppendLittleEndian(&payload, kVersionWritten, 2);
  AppendLittleEndian(&payload, Crc64(payload), 8);
  return payload;
}

Result<std::vector<std::string>> DecodeFunctionPayload(std::string_view payload) {
  if (payload.size() < kFooterBytes) return BadPayload();
  const std::string_view footer = payload.substr(payload.size() - kFooterBytes);
  const auto byte = [&footer](size_t index) { return uint64_t{static_cast<unsigned char>(footer[index])}; };
  const uint64_t version = byte(0) | byte(1) << 8;
  uint64_t sum = 0;
  for (size_t i = 0; i < 8; ++i) sum |= byte(2 + i) << (i * 8);
  if (version > kVersionMax || sum != Crc64(payload.substr(0, payload.size() - 8))) return BadPayload();
  std::vector<std::string> texts;
  PayloadReader reader(payload.substr(0, payload.size() - kFooterBytes));
  while (!reader.is_at_end()) {
    const uint64_t opcode = *reader.BigEndian(1);
    if (opcode == kOldFunctionOpcode) return Status::Error("ERR Pre-GA function format not supported");
    if (opcode != kFunctionOpcode) return Status::Error("ERR given type is not a function");
    std::optional<std::string> text = reader.String();
    if (!text) return Status::Error("ERR Failed loading library data");
    texts.push_back(*std::move(text));
  }
  return texts;
}

}  // namespace kvick

#include "persistence/rdb_bytes.h"

#include <liblzf/lzf.h>

#include <bit>
#include <cmath>
#include <limits>
#include <optional>

#include "base/numbers.h"
#include "persistence/rdb_format.h"

namespace kvick {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers are copied as they lie in memory");

constexpr size_t kCompressedMin = 20;
// Longer texts are no 32-bit integers.
constexpr size_t kShortIntegerTextMax = 11;
// LZF makes at most 264 bytes of three.
constexpr uint64_t kLzfGrowthMax = 264;

void AppendNumber(std::string* out, const void* number, size_t size) {
  out->append(static_cast<const char*>(number), size);
}

bool TryAppendShortInteger(std::string* out, int64_t value) {
  if (value >= INT8_MIN && value <= INT8_MAX) {
    out->push_back(static_cast<char>(RdbStringForm::kInt8));
    out->push_back(static_cast<char>(value));
  } else if (value >= INT16_MIN && value <= INT16_MAX) {
    out->push_back(static_cast<char>(RdbStringForm::kInt16));
    AppendNumber(out, &value, 2);
  } else if (value >= INT32_MIN && value <= INT32_MAX) {
    out->push_back(static_cast<char>(RdbStringForm::kInt32));
    AppendNumber(out, &value, 4);
  } else {
    return false;
  }
  return true;
}

bool TryAppendCompressed(std::string* out, std::string_view text) {
  if (text.size() <= kCompressedMin || text.size() > std::numeric_limits<uint32_t>::max()) return false;
  // Kept: the walk over a keyspace compresses one string after another.
  static thread_local std::string packed;
  constexpr size_t kKeptMax = size_t{1} << 20;
  const size_t capacity = text.size() - 4;  // less is not worth it
  if (packed.size() < capacity) packed.resize(capacity);
  const unsigned size =
      lzf_compress(text.data(), static_cast<unsigned>(text.size()), packed.data(), static_cast<unsigned>(capacity));
  if (size != 0) {
    out->push_back(static_cast<char>(RdbStringForm::kLzf));
    AppendRdbLength(out, size);
    AppendRdbLength(out, text.size());
    out->append(packed, 0, size);
  }
  if (packed.size() > kKeptMax) std::string().swap(packed);
  return size != 0;
}

}  // namespace

void AppendRdbLength(std::string* out, uint64_t length) {
  if (length < 64) {
    out->push_back(static_cast<char>(length));
  } else if (length < 16384) {
    out->push_back(static_cast<char>(0x40 | length >> 8));
    out->push_back(static_cast<char>(length));
  } else {
    const bool is_short = length <= std::numeric_limits<uint32_t>::max();
    out->push_back(static_cast<char>(is_short ? 0x80 : 0x81));
    for (size_t i = is_short ? 4 : 8; i-- > 0;) out->push_back(static_cast<char>(length >> (i * 8)));
  }
}

void AppendRdbString(std::string* out, std::string_view text, bool compresses) {
  if (text.size() <= kShortIntegerTextMax) {
    const std::optional<int64_t> integer = ParseInt64(text);
    if (integer && TryAppendShortInteger(out, *integer)) return;
  }
  if (compresses && TryAppendCompressed(out, text)) return;
  AppendRdbLength(out, text.size());
  out->append(text);
}

void AppendRdbIntegerString(std::string* out, int64_t value) {
  if (TryAppendShortInteger(out, value)) return;
  char text[kInt64TextMax];
  const size_t size = FormatInt64(value, text);
  AppendRdbLength(out, size);
  out->append(text, size);
}

void AppendRdbDouble(std::string* out, double value) { AppendNumber(out, &value, sizeof(value)); }
void AppendRdbInt64(std::string* out, int64_t value) { AppendNumber(out, &value, sizeof(value)); }

Status RdbBytes::ToStatus() const {
  return Status::Error("at " + std::to_string(position()) + ": " + (problem_ != nullptr ? problem_ : "no problem"));
}

uint64_t RdbBytes::TakeBigEndian(size_t size) {
  uint64_t value = 0;
  for (const char c : TakeBytes(size)) value = value << 8 | static_cast<uint8_t>(c);
  return value;
}

uint64_t RdbBytes::LengthBehind(uint8_t first) {
  switch (first >> 6) {
    case 0: return first;
    case 1: return (first & 0x3fu) << 8 | uint64_t{TakeByte()};
    default: break;
  }
  if (first == 0x80) return TakeBigEndian(4);
  if (first == 0x81) return TakeBigEndian(8);
  Fail("unknown form of a length");
  return 0;
}

uint64_t RdbBytes::TakeLength() {
  Mark();
  const uint8_t first = TakeByte();
  return LengthBehind(first);
}

uint64_t RdbBytes::TakeCount(size_t bytes_min) {
  const uint64_t count = TakeLength();
  if (count <= left() / bytes_min) return count;
  FailShort();
  return 0;
}

std::string_view RdbBytes::TakeInteger(uint8_t form, std::string* scratch) {
  int64_t value = 0;
  switch (static_cast<RdbStringForm>(form)) {
    case RdbStringForm::kInt8: value = TakeNumber<int8_t>(); break;
    case RdbStringForm::kInt16: value = TakeNumber<int16_t>(); break;
    default: value = TakeNumber<int32_t>(); break;
  }
  char text[kInt64TextMax];
  scratch->assign(text, FormatInt64(value, text));
  return *scratch;
}

std::string_view RdbBytes::TakeCompressed(std::string* scratch) {
  const uint64_t packed_size = TakeLength();
  const uint64_t size = TakeLength();
  const std::string_view packed = TakeBytes(packed_size);
  if (!ok()) return {};
  if (size == 0 || size > std::numeric_limits<uint32_t>::max() || size / kLzfGrowthMax > packed_size) {
    Fail("impossible size of a compressed string");
    return {};
  }
  scratch->resize(size);
  const unsigned made =
      lzf_decompress(packed.data(), static_cast<unsigned>(packed.size()), scratch->data(), static_cast<unsigned>(size));
  if (made != size) {
    Fail("a compressed string is damaged");
    return {};
  }
  return *scratch;
}

std::string_view RdbBytes::TakeString(std::string* scratch) {
  Mark();
  const uint8_t first = TakeByte();
  if (first < 0x40) return TakeBytes(first);
  if (first >> 6 != 3) return TakeBytes(LengthBehind(first));
  if (first == static_cast<uint8_t>(RdbStringForm::kLzf)) return TakeCompressed(scratch);
  if (first <= static_cast<uint8_t>(RdbStringForm::kInt32)) return TakeInteger(first, scratch);
  Fail("unknown form of a string");
  return {};
}

void RdbBytes::SkipString() {
  Mark();
  const uint8_t first = TakeByte();
  if (first >> 6 != 3) {
    TakeBytes(LengthBehind(first));
    return;
  }
  switch (static_cast<RdbStringForm>(first)) {
    case RdbStringForm::kInt8: TakeBytes(1); return;
    case RdbStringForm::kInt16: TakeBytes(2); return;
    case RdbStringForm::kInt32: TakeBytes(4); return;
    case RdbStringForm::kLzf: {
      const uint64_t packed_size = TakeLength();
      TakeLength();
      TakeBytes(packed_size);
      return;
    }
  }
  Fail("unknown form of a string");
}

double RdbBytes::TakeDouble() {
  Mark();
  const auto value = TakeNumber<double>();
  if (!std::isnan(value)) return value;
  Fail("a score that is no number");
  return 0;
}

double RdbBytes::TakeTextDouble() {
  Mark();
  constexpr uint8_t kNan = 253;
  constexpr uint8_t kInfinity = 254;
  constexpr uint8_t kMinusInfinity = 255;
  const uint8_t size = TakeByte();
  if (size == kInfinity) return std::numeric_limits<double>::infinity();
  if (size == kMinusInfinity) return -std::numeric_limits<double>::infinity();
  const std::optional<double> value = size == kNan ? std::nullopt : ParseDouble(TakeBytes(size));
  if (!value) Fail("a score that is no number");
  return value.value_or(0);
}

int64_t RdbBytes::TakeInt64() { return TakeNumber<int64_t>(); }
int32_t RdbBytes::TakeInt32() { return TakeNumber<int32_t>(); }

}  // namespace kvick

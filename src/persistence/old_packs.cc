#include "persistence/old_packs.h"

namespace kvick {
namespace {

constexpr uint8_t kEnd = 0xff;
constexpr uint8_t kLongSize = 0xfe;

// Reads bytes from front to back; once something is missing, everything is zero.
class PackReader {
 public:
  explicit PackReader(std::string_view bytes) : bytes_(bytes) {}

  bool ok() const { return is_ok_; }
  size_t place() const { return place_; }
  std::string_view Bytes(size_t count) {
    if (count > bytes_.size() - place_) {
      is_ok_ = false;
      place_ = bytes_.size();
      return {};
    }
    const std::string_view taken = bytes_.substr(place_, count);
    place_ += count;
    return taken;
  }
  uint8_t Byte() {
    const std::string_view taken = Bytes(1);
    return taken.empty() ? kEnd : static_cast<uint8_t>(taken[0]);
  }
  // Little endian, of as many bytes as are given; negative ones are extended.
  int64_t Signed(size_t size) {
    int64_t value = 0;
    const std::string_view taken = Bytes(size);
    taken.copy(reinterpret_cast<char*>(&value), taken.size());  // nothing, where there is nothing
    const auto unused_bits = 64 - 8 * static_cast<int>(size);
    return static_cast<int64_t>(static_cast<uint64_t>(value) << unused_bits) >> unused_bits;
  }
  uint64_t Unsigned(size_t size) {
    uint64_t value = 0;
    const std::string_view taken = Bytes(size);
    taken.copy(reinterpret_cast<char*>(&value), taken.size());  // nothing, where there is nothing
    return value;
  }
  uint64_t BigEndian(size_t size) {
    uint64_t value = 0;
    for (const char c : Bytes(size)) value = value << 8 | static_cast<uint8_t>(c);
    return value;
  }

 private:
  std::string_view bytes_;
  size_t place_ = 0;
  bool is_ok_ = true;
};

ListpackValue TakeZiplistValue(PackReader& reader, bool* is_known) {
  const uint8_t code = reader.Byte();
  const auto integer = [](int64_t value) { return ListpackValue::FromInteger(value); };
  switch (code >> 6) {
    case 0: return ListpackValue::FromText(reader.Bytes(code));
    case 1: return ListpackValue::FromText(reader.Bytes((code & 0x3fu) << 8 | reader.Byte()));
    case 2: *is_known = code == 0x80; return ListpackValue::FromText(reader.Bytes(reader.BigEndian(4)));
    default: break;
  }
  switch (code) {
    case 0xc0: return integer(reader.Signed(2));
    case 0xd0: return integer(reader.Signed(4));
    case 0xe0: return integer(reader.Signed(8));
    case 0xf0: return integer(reader.Signed(3));
    case 0xfe: return integer(reader.Signed(1));
    default: break;
  }
  *is_known = code >= 0xf1 && code <= 0xfd;
  return integer(code - 0xf1);
}

}  // namespace

std::optional<Listpack> ListpackOfZiplist(std::string_view ziplist) {
  constexpr uint64_t kCountUnknown = 0xffff;
  if (ziplist.size() >= Listpack::kSizeBytesMax / 2) return std::nullopt;
  PackReader reader(ziplist);
  const uint64_t size = reader.Unsigned(4);
  const uint64_t last = reader.Unsigned(4);
  const uint64_t count = reader.Unsigned(2);
  const size_t header_bytes = reader.place();
  if (!reader.ok() || size != ziplist.size() || ziplist.back() != static_cast<char>(kEnd)) return std::nullopt;

  Listpack pack(ziplist.size());
  uint64_t element_count = 0;
  size_t previous = 0;  // the bytes of the element before
  size_t last_place = header_bytes;
  while (reader.place() < ziplist.size() - 1) {
    const size_t place = reader.place();
    const uint8_t first = reader.Byte();
    const uint64_t previous_size = first == kLongSize ? reader.Unsigned(4) : first;
    bool is_known = first != kEnd;
    const ListpackValue value = TakeZiplistValue(reader, &is_known);
    if (!is_known || !reader.ok() || reader.place() >= ziplist.size() || previous_size != previous) return std::nullopt;
    pack.Append(value);
    last_place = place;
    previous = reader.place() - place;
    ++element_count;
  }
  if (last != last_place || (count != kCountUnknown && count != element_count)) return std::nullopt;
  return pack;
}

std::optional<Listpack> ListpackOfZipmap(std::string_view zipmap) {
  constexpr uint8_t kCountUnknown = 254;
  if (zipmap.size() >= Listpack::kSizeBytesMax / 2) return std::nullopt;
  PackReader reader(zipmap);
  const uint8_t count = reader.Byte();
  Listpack pack(zipmap.size() + Listpack::kEmptyBytes);
  size_t pair_count = 0;
  while (true) {
    const uint8_t first = reader.Byte();
    if (!reader.ok()) return std::nullopt;
    if (first == kEnd) break;
    const std::string_view name = reader.Bytes(first == kLongSize ? reader.Unsigned(4) : first);
    const uint8_t value_first = reader.Byte();
    if (value_first == kEnd) return std::nullopt;
    const uint64_t value_size = value_first == kLongSize ? reader.Unsigned(4) : value_first;
    const uint8_t unused = reader.Byte();
    const std::string_view value = reader.Bytes(value_size);
    reader.Bytes(unused);
    if (!reader.ok()) return std::nullopt;
    pack.Append(name);
    pack.Append(value);
    ++pair_count;
  }
  if (reader.place() != zipmap.size() || (count < kCountUnknown && count != pair_count)) return std::nullopt;
  return pack;
}

}  // namespace kvick

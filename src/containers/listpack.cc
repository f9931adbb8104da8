#include "containers/listpack.h"

#include <malloc.h>

#include <algorithm>
#include <cstdlib>

#include "base/assert.h"
#include "base/words.h"

namespace kvick {
namespace {

using Position = ListpackView::Position;

// First bytes of elements, with the mask that tells which it is.
constexpr uint8_t kString6Mark = 0x80;    // 10nnnnnn
constexpr uint8_t kInteger13Mark = 0xc0;  // 110vvvvv
constexpr uint8_t kString12Mark = 0xe0;   // 1110nnnn
constexpr uint8_t kString32Mark = 0xf0;
constexpr uint8_t kInteger16Mark = 0xf1;
constexpr uint8_t kInteger24Mark = 0xf2;
constexpr uint8_t kInteger32Mark = 0xf3;
constexpr uint8_t kInteger64Mark = 0xf4;

constexpr size_t kString6Max = 63;
constexpr size_t kString12Max = 4095;
constexpr size_t kCodeHeadMax = 9;

constexpr bool IsUint7(uint8_t first) { return first < 0x80; }
constexpr bool IsString6(uint8_t first) { return (first & 0xc0) == kString6Mark; }
constexpr bool IsInteger13(uint8_t first) { return (first & 0xe0) == kInteger13Mark; }
constexpr bool IsString12(uint8_t first) { return (first & 0xf0) == kString12Mark; }

// The part of `code` in front of a string's bytes; the whole of an integer's.
struct CodeHead {
  uint8_t bytes[kCodeHeadMax];
  size_t size;
};

void StoreLittleEndian(uint8_t* out, uint64_t value, size_t size) {
  for (size_t i = 0; i < size; ++i) out[i] = static_cast<uint8_t>(value >> (8 * i));
}

uint64_t LoadLittleEndian(const uint8_t* in, size_t size) {
  uint64_t value = 0;
  for (size_t i = 0; i < size; ++i) value |= static_cast<uint64_t>(in[i]) << (8 * i);
  return value;
}

int64_t SignExtend(uint64_t value, unsigned bits) {
  const unsigned unused = 64 - bits;
  return static_cast<int64_t>(value << unused) >> unused;
}

CodeHead MarkedInteger(uint8_t mark, int64_t value, size_t size) {
  CodeHead head;
  head.bytes[0] = mark;
  StoreLittleEndian(head.bytes + 1, static_cast<uint64_t>(value), size);
  head.size = 1 + size;
  return head;
}

CodeHead EncodeInteger(int64_t value) {
  if (value >= 0 && value <= 127) return {{static_cast<uint8_t>(value)}, 1};
  if (value >= -4096 && value <= 4095) {
    const uint64_t bits = static_cast<uint64_t>(value) & 0x1fff;
    return {{static_cast<uint8_t>(kInteger13Mark | bits >> 8), static_cast<uint8_t>(bits)}, 2};
  }
  if (value >= INT16_MIN && value <= INT16_MAX) return MarkedInteger(kInteger16Mark, value, 2);
  if (value >= -(1 << 23) && value < (1 << 23)) return MarkedInteger(kInteger24Mark, value, 3);
  if (value >= INT32_MIN && value <= INT32_MAX) return MarkedInteger(kInteger32Mark, value, 4);
  return MarkedInteger(kInteger64Mark, value, 8);
}

CodeHead EncodeStringHead(size_t size) {
  if (size <= kString6Max) return {{static_cast<uint8_t>(kString6Mark | size)}, 1};
  if (size <= kString12Max) return {{static_cast<uint8_t>(kString12Mark | size >> 8), static_cast<uint8_t>(size)}, 2};
  CodeHead head;
  head.bytes[0] = kString32Mark;
  StoreLittleEndian(head.bytes + 1, size, 4);
  head.size = 5;
  return head;
}

CodeHead EncodeHead(const ListpackValue& value) {
  return value.is_integer ? EncodeInteger(value.integer) : EncodeStringHead(value.bytes.size());
}

// The limits are one below what the bits could hold: that is how the format's writers count.
size_t BackLengthBytes(size_t code_bytes) {
  if (code_bytes <= 127) return 1;
  if (code_bytes < 16383) return 2;
  if (code_bytes < 2097151) return 3;
  if (code_bytes < 268435455) return 4;
  return 5;
}

void WriteBackLength(uint8_t* out, size_t code_bytes) {
  const size_t size = BackLengthBytes(code_bytes);
  for (size_t i = size; i-- > 0;) {
    out[i] = static_cast<uint8_t>((code_bytes & 127) | (i == 0 ? 0 : 128));
    code_bytes >>= 7;
  }
}

// How many bytes in front of `end` must be read to know the size of a code with this first byte.
size_t SizeKnownAfter(uint8_t first) {
  if (IsString12(first)) return 2;
  if (first == kString32Mark) return 5;
  return 1;
}

// Of an element whose first SizeKnownAfter() bytes can be read. 0 for a first byte that the format does not know.
size_t CodeBytes(const uint8_t* element) {
  const uint8_t first = element[0];
  if (IsUint7(first)) return 1;
  if (IsString6(first)) return 1 + (first & 0x3fu);
  if (IsInteger13(first)) return 2;
  if (IsString12(first)) return 2 + ((first & 0x0fu) << 8 | element[1]);
  switch (first) {
    case kString32Mark: return 5 + LoadLittleEndian(element + 1, 4);
    case kInteger16Mark: return 3;
    case kInteger24Mark: return 4;
    case kInteger32Mark: return 5;
    case kInteger64Mark: return 9;
    default: return 0;
  }
}

// Reads backwards from the last byte of a back length, at most `readable` bytes.
std::optional<size_t> ReadBackLength(const uint8_t* last, size_t readable) {
  size_t value = 0;
  for (unsigned i = 0; i < 5 && i < readable; ++i) {
    const uint8_t group = *(last - i);
    value |= static_cast<size_t>(group & 127) << (7 * i);
    if ((group & 128) == 0) return value;
  }
  return std::nullopt;
}

uint8_t* AllocateOrDie(uint8_t* old, size_t size_bytes) {
  size_bytes = Listpack::RoomFor(size_bytes);
  void* block = std::realloc(old, size_bytes);
  KVICK_ASSERT(block != nullptr);
  return static_cast<uint8_t*>(block);
}

}  // namespace

ListpackValue ListpackValue::FromText(std::string_view text) {
  // Most strings show by their first byte that they are no number.
  if (text.size() - 1 < kInt64TextMax && static_cast<uint8_t>(text[0]) <= '9') {
    if (const std::optional<int64_t> integer = ParseInt64(text)) return FromInteger(*integer);
  }
  return {false, 0, text};
}

size_t ListpackValue::text_size() const {
  if (!is_integer) return bytes.size();
  char buffer[kInt64TextMax];
  return FormatInt64(integer, buffer);
}

bool ListpackView::IsValid(std::string_view bytes, Check check) {
  if (bytes.size() < kEmptyBytes || bytes.size() > kSizeBytesMax) return false;
  const ListpackView view(bytes);
  if (view.size_bytes() != bytes.size() || view.data_[bytes.size() - 1] != kEnd) return false;
  if (check == Check::kHeader) return true;

  size_t count = 0;
  size_t at = kHeaderBytes;
  const size_t end = bytes.size() - 1;
  while (at < end) {
    const size_t readable = end - at;
    if (SizeKnownAfter(view.data_[at]) > readable) return false;
    const size_t code_bytes = CodeBytes(view.data_ + at);
    if (code_bytes == 0 || code_bytes > readable) return false;
    const size_t back_bytes = BackLengthBytes(code_bytes);
    if (back_bytes > readable - code_bytes) return false;
    if (ReadBackLength(view.data_ + at + code_bytes + back_bytes - 1, back_bytes) != code_bytes) return false;
    // A shorter form of the same length would be read from behind as another place.
    if ((view.data_[at + code_bytes] & 128) != 0) return false;
    for (size_t i = 1; i < back_bytes; ++i) {
      if ((view.data_[at + code_bytes + i] & 128) == 0) return false;
    }
    at += code_bytes + back_bytes;
    ++count;
  }
  return view.stored_count() == kCountUnknown || view.stored_count() == count;
}

size_t ListpackView::LongElementBytes(const ListpackValue& value) {
  const size_t code_bytes = EncodeHead(value).size + value.bytes.size();
  return code_bytes + BackLengthBytes(code_bytes);
}

Position ListpackView::AfterLong(Position at) const {
  const size_t code_bytes = CodeBytes(data_ + at);
  KVICK_DEBUG_ASSERT(code_bytes != 0);
  return static_cast<Position>(at + code_bytes + BackLengthBytes(code_bytes));
}

Position ListpackView::BeforeLong(Position at) const {
  const std::optional<size_t> code_bytes = ReadBackLength(data_ + at - 1, at - kHeaderBytes);
  KVICK_DEBUG_ASSERT(code_bytes);
  return static_cast<Position>(at - *code_bytes - BackLengthBytes(*code_bytes));
}

size_t ListpackView::CountByWalking() const {
  size_t count = 0;
  for (Position at = First(); at != kNone; at = Next(at)) ++count;
  return count;
}

Position ListpackView::Seek(int64_t index) const {
  const uint16_t stored = stored_count();
  if (stored != kCountUnknown) {
    if (index >= stored || index < -static_cast<int64_t>(stored)) return kNone;
    // From the nearer end.
    if (index >= 0 && index > stored / 2) index -= stored;
    if (index < 0 && -index > stored / 2) index += stored;
  }
  Position at;
  if (index >= 0) {
    at = First();
    for (; at != kNone && index > 0; --index) at = Next(at);
  } else {
    at = Last();
    for (; at != kNone && index < -1; ++index) at = Previous(at);
  }
  return at;
}

ListpackValue ListpackView::GetLong(Position at) const {
  const uint8_t* element = data_ + at;
  const uint8_t first = element[0];
  const auto text = [](const uint8_t* bytes, size_t size) {
    return ListpackValue{false, 0, {reinterpret_cast<const char*>(bytes), size}};
  };
  const auto integer = [&](unsigned size) {
    return ListpackValue::FromInteger(SignExtend(LoadLittleEndian(element + 1, size), size * 8));
  };
  if (IsInteger13(first)) return ListpackValue::FromInteger(SignExtend((first & 0x1fu) << 8 | element[1], 13));
  if (IsString12(first)) return text(element + 2, (first & 0x0fu) << 8 | element[1]);
  switch (first) {
    case kString32Mark: return text(element + 5, LoadLittleEndian(element + 1, 4));
    case kInteger16Mark: return integer(2);
    case kInteger24Mark: return integer(3);
    case kInteger32Mark: return integer(4);
    default: return integer(8);
  }
}

Position ListpackView::Find(std::string_view value, Position from, size_t skip) const {
  return Find(ListpackValue::FromText(value), from, skip);
}

Position ListpackView::Find(const ListpackValue& value, Position from, size_t skip) const {
  if (from == kNone) return kNone;
  if (IsShortString(value)) {
    // Others differ in their first byte.
    const auto first = static_cast<uint8_t>(kString6Mark | value.bytes.size());
    for (Position at = from; data_[at] != kEnd;) {
      if (data_[at] == first && EqualBytes(Get(at).bytes, value.bytes)) return at;
      at = After(at);
      for (size_t i = 0; i < skip && data_[at] != kEnd; ++i) at = After(at);
    }
    return kNone;
  }
  size_t to_skip = 0;
  for (Position at = from; at != kNone; at = Next(at)) {
    if (to_skip != 0) {
      --to_skip;
      continue;
    }
    if (Get(at) == value) return at;
    to_skip = skip;
  }
  return kNone;
}

Listpack::Listpack(size_t capacity_bytes) {
  data_ = AllocateOrDie(nullptr, std::max(capacity_bytes, kEmptyBytes));
  SetEmpty();
}

std::optional<Listpack> Listpack::FromBytes(std::string_view bytes) {
  if (!IsValid(bytes, Check::kDeep)) return std::nullopt;
  return CopyOf(ListpackView(bytes));
}

Listpack Listpack::CopyOf(const ListpackView& other) {
  const std::string_view bytes = other.bytes();
  Listpack copy{Unallocated{}};
  copy.data_ = AllocateOrDie(nullptr, bytes.size());
  std::memcpy(copy.data_, bytes.data(), bytes.size());
  return copy;
}

Listpack::~Listpack() {
  if (data_ != nullptr) std::free(data_);  // most are borrowed, and hold nothing any more
}

Position Listpack::Append(const ListpackValue& value) {
  return Write(static_cast<Position>(size_bytes() - 1), 0, value, 1);
}

Position Listpack::Prepend(const ListpackValue& value) { return Write(kHeaderBytes, 0, value, 1); }

Position Listpack::InsertBefore(Position at, const ListpackValue& value) { return Write(at, 0, value, 1); }

Position Listpack::InsertAfter(Position at, const ListpackValue& value) { return Write(After(at), 0, value, 1); }

Position Listpack::Replace(Position at, const ListpackValue& value) { return Write(at, ElementBytesAt(at), value, 0); }

Position Listpack::EraseRange(Position at, size_t count) {
  if (at == kNone || count == 0) return at;
  Position end = at;
  size_t erased = 0;
  for (; erased < count && data_[end] != kEnd; ++erased) end = After(end);
  Resize(at, end - at, 0, -static_cast<int>(erased));
  return data_[at] == kEnd ? kNone : at;
}

size_t Listpack::RemoveEqual(const ListpackValue& value, size_t count_max, bool from_end) {
  size_t removed = 0;
  Position at = from_end ? Last() : First();
  while (at != kNone && removed < count_max) {
    const Position previous = from_end ? Previous(at) : kNone;
    Position next = kNone;
    if (Get(at) == value) {
      next = Erase(at);
      ++removed;
    } else if (!from_end) {
      next = Next(at);
    }
    at = from_end ? previous : next;
  }
  return removed;
}

void Listpack::Clear() {
  SetEmpty();
  ShrinkToFit();
}

void Listpack::AppendAll(const ListpackView& other) {
  const std::string_view bytes = other.bytes();
  const size_t element_bytes = bytes.size() - kEmptyBytes;
  const auto at = static_cast<Position>(size_bytes() - 1);
  Resize(at, 0, element_bytes, static_cast<int>(other.count()));
  std::memcpy(data_ + at, bytes.data() + kHeaderBytes, element_bytes);
}

Position Listpack::AppendAll(std::span<const ListpackValue> values) {
  size_t added_bytes = 0;
  for (const ListpackValue& value : values) added_bytes += ElementBytes(value);
  const auto first = static_cast<Position>(size_bytes() - 1);
  Resize(first, 0, added_bytes, static_cast<int>(values.size()));
  Position at = first;
  for (const ListpackValue& value : values) at = WriteElement(at, value);
  return first;
}

void Listpack::Reserve(size_t capacity_bytes) {
  if (malloc_usable_size(data_) < capacity_bytes) data_ = AllocateOrDie(data_, capacity_bytes);
}

Listpack Listpack::SplitAt(Position at) {
  if (at == kNone) return Listpack();
  const size_t tail_bytes = size_bytes() - 1 - at;
  Listpack tail(kEmptyBytes + tail_bytes);
  std::memcpy(tail.data_ + kHeaderBytes, data_ + at, tail_bytes);
  tail.data_[kHeaderBytes + tail_bytes] = kEnd;
  tail.SetSize(kEmptyBytes + tail_bytes);
  tail.SetCount(kCountUnknown);
  const size_t tail_count = tail.CountByWalking();
  tail.SetCount(tail_count);
  Resize(at, tail_bytes, 0, -static_cast<int>(tail_count));
  if (stored_count() == kCountUnknown) SetCount(CountByWalking());
  return tail;
}

void Listpack::PrependInFront(const ListpackValue& value) {
  const size_t element_bytes = ElementBytes(value);
  const size_t size = size_bytes();
  const uint16_t count = stored_count();
  data_ -= element_bytes;
  SetSize(size + element_bytes);
  SetCount(count);
  AddToCount(1);
  WriteElement(kHeaderBytes, value);
}

void Listpack::AppendBehind(const ListpackValue& value) {
  const Position end = WriteElement(static_cast<Position>(size_bytes() - 1), value);
  data_[end] = kEnd;
  SetSize(end + size_t{1});
  AddToCount(1);
}

void Listpack::EraseFirst(size_t count, size_t erased_bytes) {
  const size_t size = size_bytes();
  const uint16_t stored = stored_count();
  data_ += erased_bytes;
  SetSize(size - erased_bytes);
  SetCount(stored);
  AddToCount(-static_cast<int>(count));
}

void Listpack::EraseLast(size_t count) {
  auto end = static_cast<Position>(size_bytes() - 1);
  for (size_t i = 0; i < count; ++i) end = Before(end);
  data_[end] = kEnd;
  SetSize(end + size_t{1});
  AddToCount(-static_cast<int>(count));
}

void Listpack::FillRoom(char* bytes, Position at, size_t erased_bytes, int count_change,
                        std::span<const ListpackValue> values) {
  Listpack pack = Adopt(bytes);
  Position end = at;
  for (const ListpackValue& value : values) end = pack.WriteElement(end, value);
  pack.SetSize(pack.size_bytes() - erased_bytes + (end - at));
  if (count_change != 0) pack.AddToCount(count_change);
  pack.Release();
}

void Listpack::ShrinkToFit() {
  const size_t size = size_bytes();
  if (malloc_usable_size(data_) > size) data_ = AllocateOrDie(data_, size);
}

size_t Listpack::allocated_bytes() const { return malloc_usable_size(data_); }

void Listpack::Resize(Position at, size_t old_bytes, size_t new_bytes, int count_change) {
  const size_t size = size_bytes();
  const size_t new_size = size - old_bytes + new_bytes;
  KVICK_ASSERT(new_size <= kSizeBytesMax);
  // Within a class there is room, and nothing to give back.
  const bool leaves_class = RoomFor(new_size) != RoomFor(size);
  if (leaves_class && new_size > malloc_usable_size(data_)) data_ = AllocateOrDie(data_, new_size);
  std::memmove(data_ + at + new_bytes, data_ + at + old_bytes, size - at - old_bytes);
  // Not at every step: a queue that grows and shrinks by one element would pay for a new block each time.
  if (leaves_class && new_size < size && new_size < malloc_usable_size(data_) / 2) {
    data_ = AllocateOrDie(data_, new_size);
  }
  SetSize(new_size);
  if (count_change != 0) AddToCount(count_change);
}

void Listpack::SetEmpty() {
  SetSize(kEmptyBytes);
  SetCount(0);
  data_[kHeaderBytes] = kEnd;
}

void Listpack::SetSize(size_t size_bytes) {
  const auto stored = static_cast<uint32_t>(size_bytes);
  std::memcpy(data_, &stored, sizeof(stored));
}

void Listpack::SetCount(size_t count) {
  const auto stored = static_cast<uint16_t>(std::min<size_t>(count, kCountUnknown));
  std::memcpy(data_ + 4, &stored, sizeof(stored));
}

Position Listpack::Write(Position at, size_t old_bytes, const ListpackValue& value, int count_change) {
  const size_t new_bytes = ElementBytes(value);
  if (new_bytes != old_bytes) Resize(at, old_bytes, new_bytes, count_change);
  WriteElement(at, value);
  return at;
}

// Into room that is there; returns the place behind it.
Position Listpack::WriteElement(Position at, const ListpackValue& value) {
  if (IsShortString(value)) {
    const size_t size = value.bytes.size();
    uint8_t* element = data_ + at;
    element[0] = static_cast<uint8_t>(kString6Mark | size);
    if (size != 0) std::memcpy(element + 1, value.bytes.data(), size);
    element[size + 1] = static_cast<uint8_t>(size + 1);
    return static_cast<Position>(at + size + 2);
  }
  const CodeHead head = EncodeHead(value);
  const size_t code_bytes = head.size + value.bytes.size();
  uint8_t* out = data_ + at;
  std::memcpy(out, head.bytes, head.size);
  if (!value.bytes.empty()) std::memcpy(out + head.size, value.bytes.data(), value.bytes.size());
  WriteBackLength(out + code_bytes, code_bytes);
  return static_cast<Position>(at + code_bytes + BackLengthBytes(code_bytes));
}

}  // namespace kvick

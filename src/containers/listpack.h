// Listpack: a sequence of short strings and integers in one block of bytes, in exactly the form that RDB files hold.
//
//   Listpack pack;
//   pack.Append("name");
//   pack.Append("42");                                           // stored as an integer, read back as one
//   for (auto at = pack.First(); at != Listpack::kNone; at = pack.Next(at)) Use(pack.Get(at));
//
// Grammar (integers are little endian):
//
//   listpack = size:u32 count:u16 element* 0xFF        size: of all bytes; count: 65535 when it is not known
//   element  = code back-length
//   code     = 0vvvvvvv                                 0..127
//            | 110vvvvv vvvvvvvv                        13 bits, signed
//            | 0xF1 i16 | 0xF2 i24 | 0xF3 i32 | 0xF4 i64
//            | 10nnnnnn byte{n}                         a string of up to 63 bytes
//            | 1110nnnn nnnnnnnn byte{n}                up to 4095
//            | 0xF0 n:u32 byte{n}
//   back-length = the size of `code` in groups of seven bits, the most significant first; all groups but the first
//                 have their top bit set, so that it can be read from behind
//
// A string that is the canonical text of a 64-bit integer is always stored as one.
//
// Cost: everything that changes moves the bytes behind the place; finding by index walks. Meant for blocks of a few
// KiB. The block has no spare room of its own: it grows into what the allocator's size class leaves.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "base/numbers.h"

namespace kvick {

// An element: an integer, or bytes that are none. As a result of reading, `bytes` lie in the listpack and are valid
// until it changes.
struct ListpackValue {
  bool is_integer = false;
  int64_t integer = 0;
  std::string_view bytes;  // unset when is_integer

  // The integer if the text is the canonical form of one.
  static ListpackValue FromText(std::string_view text);
  static ListpackValue FromInteger(int64_t integer) { return {true, integer, {}}; }

  // The bytes in every case; an integer is printed into `buffer` (kInt64TextMax bytes).
  std::string_view Text(char* buffer) const {
    return is_integer ? std::string_view(buffer, FormatInt64(integer, buffer)) : bytes;
  }
  size_t text_size() const;

  // Correct for values made by FromText or read from a listpack: both store integers as integers.
  friend bool operator==(const ListpackValue& a, const ListpackValue& b) {
    return a.is_integer == b.is_integer && (a.is_integer ? a.integer == b.integer : a.bytes == b.bytes);
  }
};

// The reading half: of a Listpack, or of bytes that lie elsewhere and have been validated. Copying it copies the view.
class ListpackView {
  friend class Listpack;

 public:
  // The offset of an element's first byte: valid until something before it, or the element itself, changes size.
  using Position = uint32_t;
  static constexpr Position kNone = 0;

  static constexpr size_t kHeaderBytes = 6;
  static constexpr size_t kEmptyBytes = kHeaderBytes + 1;
  // Callers keep their listpacks far below this.
  static constexpr size_t kSizeBytesMax = size_t{1} << 30;

  // `bytes` must have passed IsValid with kDeep, or be trusted.
  explicit ListpackView(std::string_view bytes)
      : data_(const_cast<uint8_t*>(reinterpret_cast<const uint8_t*>(bytes.data()))) {}

  // Whether `bytes` are one whole listpack. kHeader looks at both ends; kDeep at every element, after which no
  // reading can leave the bytes.
  enum class Check { kHeader, kDeep };
  static bool IsValid(std::string_view bytes, Check check);
  // What an element with this value occupies, back length included.
  static size_t ElementBytes(const ListpackValue& value) {
    return IsShortString(value) ? value.bytes.size() + 2 : LongElementBytes(value);
  }

  size_t size_bytes() const {
    uint32_t size;
    std::memcpy(&size, data_, sizeof(size));
    return size;
  }
  std::string_view bytes() const { return {reinterpret_cast<const char*>(data_), size_bytes()}; }
  // O(1) below 65535 elements.
  size_t count() const {
    const uint16_t stored = stored_count();
    return stored != kCountUnknown ? stored : CountByWalking();
  }
  bool empty() const { return data_[kHeaderBytes] == kEnd; }

  // For Take: where the first element is, or the end mark.
  Position Begin() const { return kHeaderBytes; }
  Position First() const { return empty() ? kNone : static_cast<Position>(kHeaderBytes); }
  Position Last() const { return empty() ? kNone : Before(static_cast<Position>(size_bytes() - 1)); }
  Position Next(Position at) const {
    const Position next = After(at);
    return data_[next] == kEnd ? kNone : next;
  }
  Position Previous(Position at) const { return at == kHeaderBytes ? kNone : Before(at); }
  // The element with this index, from the end when negative (-1: the last one). Walks from the nearer end.
  Position Seek(int64_t index) const;

  ListpackValue Get(Position at) const {
    const uint8_t first = data_[at];
    if (first < 0x80) return ListpackValue::FromInteger(first);
    if (first < 0xc0) return {false, 0, {reinterpret_cast<const char*>(data_ + at + 1), first & size_t{0x3f}}};
    return GetLong(at);
  }
  // What the element at `at` occupies, back length included.
  size_t ElementBytesAt(Position at) const { return After(at) - at; }

  // For walks that know how many elements there are: the element at `*at`, which moves behind it, to the next one or
  // to the end mark. Short strings and small integers, of which most listpacks consist, are read in place.
  ListpackValue Take(Position* at) const {
    const uint8_t* element = data_ + *at;
    const uint8_t first = element[0];
    if (first < 0x80) {
      *at += 2;
      return ListpackValue::FromInteger(first);
    }
    if (first < 0xc0) {
      const size_t size = first & 0x3fu;
      *at += static_cast<Position>(size + 2);
      return {false, 0, {reinterpret_cast<const char*>(element + 1), size}};
    }
    const ListpackValue value = GetLong(*at);
    *at = After(*at);
    return value;
  }
  // The place `count` elements behind `at`, which may be that of the end mark.
  Position Skip(Position at, size_t count) const {
    for (; count > 0; --count) at = After(at);
    return at;
  }
  bool IsEnd(Position at) const { return data_[at] == kEnd; }
  // The first element equal to `value` at or behind `from`, looking at every (skip + 1)th: 1 compares only the
  // fields of a listpack of fields and values.
  Position Find(std::string_view value, Position from, size_t skip = 0) const;
  Position Find(const ListpackValue& value, Position from, size_t skip = 0) const;

 protected:
  static constexpr uint8_t kEnd = 0xff;
  static constexpr uint16_t kCountUnknown = 0xffff;

  ListpackView() = default;
  explicit ListpackView(const uint8_t* data) : data_(const_cast<uint8_t*>(data)) {}
  uint16_t stored_count() const {
    uint16_t count;
    std::memcpy(&count, data_ + 4, sizeof(count));
    return count;
  }
  // The offset behind the element, which may be that of the end mark.
  Position After(Position at) const {
    const uint8_t first = data_[at];
    if (first < 0x80) return at + 2;
    if (first < 0xc0) return at + (first & 0x3fu) + 2;
    return AfterLong(at);
  }
  // The offset of the element in front of `at`, which there must be.
  Position Before(Position at) const {
    const uint8_t code_bytes = data_[at - 1];
    return code_bytes < 0x80 ? at - code_bytes - 1 : BeforeLong(at);
  }
  ListpackValue GetLong(Position at) const;
  Position AfterLong(Position at) const;
  Position BeforeLong(Position at) const;
  size_t CountByWalking() const;
  // With one byte in front and one behind, as most elements are.
  static bool IsShortString(const ListpackValue& value) { return !value.is_integer && value.bytes.size() <= 63; }
  static size_t LongElementBytes(const ListpackValue& value);

  uint8_t* data_ = nullptr;
};

// Owns its bytes. Moved-from it is good for nothing but assignment and destruction.
class Listpack : public ListpackView {
 public:
  // `capacity_bytes`: room for this much, to spare moves while filling.
  explicit Listpack(size_t capacity_bytes = kEmptyBytes);
  // Null when the bytes are not a valid listpack (kDeep).
  static std::optional<Listpack> FromBytes(std::string_view bytes);
  // Bytes that are known to be valid.
  static Listpack CopyOf(const ListpackView& other);

  Listpack(Listpack&& other) noexcept { std::swap(data_, other.data_); }
  Listpack& operator=(Listpack&& other) noexcept {
    std::swap(data_, other.data_);
    return *this;
  }
  Listpack(const Listpack&) = delete;
  Listpack& operator=(const Listpack&) = delete;
  ~Listpack();

  // All of these return where the new element lies. `value` must not lie in this listpack.
  Position Append(const ListpackValue& value);
  Position Prepend(const ListpackValue& value);
  Position InsertBefore(Position at, const ListpackValue& value);
  Position InsertAfter(Position at, const ListpackValue& value);
  Position Replace(Position at, const ListpackValue& value);
  Position Append(std::string_view text) { return Append(ListpackValue::FromText(text)); }
  Position Prepend(std::string_view text) { return Prepend(ListpackValue::FromText(text)); }
  Position InsertBefore(Position at, std::string_view text) { return InsertBefore(at, ListpackValue::FromText(text)); }
  Position InsertAfter(Position at, std::string_view text) { return InsertAfter(at, ListpackValue::FromText(text)); }
  Position Replace(Position at, std::string_view text) { return Replace(at, ListpackValue::FromText(text)); }

  // Returns the element that follows, or kNone at the end.
  Position Erase(Position at) { return EraseRange(at, 1); }
  // Up to `count` elements from `at` on; returns the element that follows, or kNone at the end.
  Position EraseRange(Position at, size_t count);
  // Up to `count_max` elements equal to `value`, the first or the last ones. Returns how many.
  size_t RemoveEqual(const ListpackValue& value, size_t count_max, bool from_end);
  void Clear();

  // Appends all elements of the other.
  void AppendAll(const ListpackView& other);
  // Appends many at once; returns where the first one lies. They must not lie in this listpack.
  Position AppendAll(std::span<const ListpackValue> values);
  // Makes room for this much, all elements included, to spare moves while growing.
  void Reserve(size_t capacity_bytes);
  // Cuts the elements from `at` on off and returns them.
  Listpack SplitAt(Position at);

  // For who has made room in front of the listpack or behind it (GappedListpack): nothing else is moved, allocated or
  // given back. There must be ElementBytes(value) of room; EraseFirst is told how many bytes the elements are.
  void PrependInFront(const ListpackValue& value);
  void AppendBehind(const ListpackValue& value);
  void EraseFirst(size_t count, size_t erased_bytes);
  void EraseLast(size_t count);
  // What the allocator's block for so many bytes really has, in its classes: steps of 16 bytes, above 128 four classes
  // for each doubling. Knowing them spares asking the allocator at every change.
  static size_t RoomFor(size_t size_bytes) {
    const size_t step = size_bytes <= 128 ? 16 : std::bit_floor(size_bytes - 1) / 4;
    return (size_bytes + step - 1) & ~(step - 1);
  }

  // Writes elements into room that was made for them at `at` of a listpack's bytes, where there were `erased_bytes`
  // (PackedEditor); it has `count_change` elements more then.
  static void FillRoom(char* bytes, Position at, size_t erased_bytes, int count_change,
                       std::span<const ListpackValue> values);

  // Gives back what the allocator could use elsewhere.
  void ShrinkToFit();
  // What the block occupies.
  size_t allocated_bytes() const;

  // For structures that keep the block as a plain pointer: Release gives it up, Adopt takes it over again.
  static Listpack Adopt(void* block) {
    Listpack pack{Unallocated{}};
    pack.data_ = static_cast<uint8_t*>(block);
    return pack;
  }
  void* Release() { return std::exchange(data_, nullptr); }
  // Uses bytes that lie elsewhere, for reading: must be released, not destroyed.
  static Listpack Borrow(std::string_view bytes) { return Adopt(const_cast<char*>(bytes.data())); }
  // Reads a block that was released.
  static ListpackView ViewOf(const void* block) { return ListpackView(static_cast<const uint8_t*>(block)); }

 private:
  struct Unallocated {};
  explicit Listpack(Unallocated) {}

  // Makes `new_bytes` of room at `at` where `old_bytes` are now, and counts `count_change` elements more.
  void Resize(Position at, size_t old_bytes, size_t new_bytes, int count_change);
  void SetEmpty();
  void SetSize(size_t size_bytes);
  void SetCount(size_t count);
  // Unless the count is not known.
  void AddToCount(int change) {
    if (stored_count() != kCountUnknown) SetCount(static_cast<size_t>(stored_count() + change));
  }
  Position Write(Position at, size_t old_bytes, const ListpackValue& value, int count_change);
  Position WriteElement(Position at, const ListpackValue& value);
};

// A listpack that is kept as a plain pointer, borrowed to be changed: the pointer is put back at the end of the scope.
class BorrowedListpack {
 public:
  explicit BorrowedListpack(void** block) : block_(block), pack_(Listpack::Adopt(*block)) {}
  ~BorrowedListpack() { *block_ = pack_.Release(); }
  BorrowedListpack(const BorrowedListpack&) = delete;
  BorrowedListpack& operator=(const BorrowedListpack&) = delete;

  Listpack* operator->() { return &pack_; }
  Listpack& operator*() { return pack_; }

 private:
  void** block_;
  Listpack pack_;
};

}  // namespace kvick

// Intset: a sorted set of 64-bit integers in one block of bytes, in exactly the form that RDB files hold.
//
//   intset = width:u32 count:u32 integer{count}    little endian; width 2, 4 or 8: bytes of each integer
//
// The integers are strictly ascending. The width is that of the widest integer ever added: it never shrinks.
//
// Cost: finding is O(log n), adding and removing move the integers behind the place. Meant for some hundreds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

namespace kvick {

class Intset {
 public:
  static constexpr size_t kHeaderBytes = 8;
  // More make no sense in one block, whatever the configuration says.
  static constexpr size_t kCountMax = size_t{1} << 30;

  Intset();
  // Null when the bytes are not one whole intset.
  static std::optional<Intset> FromBytes(std::string_view bytes);
  static bool IsValid(std::string_view bytes);
  // Bytes that are known to be valid.
  static Intset CopyOf(std::string_view bytes) { return Intset(bytes); }
  // Uses bytes that lie elsewhere, for reading: must never be destroyed.
  static Intset Borrow(std::string_view bytes) { return Intset(Unowned{const_cast<char*>(bytes.data())}); }

  Intset(Intset&& other) noexcept : data_(std::exchange(other.data_, nullptr)) {}
  Intset& operator=(Intset&& other) noexcept {
    std::swap(data_, other.data_);
    return *this;
  }
  Intset(const Intset& other) : Intset(other.bytes()) {}
  Intset& operator=(const Intset&) = delete;
  ~Intset() { std::free(data_); }

  size_t count() const { return ReadHeader(4); }
  // index < count()
  int64_t At(size_t index) const { return Read(index, width()); }
  bool Contains(int64_t value) const;
  // False when it was there, or was not.
  bool Add(int64_t value);
  bool Remove(int64_t value);
  void RemoveAt(size_t index);
  // The index of the first integer that is not smaller than `value`; count() when all are.
  size_t LowerBound(int64_t value) const;

  // For bytes that lie elsewhere and are given room (PackedEditor): where the integer belongs, and how many bytes it
  // takes there. None: the others would have to become wider first.
  struct Insertion {
    size_t at;
    size_t size_bytes;
    bool is_present;
  };
  static std::optional<Insertion> FindInsertion(std::string_view bytes, int64_t value);
  // The room is there.
  static void FillRoom(char* bytes, const Insertion& insertion, int64_t value);

  std::string_view bytes() const { return {data_, kHeaderBytes + count() * width()}; }

 private:
  struct Unowned {
    char* data;
  };
  explicit Intset(std::string_view bytes);
  explicit Intset(Unowned unowned) : data_(unowned.data) {}

  uint32_t ReadHeader(size_t offset) const {
    uint32_t value;
    std::memcpy(&value, data_ + offset, sizeof(value));
    return value;
  }
  size_t width() const { return ReadHeader(0); }
  static size_t WidthFor(int64_t value);
  int64_t Read(size_t index, size_t width) const;
  void Write(size_t index, size_t width, int64_t value);
  void SetHeader(size_t width, size_t count);
  void Reallocate(size_t size_bytes);
  void Widen(size_t width);

  char* data_;
};

}  // namespace kvick

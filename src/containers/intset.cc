#include "containers/intset.h"

#include <bit>
#include <limits>

#include "base/assert.h"

namespace kvick {
namespace {

static_assert(std::endian::native == std::endian::little, "integers lie in the block as the processor reads them");

template <typename Integer>
int64_t ReadAs(const char* at) {
  Integer value;
  std::memcpy(&value, at, sizeof(value));
  return value;
}

template <typename Integer>
void WriteAs(char* at, int64_t value) {
  const auto narrow = static_cast<Integer>(value);
  std::memcpy(at, &narrow, sizeof(narrow));
}

template <typename Integer>
bool Fits(int64_t value) {
  return value >= std::numeric_limits<Integer>::min() && value <= std::numeric_limits<Integer>::max();
}

}  // namespace

Intset::Intset() : data_(nullptr) {
  Reallocate(kHeaderBytes);
  SetHeader(sizeof(int16_t), 0);
}

Intset::Intset(std::string_view bytes) : data_(nullptr) {
  Reallocate(bytes.size());
  std::memcpy(data_, bytes.data(), bytes.size());
}

bool Intset::IsValid(std::string_view bytes) {
  if (bytes.size() < kHeaderBytes) return false;
  uint32_t width;
  uint32_t count;
  std::memcpy(&width, bytes.data(), sizeof(width));
  std::memcpy(&count, bytes.data() + 4, sizeof(count));
  if (width != 2 && width != 4 && width != 8) return false;
  if (bytes.size() != kHeaderBytes + uint64_t{count} * width || count > kCountMax) return false;
  const auto at = [&](size_t index) {
    const char* place = bytes.data() + kHeaderBytes + index * width;
    return width == 2 ? ReadAs<int16_t>(place) : width == 4 ? ReadAs<int32_t>(place) : ReadAs<int64_t>(place);
  };
  for (size_t i = 1; i < count; ++i) {
    if (at(i - 1) >= at(i)) return false;
  }
  return true;
}

std::optional<Intset> Intset::FromBytes(std::string_view bytes) {
  if (!IsValid(bytes)) return std::nullopt;
  return Intset(bytes);
}

size_t Intset::WidthFor(int64_t value) { return Fits<int16_t>(value) ? 2 : Fits<int32_t>(value) ? 4 : 8; }

int64_t Intset::Read(size_t index, size_t width) const {
  const char* at = data_ + kHeaderBytes + index * width;
  return width == 2 ? ReadAs<int16_t>(at) : width == 4 ? ReadAs<int32_t>(at) : ReadAs<int64_t>(at);
}

void Intset::Write(size_t index, size_t width, int64_t value) {
  char* at = data_ + kHeaderBytes + index * width;
  if (width == 2) {
    WriteAs<int16_t>(at, value);
  } else if (width == 4) {
    WriteAs<int32_t>(at, value);
  } else {
    WriteAs<int64_t>(at, value);
  }
}

void Intset::SetHeader(size_t width, size_t count) {
  const auto width32 = static_cast<uint32_t>(width);
  const auto count32 = static_cast<uint32_t>(count);
  std::memcpy(data_, &width32, sizeof(width32));
  std::memcpy(data_ + 4, &count32, sizeof(count32));
}

void Intset::Reallocate(size_t size_bytes) {
  data_ = static_cast<char*>(std::realloc(data_, size_bytes));
  KVICK_ASSERT(data_ != nullptr);
}

size_t Intset::LowerBound(int64_t value) const {
  const size_t element_width = width();
  size_t first = 0;
  size_t length = count();
  // Members often come in ascending order.
  if (length > 0 && Read(length - 1, element_width) < value) return length;
  while (length > 0) {
    const size_t half = length / 2;
    if (Read(first + half, element_width) < value) {
      first += half + 1;
      length -= half + 1;
    } else {
      length = half;
    }
  }
  return first;
}

std::optional<Intset::Insertion> Intset::FindInsertion(std::string_view bytes, int64_t value) {
  Intset lying(Unowned{const_cast<char*>(bytes.data())});
  std::optional<Insertion> found;
  const size_t element_width = lying.width();
  if (WidthFor(value) <= element_width) {
    const size_t index = lying.LowerBound(value);
    const bool is_present = index < lying.count() && lying.Read(index, element_width) == value;
    found = {kHeaderBytes + index * element_width, element_width, is_present};
  }
  lying.data_ = nullptr;
  return found;
}

void Intset::FillRoom(char* bytes, const Insertion& insertion, int64_t value) {
  Intset lying(Unowned{bytes});
  lying.Write((insertion.at - kHeaderBytes) / insertion.size_bytes, insertion.size_bytes, value);
  lying.SetHeader(insertion.size_bytes, lying.count() + 1);
  lying.data_ = nullptr;
}

bool Intset::Contains(int64_t value) const {
  if (WidthFor(value) > width()) return false;
  const size_t index = LowerBound(value);
  return index < count() && At(index) == value;
}

// From the last to the first, so that none is overwritten before it was read.
void Intset::Widen(size_t new_width) {
  const size_t old_width = width();
  const size_t old_count = count();
  Reallocate(kHeaderBytes + old_count * new_width);
  for (size_t i = old_count; i-- > 0;) Write(i, new_width, Read(i, old_width));
  SetHeader(new_width, old_count);
}

bool Intset::Add(int64_t value) {
  if (WidthFor(value) > width()) Widen(WidthFor(value));
  const size_t element_width = width();
  const size_t old_count = count();
  const size_t index = LowerBound(value);
  if (index < old_count && Read(index, element_width) == value) return false;
  KVICK_ASSERT(old_count < kCountMax);
  Reallocate(kHeaderBytes + (old_count + 1) * element_width);
  char* at = data_ + kHeaderBytes + index * element_width;
  std::memmove(at + element_width, at, (old_count - index) * element_width);
  Write(index, element_width, value);
  SetHeader(element_width, old_count + 1);
  return true;
}

bool Intset::Remove(int64_t value) {
  if (!Contains(value)) return false;
  RemoveAt(LowerBound(value));
  return true;
}

void Intset::RemoveAt(size_t index) {
  const size_t element_width = width();
  const size_t new_count = count() - 1;
  char* at = data_ + kHeaderBytes + index * element_width;
  std::memmove(at, at + element_width, (new_count - index) * element_width);
  SetHeader(element_width, new_count);
  Reallocate(kHeaderBytes + new_count * element_width);
}

}  // namespace kvick

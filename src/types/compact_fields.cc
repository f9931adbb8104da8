#include "types/compact_fields.h"

#include <malloc.h>

#include <cstdlib>
#include <cstring>
#include <limits>

#include "base/assert.h"
#include "containers/listpack.h"

namespace kvick {
namespace {

constexpr uint8_t kShortTextMark = 0x80;
constexpr uint8_t kPackedTextMark = 0xa0;
constexpr uint8_t kInteger13Mark = 0xc0;
constexpr uint8_t kMediumTextMark = 0xe0;
constexpr uint8_t kLongTextMark = 0xf0;
constexpr uint8_t kInteger16Mark = 0xf1;
constexpr uint8_t kInteger32Mark = 0xf3;
constexpr uint8_t kInteger64Mark = 0xf4;

constexpr uint8_t kShortTextMask = 0x1f;
static_assert(kShortTextMax == kShortTextMask);
constexpr size_t kMediumTextMax = 4095;
constexpr int64_t kInteger13Max = 4095;
constexpr int64_t kInteger13Min = -4096;

char* AllocateOrDie(void* block, size_t size) {
  auto* made = static_cast<char*>(std::realloc(block, size));
  KVICK_ASSERT(made != nullptr);
  return made;
}

template <typename Number>
void AppendNumber(uint8_t mark, Number number, std::string* out) {
  out->push_back(static_cast<char>(mark));
  out->append(reinterpret_cast<const char*>(&number), sizeof(number));
}

template <typename Number>
Number TakeNumber(const char** at) {
  Number number;
  std::memcpy(&number, *at, sizeof(number));
  *at += sizeof(number);
  return number;
}

template <typename Number>
bool Fits(int64_t value) {
  return value >= std::numeric_limits<Number>::min() && value <= std::numeric_limits<Number>::max();
}

void AppendInteger(int64_t value, std::string* out) {
  if (value >= 0 && value < kShortTextMark) {
    out->push_back(static_cast<char>(value));
  } else if (value >= kInteger13Min && value <= kInteger13Max) {
    const auto bits = static_cast<unsigned>(value) & 0x1fffu;
    out->push_back(static_cast<char>(kInteger13Mark | bits >> 8));
    out->push_back(static_cast<char>(bits & 0xff));
  } else if (Fits<int16_t>(value)) {
    AppendNumber(kInteger16Mark, static_cast<int16_t>(value), out);
  } else if (Fits<int32_t>(value)) {
    AppendNumber(kInteger32Mark, static_cast<int32_t>(value), out);
  } else {
    AppendNumber(kInteger64Mark, value, out);
  }
}

void AppendValue(std::string_view text, std::string* out) {
  const ListpackValue value = ListpackValue::FromText(text);
  if (value.is_integer) return AppendInteger(value.integer, out);
  if (text.size() <= kShortTextMax) {
    char packed[ShortTextBytes(kShortTextMax)];
    if (ShortTextBytes(text.size()) < text.size() && TryPackShortText(text, packed)) {
      out->push_back(static_cast<char>(kPackedTextMark | text.size()));
      out->append(packed, ShortTextBytes(text.size()));
      return;
    }
    out->push_back(static_cast<char>(kShortTextMark | text.size()));
  } else if (text.size() <= kMediumTextMax) {
    out->push_back(static_cast<char>(kMediumTextMark | text.size() >> 8));
    out->push_back(static_cast<char>(text.size() & 0xff));
  } else {
    AppendNumber(kLongTextMark, static_cast<uint32_t>(text.size()), out);
  }
  out->append(text);
}

void AppendId(uint32_t id, std::string* out) {
  for (; id >= 0x80; id >>= 7) out->push_back(static_cast<char>(id | 0x80));
  out->push_back(static_cast<char>(id));
}

std::string_view TakeText(const char** at, size_t size) {
  const std::string_view bytes(*at, size);
  *at += size;
  return bytes;
}

std::string_view Print(int64_t integer, char* buffer) { return {buffer, FormatInt64(integer, buffer)}; }

// What lies behind the head of a value, which `*at` is moved to.
size_t TakeSize(const char** at) {
  const auto first = static_cast<uint8_t>(*(*at)++);
  if (first < kShortTextMark) return 0;
  if (first < kPackedTextMark) return first & kShortTextMask;
  if (first < kInteger13Mark) return ShortTextBytes(first & kShortTextMask);
  if (first < kMediumTextMark) return 1;
  if (first < kLongTextMark) return static_cast<size_t>(first & 0x0f) << 8 | static_cast<uint8_t>(*(*at)++);
  switch (first) {
    case kLongTextMark: return TakeNumber<uint32_t>(at);
    case kInteger16Mark: return sizeof(int16_t);
    case kInteger32Mark: return sizeof(int32_t);
    default: return sizeof(int64_t);
  }
}

void SkipValue(const char** at) {
  const size_t size = TakeSize(at);
  *at += size;
}

}  // namespace

std::string_view TakeCompactValue(const char** at, char* buffer) {
  const auto first = static_cast<uint8_t>(**at);
  if (first >= kShortTextMark && first < kInteger13Mark) {
    ++*at;
    const size_t count = first & kShortTextMask;
    if (first < kPackedTextMark) return TakeText(at, count);
    return UnpackShortText(TakeText(at, ShortTextBytes(count)).data(), count, buffer);
  }
  const size_t size = TakeSize(at);
  const char* bytes = *at;
  *at += size;
  if (first < kShortTextMark) return Print(first, buffer);
  if (first < kMediumTextMark) {
    const int64_t bits = static_cast<int64_t>(first & 0x1f) << 8 | static_cast<uint8_t>(*bytes);
    return Print(bits > kInteger13Max ? bits - 0x2000 : bits, buffer);
  }
  switch (first) {
    case kInteger16Mark: return Print(TakeNumber<int16_t>(&bytes), buffer);
    case kInteger32Mark: return Print(TakeNumber<int32_t>(&bytes), buffer);
    case kInteger64Mark: return Print(TakeNumber<int64_t>(&bytes), buffer);
    default: return {bytes, size};
  }
}

CompactFields::CompactFields(HashTemplateRef names, std::span<const std::string_view> values) {
  KVICK_DEBUG_ASSERT(names->count() == values.size());
  std::string made;
  AppendId(names.Release(), &made);
  for (const std::string_view value : values) AppendValue(value, &made);
  block_ = AllocateOrDie(nullptr, made.size());
  std::memcpy(block_, made.data(), made.size());
}

CompactFields CompactFields::CopyOf(std::string_view block) {
  HashTemplates::Hold(TemplateOf(block.data()), TemplateHolder::kHash);
  char* made = AllocateOrDie(nullptr, block.size());
  std::memcpy(made, block.data(), block.size());
  return CompactFields(made);
}

CompactFields::~CompactFields() {
  if (block_ == nullptr) return;
  HashTemplates::Drop(names(), TemplateHolder::kHash);
  std::free(block_);
}

const char* CompactFields::Place(size_t index) const {
  const char* at = values();
  for (; index > 0; --index) SkipValue(&at);
  return at;
}

std::string_view CompactFields::Get(size_t index, char* buffer) const {
  const char* at = Place(index);
  return TakeCompactValue(&at, buffer);
}

std::string_view CompactFields::bytes() const { return {block_, static_cast<size_t>(Place(names().count()) - block_)}; }

size_t CompactFields::memory_bytes() const { return malloc_usable_size(block_) + names().share_bytes(); }

void CompactFields::Splice(const char* begin, const char* end, std::string_view made) {
  const std::string_view before = bytes();
  const auto at = static_cast<size_t>(begin - block_);
  const auto behind = static_cast<size_t>(end - block_);
  const size_t tail_bytes = before.size() - behind;
  const size_t size = at + made.size() + tail_bytes;
  if (size > before.size()) block_ = AllocateOrDie(block_, size);
  std::memmove(block_ + at + made.size(), block_ + behind, tail_bytes);
  if (!made.empty()) std::memcpy(block_ + at, made.data(), made.size());
}

void CompactFields::ChangeTemplate(HashTemplateRef names, const char* begin, const char* end, std::string_view made) {
  const std::string_view before = bytes();
  std::string block;
  AppendId(names.Release(), &block);
  block.append(values(), begin).append(made).append(end, before.data() + before.size());
  HashTemplates::Drop(this->names(), TemplateHolder::kHash);
  block_ = AllocateOrDie(block_, block.size());
  std::memcpy(block_, block.data(), block.size());
}

void CompactFields::Replace(size_t index, std::string_view value) {
  std::string made;
  AppendValue(value, &made);
  const char* begin = Place(index);
  const char* end = begin;
  SkipValue(&end);
  Splice(begin, end, made);
}

void CompactFields::Insert(HashTemplateRef names, size_t index, std::string_view value) {
  std::string made;
  AppendValue(value, &made);
  const char* at = Place(index);
  ChangeTemplate(std::move(names), at, at, made);
}

void CompactFields::Erase(HashTemplateRef names, size_t index) {
  const char* begin = Place(index);
  const char* end = begin;
  SkipValue(&end);
  ChangeTemplate(std::move(names), begin, end, {});
}

size_t CompactArray::memory_bytes() const {
  size_t total = sizeof(CompactArray) + values.capacity() * sizeof(std::string) + names->share_bytes();
  for (const std::string& value : values) {
    if (value.capacity() > std::string().capacity()) total += value.capacity();
  }
  return total;
}

}  // namespace kvick

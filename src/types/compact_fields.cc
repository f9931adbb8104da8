#include "types/compact_fields.h"

#include <malloc.h>

#include <cstdlib>
#include <limits>

#include "base/assert.h"

namespace kvick {
namespace {

constexpr size_t kHeadBytes = sizeof(uint32_t);

constexpr uint8_t kShortTextMark = 0x80;
constexpr uint8_t kInteger13Mark = 0xc0;
constexpr uint8_t kMediumTextMark = 0xe0;
constexpr uint8_t kLongTextMark = 0xf0;
constexpr uint8_t kInteger16Mark = 0xf1;
constexpr uint8_t kInteger32Mark = 0xf3;
constexpr uint8_t kInteger64Mark = 0xf4;

constexpr size_t kShortTextMax = 63;
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
    out->push_back(static_cast<char>(kShortTextMark | text.size()));
  } else if (text.size() <= kMediumTextMax) {
    out->push_back(static_cast<char>(kMediumTextMark | text.size() >> 8));
    out->push_back(static_cast<char>(text.size() & 0xff));
  } else {
    AppendNumber(kLongTextMark, static_cast<uint32_t>(text.size()), out);
  }
  out->append(text);
}

ListpackValue TakeText(const char** at, size_t size) {
  const std::string_view bytes(*at, size);
  *at += size;
  return {false, 0, bytes};
}

}  // namespace

ListpackValue TakeCompactValue(const char** at) {
  const auto first = static_cast<uint8_t>(*(*at)++);
  if (first < kShortTextMark) return ListpackValue::FromInteger(first);
  if (first < kInteger13Mark) return TakeText(at, first & kShortTextMax);
  if (first < kLongTextMark) {
    const auto low = static_cast<uint8_t>(*(*at)++);
    if (first >= kMediumTextMark) return TakeText(at, static_cast<size_t>(first & 0x0f) << 8 | low);
    const int64_t bits = static_cast<int64_t>(first & 0x1f) << 8 | low;
    return ListpackValue::FromInteger(bits > kInteger13Max ? bits - 0x2000 : bits);
  }
  switch (first) {
    case kLongTextMark: return TakeText(at, TakeNumber<uint32_t>(at));
    case kInteger16Mark: return ListpackValue::FromInteger(TakeNumber<int16_t>(at));
    case kInteger32Mark: return ListpackValue::FromInteger(TakeNumber<int32_t>(at));
    default: return ListpackValue::FromInteger(TakeNumber<int64_t>(at));
  }
}

CompactFields::CompactFields(HashTemplateRef names, std::span<const std::string_view> values) {
  KVICK_DEBUG_ASSERT(names->count() == values.size());
  std::string made(kHeadBytes, '\0');
  for (const std::string_view value : values) AppendValue(value, &made);
  const uint32_t id = names.Release();
  std::memcpy(made.data(), &id, sizeof(id));
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
  for (; index > 0; --index) TakeCompactValue(&at);
  return at;
}

ListpackValue CompactFields::Get(size_t index) const {
  const char* at = Place(index);
  return TakeCompactValue(&at);
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

void CompactFields::ChangeTemplate(HashTemplateRef names) {
  HashTemplates::Drop(this->names(), TemplateHolder::kHash);
  const uint32_t id = names.Release();
  std::memcpy(block_, &id, sizeof(id));
}

void CompactFields::Replace(size_t index, std::string_view value) {
  std::string made;
  AppendValue(value, &made);
  const char* begin = Place(index);
  const char* end = begin;
  TakeCompactValue(&end);
  Splice(begin, end, made);
}

void CompactFields::Insert(HashTemplateRef names, size_t index, std::string_view value) {
  std::string made;
  AppendValue(value, &made);
  const char* at = Place(index);
  Splice(at, at, made);
  ChangeTemplate(std::move(names));
}

void CompactFields::Erase(HashTemplateRef names, size_t index) {
  const char* begin = Place(index);
  const char* end = begin;
  TakeCompactValue(&end);
  Splice(begin, end, {});
  ChangeTemplate(std::move(names));
}

size_t CompactArray::memory_bytes() const {
  size_t total = sizeof(CompactArray) + values.capacity() * sizeof(std::string) + names->share_bytes();
  for (const std::string& value : values) {
    if (value.capacity() > std::string().capacity()) total += value.capacity();
  }
  return total;
}

}  // namespace kvick

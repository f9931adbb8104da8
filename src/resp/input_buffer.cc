#include "resp/input_buffer.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "base/assert.h"

namespace kvick {

InputBuffer::~InputBuffer() { std::free(memory_); }

char* InputBuffer::Reserve(size_t size) {
  if (capacity_ - end_ >= size) return memory_ + end_;
  const size_t held = end_ - begin_;
  // Moving pays when what moves is small beside the room that it makes; else the buffer grows.
  if (capacity_ - held >= size && held <= begin_) {
    std::memmove(memory_, memory_ + begin_, held);
  } else {
    const size_t capacity = std::max(held + size, held + held / 2);
    auto* memory = static_cast<char*>(begin_ == 0 ? std::realloc(memory_, capacity) : std::malloc(capacity));
    KVICK_ASSERT(memory != nullptr);
    if (begin_ != 0) {
      std::memcpy(memory, memory_ + begin_, held);
      std::free(memory_);
    }
    memory_ = memory;
    capacity_ = capacity;
  }
  begin_ = 0;
  end_ = held;
  return memory_ + end_;
}

void InputBuffer::Append(std::string_view bytes) {
  if (bytes.empty()) return;
  std::memcpy(Reserve(bytes.size()), bytes.data(), bytes.size());
  Commit(bytes.size());
}

void InputBuffer::Consume(size_t size) {
  begin_ += size;
  if (begin_ == end_) Release();
}

void InputBuffer::Truncate(size_t size) {
  end_ = begin_ + size;
  if (empty()) Release();
}

void InputBuffer::Shrink() {
  if (empty()) return Release();
  if (capacity_ == size()) return;
  const size_t held = size();
  auto* memory = static_cast<char*>(std::malloc(held));
  KVICK_ASSERT(memory != nullptr);
  std::memcpy(memory, memory_ + begin_, held);
  std::free(memory_);
  memory_ = memory;
  capacity_ = held;
  begin_ = 0;
  end_ = held;
}

void InputBuffer::Release() {
  std::free(memory_);
  memory_ = nullptr;
  capacity_ = begin_ = end_ = 0;
}

}  // namespace kvick

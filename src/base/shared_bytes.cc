#include "base/shared_bytes.h"

#include <cstdlib>
#include <cstring>
#include <new>

#include "base/assert.h"

namespace kvick {

SharedBytes* SharedBytes::Make(size_t size, size_t capacity) {
  KVICK_DEBUG_ASSERT(capacity >= size);
  void* memory = std::malloc(sizeof(SharedBytes) + capacity);
  // As operator new does: the handler reports, and ends the process.
  if (const std::new_handler handler = std::get_new_handler(); memory == nullptr && handler != nullptr) handler();
  KVICK_ASSERT(memory != nullptr);
  return new (memory) SharedBytes(size, capacity);
}

SharedBytes* SharedBytes::Make(std::string_view bytes) {
  SharedBytes* made = Make(bytes.size(), bytes.size());
  std::memcpy(made->data(), bytes.data(), bytes.size());
  return made;
}

void SharedBytes::Free() {
  this->~SharedBytes();
  std::free(this);
}

}  // namespace kvick

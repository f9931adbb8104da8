#include "serving/mailbox.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <utility>

#include "base/assert.h"

namespace kvick {

Mailbox::Mailbox() : event_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) { KVICK_ASSERT(event_.get() >= 0); }

void Mailbox::Post(std::function<void()> message) {
  bool was_empty = false;
  {
    MutexLock lock(mutex_);
    was_empty = messages_.empty();
    messages_.push_back(std::move(message));
  }
  // Whoever found it empty wakes the consumer; it empties the box as a whole.
  if (was_empty) {
    const uint64_t one = 1;
    static_cast<void>(!write(event_.get(), &one, sizeof(one)));
  }
}

size_t Mailbox::RunAll() {
  uint64_t count = 0;
  static_cast<void>(!read(event_.get(), &count, sizeof(count)));
  std::vector<std::function<void()>> messages;
  {
    MutexLock lock(mutex_);
    messages.swap(messages_);
  }
  for (const auto& message : messages) message();
  return messages.size();
}

}  // namespace kvick

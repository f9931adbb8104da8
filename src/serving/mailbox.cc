#include "serving/mailbox.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <utility>

#include "base/assert.h"

namespace kvick {
namespace {

constexpr size_t kRoomKept = 4096;

}  // namespace

Mailbox::Mailbox() : event_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) { KVICK_ASSERT(event_.get() >= 0); }

size_t Mailbox::BytesOf(const Push& push) {
  const size_t message_bytes =
      push.message == nullptr ? 0 : sizeof(PushMessage) + 2 * push.message->resp2.get()->size();
  return sizeof(Message) + message_bytes + push.targets.size() * sizeof(PushTarget);
}

void Mailbox::Add(Message message) {
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

size_t Mailbox::RunAll(const std::function<void(Push& push)>& deliver) {
  uint64_t woken_count = 0;
  static_cast<void>(!read(event_.get(), &woken_count, sizeof(woken_count)));
  {
    MutexLock lock(mutex_);
    running_.swap(messages_);
  }
  for (Message& message : running_) {
    if (Push* push = std::get_if<Push>(&message)) {
      const size_t bytes = BytesOf(*push);
      deliver(*push);
      push->targets = {};
      push_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
    } else {
      std::get<std::function<void()>>(message)();
    }
  }
  const size_t count = running_.size();
  running_.clear();
  if (running_.capacity() > kRoomKept) running_ = {};
  return count;
}

}  // namespace kvick

// Mailbox: work that other threads want a worker to do. Many producers, one consumer, which is woken by an eventfd
// in its epoll set. Pushes to clients, of which there may be very many, come as they are and not as work.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <utility>
#include <variant>
#include <vector>

#include "base/sync.h"
#include "engine/push.h"
#include "net/socket.h"

namespace kvick {

class Mailbox {
 public:
  Mailbox();
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  struct Push {
    std::shared_ptr<const PushMessage> message;
    std::vector<PushTarget> targets;
  };

  // Any thread.
  void Post(std::function<void()> message) KVICK_EXCLUDES(mutex_) { Add(std::move(message)); }
  void Post(Push push) KVICK_EXCLUDES(mutex_) {
    push_bytes_.fetch_add(BytesOf(push), std::memory_order_relaxed);
    Add(std::move(push));
  }
  // The consumer: runs everything that was posted, in order; pushes go to `deliver`. Returns how many there were.
  size_t RunAll(const std::function<void(Push& push)>& deliver) KVICK_EXCLUDES(mutex_);
  // Readable when there is something.
  int fd() const { return event_.get(); }

  // More pushes wait than the consumer gets done soon: whoever makes them should make no more for a while. Any thread.
  bool is_crowded() const { return push_bytes_.load(std::memory_order_relaxed) > kCrowdedBytes; }

 private:
  using Message = std::variant<std::function<void()>, Push>;

  // So many bytes of pushes, with the lists of who gets them.
  static constexpr size_t kCrowdedBytes = size_t{16} << 20;

  static size_t BytesOf(const Push& push);
  void Add(Message message) KVICK_EXCLUDES(mutex_);

  FileDescriptor event_;
  Mutex mutex_;
  std::vector<Message> messages_ KVICK_GUARDED_BY(mutex_);
  std::atomic<size_t> push_bytes_{0};  // of what was posted and not run
  std::vector<Message> running_;       // the consumer's: empty between two calls, with room for the next
};

}  // namespace kvick

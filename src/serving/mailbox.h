// Mailbox: work that other threads want a worker to do. Many producers, one consumer, which is woken by an eventfd
// in its epoll set. Pushes to clients, of which there may be very many, come as they are and not as work.
#pragma once

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
  void Post(Push push) KVICK_EXCLUDES(mutex_) { Add(std::move(push)); }
  // The consumer: runs everything that was posted, in order; pushes go to `deliver`. Returns how many there were.
  size_t RunAll(const std::function<void(Push& push)>& deliver) KVICK_EXCLUDES(mutex_);
  // Readable when there is something.
  int fd() const { return event_.get(); }

 private:
  using Message = std::variant<std::function<void()>, Push>;

  void Add(Message message) KVICK_EXCLUDES(mutex_);

  FileDescriptor event_;
  Mutex mutex_;
  std::vector<Message> messages_ KVICK_GUARDED_BY(mutex_);
  std::vector<Message> running_;  // the consumer's: empty between two calls, with room for the next
};

}  // namespace kvick

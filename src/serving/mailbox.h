// Mailbox: work that other threads want a worker to do. Many producers, one consumer, which is woken by an eventfd
// in its epoll set.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "base/sync.h"
#include "net/socket.h"

namespace kvick {

class Mailbox {
 public:
  Mailbox();
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  // Any thread.
  void Post(std::function<void()> message) KVICK_EXCLUDES(mutex_);
  // The consumer: runs everything that was posted, in order. Returns how many there were.
  size_t RunAll() KVICK_EXCLUDES(mutex_);
  // Readable when there is something.
  int fd() const { return event_.get(); }

 private:
  FileDescriptor event_;
  Mutex mutex_;
  std::vector<std::function<void()>> messages_ KVICK_GUARDED_BY(mutex_);
};

}  // namespace kvick

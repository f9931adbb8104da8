// KeyWaiters: who waits for a key of a stripe to hold something (BLPOP and the like), first come first served.
// Guarded by the lock of its stripe.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace kvick {

// What waits; the engine knows what it is (engine/blocking.h).
class KeyWaiter {
 public:
  virtual ~KeyWaiter() = default;
};

class KeyWaiters {
 public:
  using Queue = std::deque<std::shared_ptr<KeyWaiter>>;

  void Add(std::string_view key, std::shared_ptr<KeyWaiter> waiter);
  // Nothing happens when it is not there.
  void Remove(std::string_view key, const KeyWaiter* waiter);
  // Null when nobody waits for the key.
  [[nodiscard]] const Queue* Find(std::string_view key) const;
  [[nodiscard]] const std::map<std::string, Queue, std::less<>>& queues() const { return queues_; }

 private:
  std::map<std::string, Queue, std::less<>> queues_;
};

}  // namespace kvick

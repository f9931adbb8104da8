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
  // `minds_end`: it also wants to be told when the key goes or becomes something else.
  explicit KeyWaiter(bool minds_end) : minds_end_(minds_end) {}
  virtual ~KeyWaiter() = default;
  bool minds_end() const { return minds_end_; }

 private:
  const bool minds_end_;
};

class KeyWaiters {
 public:
  using Queue = std::deque<std::shared_ptr<KeyWaiter>>;

  void Add(std::string_view key, std::shared_ptr<KeyWaiter> waiter);
  // Nothing happens when it is not there.
  void Remove(std::string_view key, const KeyWaiter* waiter);
  // Null when nobody waits for the key.
  [[nodiscard]] const Queue* Find(std::string_view key) const;
  // Whether anybody in the key's queue minds its end. O(1) while nobody in the stripe does.
  [[nodiscard]] bool AnyMindsEnd(std::string_view key) const {
    return !end_minders_.empty() && end_minders_.find(key) != end_minders_.end();
  }
  [[nodiscard]] const std::map<std::string, Queue, std::less<>>& queues() const { return queues_; }

 private:
  std::map<std::string, Queue, std::less<>> queues_;
  std::map<std::string, size_t, std::less<>> end_minders_;  // how many of a queue mind the end, where any does
};

}  // namespace kvick

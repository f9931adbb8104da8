#include "keyspace/key_waiters.h"

#include <algorithm>
#include <utility>

namespace kvick {

void KeyWaiters::Add(std::string_view key, std::shared_ptr<KeyWaiter> waiter) {
  if (waiter->minds_end()) ++end_minders_[std::string(key)];
  auto found = queues_.find(key);
  if (found == queues_.end()) found = queues_.emplace(std::string(key), Queue()).first;
  found->second.push_back(std::move(waiter));
}

void KeyWaiters::Remove(std::string_view key, const KeyWaiter* waiter) {
  const auto found = queues_.find(key);
  if (found == queues_.end()) return;
  Queue& queue = found->second;
  const auto place =
      std::find_if(queue.begin(), queue.end(), [waiter](const auto& other) { return other.get() == waiter; });
  if (place != queue.end()) {
    if (waiter->minds_end()) {
      const auto minders = end_minders_.find(key);
      if (--minders->second == 0) end_minders_.erase(minders);
    }
    queue.erase(place);
  }
  if (queue.empty()) queues_.erase(found);
}

const KeyWaiters::Queue* KeyWaiters::Find(std::string_view key) const {
  const auto found = queues_.find(key);
  return found == queues_.end() ? nullptr : &found->second;
}

}  // namespace kvick

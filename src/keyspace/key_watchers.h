// KeyWatchers: who wants to know that a key of a stripe changes (WATCH). A watcher is a mark; touching the key sets
// it, and that is all.
//
// Guarded by the lock of its stripe. A mark may be set by any thread that holds such a lock, and is read by its owner
// while it holds the locks of all its keys.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace kvick {

struct WatchMark {
  std::atomic<bool> touched{false};
};

class KeyWatchers {
 public:
  void Add(std::string_view key, WatchMark* mark);
  // Nothing happens when it is not there.
  void Remove(std::string_view key, WatchMark* mark);
  void Touch(std::string_view key);
  bool empty() const { return marks_.empty(); }
  size_t key_count() const { return marks_.size(); }
  // Every watched key once.
  void ForEachKey(const std::function<void(const std::string& key)>& visit) const;

 private:
  std::map<std::string, std::vector<WatchMark*>, std::less<>> marks_;
};

}  // namespace kvick

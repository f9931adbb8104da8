#include "keyspace/key_watchers.h"

#include <algorithm>

namespace kvick {

void KeyWatchers::Add(std::string_view key, WatchMark* mark) {
  auto found = marks_.find(key);
  if (found == marks_.end()) found = marks_.emplace(std::string(key), std::vector<WatchMark*>()).first;
  found->second.push_back(mark);
}

void KeyWatchers::Remove(std::string_view key, WatchMark* mark) {
  const auto found = marks_.find(key);
  if (found == marks_.end()) return;
  std::vector<WatchMark*>& marks = found->second;
  marks.erase(std::remove(marks.begin(), marks.end(), mark), marks.end());
  if (marks.empty()) marks_.erase(found);
}

void KeyWatchers::Touch(std::string_view key) {
  const auto found = marks_.find(key);
  if (found == marks_.end()) return;
  for (WatchMark* mark : found->second) mark->touched.store(true, std::memory_order_relaxed);
}

void KeyWatchers::ForEachKey(const std::function<void(const std::string& key)>& visit) const {
  for (const auto& [key, marks] : marks_) visit(key);
}

}  // namespace kvick

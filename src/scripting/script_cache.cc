#include "scripting/script_cache.h"

#include <utility>

namespace kvick {

std::shared_ptr<Script> ScriptCache::Find(std::string_view digest) {
  MutexLock lock(mutex_);
  const auto found = scripts_.find(digest);
  if (found == scripts_.end()) return nullptr;
  CountUse(*found->second);
  return found->second;
}

bool ScriptCache::KeepForGood(std::string_view digest) {
  MutexLock lock(mutex_);
  const auto found = scripts_.find(digest);
  if (found == scripts_.end()) return false;
  if (!std::exchange(found->second->is_loaded_by_name, true)) --eval_count_;
  return true;
}

bool ScriptCache::Contains(std::string_view digest) const {
  MutexLock lock(mutex_);
  return scripts_.find(digest) != scripts_.end();
}

std::shared_ptr<Script> ScriptCache::Add(std::shared_ptr<Script> script) {
  MutexLock lock(mutex_);
  CountUse(*script);
  const auto [place, is_new] = scripts_.emplace(script->digest, script);
  if (!is_new) return place->second;
  memory_bytes_ += script->memory_bytes();
  if (!script->is_loaded_by_name && ++eval_count_ > kEvalCountMax) EvictOne();
  return script;
}

// A look at all of them, which are few; it follows a compilation, which costs more.
void ScriptCache::EvictOne() {
  auto oldest = scripts_.end();
  for (auto place = scripts_.begin(); place != scripts_.end(); ++place) {
    if (place->second->is_loaded_by_name) continue;
    if (oldest == scripts_.end() || place->second->last_use.load(std::memory_order_relaxed) <
                                        oldest->second->last_use.load(std::memory_order_relaxed)) {
      oldest = place;
    }
  }
  if (oldest == scripts_.end()) return;
  const std::shared_ptr<Script> script = oldest->second;
  script->is_retired.store(true, std::memory_order_relaxed);
  memory_bytes_ -= script->memory_bytes();
  --eval_count_;
  evicted_count_.fetch_add(1, std::memory_order_relaxed);
  scripts_.erase(oldest);
}

std::unordered_map<std::string_view, std::shared_ptr<Script>> ScriptCache::Flush() {
  MutexLock lock(mutex_);
  std::unordered_map<std::string_view, std::shared_ptr<Script>> flushed;
  flushed.swap(scripts_);
  for (const auto& [digest, script] : flushed) script->is_retired.store(true, std::memory_order_relaxed);
  eval_count_ = memory_bytes_ = 0;
  return flushed;
}

size_t ScriptCache::count() const {
  MutexLock lock(mutex_);
  return scripts_.size();
}

size_t ScriptCache::memory_bytes() const {
  MutexLock lock(mutex_);
  return memory_bytes_;
}

}  // namespace kvick

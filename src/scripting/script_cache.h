// ScriptCache: the scripts that EVALSHA finds. What EVAL brought is bounded, and the least recently used goes; what
// SCRIPT LOAD brought stays until SCRIPT FLUSH.
//
// Any thread. Executors keep what they compiled, so the mutex is taken the first time that each runs a script.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/sync.h"
#include "scripting/script.h"

namespace kvick {

class ScriptCache {
 public:
  static constexpr size_t kEvalCountMax = 500;

  // Null when unknown. Counts as a use.
  std::shared_ptr<Script> Find(std::string_view digest) KVICK_EXCLUDES(mutex_);
  // Says of a known script that SCRIPT LOAD asked for it; false when it is unknown.
  bool KeepForGood(std::string_view digest) KVICK_EXCLUDES(mutex_);
  bool Contains(std::string_view digest) const KVICK_EXCLUDES(mutex_);
  // Adds a script, unless another thread was faster; the result is the one that counts.
  std::shared_ptr<Script> Add(std::shared_ptr<Script> script) KVICK_EXCLUDES(mutex_);
  // Returns what was in it, for somebody to free.
  std::unordered_map<std::string_view, std::shared_ptr<Script>> Flush() KVICK_EXCLUDES(mutex_);

  void CountUse(Script& script) {
    script.last_use.store(use_clock_.fetch_add(1, std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }

  uint64_t evicted_count() const { return evicted_count_.load(std::memory_order_relaxed); }
  void ResetStats() { evicted_count_.store(0, std::memory_order_relaxed); }
  size_t count() const KVICK_EXCLUDES(mutex_);
  size_t memory_bytes() const KVICK_EXCLUDES(mutex_);

 private:
  void EvictOne() KVICK_REQUIRES(mutex_);

  mutable Mutex mutex_;
  // Keys are the scripts' own digests.
  std::unordered_map<std::string_view, std::shared_ptr<Script>> scripts_ KVICK_GUARDED_BY(mutex_);
  size_t eval_count_ KVICK_GUARDED_BY(mutex_) = 0;  // those that may be evicted
  size_t memory_bytes_ KVICK_GUARDED_BY(mutex_) = 0;
  std::atomic<uint64_t> use_clock_{0};
  std::atomic<uint64_t> evicted_count_{0};
};

}  // namespace kvick

// SlowLog keeps the latest commands that ran longer than slowlog-log-slower-than.
//
// Any thread may call any method. Recording copies the arguments, shortened; it happens for slow calls only.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "base/sync.h"
#include "engine/engine.h"
#include "engine/hooks.h"

namespace kvick {

struct SlowCall {
  int64_t id = 0;
  int64_t finished_s = 0;
  int64_t duration_us = 0;
  std::vector<std::string> arguments;  // shortened
  size_t argument_count = 0;           // before that
  std::string address;
  std::string client_name;
};

class SlowLog final : public CallObserver {
 public:
  // `engine` outlives it. Its settings are read by executing threads only.
  explicit SlowLog(const Engine& engine) : engine_(engine) {}

  void OnSlowCall(const CallRecord& call) override KVICK_EXCLUDES(mutex_);

  // The latest first; all when `count_max` is negative.
  [[nodiscard]] std::vector<SlowCall> Latest(int64_t count_max) const KVICK_EXCLUDES(mutex_);
  [[nodiscard]] size_t size() const KVICK_EXCLUDES(mutex_);
  void Clear() KVICK_EXCLUDES(mutex_);
  // Drops the oldest ones after slowlog-max-len became smaller.
  void Trim() KVICK_EXCLUDES(mutex_);

 private:
  [[nodiscard]] std::vector<std::string> ShortenedArguments(const CallRecord& call) const;
  void TrimTo(size_t entry_count_max) KVICK_REQUIRES(mutex_);

  const Engine& engine_;
  mutable Mutex mutex_;
  std::deque<SlowCall> calls_ KVICK_GUARDED_BY(mutex_);  // the latest first
  int64_t next_id_ KVICK_GUARDED_BY(mutex_) = 0;
};

}  // namespace kvick

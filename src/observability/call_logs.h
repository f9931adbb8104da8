// CallLogs keeps the latest calls that stood out, in three logs: those that ran long (the slow log), those whose
// request was large, and those whose reply was large. SLOWLOG shows the first, COMMANDLOG all.
//
// What stands out is decided by the thresholds of the configuration; the executor tells only of calls beyond one.
//
// Any thread may call any method. Recording copies the arguments, shortened.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "base/sync.h"
#include "engine/engine.h"
#include "engine/hooks.h"

namespace kvick {

enum class CallLogKind : uint8_t { kSlow, kLargeRequest, kLargeReply };
inline constexpr size_t kCallLogKindCount = 3;

struct LoggedCall {
  int64_t id = 0;
  int64_t finished_s = 0;
  int64_t amount = 0;                  // microseconds, or bytes of the request or the reply
  std::vector<std::string> arguments;  // shortened
  size_t argument_count = 0;           // before that
  std::string address;
  std::string client_name;
};

class CallLogs final : public CallObserver {
 public:
  // `engine` outlives it. Its settings are read by executing threads only.
  explicit CallLogs(const Engine& engine) : engine_(engine) {}

  void OnNotableCall(const CallRecord& call) override KVICK_EXCLUDES(mutex_);

  // The latest first; all when `count_max` is negative.
  [[nodiscard]] std::vector<LoggedCall> Latest(CallLogKind kind, int64_t count_max) const KVICK_EXCLUDES(mutex_);
  [[nodiscard]] size_t size(CallLogKind kind) const KVICK_EXCLUDES(mutex_);
  // Of the latest call there ever was; -1: none.
  [[nodiscard]] int64_t last_id(CallLogKind kind) const KVICK_EXCLUDES(mutex_);
  void Clear(CallLogKind kind) KVICK_EXCLUDES(mutex_);
  // Drops the oldest ones after a limit of the configuration became smaller.
  void Trim() KVICK_EXCLUDES(mutex_);

 private:
  struct Log {
    std::deque<LoggedCall> calls;  // the latest first
    int64_t next_id = 0;
  };
  struct Rule {
    int64_t threshold;  // negative: nothing is logged
    size_t entry_count_max;
  };

  [[nodiscard]] Rule RuleOf(CallLogKind kind) const;
  [[nodiscard]] std::vector<std::string> ShortenedArguments(const CallRecord& call) const;
  void Add(CallLogKind kind, LoggedCall call) KVICK_EXCLUDES(mutex_);
  Log& LogOf(CallLogKind kind) KVICK_REQUIRES(mutex_) { return logs_[static_cast<size_t>(kind)]; }
  const Log& LogOf(CallLogKind kind) const KVICK_REQUIRES(mutex_) { return logs_[static_cast<size_t>(kind)]; }

  const Engine& engine_;
  mutable Mutex mutex_;
  std::array<Log, kCallLogKindCount> logs_ KVICK_GUARDED_BY(mutex_);
};

}  // namespace kvick

// HotKeys: the tracking that HOTKEYS starts, stops and shows. What is counted lies with the executors (KeyUsage); this
// knows of which tracking it is, and what the process spent meanwhile.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/sync.h"
#include "engine/engine.h"
#include "engine/key_usage.h"

namespace kvick {

class HotKeys {
 public:
  explicit HotKeys(Engine& engine) : engine_(engine) {}

  struct Request {
    bool counts_time = false;
    bool counts_network = false;
    size_t key_count_max = 10;
    uint64_t sample_ratio = 1;
    int64_t duration_s = 0;  // 0: until it is stopped
  };
  // These two in exclusive moments. What a former tracking has counted is forgotten.
  void Start(const Request& request) KVICK_EXCLUDES(mutex_);
  void Reset() KVICK_EXCLUDES(mutex_);

  // Any thread. False when none runs.
  bool Stop() KVICK_EXCLUDES(mutex_);
  [[nodiscard]] bool is_active() const KVICK_EXCLUDES(mutex_);
  [[nodiscard]] size_t memory_bytes() const;
  // Periodic work: notes what the process has spent when a tracking ends by itself.
  void NoteEnd() KVICK_EXCLUDES(mutex_);

  struct Amount {
    std::string name;
    uint64_t amount = 0;
  };
  struct Report {
    std::shared_ptr<const KeyTracking> tracking;
    bool is_active = false;
    int64_t duration_ms = 0;
    int64_t user_ms = 0;
    int64_t system_ms = 0;
    uint64_t all_calls_us = 0;
    uint64_t all_calls_bytes = 0;
    std::vector<Amount> by_time_us;  // the largest first
    std::vector<Amount> by_network_bytes;
  };
  // None when there was no tracking, or it was reset.
  [[nodiscard]] std::optional<Report> MakeReport() const KVICK_EXCLUDES(mutex_);

 private:
  struct ProcessTime {
    int64_t user_ms = 0;
    int64_t system_ms = 0;
  };
  static ProcessTime Now();
  // The tracking has ended, and nobody noted it yet: now does.
  void EndIfOver() const KVICK_REQUIRES(mutex_);

  Engine& engine_;
  mutable Mutex mutex_;
  std::shared_ptr<KeyTracking> tracking_ KVICK_GUARDED_BY(mutex_);
  ProcessTime at_start_ KVICK_GUARDED_BY(mutex_);
  mutable std::optional<ProcessTime> at_end_ KVICK_GUARDED_BY(mutex_);
};

}  // namespace kvick

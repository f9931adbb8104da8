// RdbSaver: the data set's RDB file: SAVE, BGSAVE, the save points, and the last save before the end.
//
// A file is written under a temporary name, synced, and renamed: whatever goes wrong leaves the old one alone. The
// format's version is the lowest that holds what is there, up to `rdb-version`.
//
// Rule: what says so is called in exclusive moments; the rest by any thread. What the job's thread, the cron and INFO
// share is guarded by `mutex_`, a leaf.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/status.h"
#include "base/sync.h"
#include "engine/engine.h"
#include "engine/hooks.h"
#include "engine/info.h"
#include "persistence/file_system.h"
#include "persistence/rdb_encoder.h"
#include "persistence/snapshot_job.h"

namespace kvick {

// The version that the data needs, or the ceiling if the settings have one. Exclusive.
int ChooseRdbVersion(const Engine& engine);

class RdbSaver final : public WriteGuard {
 public:
  RdbSaver(Engine& engine, SnapshotJobs& jobs, FileSystem& files = FileSystem::System());
  RdbSaver(const RdbSaver&) = delete;
  RdbSaver& operator=(const RdbSaver&) = delete;

  // Writes the file before it returns. Exclusive. A save in the background, if there is one, is abandoned.
  Status SaveNow() KVICK_EXCLUDES(mutex_);
  // BGSAVE: the reply. Exclusive.
  Result<std::string_view> RequestSave(bool may_schedule, bool in_transaction) KVICK_EXCLUDES(mutex_);
  // Exclusive, while no job runs.
  Status StartSave() KVICK_EXCLUDES(mutex_);
  // The data is about to be emptied: what a save in the background would write is not wanted any more. Exclusive.
  void Abandon();
  bool is_saving() const { return is_saving_.load(std::memory_order_acquire); }

  // Begins saves that are due. Ten times a second, outside of the gate.
  void RunPeriodicWork() KVICK_EXCLUDES(mutex_);

  // What was loaded is what was saved last.
  void NoteLoaded(uint64_t keys_loaded, uint64_t keys_expired) KVICK_EXCLUDES(mutex_);
  int64_t last_save_s() const { return last_save_s_.load(std::memory_order_relaxed); }
  uint64_t ChangesSinceSave() const;

  // WriteGuard: stop-writes-on-bgsave-error.
  Status Check() override;
  void WriteInfo(InfoWriter& out) KVICK_EXCLUDES(mutex_);

 private:
  struct Job;

  std::shared_ptr<Job> MakeJob() KVICK_EXCLUDES(mutex_);
  SnapshotRequest RequestFor(const std::shared_ptr<Job>& job);
  Status Conclude(Job& job, Status status);
  void NoteSaved(const Job& job) KVICK_REQUIRES(mutex_);
  void End(Job& job, Status status) KVICK_EXCLUDES(mutex_);
  bool IsDue(int64_t now_ms) KVICK_EXCLUDES(mutex_);
  void SetFailed(bool has_failed) KVICK_REQUIRES(mutex_);

  Engine& engine_;
  SnapshotJobs& jobs_;
  FileSystem& files_;
  std::atomic<bool> is_saving_{false};  // in the background
  std::atomic<int64_t> last_save_s_;
  std::atomic<uint64_t> saved_changes_{0};  // Engine::TotalChanges at the last save

  Mutex mutex_;
  bool is_scheduled_ KVICK_GUARDED_BY(mutex_) = false;
  bool has_failed_ KVICK_GUARDED_BY(mutex_) = false;  // the last save in the background
  // These by the monotonic clock.
  int64_t saved_at_ms_ KVICK_GUARDED_BY(mutex_);
  int64_t last_try_ms_ KVICK_GUARDED_BY(mutex_) = 0;
  int64_t started_ms_ KVICK_GUARDED_BY(mutex_) = 0;
  int64_t last_duration_s_ KVICK_GUARDED_BY(mutex_) = -1;
  uint64_t save_count_ KVICK_GUARDED_BY(mutex_) = 0;
  uint64_t last_captured_bytes_ KVICK_GUARDED_BY(mutex_) = 0;
  uint64_t keys_loaded_ KVICK_GUARDED_BY(mutex_) = 0;
  uint64_t keys_expired_ KVICK_GUARDED_BY(mutex_) = 0;
  uint64_t job_count_ KVICK_GUARDED_BY(mutex_) = 0;
};

}  // namespace kvick

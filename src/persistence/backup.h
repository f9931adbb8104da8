// Backup: a base and an increment of this data set in a folder of their own, made while clients go on (BACKUP).
//
//   KVICK_RETURN_IF_ERROR(backup.Start());    // a base is being written; from its cut on, what changes is collected
//   backup.Seal([](const Status& status) { ... });   // the folder holds what there was at this moment, and a manifest
//   backup.Cleanup();
//
// With the append-only file on, a rewrite of it makes the base, and the folder gets hard links to that base and to the
// increments behind it. Without, a snapshot and a BackupRecorder write the same two files into the folder: clients,
// their replies and their errors do not know of it, and CONFIG SET appendonly goes its own way.
//
// Steps that touch files are taken under `files_mutex_`, and look again under `mutex_` whether the backup is still the
// same: ABORT waits for nobody.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "base/sync.h"
#include "engine/engine.h"
#include "persistence/aof_base.h"
#include "persistence/aof_folder.h"
#include "persistence/aof_manifest.h"
#include "persistence/append_only_file.h"
#include "persistence/backup_recorder.h"
#include "persistence/buffered_file_sink.h"
#include "persistence/file_system.h"
#include "persistence/rewrite_follower.h"
#include "persistence/snapshot_job.h"

namespace kvick {

class Backup final : public RewriteFollower {
 public:
  enum class State : uint8_t { kIdle, kPending, kSnapshotting, kIncrementing, kSealed, kFailed };
  static std::string_view StateName(State state);

  struct Report {
    State state = State::kIdle;
    std::string error;  // why it failed
    int64_t started_s = 0;
    int64_t ended_s = 0;  // 0: not yet
  };

  // Before executors run.
  Backup(Engine& engine, SnapshotJobs& jobs, AppendOnlyFile& append_only, AofBaseMaker make_base,
         FileSystem& files = FileSystem::System());
  Backup(const Backup&) = delete;
  Backup& operator=(const Backup&) = delete;

  // Exclusive.
  Status Start() KVICK_EXCLUDES(files_mutex_, mutex_);
  // Whether it can be sealed; any thread, as all that follow.
  Status CheckSealable() const KVICK_EXCLUDES(mutex_);
  // `done` comes from another thread, or from this one when it cannot be sealed at all.
  void Seal(std::function<void(const Status&)> done) KVICK_EXCLUDES(files_mutex_, mutex_);
  Status Abort() KVICK_EXCLUDES(mutex_);
  Status Cleanup() KVICK_EXCLUDES(files_mutex_, mutex_);
  // What is there of it, with absolute paths, in the order in which it is read; the manifest comes last.
  std::vector<std::string> Files() const KVICK_EXCLUDES(mutex_);
  Report report() const KVICK_EXCLUDES(mutex_);
  bool is_in_progress() const KVICK_EXCLUDES(mutex_);

  // Begins what had to wait, and removes what has been sealed for long enough. Ten times a second, outside of the gate.
  void RunPeriodicWork() KVICK_EXCLUDES(files_mutex_, mutex_);
  // In an exclusive moment: the settings have changed.
  void ApplySettings() { sealed_ttl_s_ = engine_.settings().backup_sealed_ttl_s; }
  // Nothing is recorded any more. Outside of the gate.
  void Stop() KVICK_EXCLUDES(mutex_);

  // RewriteFollower.
  void OnNewBase(const AofFolder& folder, const AofManifest& before, const AofManifest& now) override
      KVICK_EXCLUDES(files_mutex_, mutex_);
  void OnRewriteEnd(const Status& status) override KVICK_EXCLUDES(mutex_);
  void OnTurnedOff() override KVICK_EXCLUDES(mutex_);

 private:
  // What has been reached. kWaiting is pending or snapshotting, as the case may be.
  enum class Stage : uint8_t { kIdle, kWaiting, kIncrementing, kSealing, kSealed, kFailed };

  static bool IsUnderWay(Stage stage) {
    return stage == Stage::kWaiting || stage == Stage::kIncrementing || stage == Stage::kSealing;
  }
  State StateOf(Stage stage) const KVICK_REQUIRES(mutex_);
  bool IsAt(Stage stage, uint64_t number) const KVICK_EXCLUDES(mutex_);
  void Advance(Stage stage) KVICK_EXCLUDES(mutex_);
  void Fail(uint64_t number, std::string_view reason) KVICK_EXCLUDES(mutex_);

  // In an exclusive moment.
  void BeginBase() KVICK_EXCLUDES(files_mutex_, mutex_);
  Status TakeSnapshot(uint64_t number) KVICK_EXCLUDES(files_mutex_, mutex_);
  void EndSnapshot(uint64_t number, AofBase& base, BufferedFileSink& sink, Status status)
      KVICK_EXCLUDES(files_mutex_, mutex_);
  void Link(const AofFolder& from, const AofFile& file, Status* status) KVICK_REQUIRES(files_mutex_);
  void CompleteLinks(const Status& status, const AofManifest& manifest, uint64_t number,
                     const std::function<void(const Status&)>& done) KVICK_EXCLUDES(files_mutex_, mutex_);
  Status WriteManifest() KVICK_REQUIRES(files_mutex_);
  // Concludes Seal: the reply comes last.
  void EndSeal(Status status, uint64_t number, const std::function<void(const Status&)>& done)
      KVICK_REQUIRES(files_mutex_) KVICK_EXCLUDES(mutex_);

  // The folder is there, and nothing lies in it.
  Status PrepareFolder() KVICK_REQUIRES(files_mutex_);
  Status RemoveFiles() KVICK_REQUIRES(files_mutex_);
  std::string PathOf(std::string_view name) const KVICK_REQUIRES(files_mutex_) {
    return folder_path_ + "/" + std::string(name);
  }

  Engine& engine_;
  SnapshotJobs& jobs_;
  AppendOnlyFile& append_only_;
  const AofBaseMaker make_base_;
  FileSystem& files_;
  std::atomic<int64_t> sealed_ttl_s_{0};

  // After AppendOnlyFile::manifest_mutex_; held while files are written.
  Mutex files_mutex_;
  std::string folder_path_ KVICK_GUARDED_BY(files_mutex_);
  std::string prefix_ KVICK_GUARDED_BY(files_mutex_);
  std::vector<std::string> made_ KVICK_GUARDED_BY(files_mutex_);  // names of what lies in the folder
  AofManifest manifest_ KVICK_GUARDED_BY(files_mutex_);           // of the backup
  int64_t first_increment_ KVICK_GUARDED_BY(files_mutex_) = 0;
  const AofFolder* linked_folder_ KVICK_GUARDED_BY(files_mutex_) = nullptr;

  // Before the command log's and a recorder's.
  mutable Mutex mutex_;
  uint64_t number_ KVICK_GUARDED_BY(mutex_) = 0;  // of backups so far: whose steps are late is told by it
  Stage stage_ KVICK_GUARDED_BY(mutex_) = Stage::kIdle;
  bool is_linked_ KVICK_GUARDED_BY(mutex_) = false;       // made of the append-only file
  bool takes_snapshot_ KVICK_GUARDED_BY(mutex_) = false;  // the job that runs is its own
  std::string error_ KVICK_GUARDED_BY(mutex_);
  int64_t started_s_ KVICK_GUARDED_BY(mutex_) = 0;
  int64_t ended_s_ KVICK_GUARDED_BY(mutex_) = 0;
  std::vector<std::string> paths_ KVICK_GUARDED_BY(mutex_);
  std::unique_ptr<BackupRecorder> recorder_ KVICK_GUARDED_BY(mutex_);
};

}  // namespace kvick

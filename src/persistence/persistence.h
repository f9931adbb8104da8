// Persistence: how the engine's data outlives the process: what is loaded at start, saved while it runs, and kept when
// it ends.
//
//   Persistence& persistence = AttachPersistence(engine);     // before executors run
//   KVICK_RETURN_IF_ERROR(persistence.LoadAtStart());         // while Engine::is_loading
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <thread>

#include "base/status.h"
#include "engine/engine.h"
#include "engine/hooks.h"
#include "engine/info.h"
#include "persistence/append_only_file.h"
#include "persistence/backup.h"
#include "persistence/load_progress.h"
#include "persistence/rdb_loader.h"
#include "persistence/rdb_saver.h"
#include "persistence/snapshot_job.h"

namespace kvick {

class CommandContext;

class Persistence final : public DataKeeper {
 public:
  explicit Persistence(Engine& engine);
  Persistence(const Persistence&) = delete;
  Persistence& operator=(const Persistence&) = delete;

  static Persistence& Of(CommandContext& context);

  // Fills the engine from the files, if there are any. Outside of the gate, while Engine::is_loading keeps commands
  // away from the data. Ends early, with an error, when the loading is cancelled.
  Status LoadAtStart();
  // Ends it early. Any thread.
  void CancelLoading() { loading_.rdb.is_cancelled = true; }
  // SHUTDOWN. Exclusive. An error when what should be saved could not be, unless it is forced.
  Status PrepareToEnd(const ShutdownRequest& request);
  // Ends all threads. When nobody executes commands any more.
  void Stop();

  SnapshotJobs& jobs() { return jobs_; }
  RdbSaver& rdb() { return rdb_; }
  AppendOnlyFile& append_only() { return append_only_; }
  Backup& backup() { return backup_; }

  // DataKeeper
  void BeforeFlushAll() override;
  void AfterFlushAll() override;
  Status Reload(const ReloadRequest& request) override;
  void ReloadAppendOnly(std::function<void(const Status&)> done) override;

 private:
  void FollowSettings();
  void EmptyDatabases();
  RdbLoadOptions RdbOptions() const;
  // False when there is no file.
  Result<bool> LoadRdbFile(const std::string& path, const RdbLoadOptions& options);
  Status LoadAppendOnly();
  // `wanted` is the directive preload-file.
  Status Preload(std::string_view wanted);
  void WriteInfo(InfoWriter& out);

  Engine& engine_;
  SnapshotJobs jobs_;
  RdbSaver rdb_;
  AppendOnlyFile append_only_;
  Backup backup_;
  LoadProgress loading_;
  std::thread reloader_;  // DEBUG LOADAOF: of the last one; begun in exclusive moments
};

}  // namespace kvick

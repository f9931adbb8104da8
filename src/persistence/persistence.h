// Persistence: how the engine's data outlives the process: what is loaded at start, saved while it runs, and kept when
// it ends.
//
//   Persistence& persistence = AttachPersistence(engine);     // before executors run
//   KVICK_RETURN_IF_ERROR(persistence.LoadAtStart());         // while Engine::is_loading
#pragma once

#include <atomic>
#include <cstdint>

#include "base/status.h"
#include "engine/engine.h"
#include "engine/hooks.h"
#include "engine/info.h"
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
  void CancelLoading() { loading_.is_cancelled = true; }
  // SHUTDOWN. Exclusive. An error when what should be saved could not be, unless it is forced.
  Status PrepareToEnd(const ShutdownRequest& request);

  SnapshotJobs& jobs() { return jobs_; }
  RdbSaver& rdb() { return rdb_; }

  // DataKeeper
  void BeforeFlushAll() override;
  void AfterFlushAll() override;
  Status Reload(const ReloadRequest& request) override;

 private:
  Result<bool> LoadRdbFile(const RdbLoadOptions& options);
  void WriteInfo(InfoWriter& out);

  Engine& engine_;
  SnapshotJobs jobs_;
  RdbSaver rdb_;
  RdbLoadProgress loading_;
  std::atomic<int64_t> loading_since_ms_{0};
};

}  // namespace kvick

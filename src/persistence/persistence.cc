#include "persistence/persistence.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/log.h"
#include "engine/command_context.h"
#include "engine/errors.h"
#include "persistence/byte_source.h"
#include "persistence/features.h"

namespace kvick {

Persistence::Persistence(Engine& engine) : engine_(engine), jobs_(engine), rdb_(engine, jobs_) {
  engine.hooks.data_keeper = this;
  engine.hooks.write_guards.push_back(&rdb_);
  engine.AddPeriodicWork([this] { rdb_.RunPeriodicWork(); });
  engine.info().Extend("persistence", [this](InfoWriter& out) { WriteInfo(out); });
}

Persistence& Persistence::Of(CommandContext& context) {
  return static_cast<Persistence&>(*context.engine().hooks.data_keeper);
}

// False when there is no file.
Result<bool> Persistence::LoadRdbFile(const RdbLoadOptions& options) {
  const std::string& name = engine_.settings().db_filename;
  struct stat attributes;
  if (stat(name.c_str(), &attributes) != 0 && errno == ENOENT) return false;
  Result<std::unique_ptr<FileSource>> source = FileSource::Open(name);
  if (!source.ok()) return source.status();
  loading_.bytes_total = loading_.bytes_read = loading_.keys_loaded = loading_.keys_expired = loading_.empty_keys = 0;
  loading_.is_cancelled = false;
  const int64_t begin_ms = SystemClock::Instance().MonotonicMs();
  const Result<RdbLoaded> loaded = LoadRdb(engine_, source->get(), options, &loading_);
  if (!loaded.ok()) return loaded.status();
  const double seconds = static_cast<double>(SystemClock::Instance().MonotonicMs() - begin_ms) / 1000;
  char text[64];
  std::snprintf(text, sizeof(text), "DB loaded from disk: %.3f seconds", seconds);
  Log(LogLevel::kNotice, text);
  rdb_.NoteLoaded(loading_.keys_loaded, loading_.keys_expired);
  return true;
}

Status Persistence::LoadAtStart() {
  loading_since_ms_ = engine_.clock().NowMs();
  const int thread_count = std::max(1, engine_.settings().threads);
  const Result<bool> loaded = LoadRdbFile(
      {.worker_count = static_cast<size_t>(thread_count), .verifies_checksum = engine_.settings().rdb_checksum});
  if (loaded.ok() || loading_.is_cancelled) return Status::Ok();
  Log(LogLevel::kWarning, loaded.status().text());
  return Status::Error("Fatal error loading the DB, check server logs. Exiting.");
}

Status Persistence::PrepareToEnd(const ShutdownRequest& request) {
  loading_.is_cancelled = true;
  jobs_.Abandon();
  const bool saves = request.save || (!request.no_save && !engine_.settings().save_points.empty());
  if (!saves || engine_.is_loading) return Status::Ok();
  Log(LogLevel::kNotice, "Saving the final RDB snapshot before exiting.");
  if (rdb_.SaveNow().ok()) return Status::Ok();
  if (request.force) {
    Log(LogLevel::kWarning, "Error trying to save the DB. Exit anyway.");
    return Status::Ok();
  }
  Log(LogLevel::kWarning, "Error trying to save the DB, can't exit.");
  return Status::Error("ERR Errors trying to SHUTDOWN. Check logs.");
}

void Persistence::BeforeFlushAll() { rdb_.Abandon(); }

// The file would bring back what was flushed.
void Persistence::AfterFlushAll() {
  if (!engine_.settings().save_points.empty()) static_cast<void>(rdb_.SaveNow());  // logged
}

Status Persistence::Reload(const ReloadRequest& request) {
  if (request.saves && !rdb_.SaveNow().ok()) return errors::Generic("Error trying to save the DB, check server logs");
  if (request.flushes) {
    jobs_.Abandon();
    for (int i = 0; i < engine_.database_count(); ++i) {
      Database& database = engine_.database(i);
      database.TouchAllWatchers(database, engine_.clock().NowMs());
      database.TakeContents();
    }
  }
  const Result<bool> loaded = LoadRdbFile({.worker_count = static_cast<size_t>(std::max(1, engine_.settings().threads)),
                                           .replaces_keys = request.merges,
                                           .verifies_checksum = engine_.settings().rdb_checksum});
  if (loaded.ok() && *loaded) return Status::Ok();
  if (!loaded.ok()) Log(LogLevel::kWarning, loaded.status().text());
  return errors::Generic("Error trying to load the RDB dump, check server logs");
}

void Persistence::WriteInfo(InfoWriter& out) {
  out.Field("loading", engine_.is_loading);
  out.Field("async_loading", 0);
  rdb_.WriteInfo(out);
  if (!engine_.is_loading) return;
  const uint64_t total = loading_.bytes_total;
  const uint64_t read = loading_.bytes_read;
  const int64_t elapsed_s = (engine_.clock().NowMs() - loading_since_ms_) / 1000;
  out.Field("loading_start_time", loading_since_ms_ / 1000);
  out.Field("loading_total_bytes", total);
  out.Field("loading_rdb_used_mem", 0);
  out.Field("loading_loaded_bytes", read);
  out.Decimal("loading_loaded_perc", total == 0 ? 0 : 100.0 * static_cast<double>(read) / static_cast<double>(total));
  const double left = read == 0 ? 1
                                : static_cast<double>(elapsed_s) * static_cast<double>(total - std::min(total, read)) /
                                      static_cast<double>(read);
  out.Field("loading_eta_seconds", static_cast<int64_t>(left));
}

Persistence& AttachPersistence(Engine& engine) {
  engine.commands().Add(SaveCommands());
  return engine.Attach<Persistence>(engine);
}

}  // namespace kvick

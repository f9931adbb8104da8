#include "persistence/persistence.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/log.h"
#include "engine/command_context.h"
#include "engine/errors.h"
#include "persistence/aof_loader.h"
#include "persistence/byte_source.h"
#include "persistence/command_base.h"
#include "persistence/features.h"
#include "persistence/rdb_base.h"

namespace kvick {

namespace {

std::shared_ptr<AofBase> MakeRdbBase(Engine& engine, std::shared_ptr<ByteSink> file) {
  return std::make_shared<RdbBase>(engine, std::move(file), ChooseRdbVersion(engine));
}

// Of a backup, by the rule of the append-only file's own.
std::shared_ptr<AofBase> MakeBase(Engine& engine, std::shared_ptr<ByteSink> file) {
  if (engine.settings().aof_use_rdb_preamble) return MakeRdbBase(engine, std::move(file));
  return std::make_shared<CommandBase>(engine, std::move(file));
}

AppendOnlyFile::Parts PartsWith(SnapshotJobs& jobs) {
  AppendOnlyFile::Parts parts;
  parts.snapshots = &jobs;
  parts.make_rdb_base = MakeRdbBase;
  return parts;
}

}  // namespace

Persistence::Persistence(Engine& engine)
    : engine_(engine),
      jobs_(engine),
      rdb_(engine, jobs_),
      append_only_(engine, PartsWith(jobs_)),
      backup_(engine, jobs_, append_only_, MakeBase) {
  engine.hooks.data_keeper = this;
  engine.hooks.append_only_file = &append_only_;
  engine.hooks.write_guards = {&rdb_, &append_only_};
  engine.AddPeriodicWork([this] { rdb_.RunPeriodicWork(); });
  engine.AddPeriodicWork([this] { append_only_.RunPeriodicWork(); });
  engine.AddPeriodicWork([this] { backup_.RunPeriodicWork(); });
  FollowSettings();
  engine.info().Extend("persistence", [this](InfoWriter& out) { WriteInfo(out); });
}

Persistence& Persistence::Of(CommandContext& context) {
  return static_cast<Persistence&>(*context.engine().hooks.data_keeper);
}

void Persistence::FollowSettings() {
  engine_.options().OnChange(
      {"appendfsync", "no-appendfsync-on-rewrite", "aof-disable-auto-gc", "aof-rewrite-incremental-fsync",
       "aof-timestamp-enabled", "auto-aof-rewrite-percentage", "auto-aof-rewrite-min-size"},
      [this] {
        append_only_.ApplySettings();
        return Status::Ok();
      });
  engine_.options().OnChange({"backup-sealed-ttl"}, [this] {
    backup_.ApplySettings();
    return Status::Ok();
  });
  engine_.options().OnChange({"appendonly"}, [this] {
    if (engine_.settings().append_only) return append_only_.TurnOn();
    append_only_.TurnOff();
    return Status::Ok();
  });
}

Result<bool> Persistence::LoadRdbFile(const std::string& path, const RdbLoadOptions& options) {
  struct stat attributes;
  if (stat(path.c_str(), &attributes) != 0 && errno == ENOENT) return false;
  Result<std::unique_ptr<FileSource>> source = FileSource::Open(path);
  if (!source.ok()) return source.status();
  const int64_t begin_ms = SystemClock::Instance().MonotonicMs();
  loading_.Begin(engine_.clock().NowMs() / 1000, (*source)->total_bytes());
  const Result<RdbLoaded> loaded = LoadRdb(engine_, source->get(), options, &loading_.rdb);
  if (!loaded.ok()) return loaded.status();
  const double seconds = static_cast<double>(SystemClock::Instance().MonotonicMs() - begin_ms) / 1000;
  char text[64];
  std::snprintf(text, sizeof(text), "DB loaded from disk: %.3f seconds", seconds);
  Log(LogLevel::kNotice, text);
  rdb_.NoteLoaded(loading_.rdb.keys_loaded, loading_.rdb.keys_expired);
  return true;
}

RdbLoadOptions Persistence::RdbOptions() const {
  return {.worker_count = static_cast<size_t>(std::max(1, engine_.settings().threads)),
          .verifies_checksum = engine_.settings().rdb_checksum};
}

Status Persistence::LoadAppendOnly() {
  const AofFolder& folder = append_only_.folder();
  KVICK_ASSIGN_OR_RETURN(AofManifest manifest, folder.LoadManifest());
  KVICK_RETURN_IF_ERROR(folder.TakeOverSingleFile(&manifest));
  const AofLoadRules rules = AofLoadRules::Of(engine_.settings());
  KVICK_RETURN_IF_ERROR(LoadAppendOnlyFiles(engine_, folder, manifest, rules, &loading_));
  if (rules.until_s == 0) return append_only_.Start(std::move(manifest));
  // Appended to, the files would hold what never happened together.
  Log(LogLevel::kWarning,
      "aof-load-until: the append-only file stays as it is and is off. CONFIG SET appendonly yes replaces it by what "
      "was loaded.");
  engine_.gate().RunExclusive([this] { engine_.set_append_only(false); });
  return Status::Ok();
}

Status Persistence::Preload(std::string_view wanted) {
  const std::string path(wanted.substr(wanted.find(':') + 1));
  Log(LogLevel::kNotice, "Loading " + path + " because of preload-file");
  if (wanted.starts_with("rdb:")) {
    KVICK_ASSIGN_OR_RETURN(const bool is_there, LoadRdbFile(path, RdbOptions()));
    if (!is_there) return Status::Error("preload-file: there is no file " + path);
  } else {
    constexpr std::string_view kSuffix = ".manifest";
    const std::filesystem::path place(path);
    const std::string name = place.filename().string();
    if (!name.ends_with(kSuffix)) return Status::Error("preload-file: " + path + " is not the name of a manifest");
    const AofFolder folder(FileSystem::System(), place.has_parent_path() ? place.parent_path().string() : ".",
                           name.substr(0, name.size() - kSuffix.size()));
    KVICK_ASSIGN_OR_RETURN(const AofManifest manifest, folder.LoadManifest());
    if (!manifest.has_data()) return Status::Error("preload-file: there is no manifest " + path);
    AofLoadRules rules;
    rules.cuts_truncated = false;  // what was sealed is whole
    rules.until_s = engine_.settings().aof_load_until_s;
    KVICK_RETURN_IF_ERROR(LoadAppendOnlyFiles(engine_, folder, manifest, rules, &loading_));
  }
  if (!engine_.settings().append_only) return Status::Ok();
  // What the server's own files hold is replaced by a new base, before anybody is answered: from the first write on the
  // file is complete.
  Status status;
  engine_.gate().RunExclusive([&] { status = append_only_.TurnOn(); });
  KVICK_RETURN_IF_ERROR(status);
  KVICK_RETURN_IF_ERROR(append_only_.RequestRewrite(false).status());
  append_only_.WaitForRewrite();
  if (append_only_.state() == AppendOnlyFile::State::kOn) return Status::Ok();
  return Status::Error("preload-file: the append-only file could not be begun with what was loaded");
}

Status Persistence::LoadAtStart() {
  const Settings& settings = engine_.settings();
  if (!settings.preload_file.empty() || settings.append_only) {
    const Status status = settings.preload_file.empty() ? LoadAppendOnly() : Preload(settings.preload_file);
    return loading_.rdb.is_cancelled ? Status::Ok() : status;
  }
  const Result<bool> loaded = LoadRdbFile(settings.db_filename, RdbOptions());
  if (loaded.ok() || loading_.rdb.is_cancelled) return Status::Ok();
  Log(LogLevel::kWarning, loaded.status().text());
  return Status::Error("Fatal error loading the DB, check server logs. Exiting.");
}

void Persistence::Stop() {
  jobs_.Cancel();
  jobs_.Wait();
  backup_.Stop();
  append_only_.Stop();
  if (reloader_.joinable()) reloader_.join();
}

Status Persistence::PrepareToEnd(const ShutdownRequest& request) {
  CancelLoading();
  KVICK_RETURN_IF_ERROR(append_only_.PrepareToEnd(request.force));
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

void Persistence::EmptyDatabases() {
  jobs_.Abandon();
  for (int i = 0; i < engine_.database_count(); ++i) {
    Database& database = engine_.database(i);
    database.TouchAllWatchers(database, engine_.clock().NowMs());
    database.TakeContents();
  }
}

Status Persistence::Reload(const ReloadRequest& request) {
  if (request.saves && !rdb_.SaveNow().ok()) return errors::Generic("Error trying to save the DB, check server logs");
  if (request.flushes) EmptyDatabases();
  RdbLoadOptions options = RdbOptions();
  options.replaces_keys = request.merges || request.flushes;
  loading_.rdb.is_cancelled = false;
  const Result<bool> loaded = LoadRdbFile(engine_.settings().db_filename, options);
  if (loaded.ok() && *loaded) return Status::Ok();
  if (!loaded.ok()) Log(LogLevel::kWarning, loaded.status().text());
  return errors::Generic("Error trying to load the RDB dump, check server logs");
}

// In a thread of its own, because commands are repeated as a client does it, outside of the gate.
void Persistence::ReloadAppendOnly(std::function<void(const Status&)> done) {
  if (engine_.is_loading) return done(errors::Generic("data is being loaded already"));
  append_only_.Flush();
  EmptyDatabases();
  if (reloader_.joinable()) reloader_.join();  // it waits for nothing any more
  loading_.rdb.is_cancelled = false;
  engine_.is_loading = true;
  reloader_ = std::thread([this, done = std::move(done)] {
    const auto load = [this] {
      const AofFolder& folder = append_only_.folder();
      KVICK_ASSIGN_OR_RETURN(const AofManifest manifest, folder.LoadManifest());
      return LoadAppendOnlyFiles(engine_, folder, manifest, AofLoadRules::Of(engine_.settings()), &loading_);
    };
    const Status status = load();
    engine_.gate().RunExclusive([this] { engine_.is_loading = false; });
    if (status.ok()) {
      Log(LogLevel::kWarning, "Append Only File loaded by DEBUG LOADAOF");
      return done(status);
    }
    Log(LogLevel::kWarning, status.text());
    done(errors::Generic("Error trying to load the AOF files, check server logs"));
  });
}

void Persistence::WriteInfo(InfoWriter& out) {
  out.Field("loading", engine_.is_loading);
  out.Field("async_loading", 0);
  rdb_.WriteInfo(out);
  append_only_.WriteInfo(out);
  out.Field("backup_in_progress", backup_.is_in_progress());
  if (engine_.is_loading) loading_.WriteInfo(engine_.clock().NowMs() / 1000, out);
}

Persistence& AttachPersistence(Engine& engine) { return engine.Attach<Persistence>(engine); }

}  // namespace kvick

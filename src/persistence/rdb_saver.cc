#include "persistence/rdb_saver.h"

#include <unistd.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/log.h"
#include "engine/errors.h"
#include "engine/latency_monitor.h"
#include "persistence/rdb_base.h"
#include "persistence/rdb_file_writer.h"
#include "types/value_features.h"

namespace kvick {
namespace {

// Handed to the disk as it is written, so that the end of a large file has not everything to wait for.
constexpr uint64_t kSyncBytes = uint64_t{4} << 20;
// After a save that failed, the next one by itself.
constexpr int64_t kRetryMs = 5000;

constexpr std::string_view kSaveFailed =
    "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. Commands that "
    "may "
    "modify the data set are disabled, because this instance is configured to report errors during writes if RDB "
    "snapshotting fails (stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB "
    "error.";

}  // namespace

int ChooseRdbVersion(const Engine& engine) {
  int version = kRdbVersionLowest;
  const auto needs = [&version](ValueFeature feature, int needed) {
    if (ValueFeatures::WasNoted(feature)) version = std::max(version, needed);
  };
  needs(ValueFeature::kConsumerTimes, kRdbVersionConsumerTimes);
  needs(ValueFeature::kExpiringFields, kRdbVersionFieldExpiry);
  needs(ValueFeature::kProducers, kRdbVersionIdempotence);
  needs(ValueFeature::kArrays, kRdbVersionArrays);
  needs(ValueFeature::kReturnedEntries, kRdbVersionArrays);
  needs(ValueFeature::kCompactHashes, kRdbVersionCompactHashes);
  const int ceiling = engine.settings().rdb_version;
  return ceiling == 0 ? version : std::min(version, ceiling);
}

// One writing of the file. Used by one thread at a time: the one that makes the cut, then the one that walks.
struct RdbSaver::Job final : public ByteSink {
  Job(FileSystem& file_system, const RdbEncoder::Options& options, std::string temporary, std::string final_path,
      bool is_summed, bool is_synced)
      : files(file_system),
        encoder(std::make_shared<RdbEncoder>(options)),
        version(options.version),
        now_ms(options.now_ms),
        temporary_path(std::move(temporary)),
        path(std::move(final_path)),
        computes_checksum(is_summed),
        syncs_often(is_synced) {}

  Status Open(Engine& engine) {
    Result<std::unique_ptr<OutputFile>> made = files.Create(temporary_path);
    if (!made.ok()) return made.status();
    file = std::move(*made);
    writer.emplace(file.get(), computes_checksum);
    return BeginRdbFile(engine, RdbFileKind::kDataSet, version, now_ms, &*writer);
  }

  Status Write(std::string_view records) override {
    KVICK_RETURN_IF_ERROR(writer->Append(records));
    if (syncs_often && writer->bytes_written() - synced_bytes > kSyncBytes) {
      synced_bytes = writer->bytes_written();
      return file->Sync();
    }
    return Status::Ok();
  }

  Status Close() {
    KVICK_RETURN_IF_ERROR(writer->Finish());
    KVICK_RETURN_IF_ERROR(file->Sync());
    file.reset();
    return files.Rename(temporary_path, path);
  }

  void RemoveTemporary() {
    file.reset();
    if (writer) static_cast<void>(files.Remove(temporary_path));  // there is nothing more to be done about it
  }

  FileSystem& files;
  std::shared_ptr<RdbEncoder> encoder;
  const int version;
  const int64_t now_ms;
  const std::string temporary_path;
  const std::string path;
  const bool computes_checksum;
  const bool syncs_often;
  std::unique_ptr<OutputFile> file;
  std::optional<RdbFileWriter> writer;
  uint64_t synced_bytes = 0;
  bool in_background = false;
  uint64_t changes = 0;  // Engine::TotalChanges at the cut
};

RdbSaver::RdbSaver(Engine& engine, SnapshotJobs& jobs, FileSystem& files)
    : engine_(engine),
      jobs_(jobs),
      files_(files),
      last_save_s_(engine.started_ms() / 1000),
      saved_at_ms_(engine.clock().MonotonicMs()) {}

std::shared_ptr<RdbSaver::Job> RdbSaver::MakeJob() {
  const Settings& settings = engine_.settings();
  const int64_t now_ms = engine_.clock().NowMs();
  RdbEncoder::Options options = RdbEncoder::Options::Of(settings, now_ms);
  options.version = ChooseRdbVersion(engine_);
  uint64_t number = 0;
  {
    MutexLock lock(mutex_);
    number = ++job_count_;
    last_try_ms_ = engine_.clock().MonotonicMs();
  }
  const std::string temporary = "temp-" + std::to_string(getpid()) + "-" + std::to_string(number) + ".rdb";
  return std::make_shared<Job>(files_, options, temporary, settings.db_filename, settings.rdb_checksum,
                               settings.rdb_save_incremental_fsync);
}

SnapshotRequest RdbSaver::RequestFor(const std::shared_ptr<Job>& job) {
  return {.encoder = job->encoder,
          .sink = job,
          .at_cut =
              [this, job](uint64_t /*log_position*/) {
                job->changes = engine_.TotalChanges();
                return job->Open(engine_);
              },
          .on_done = [this, job](Status status) { End(*job, std::move(status)); }};
}

Status RdbSaver::SaveNow() {
  jobs_.Abandon();
  const std::shared_ptr<Job> job = MakeJob();
  const Status status = Conclude(*job, jobs_.RunAlone(RequestFor(job)));
  MutexLock lock(mutex_);
  if (status.ok()) {
    NoteSaved(*job);
  } else {
    Log(LogLevel::kWarning, status.text());
  }
  return status;
}

Status RdbSaver::StartSave() {
  const std::shared_ptr<Job> job = MakeJob();
  {
    MutexLock lock(mutex_);
    is_scheduled_ = false;
    started_ms_ = engine_.clock().MonotonicMs();
  }
  is_saving_.store(true, std::memory_order_release);
  const Status status = jobs_.Start(RequestFor(job));
  if (status.ok()) {
    Log(LogLevel::kNotice, "Background saving started by pid " + std::to_string(getpid()));
    return status;
  }
  End(*job, status);
  return status;
}

void RdbSaver::Abandon() {
  if (is_saving()) jobs_.Abandon();
}

// Completes the file or removes it.
Status RdbSaver::Conclude(Job& job, Status status) {
  if (status.ok()) status = job.Close();
  if (!status.ok()) {
    const LatencyMonitor::Timer timer(engine_.hooks.latency_monitor, LatencyEvent::kRdbUnlink, engine_.clock());
    job.RemoveTemporary();
  }
  return status;
}

void RdbSaver::NoteSaved(const Job& job) {
  Log(LogLevel::kNotice, "DB saved on disk");
  if (job.encoder->degraded_count() > 0) {
    Log(LogLevel::kWarning, "rdb-version " + std::to_string(job.version) + " could not hold " +
                                std::to_string(job.encoder->degraded_count()) +
                                " values without loss; they were written in an older form");
  }
  saved_changes_.store(job.changes, std::memory_order_relaxed);
  last_save_s_.store(engine_.clock().NowMs() / 1000, std::memory_order_relaxed);
  saved_at_ms_ = engine_.clock().MonotonicMs();
  SetFailed(false);
}

void RdbSaver::End(Job& job, Status status) {
  const bool is_abandoned = status.text() == SnapshotJobs::kCancelled;
  status = Conclude(job, std::move(status));
  MutexLock lock(mutex_);
  last_duration_s_ = (engine_.clock().MonotonicMs() - started_ms_) / 1000;
  last_captured_bytes_ = jobs_.progress().pending_bytes_peak;
  if (status.ok()) {
    NoteSaved(job);
    ++save_count_;
    Log(LogLevel::kNotice, "Background saving terminated with success");
  } else if (is_abandoned) {
    Log(LogLevel::kWarning, "Background saving terminated by signal 10");
  } else {
    Log(LogLevel::kWarning, status.text());
    Log(LogLevel::kWarning, "Background saving error");
    SetFailed(true);
  }
  is_saving_.store(false, std::memory_order_release);
}

void RdbSaver::SetFailed(bool has_failed) {
  if (has_failed_ == has_failed) return;
  has_failed_ = has_failed;
  engine_.write_refusal_count.fetch_add(has_failed ? 1 : -1, std::memory_order_relaxed);
}

Status RdbSaver::Check() {
  const Settings& settings = engine_.settings();
  MutexLock lock(mutex_);
  if (!has_failed_ || !settings.stop_writes_on_bgsave_error || settings.save_points.empty()) return Status::Ok();
  return Status::Error(std::string(kSaveFailed));
}

Result<std::string_view> RdbSaver::RequestSave(bool may_schedule, bool in_transaction) {
  if (is_saving()) return errors::Generic("Background save already in progress");
  if (jobs_.is_running() || in_transaction) {
    if (!may_schedule && !in_transaction) {
      return errors::Generic(
          "Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE in order to schedule a "
          "BGSAVE whenever possible.");
    }
    MutexLock lock(mutex_);
    is_scheduled_ = true;
    return std::string_view("Background saving scheduled");
  }
  if (!StartSave().ok()) return Status::Error("ERR");
  return std::string_view("Background saving started");
}

uint64_t RdbSaver::ChangesSinceSave() const {
  const uint64_t changes = engine_.TotalChanges();
  const uint64_t saved = saved_changes_.load(std::memory_order_relaxed);
  return changes > saved ? changes - saved : 0;
}

// Whether a save point has been reached, or a save was asked for.
bool RdbSaver::IsDue(int64_t now_ms) {
  const uint64_t changes = ChangesSinceSave();
  MutexLock lock(mutex_);
  if (is_scheduled_ && (!has_failed_ || now_ms - last_try_ms_ > kRetryMs)) return true;
  if (has_failed_ && now_ms - last_try_ms_ <= kRetryMs) return false;
  const int64_t elapsed_s = now_ms / 1000 - saved_at_ms_ / 1000;
  for (const SavePoint& point : engine_.settings().save_points) {
    if (changes >= static_cast<uint64_t>(point.changes) && changes > 0 && elapsed_s > point.seconds) {
      Log(LogLevel::kNotice,
          std::to_string(point.changes) + " changes in " + std::to_string(point.seconds) + " seconds. Saving...");
      return true;
    }
  }
  return false;
}

void RdbSaver::RunPeriodicWork() {
  if (jobs_.is_running()) return;
  ScriptRunner* scripts = engine_.hooks.script_runner;
  const auto is_busy = [scripts] { return scripts != nullptr && scripts->IsBusy(); };
  const auto save_if_due = [this] {
    if (!engine_.is_loading && !engine_.is_ended && !jobs_.is_running() && IsDue(engine_.clock().MonotonicMs())) {
      static_cast<void>(StartSave());  // logged
    }
    return true;
  };
  // The settings may be read in exclusive moments only; whether anything may be due is known without one.
  if (ChangesSinceSave() == 0) {
    MutexLock lock(mutex_);
    if (!is_scheduled_) return;
  }
  engine_.gate().RunExclusiveUnless(is_busy, save_if_due);
}

void RdbSaver::NoteLoaded(uint64_t keys_loaded, uint64_t keys_expired) {
  saved_changes_.store(engine_.TotalChanges(), std::memory_order_relaxed);
  MutexLock lock(mutex_);
  keys_loaded_ = keys_loaded;
  keys_expired_ = keys_expired;
}

void RdbSaver::WriteInfo(InfoWriter& out) {
  const SnapshotJobs::Progress progress = jobs_.progress();
  const bool is_running = jobs_.is_running();
  MutexLock lock(mutex_);
  out.Field("current_cow_peak", is_running ? progress.pending_bytes_peak : 0);
  out.Field("current_cow_size", is_running ? progress.pending_bytes : 0);
  out.Field("current_cow_size_age", 0);
  const double done = progress.key_count == 0 ? 0
                                              : 100.0 * static_cast<double>(progress.captured_count) /
                                                    static_cast<double>(progress.key_count);
  out.Decimal("current_fork_perc", is_running ? done : 0);
  out.Field("current_save_keys_processed", is_running ? progress.captured_count : 0);
  out.Field("current_save_keys_total", is_running ? progress.key_count : 0);
  out.Field("rdb_changes_since_last_save", ChangesSinceSave());
  out.Field("rdb_bgsave_in_progress", is_saving());
  out.Field("rdb_last_save_time", last_save_s());
  out.Field("rdb_last_bgsave_status", has_failed_ ? "err" : "ok");
  out.Field("rdb_last_bgsave_time_sec", last_duration_s_);
  out.Field("rdb_current_bgsave_time_sec", is_saving() ? (engine_.clock().MonotonicMs() - started_ms_) / 1000 : -1);
  out.Field("rdb_saves", save_count_);
  out.Field("rdb_last_cow_size", last_captured_bytes_);
  out.Field("rdb_last_load_keys_expired", keys_expired_);
  out.Field("rdb_last_load_keys_loaded", keys_loaded_);
}

}  // namespace kvick

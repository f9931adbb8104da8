// The half of AppendOnlyFile that makes new bases.

#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "base/background_thread.h"
#include "base/log.h"
#include "persistence/append_only_file.h"

namespace kvick {
namespace {

constexpr uint64_t kSyncEveryBytes = uint64_t{4} << 20;
// After so many failures in a row the next automatic attempts come later and later.
constexpr int kFailuresMax = 3;
constexpr int kHoldUpMinutesMax = 60;
constexpr auto kGatePatience = std::chrono::milliseconds(1);

std::string TemporaryBaseName() { return "temp-rewriteaof-bg-" + std::to_string(getpid()) + ".aof"; }

}  // namespace

Result<std::string_view> AppendOnlyFile::RequestRewrite(bool is_later) {
  MutexLock lock(mutex_);
  if (is_rewriting_) return Status::Error("ERR Background append only file rewriting already in progress");
  if (is_later || parts_.snapshots->is_running()) {
    is_rewrite_scheduled_ = true;
    return std::string_view("Background append only file rewriting scheduled");
  }
  // Who asks for it wants it now, whatever happened before.
  consecutive_failure_count_ = 0;
  StartRewrite();
  return std::string_view("Background append only file rewriting started");
}

void AppendOnlyFile::RunPeriodicWork() {
  MutexLock lock(mutex_);
  if (is_rewriting_ || parts_.snapshots->is_running()) return;
  if (is_rewrite_scheduled_) {
    if (!IsRewriteHeldUp()) StartRewrite();
    return;
  }
  const int percentage = rules_.rewrite_percentage;
  const uint64_t size = other_bytes_ + increment_bytes_;
  if (state_ != State::kOn || percentage == 0 || size <= static_cast<uint64_t>(rules_.rewrite_bytes_min)) return;
  const uint64_t base = std::max<uint64_t>(rewritten_bytes_, 1);
  const int64_t growth = static_cast<int64_t>(size * 100 / base) - 100;
  if (growth < percentage || IsRewriteHeldUp()) return;
  Log(LogLevel::kNotice, "Starting automatic rewriting of AOF on " + std::to_string(growth) + "% growth");
  StartRewrite();
}

bool AppendOnlyFile::IsRewriteHeldUp() {
  if (consecutive_failure_count_ < kFailuresMax) {
    held_up_until_ms_ = 0;
    hold_up_minutes_ = 0;
    return false;
  }
  const int64_t now_ms = engine_.clock().MonotonicMs();
  if (held_up_until_ms_ != 0 && now_ms >= held_up_until_ms_) {
    held_up_until_ms_ = 0;
    return false;
  }
  if (held_up_until_ms_ == 0) {
    hold_up_minutes_ = hold_up_minutes_ == 0 ? 1 : std::min(hold_up_minutes_ * 2, kHoldUpMinutesMax);
    held_up_until_ms_ = now_ms + int64_t{hold_up_minutes_} * 60'000;
    Log(LogLevel::kWarning, "Background AOF rewrite has repeatedly failed and triggered the limit, will retry in " +
                                std::to_string(hold_up_minutes_) + " minutes");
  }
  return true;
}

void AppendOnlyFile::StartRewrite() {
  // One that has come to its end: it does nothing any more that would need the lock.
  if (rewriter_.joinable()) rewriter_.join();
  is_rewrite_scheduled_ = false;
  is_rewrite_cancelled_ = false;
  is_rewrite_postponed_ = false;
  snapshot_outcome_.reset();
  switch_ = Switch::kNone;
  rewrite_started_ms_ = engine_.clock().MonotonicMs();
  ++rewrite_count_;
  is_rewriting_ = true;
  Log(LogLevel::kNotice, "Background append only file rewriting started by pid " + std::to_string(getpid()));
  rewriter_ = std::thread([this] {
    BecomeBackgroundThread("aof_rewrite");
    RunRewrite();
  });
}

void AppendOnlyFile::CancelRewrite() {
  is_rewrite_cancelled_ = true;
  if (const auto sink = rewrite_sink_.lock()) sink->Cancel();
  changed_.NotifyAll();
}

void AppendOnlyFile::WaitForRewrite() {
  while (is_rewriting_) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

void AppendOnlyFile::RunRewrite() {
  const Status status = Rewrite();
  const bool is_postponed = EndRewrite(status);
  if (follower_ != nullptr && !is_postponed) follower_->OnRewriteEnd(status);
  is_rewriting_ = false;  // the last thing: the thread may be joined under the lock
}

bool AppendOnlyFile::EndRewrite(const Status& status) {
  MutexLock lock(mutex_);
  if (is_rewrite_postponed_) {
    --rewrite_count_;
    is_rewrite_scheduled_ = true;
    return true;
  }
  last_rewrite_ms_ = engine_.clock().MonotonicMs() - rewrite_started_ms_;
  if (status.ok()) {
    last_rewrite_failed_ = false;
    consecutive_failure_count_ = 0;
    Log(LogLevel::kNotice, "Background AOF rewrite finished successfully");
  } else if (is_rewrite_cancelled_) {
    Log(LogLevel::kWarning, "Background AOF rewrite terminated by signal 10");
  } else {
    last_rewrite_failed_ = true;
    ++consecutive_failure_count_;
    Log(LogLevel::kWarning, "Background AOF rewrite terminated with error: " + std::string(status.text()));
  }
  // Until there is a base, what is recorded is of no use.
  if (!status.ok() && state_ == State::kWaitingForBase) is_rewrite_scheduled_ = true;
  if (switch_ != Switch::kNone) switch_ = Switch::kNone;
  return false;
}

Status AppendOnlyFile::Rewrite() {
  KVICK_RETURN_IF_ERROR(folder_->Make());
  const std::string path = folder_->PathOf(TemporaryBaseName());
  std::string extension;
  Status status = WriteBase(path, &extension);
  if (status.ok()) {
    Log(LogLevel::kNotice, "Successfully created the temporary AOF base file " + TemporaryBaseName());
    Log(LogLevel::kNotice, "Background AOF rewrite terminated with success");
    status = WaitForSwitch();
  }
  if (status.ok()) status = AdoptBase(path, extension);
  if (!status.ok()) static_cast<void>(folder_->files().Remove(path).ok());
  return status;
}

Status AppendOnlyFile::WriteBase(const std::string& path, std::string* extension) {
  KVICK_ASSIGN_OR_RETURN(std::unique_ptr<OutputFile> file, folder_->files().Create(path));
  const auto sink =
      std::make_shared<BufferedFileSink>(std::move(file), rules_.syncs_bases ? kSyncEveryBytes : uint64_t{0});
  {
    MutexLock lock(mutex_);
    rewrite_sink_ = sink;
  }
  std::shared_ptr<AofBase> base;
  KVICK_RETURN_IF_ERROR(StartSnapshotAlone([&]() -> Status {
    base = MakeBase(sink);
    SnapshotRequest request;
    request.encoder = base->encoder();
    request.sink = base;
    request.at_cut = [this, base](uint64_t log_position) {
      KVICK_RETURN_IF_ERROR(base->Begin());
      PrepareCut(log_position);
      return Status::Ok();
    };
    request.on_done = [this](Status outcome) {
      MutexLock lock(mutex_);
      snapshot_outcome_ = std::move(outcome);
      changed_.NotifyAll();
    };
    return parts_.snapshots->Start(std::move(request));
  }));
  KVICK_RETURN_IF_ERROR(WaitForSnapshot());
  KVICK_RETURN_IF_ERROR(base->End());
  KVICK_RETURN_IF_ERROR(sink->Finish());
  *extension = base->extension();
  return Status::Ok();
}

// A script that runs past its time is waited for.
Status AppendOnlyFile::StartSnapshotAlone(const std::function<Status()>& start) {
  Status status;
  const auto is_busy = [this] {
    return engine_.hooks.script_runner != nullptr && engine_.hooks.script_runner->IsBusy();
  };
  const auto work = [&] {
    MutexLock lock(mutex_);
    if (is_rewrite_cancelled_) {
      status = Status::Error("cancelled");
    } else if (parts_.snapshots->is_running()) {
      is_rewrite_postponed_ = true;
      status = Status::Error("another snapshot is being written");
    }
    return true;
  };
  while (true) {
    const bool was_alone = engine_.gate().RunExclusiveUnless(is_busy, [&] {
      work();
      if (status.ok()) status = start();
      return true;
    });
    if (was_alone) return status;
    {
      MutexLock lock(mutex_);
      if (is_rewrite_cancelled_) return Status::Error("cancelled");
    }
    std::this_thread::sleep_for(kGatePatience);
  }
}

void AppendOnlyFile::PrepareCut(uint64_t log_position) {
  cut_state_ = state_.load();
  if (!is_on()) return;
  engine_.log().ForgetSelectedDatabase();
  MutexLock lock(mutex_);
  switch_ = Switch::kWanted;
  switch_position_ = log_position;
  changed_.NotifyAll();
  if (reader_ != nullptr) reader_->Wake();
}

Status AppendOnlyFile::WaitForSnapshot() {
  bool has_told = false;
  mutex_.Lock();
  while (!snapshot_outcome_) {
    if (is_rewrite_cancelled_ && !has_told) {
      has_told = true;
      mutex_.Unlock();
      parts_.snapshots->Cancel();
      mutex_.Lock();
      continue;
    }
    changed_.Wait(mutex_);
  }
  const Status outcome = *snapshot_outcome_;
  // Somebody needed the snapshot's place (SAVE): another time.
  if (outcome.text() == SnapshotJobs::kCancelled && !is_rewrite_cancelled_) is_rewrite_postponed_ = true;
  mutex_.Unlock();
  return outcome;
}

Status AppendOnlyFile::WaitForSwitch() {
  MutexLock lock(mutex_);
  while (switch_ == Switch::kWanted && !is_rewrite_cancelled_) changed_.Wait(mutex_);
  if (is_rewrite_cancelled_) return Status::Error("cancelled");
  if (switch_ == Switch::kFailed) return Status::Error("no new increment could be begun");
  return Status::Ok();
}

Status AppendOnlyFile::AdoptBase(const std::string& path, std::string_view extension) {
  MutexLock lock(manifest_mutex_);
  FileSystem& files = folder_->files();
  // What was switched on or off since the cut is no matter of this base.
  const State state = cut_state_;
  if (state != State::kOn) {
    KVICK_ASSIGN_OR_RETURN(manifest_, folder_->LoadManifest());
  }
  int64_t kept_from = INT64_MAX;
  if (state == State::kOn) {
    MutexLock state_lock(mutex_);
    kept_from = switched_sequence_;
  }
  AofManifest next = manifest_;
  const AofFile base = next.ReplaceBase(folder_->prefix(), extension, kept_from);
  const std::string base_path = folder_->PathOf(base.name);
  KVICK_RETURN_IF_ERROR(files.Rename(path, base_path));
  Log(LogLevel::kNotice,
      "Successfully renamed the temporary AOF base file " + TemporaryBaseName() + " into " + base.name);
  Status status;
  const std::string first_path = folder_->PathOf(folder_->first_increment_name());
  std::string increment_path;
  if (state == State::kWaitingForBase) {
    const AofFile increment = next.AddIncrement(folder_->prefix());
    increment_path = folder_->PathOf(increment.name);
    status = files.Rename(first_path, increment_path);
    if (status.ok()) {
      Log(LogLevel::kNotice, "Successfully renamed the temporary AOF incr file " + folder_->first_increment_name() +
                                 " into " + increment.name);
    } else {
      increment_path.clear();
    }
  }
  if (status.ok()) status = folder_->SaveManifest(next);
  if (!status.ok()) {
    if (!increment_path.empty()) static_cast<void>(files.Rename(increment_path, first_path).ok());
    static_cast<void>(files.Remove(base_path).ok());
    return status;
  }
  const AofManifest before = std::exchange(manifest_, std::move(next));
  if (follower_ != nullptr && state != State::kOff) follower_->OnNewBase(*folder_, before, manifest_);
  KVICK_ASSIGN_OR_RETURN(const uint64_t base_bytes, folder_->SizeOf(base.name));
  if (state != State::kOff) {
    other_bytes_ = base_bytes;
    rewritten_bytes_ = base_bytes + increment_bytes_;
  }
  State waiting = State::kWaitingForBase;
  if (state == State::kWaitingForBase) state_.compare_exchange_strong(waiting, State::kOn);
  RemoveHistory();
  return Status::Ok();
}

// What cannot be removed stays without being named: it does no harm but take room.
void AppendOnlyFile::RemoveHistory() {
  if (manifest_.history.empty() || rules_.keeps_history) return;
  for (const AofFile& file : manifest_.history) {
    Log(LogLevel::kNotice, "Removing the history file " + file.name + " in the background");
    if (const Status removed = folder_->files().Remove(folder_->PathOf(file.name)); !removed.ok()) {
      Log(LogLevel::kNotice, removed.text());
    }
  }
  AofManifest next = manifest_;
  next.history.clear();
  if (folder_->SaveManifest(next).ok()) manifest_ = std::move(next);
}

// Of processes that ended in the midst of a rewrite.
void AppendOnlyFile::RemoveTemporaryFiles() const {
  DIR* folder = opendir(folder_->path().c_str());
  if (folder == nullptr) return;
  while (const dirent* entry = readdir(folder)) {
    const std::string_view name = entry->d_name;
    const bool is_ours = name.starts_with("temp-rewriteaof-bg-") || name == folder_->first_increment_name() ||
                         name == "temp-" + folder_->manifest_name();
    if (!is_ours) continue;
    Log(LogLevel::kNotice, "Removing the temporary AOF file " + std::string(name));
    static_cast<void>(folder_->files().Remove(folder_->PathOf(name)).ok());
  }
  closedir(folder);
}

void AppendOnlyFile::WriteInfo(InfoWriter& out) {
  MutexLock lock(mutex_);
  const int64_t now_ms = engine_.clock().MonotonicMs();
  const bool is_rewriting = is_rewriting_;
  out.Field("aof_enabled", is_on());
  out.Field("aof_rewrite_in_progress", is_rewriting);
  out.Field("aof_rewrite_scheduled", is_rewrite_scheduled_);
  out.Field("aof_last_rewrite_time_sec", last_rewrite_ms_ < 0 ? int64_t{-1} : last_rewrite_ms_ / 1000);
  out.Field("aof_current_rewrite_time_sec", is_rewriting ? (now_ms - rewrite_started_ms_) / 1000 : int64_t{-1});
  out.Field("aof_last_bgrewrite_status", last_rewrite_failed_ ? "err" : "ok");
  out.Field("aof_rewrites", rewrite_count_);
  out.Field("aof_rewrites_consecutive_failures", consecutive_failure_count_);
  out.Field("aof_last_write_status", refuses_writes_ ? "err" : "ok");
  out.Field("aof_last_cow_size", 0);
  out.Field("module_fork_in_progress", 0);
  out.Field("module_fork_last_cow_size", 0);
  if (!is_on()) return;
  out.Field("aof_current_size", other_bytes_ + increment_bytes_);
  out.Field("aof_base_size", rewritten_bytes_.load());
  out.Field("aof_pending_rewrite", 0);
  out.Field("aof_buffer_length", engine_.log().end_position() - written_position_);
  out.Field("aof_pending_bio_fsync", is_syncing_.load());
  out.Field("aof_delayed_fsync", delayed_sync_count_.load());
}

}  // namespace kvick

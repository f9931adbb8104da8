#include "persistence/backup.h"

#include <dirent.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/log.h"
#include "engine/errors.h"

namespace kvick {
namespace {

constexpr uint64_t kSyncEveryBytes = uint64_t{4} << 20;
constexpr std::string_view kTemporaryBase = "temp-backup.base";

Status InProgress() { return errors::Generic("A backup is already in progress"); }
Status NotSealable() { return errors::Generic("There is no backup that collects changes; BACKUP START begins one"); }

}  // namespace

std::string_view Backup::StateName(State state) {
  switch (state) {
    case State::kIdle: return "idle";
    case State::kPending: return "pending";
    case State::kSnapshotting: return "snapshotting";
    case State::kIncrementing: return "incrementing";
    case State::kSealed: return "sealed";
    case State::kFailed: return "failed";
  }
  return "";
}

Backup::Backup(Engine& engine, SnapshotJobs& jobs, AppendOnlyFile& append_only, AofBaseMaker make_base,
               FileSystem& files)
    : engine_(engine), jobs_(jobs), append_only_(append_only), make_base_(std::move(make_base)), files_(files) {
  append_only.set_follower(this);
  ApplySettings();
}

// ---- What is said of it

Backup::State Backup::StateOf(Stage stage) const {
  switch (stage) {
    case Stage::kIdle: return State::kIdle;
    case Stage::kWaiting:
      return (is_linked_ ? append_only_.is_rewriting() : takes_snapshot_) ? State::kSnapshotting : State::kPending;
    case Stage::kIncrementing:
    case Stage::kSealing: return State::kIncrementing;
    case Stage::kSealed: return State::kSealed;
    case Stage::kFailed: return State::kFailed;
  }
  return State::kIdle;
}

Backup::Report Backup::report() const {
  MutexLock lock(mutex_);
  return {StateOf(stage_), error_, started_s_, ended_s_};
}

bool Backup::is_in_progress() const {
  MutexLock lock(mutex_);
  return IsUnderWay(stage_);
}

std::vector<std::string> Backup::Files() const {
  MutexLock lock(mutex_);
  return paths_;
}

bool Backup::IsAt(Stage stage, uint64_t number) const {
  MutexLock lock(mutex_);
  return stage_ == stage && number_ == number;
}

// The recorder may be the one that calls: whoever ends or begins the next one destroys it.
void Backup::Fail(uint64_t number, std::string_view reason) {
  MutexLock lock(mutex_);
  if (!IsUnderWay(stage_) || number_ != number) return;
  stage_ = Stage::kFailed;
  error_ = reason;
  ended_s_ = engine_.clock().NowMs() / 1000;
  paths_.clear();
  Log(LogLevel::kWarning, "Backup failed: " + error_);
}

// ---- Commands

Status Backup::Start() {
  std::unique_ptr<BackupRecorder> left_over;
  {
    MutexLock files_lock(files_mutex_);
    {
      MutexLock lock(mutex_);
      if (IsUnderWay(stage_)) return InProgress();
      if (stage_ == Stage::kSealed) {
        return errors::Generic("There is a sealed backup; BACKUP CLEANUP removes it");
      }
      left_over = std::move(recorder_);
    }
    KVICK_RETURN_IF_ERROR(RemoveFiles());
    KVICK_RETURN_IF_ERROR(PrepareFolder());
    manifest_ = {};
    first_increment_ = 0;
    MutexLock lock(mutex_);
    ++number_;
    stage_ = Stage::kWaiting;
    is_linked_ = append_only_.is_on();
    takes_snapshot_ = false;
    error_.clear();
    paths_.clear();
    started_s_ = engine_.clock().NowMs() / 1000;
    ended_s_ = 0;
  }
  Log(LogLevel::kNotice, "Backup started");
  BeginBase();
  MutexLock lock(mutex_);
  return stage_ == Stage::kFailed ? errors::Generic("Backup failed: " + error_) : Status::Ok();
}

void Backup::BeginBase() {
  uint64_t number = 0;
  bool is_linked = false;
  {
    MutexLock lock(mutex_);
    if (stage_ != Stage::kWaiting || takes_snapshot_) return;
    number = number_;
    is_linked = is_linked_;
  }
  if (is_linked) {
    // One that is under way or scheduled already serves as well, as long as its base is still to come.
    if (!append_only_.is_rewriting()) static_cast<void>(append_only_.RequestRewrite(false).ok());
    return;
  }
  if (jobs_.is_running()) return;
  if (const Status status = TakeSnapshot(number); !status.ok()) Fail(number, status.text());
}

Status Backup::CheckSealable() const {
  MutexLock lock(mutex_);
  return stage_ == Stage::kIncrementing ? Status::Ok() : NotSealable();
}

void Backup::Seal(std::function<void(const Status&)> done) {
  uint64_t number = 0;
  bool is_linked = false;
  bool is_recorded = false;
  {
    MutexLock lock(mutex_);
    if (stage_ == Stage::kIncrementing) {
      stage_ = Stage::kSealing;
      number = number_;
      is_linked = is_linked_;
      is_recorded = !is_linked && recorder_->Finish([this, number, done](const Status& status) {
        MutexLock files_lock(files_mutex_);
        EndSeal(status, number, done);
      });
    }
  }
  if (number == 0) return done(NotSealable());
  if (is_linked) {
    append_only_.Rotate([this, number, done](const Status& status, const AofManifest& manifest) {
      CompleteLinks(status, manifest, number, done);
    });
  } else if (!is_recorded) {
    MutexLock files_lock(files_mutex_);
    EndSeal(Status::Error("the changes could not be written"), number, done);
  }
}

Status Backup::Abort() {
  std::unique_ptr<BackupRecorder> recorder;
  bool cancels_snapshot = false;
  uint64_t number = 0;
  {
    MutexLock lock(mutex_);
    if (!IsUnderWay(stage_)) {
      return errors::Generic(stage_ == Stage::kSealed ? "The backup is sealed; BACKUP CLEANUP removes it"
                                                      : "There is no backup in progress");
    }
    number = number_;
    cancels_snapshot = takes_snapshot_;
    recorder = std::move(recorder_);
  }
  Fail(number, "aborted");
  if (cancels_snapshot) jobs_.Cancel();
  return Status::Ok();
}

Status Backup::Cleanup() {
  std::unique_ptr<BackupRecorder> recorder;
  MutexLock files_lock(files_mutex_);
  {
    MutexLock lock(mutex_);
    if (IsUnderWay(stage_)) return errors::Generic("The backup is in progress; BACKUP ABORT ends it");
    if (stage_ == Stage::kIdle) return errors::Generic("There is no backup to be removed");
  }
  KVICK_RETURN_IF_ERROR(RemoveFiles());
  MutexLock lock(mutex_);
  recorder = std::move(recorder_);
  stage_ = Stage::kIdle;
  error_.clear();
  paths_.clear();
  started_s_ = ended_s_ = 0;
  return Status::Ok();
}

void Backup::RunPeriodicWork() {
  bool begins = false;
  bool is_over = false;
  {
    MutexLock lock(mutex_);
    begins = stage_ == Stage::kWaiting && !takes_snapshot_ && !jobs_.is_running() && !append_only_.is_rewriting();
    const int64_t ttl_s = sealed_ttl_s_;
    is_over = stage_ == Stage::kSealed && ttl_s > 0 && engine_.clock().NowMs() / 1000 - ended_s_ >= ttl_s;
  }
  if (is_over) {
    const Status removed = Cleanup();
    Log(LogLevel::kNotice, removed.ok() ? "The sealed backup was removed: its time is over" : removed.text());
  }
  if (!begins) return;
  ScriptRunner* scripts = engine_.hooks.script_runner;
  engine_.gate().RunExclusiveUnless([scripts] { return scripts != nullptr && scripts->IsBusy(); },
                                    [this] {
                                      if (!engine_.is_ended) BeginBase();
                                      return true;
                                    });
}

void Backup::Stop() {
  std::unique_ptr<BackupRecorder> recorder;
  MutexLock lock(mutex_);
  recorder = std::move(recorder_);
}

// ---- Of the append-only file

void Backup::Link(const AofFolder& from, const AofFile& file, Status* status) {
  if (!status->ok() || std::find(made_.begin(), made_.end(), file.name) != made_.end()) return;
  *status = files_.Link(from.PathOf(file.name), PathOf(file.name));
  if (!status->ok()) return;
  made_.push_back(file.name);
  if (file.kind == AofFile::Kind::kIncrement) manifest_.increments.push_back(file);
}

void Backup::OnNewBase(const AofFolder& folder, const AofManifest& before, const AofManifest& now) {
  MutexLock files_lock(files_mutex_);
  uint64_t number = 0;
  bool is_waiting = false;
  {
    MutexLock lock(mutex_);
    if (!is_linked_ || !IsUnderWay(stage_)) return;
    number = number_;
    is_waiting = stage_ == Stage::kWaiting;
  }
  Status status;
  if (is_waiting) {
    linked_folder_ = &folder;
    prefix_ = folder.prefix();
    Link(folder, *now.base, &status);
    manifest_.base = now.base;
    first_increment_ = now.increments.empty() ? now.increment_sequence + 1 : now.increments.front().sequence;
  } else {
    // The file goes on from another base; the backup needs the increments between its own and that one.
    for (const AofFile& file : before.increments) {
      const bool goes = std::find(now.increments.begin(), now.increments.end(), file) == now.increments.end();
      if (goes && file.sequence >= first_increment_) Link(folder, file, &status);
    }
  }
  if (!status.ok()) return Fail(number, status.text());
  if (!is_waiting) return;
  MutexLock lock(mutex_);
  if (stage_ != Stage::kWaiting) return;
  stage_ = Stage::kIncrementing;
  paths_ = {PathOf(now.base->name)};
}

void Backup::OnRewriteEnd(const Status& status) {
  uint64_t number = 0;
  {
    MutexLock lock(mutex_);
    // One that was over before it could serve is followed by another.
    if (status.ok() || !is_linked_ || stage_ != Stage::kWaiting) return;
    number = number_;
  }
  Fail(number, "the rewrite of the append-only file failed: " + std::string(status.text()));
}

void Backup::OnTurnedOff() {
  uint64_t number = 0;
  {
    MutexLock lock(mutex_);
    if (!is_linked_) return;
    number = number_;
  }
  Fail(number, "the append-only file was turned off");
}

void Backup::CompleteLinks(const Status& rotated, const AofManifest& manifest, uint64_t number,
                           const std::function<void(const Status&)>& done) {
  MutexLock files_lock(files_mutex_);
  Status status = rotated;
  if (status.ok() && IsAt(Stage::kSealing, number)) {
    for (const AofFile& file : manifest.increments) {
      if (file.sequence >= first_increment_) Link(*linked_folder_, file, &status);
    }
  }
  EndSeal(std::move(status), number, done);
}

// ---- Of a snapshot

Status Backup::TakeSnapshot(uint64_t number) {
  MutexLock files_lock(files_mutex_);
  prefix_ = engine_.settings().append_file_name;
  const std::string increment = manifest_.AddIncrement(prefix_).name;
  made_ = {std::string(kTemporaryBase), increment};
  KVICK_ASSIGN_OR_RETURN(std::unique_ptr<OutputFile> base_file, files_.Create(PathOf(kTemporaryBase)));
  KVICK_ASSIGN_OR_RETURN(std::unique_ptr<OutputFile> increment_file, files_.Create(PathOf(increment)));
  const auto sink = std::make_shared<BufferedFileSink>(std::move(base_file), kSyncEveryBytes);
  const std::shared_ptr<AofBase> base = make_base_(engine_, sink);
  SnapshotRequest request;
  request.encoder = base->encoder();
  request.sink = base;
  request.at_cut = [&](uint64_t /*log_position*/) {
    KVICK_RETURN_IF_ERROR(base->Begin());
    MutexLock lock(mutex_);
    takes_snapshot_ = true;
    recorder_ = std::make_unique<BackupRecorder>(engine_.log(), std::move(increment_file),
                                                 [this, number](const Status& status) { Fail(number, status.text()); });
    return Status::Ok();
  };
  request.on_done = [this, number, base, sink](Status status) { EndSnapshot(number, *base, *sink, std::move(status)); };
  return jobs_.Start(std::move(request));
}

void Backup::EndSnapshot(uint64_t number, AofBase& base, BufferedFileSink& sink, Status status) {
  // Somebody needed the snapshot's place (SAVE): another time.
  const bool is_postponed = status.text() == SnapshotJobs::kCancelled;
  std::unique_ptr<BackupRecorder> useless;
  MutexLock files_lock(files_mutex_);
  {
    MutexLock lock(mutex_);
    if (number_ == number) takes_snapshot_ = false;
    if (stage_ != Stage::kWaiting || number_ != number) return;
    if (!status.ok()) useless = std::move(recorder_);
  }
  if (is_postponed) {
    status = RemoveFiles();
    manifest_ = {};
    if (!status.ok()) Fail(number, status.text());
    return;
  }
  if (status.ok()) status = base.End();
  if (status.ok()) status = sink.Finish();
  const AofFile file = manifest_.ReplaceBase(prefix_, base.extension(), 0);
  if (status.ok()) status = files_.Rename(PathOf(kTemporaryBase), PathOf(file.name));
  if (!status.ok()) {
    Fail(number, status.text());
    MutexLock lock(mutex_);
    useless = std::move(recorder_);
    return;
  }
  made_[0] = file.name;
  MutexLock lock(mutex_);
  if (stage_ != Stage::kWaiting) return;
  stage_ = Stage::kIncrementing;
  paths_ = {PathOf(file.name)};
}

// ---- The end

Status Backup::WriteManifest() {
  const AofFolder folder(files_, folder_path_, prefix_);
  made_.push_back(folder.manifest_name());
  KVICK_RETURN_IF_ERROR(folder.SaveManifest(manifest_));
  return files_.SyncFolder(folder_path_);
}

void Backup::EndSeal(Status status, uint64_t number, const std::function<void(const Status&)>& done) {
  const bool is_wanted = IsAt(Stage::kSealing, number);
  if (status.ok() && is_wanted) status = WriteManifest();
  if (!status.ok()) Fail(number, status.text());
  {
    MutexLock lock(mutex_);
    if (status.ok() && (stage_ != Stage::kSealing || number_ != number)) {
      status = Status::Error("aborted");
    } else if (status.ok()) {
      stage_ = Stage::kSealed;
      ended_s_ = engine_.clock().NowMs() / 1000;
      paths_.clear();
      for (const AofFile& file : manifest_.DataFiles()) paths_.push_back(PathOf(file.name));
      paths_.push_back(PathOf(prefix_ + ".manifest"));
      Log(LogLevel::kNotice, "Backup sealed");
    }
  }
  done(status.ok() ? status : errors::Generic("Backup failed: " + std::string(status.text())));
}

// ---- Its folder

Status Backup::PrepareFolder() {
  const Settings& settings = engine_.settings();
  std::error_code ignored;
  folder_path_ = std::filesystem::absolute(settings.backup_folder_name, ignored).string();
  if (settings.backup_folder_name == settings.append_folder_name) {
    return errors::Generic("backupdirname and appenddirname are the same folder");
  }
  const auto refuse = [](std::string_view reason) {
    return errors::Generic("Can't use the backup directory: " + std::string(reason));
  };
  if (const Status made = files_.MakeFolder(folder_path_); !made.ok()) return refuse(made.text());
  DIR* folder = opendir(folder_path_.c_str());
  if (folder == nullptr) return refuse(std::strerror(errno));
  bool is_empty = true;
  while (const dirent* entry = readdir(folder)) {
    const std::string_view name = entry->d_name;
    is_empty = is_empty && (name == "." || name == "..");
  }
  closedir(folder);
  return is_empty ? Status::Ok() : refuse("it is not empty");
}

// Only what it made itself. What could not be removed stays known, so that it can be tried again.
Status Backup::RemoveFiles() {
  while (!made_.empty()) {
    const std::string path = PathOf(made_.back());
    std::error_code ignored;
    if (std::filesystem::exists(std::filesystem::symlink_status(path, ignored))) {
      if (const Status removed = files_.Remove(path); !removed.ok())
        return errors::Generic(std::string(removed.text()));
    }
    made_.pop_back();
  }
  return Status::Ok();
}

}  // namespace kvick

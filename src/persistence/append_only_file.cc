#include "persistence/append_only_file.h"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/assert.h"
#include "base/log.h"
#include "engine/latency_monitor.h"
#include "persistence/command_base.h"

namespace kvick {
namespace {

// How long the writer leaves what is recorded to the workers, who write it themselves or hurry the writer at the end of
// their turns.
constexpr int64_t kGatherMs = 20;
constexpr int64_t kIdleWaitMs = 1000;
constexpr int64_t kSyncPeriodMs = 1000;
constexpr int64_t kRetryPeriodMs = 1000;
constexpr int64_t kFailureLogPeriodMs = 30'000;
// A sync that takes longer, while there is something to be written, delays the log.
constexpr int64_t kSlowSyncMs = 2000;
// For how long a sync is put off at most so that more clients share it.
constexpr int64_t kGroupWaitUsMax = 1000;

}  // namespace

AppendOnlyFile::AppendOnlyFile(Engine& engine, Parts parts) : engine_(engine), parts_(std::move(parts)) {
  FindFolder();
  ApplySettings();
}

AppendOnlyFile::~AppendOnlyFile() { Stop(); }

void AppendOnlyFile::Stop() {
  std::thread rewriter;
  {
    MutexLock lock(mutex_);
    CancelRewrite();
    rewriter.swap(rewriter_);
  }
  if (rewriter.joinable()) rewriter.join();
  StopWriter();
}

void AppendOnlyFile::FindFolder() {
  const Settings& settings = engine_.settings();
  std::error_code ignored;
  folder_ = std::make_unique<AofFolder>(*parts_.files,
                                        std::filesystem::absolute(settings.append_folder_name, ignored).string(),
                                        settings.append_file_name);
}

void AppendOnlyFile::ApplySettings() {
  const Settings& settings = engine_.settings();
  rules_.no_sync_on_rewrite = settings.aof_no_sync_on_rewrite;
  rules_.keeps_history = settings.aof_keeps_history;
  rules_.syncs_bases = settings.aof_rewrite_incremental_sync;
  rules_.rewrite_percentage = settings.aof_rewrite_percentage;
  rules_.rewrite_bytes_min = settings.aof_rewrite_bytes_min;
  if (is_on()) engine_.log().NoteTimes(settings.aof_timestamps ? &engine_.clock() : nullptr);
  MutexLock lock(mutex_);
  if (sync_.exchange(settings.append_sync) == settings.append_sync || !is_on()) return;
  // Under the lock, so that the writer releases nothing by the old rule afterwards.
  engine_.release_gate().Release(syncs_always() ? durable_position_.load() : written_position_.load());
  if (reader_ != nullptr) reader_->Wake();
}

Status AppendOnlyFile::Start(AofManifest manifest) {
  if (const Status made = folder_->Make(); !made.ok()) {
    return Status::Error("Can't open or create append-only dir " + engine_.settings().append_folder_name + ": " +
                         std::string(SystemReason(made)));
  }
  RemoveTemporaryFiles();
  const bool is_new = !manifest.has_data();
  if (is_new) KVICK_RETURN_IF_ERROR(CreateEmptyBase(&manifest));
  const bool has_increment = !manifest.increments.empty();
  const std::string name =
      has_increment ? manifest.increments.back().name : manifest.AddIncrement(folder_->prefix()).name;
  Log(LogLevel::kNotice,
      (has_increment ? "Opening AOF incr file " : "Creating AOF incr file ") + name + " on server start");
  Result<std::unique_ptr<OutputFile>> file = has_increment ? folder_->files().OpenForAppend(folder_->PathOf(name))
                                                           : folder_->files().Create(folder_->PathOf(name));
  if (!file.ok()) {
    return Status::Error("Can't open the append-only file " + name + ": " + std::string(SystemReason(file.status())));
  }
  if (!has_increment) KVICK_RETURN_IF_ERROR(folder_->SaveManifest(manifest));
  KVICK_ASSIGN_OR_RETURN(const uint64_t size, folder_->TotalSize(manifest));
  {
    MutexLock lock(manifest_mutex_);
    manifest_ = std::move(manifest);
    RemoveHistory();
  }
  other_bytes_ = size - (*file)->size();
  rewritten_bytes_ = size;
  state_ = State::kOn;
  engine_.gate().RunExclusive([&] { StartWriter(std::move(file).value()); });
  return Status::Ok();
}

std::shared_ptr<AofBase> AppendOnlyFile::MakeBase(std::shared_ptr<ByteSink> file) {
  if (engine_.settings().aof_use_rdb_preamble) return parts_.make_rdb_base(engine_, std::move(file));
  return std::make_shared<CommandBase>(engine_, std::move(file));
}

// The data set is empty: a base without entries.
Status AppendOnlyFile::CreateEmptyBase(AofManifest* manifest) {
  const std::string name =
      manifest->ReplaceBase(folder_->prefix(), engine_.settings().aof_use_rdb_preamble ? "rdb" : "aof", INT64_MAX).name;
  Log(LogLevel::kNotice, "Creating AOF base file " + name + " on server start");
  const auto write = [&] {
    KVICK_ASSIGN_OR_RETURN(std::unique_ptr<OutputFile> file, folder_->files().Create(folder_->PathOf(name)));
    const auto sink = std::make_shared<BufferedFileSink>(std::move(file), 0);
    const std::shared_ptr<AofBase> base = MakeBase(sink);
    KVICK_RETURN_IF_ERROR(base->Begin());
    KVICK_RETURN_IF_ERROR(base->End());
    return sink->Finish();
  };
  const Status status = write();
  if (status.ok()) return status;
  return Status::Error("Can't create the AOF base file " + name + ": " + std::string(status.text()));
}

// In an exclusive moment, or before anybody executes anything.
void AppendOnlyFile::StartWriter(std::unique_ptr<OutputFile> file) {
  engine_.log().NoteTimes(engine_.settings().aof_timestamps ? &engine_.clock() : nullptr);
  reader_ = engine_.log().Attach();
  const uint64_t position = reader_->position();
  increment_bytes_ = file->size();
  written_position_ = durable_position_ = position;
  {
    MutexLock lock(io_mutex_);
    increment_ = std::make_unique<AofIncrement>(std::move(file), position);
  }
  {
    MutexLock lock(mutex_);
    is_stopping_ = false;
    switch_ = Switch::kNone;
  }
  engine_.release_gate().Release(position);
  writer_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "aof");
    RunWriter();
  });
}

Status AppendOnlyFile::TurnOn() {
  if (is_on()) return Status::Ok();
  const auto refuse = [](const Status& status) {
    Log(LogLevel::kWarning,
        "Redis needs to enable the AOF but can't trigger a background AOF rewrite operation. Check the above logs for "
        "more info about the error. " +
            std::string(status.text()));
    return Status::Error("Unable to turn on AOF. Check server logs.");
  };
  if (!is_rewriting_) FindFolder();
  if (const Status made = folder_->Make(); !made.ok()) return refuse(made);
  Result<std::unique_ptr<OutputFile>> file = folder_->files().Create(folder_->PathOf(folder_->first_increment_name()));
  if (!file.ok()) return refuse(file.status());
  other_bytes_ = 0;
  state_ = State::kWaitingForBase;
  StartWriter(std::move(file).value());
  MutexLock lock(mutex_);
  is_rewrite_scheduled_ = true;
  if (is_rewriting_) {
    // It does not know what is recorded from now on.
    Log(LogLevel::kWarning,
        "AOF was enabled but there is already an AOF rewriting in background. Stopping background AOF and starting a "
        "rewrite now.");
    CancelRewrite();
  }
  return Status::Ok();
}

void AppendOnlyFile::TurnOff() {
  if (!is_on()) return;
  StopWriter();
  const bool was_waiting = state_ == State::kWaitingForBase;
  state_ = State::kOff;
  engine_.log().NoteTimes(nullptr);
  engine_.release_gate().Release(ReleaseGate::kEverything);
  increment_bytes_ = other_bytes_ = rewritten_bytes_ = 0;
  ForgetWork();
  if (follower_ != nullptr) follower_->OnTurnedOff();
  if (was_waiting) Log(LogLevel::kNotice, "AOF was disabled before its first base was written");
}

// There is no file any more for which somebody could wait.
void AppendOnlyFile::ForgetWork() {
  MutexLock lock(mutex_);
  is_rewrite_scheduled_ = false;
  RefuseWrites(false);
  write_failure_.clear();
  sync_failure_.clear();
  for (Waiter& waiter : waiters_) {
    if (!waiter.call->Claim()) continue;
    waiter.call->transport()->DeliverUnblocked(waiter.call->session_id(), "-" + std::string(kWaitsInVain) + "\r\n");
  }
  waiters_.clear();
  if (is_rewriting_) {
    Log(LogLevel::kNotice, "Killing AOF child");
    CancelRewrite();
  }
}

Status AppendOnlyFile::PrepareToEnd(bool is_forced) {
  {
    MutexLock lock(mutex_);
    // Also one that is about to begin; not one that fails again and again.
    const bool is_due = is_rewrite_scheduled_ && state_ == State::kWaitingForBase && consecutive_failure_count_ == 0;
    is_rewrite_scheduled_ = false;
    if (is_rewriting_ || is_due) {
      if (state_ == State::kWaitingForBase) {
        if (!is_forced) {
          Log(LogLevel::kWarning, "Writing initial AOF, can't exit");
          is_rewrite_scheduled_ = true;
          return Status::Error("ERR Errors trying to SHUTDOWN. Check logs.");
        }
        Log(LogLevel::kWarning, "Writing initial AOF. Exit anyway.");
      }
      Log(LogLevel::kWarning, "There is a child rewriting the AOF. Killing it!");
      CancelRewrite();
    }
  }
  if (!is_on()) return Status::Ok();
  Log(LogLevel::kNotice, "Calling fsync() on the AOF file.");
  Flush();
  return Status::Ok();
}

void AppendOnlyFile::Flush() {
  if (!writer_.joinable()) return;
  MutexLock lock(mutex_);
  const uint64_t wanted = ++flush_wanted_;
  changed_.NotifyAll();
  reader_->Wake();
  while (flush_done_ < wanted) changed_.Wait(mutex_);
}

// After a last flush.
void AppendOnlyFile::StopWriter() {
  if (!writer_.joinable()) return;
  {
    MutexLock lock(mutex_);
    is_stopping_ = true;
    changed_.NotifyAll();
  }
  reader_->Wake();
  writer_.join();
  FailRotation(Status::Error("the append-only file is off"));
  MutexLock io_lock(io_mutex_);
  MutexLock lock(mutex_);
  reader_.reset();
  increment_.reset();
  if (switch_ == Switch::kWanted) switch_ = Switch::kFailed;
  changed_.NotifyAll();
}

void AppendOnlyFile::RunWriter() {
  bool is_last = false;
  while (!is_last) {
    WaitForWork();
    uint64_t flush = 0;
    bool is_forced = false;
    {
      MutexLock lock(mutex_);
      is_last = is_stopping_;
      is_hurried_ = false;
      flush = flush_wanted_;
      is_forced = is_last || flush > flush_done_;
    }
    if (!is_forced) WaitForGroup();
    group_count_ += waiting_count_.exchange(0);
    {
      MutexLock lock(io_mutex_);
      if (is_forced) retry_ms_ = 0;
      Append(true);
      if (is_forced && increment_->has_unsynced()) {
        Sync();
      } else {
        SyncIfDue();
      }
    }
    MutexLock lock(mutex_);
    if (std::exchange(flush_done_, flush) != flush) changed_.NotifyAll();
  }
}

bool AppendOnlyFile::IsUrgent() const {
  return is_stopping_ || is_hurried_ || flush_wanted_ > flush_done_ || switch_ == Switch::kWanted || rotation_;
}

void AppendOnlyFile::WaitForChange(int64_t timeout_ms) {
  MutexLock lock(mutex_);
  if (!IsUrgent()) changed_.WaitFor(mutex_, timeout_ms);
}

void AppendOnlyFile::WaitForWork() {
  const int64_t now_ms = engine_.clock().MonotonicMs();
  int64_t wait_ms = kIdleWaitMs;
  int64_t retry_wait_ms = 0;
  {
    MutexLock lock(io_mutex_);
    if (increment_->has_pending()) retry_wait_ms = std::max<int64_t>(retry_ms_ - now_ms, 1);
    if (increment_->has_unsynced() && sync_ == AppendSync::kEverySecond && !is_sync_suspended()) {
      wait_ms = std::clamp<int64_t>(synced_ms_ + kSyncPeriodMs - now_ms, 1, wait_ms);
    }
  }
  {
    MutexLock lock(mutex_);
    if (IsUrgent()) return;
    // What could not be written has to wait although there is something to be done. Otherwise, too, the writer does not
    // let the next record wake it: it would come into the midst of a turn, of which it is to write the whole.
    changed_.WaitFor(mutex_, retry_wait_ms > 0 ? retry_wait_ms : std::min(wait_ms, kGatherMs));
    if (retry_wait_ms > 0 || IsUrgent()) return;
  }
  if (reader_->WaitFor(0)) return;
  if (reader_->WaitFor(wait_ms)) WaitForChange(kGatherMs);
}

// Clients that wait for each reply come back soon after a sync has released them. A sync that begins with the first of
// them is theirs alone, and the others have to wait for it and for their own: with half of them in each, every client
// waits for two syncs a round instead of one. So the next sync waits for those whom the latest has released and those
// who were waiting already, but not for longer than half of what a sync takes, which is less than what it saves if they
// come. Who writes alone never waits, nor who comes later than that.
void AppendOnlyFile::WaitForGroup() {
  if (!syncs_always()) return;
  while (group_is_complete_.try_acquire()) {
  }
  if (waiting_count_.load() >= expected_count_.load()) return;
  static_cast<void>(group_is_complete_.try_acquire_until(group_deadline_));
}

void AppendOnlyFile::NoteGroup(int64_t sync_us) {
  sync_us_ = sync_us_ == 0 ? sync_us : (3 * sync_us_ + sync_us) / 4;
  expected_count_ = std::exchange(group_count_, 0) + waiting_count_.load();
  group_deadline_ =
      std::chrono::steady_clock::now() + std::chrono::microseconds(std::min(sync_us_ / 2, kGroupWaitUsMax));
}

void AppendOnlyFile::WriteNow(size_t client_count) {
  if (!is_on()) return;
  if (syncs_always()) {
    const size_t waiting_count = waiting_count_.fetch_add(client_count) + client_count;
    if (client_count > 0 && waiting_count >= expected_count_.load()) group_is_complete_.release();
    // What is written already waits for the sync that is under way.
    if (written_position_.load(std::memory_order_relaxed) >= engine_.log().end_position()) return;
  } else if (io_mutex_.TryLock()) {
    const bool is_written = !increment_->has_pending() && Append(false);
    io_mutex_.Unlock();
    if (is_written) return;
  }
  MutexLock lock(mutex_);
  is_hurried_ = true;
  changed_.NotifyAll();
}

// Replies wait until it has been written what they acknowledge; with `always`, until it is durable. Under the lock, so
// that nothing is released by a rule that has just been changed.
void AppendOnlyFile::ReleaseWritten(uint64_t position) {
  MutexLock lock(mutex_);
  if (!syncs_always()) engine_.release_gate().Release(position);
}

bool AppendOnlyFile::Append(bool may_turn) {
  const CommandLog::Batch batch = reader_->Take();
  // Behind Take: what was recorded behind the cut is taken only after the cut was announced.
  const std::vector<uint64_t> turns = Turns();
  increment_->Take(batch, turns);
  if (!may_turn && !turns.empty()) return false;
  const bool has_work = increment_->has_pending();
  const uint64_t end = reader_->position();
  if (has_work && engine_.clock().MonotonicMs() < retry_ms_) return false;
  if (!turns.empty()) ReleaseWritten(ReleaseGate::kEverything);
  Status status;
  for (const uint64_t position : turns) {
    status = increment_->WriteUpTo(position);
    if (!status.ok()) break;
    EndRotation(position);
    SwitchIncrement(position);
  }
  if (status.ok()) {
    const LatencyMonitor::Timer timer(engine_.hooks.latency_monitor, LatencyEvent::kAofWrite, engine_.clock());
    status = increment_->WriteUpTo(end);
  }
  increment_bytes_ = increment_->size_bytes();
  written_position_ = increment_->written_position();
  ReleaseWritten(status.ok() ? end : ReleaseGate::kEverything);
  if (!status.ok()) {
    FailRotation(status);
    FailTo("Error writing to the AOF file: ", status);
  } else if (has_work) {
    EndFailure("AOF write error looks solved. The server can write again.");
  }
  return status.ok();
}

std::vector<uint64_t> AppendOnlyFile::Turns() {
  std::vector<uint64_t> turns;
  MutexLock lock(mutex_);
  if (rotation_) turns.push_back(rotation_->position);
  if (switch_ == Switch::kWanted) turns.push_back(switch_position_);
  std::sort(turns.begin(), turns.end());
  return turns;
}

void AppendOnlyFile::Rotate(RotationDone done) {
  {
    MutexLock lock(mutex_);
    if (state_ == State::kOn && reader_ != nullptr && !rotation_) {
      // Under the lock: who has taken what is recorded behind this position finds the rotation when he asks for turns.
      rotation_ = Rotation{engine_.log().ForgetSelectedDatabase(), std::move(done)};
      changed_.NotifyAll();
      reader_->Wake();
      return;
    }
  }
  done(Status::Error("the append-only file is off"), {});
}

void AppendOnlyFile::EndRotation(uint64_t position) {
  std::optional<Rotation> rotation;
  {
    MutexLock lock(mutex_);
    if (!rotation_ || rotation_->position != position) return;
    rotation.swap(rotation_);
  }
  MutexLock lock(manifest_mutex_);
  const AofManifest before = manifest_;
  Status status = increment_->Sync();
  if (status.ok()) status = OpenNextIncrement();
  rotation->done(status, before);
}

void AppendOnlyFile::FailRotation(const Status& status) {
  std::optional<Rotation> rotation;
  {
    MutexLock lock(mutex_);
    rotation.swap(rotation_);
  }
  if (!rotation) return;
  MutexLock lock(manifest_mutex_);
  rotation->done(status, manifest_);
}

// The old increment is whole and synced before the manifest names another one behind it.
void AppendOnlyFile::SwitchIncrement(uint64_t position) {
  {
    MutexLock lock(mutex_);
    if (switch_ != Switch::kWanted || switch_position_ != position) return;
  }
  Status status;
  if (state_ == State::kWaitingForBase) {
    status = increment_->Empty();  // what was recorded before the cut is in the base
  } else {
    MutexLock lock(manifest_mutex_);
    status = increment_->Sync();
    if (status.ok()) status = OpenNextIncrement();
    if (status.ok()) {
      MutexLock state_lock(mutex_);
      switched_sequence_ = manifest_.increment_sequence;
    }
  }
  if (!status.ok()) {
    Log(LogLevel::kWarning, "Can't go over to a new AOF incr file: " + std::string(status.text()));
  }
  MutexLock lock(mutex_);
  // Another rewrite may want another one by now.
  if (switch_ != Switch::kWanted || switch_position_ != position) return;
  switch_ = status.ok() ? Switch::kDone : Switch::kFailed;
  changed_.NotifyAll();
}

Status AppendOnlyFile::OpenNextIncrement() {
  AofManifest next = manifest_;
  const AofFile added = next.AddIncrement(folder_->prefix());
  const std::string path = folder_->PathOf(added.name);
  Log(LogLevel::kNotice, "Creating AOF incr file " + added.name + " on background rewrite");
  KVICK_ASSIGN_OR_RETURN(std::unique_ptr<OutputFile> file, folder_->files().Create(path));
  if (Status saved = folder_->SaveManifest(next); !saved.ok()) {
    static_cast<void>(folder_->files().Remove(path).ok());
    return saved;
  }
  other_bytes_ += increment_->size_bytes();
  increment_->GoOnIn(std::move(file));
  manifest_ = std::move(next);
  return Status::Ok();
}

bool AppendOnlyFile::is_sync_suspended() const {
  return rules_.no_sync_on_rewrite && (is_rewriting_ || parts_.snapshots->is_running());
}

void AppendOnlyFile::SyncIfDue() {
  if (!increment_->has_unsynced()) return BecomeDurable(increment_->written_position());
  const AppendSync rule = sync_.load(std::memory_order_relaxed);
  if (rule == AppendSync::kNo) return;
  if (is_sync_suspended()) {
    // The same as `no`: nobody waits.
    MutexLock lock(mutex_);
    if (syncs_always()) engine_.release_gate().Release(increment_->written_position());
    return;
  }
  const int64_t now_ms = engine_.clock().MonotonicMs();
  if (rule == AppendSync::kEverySecond && now_ms < synced_ms_ + kSyncPeriodMs) return;
  Sync();
}

void AppendOnlyFile::Sync() {
  const int64_t begin_ms = engine_.clock().MonotonicMs();
  const auto begin = std::chrono::steady_clock::now();
  is_syncing_ = true;
  ReleaseWritten(ReleaseGate::kEverything);
  Status status;
  {
    // What every second's sync takes delays nobody.
    LatencyMonitor* const monitor = syncs_always() ? engine_.hooks.latency_monitor : nullptr;
    const LatencyMonitor::Timer timer(monitor, LatencyEvent::kAofSyncAlways, engine_.clock());
    status = increment_->Sync();
  }
  is_syncing_ = false;
  NoteGroup(std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begin).count());
  const int64_t end_ms = engine_.clock().MonotonicMs();
  synced_ms_ = end_ms;
  if (end_ms - begin_ms > kSlowSyncMs && !syncs_always() && reader_->WaitFor(0)) {
    delayed_sync_count_.fetch_add(1, std::memory_order_relaxed);
    Log(LogLevel::kNotice,
        "Asynchronous AOF fsync is taking too long (disk is busy?). Writing the AOF buffer without waiting for fsync "
        "to complete, this may slow down Redis.");
  }
  if (!status.ok()) return FailTo("Fail to fsync the AOF file: ", status);
  // What was recorded meanwhile may be much: nobody waits for it either.
  if (syncs_always() || !reader_->WaitFor(0)) {
    ReleaseWritten(increment_->written_position());
  } else {
    Append(true);  // a failure is noted
  }
  {
    MutexLock lock(mutex_);
    sync_failure_.clear();
    if (write_failure_.empty()) RefuseWrites(false);
  }
  BecomeDurable(increment_->synced_position());
}

void AppendOnlyFile::BecomeDurable(uint64_t position) {
  if (position <= durable_position_.load(std::memory_order_relaxed)) return;
  durable_position_.store(position, std::memory_order_release);
  MutexLock lock(mutex_);
  if (syncs_always()) engine_.release_gate().Release(position);
  const auto due = std::partition(waiters_.begin(), waiters_.end(),
                                  [position](const Waiter& waiter) { return waiter.position > position; });
  for (auto waiter = due; waiter != waiters_.end(); ++waiter) {
    if (!waiter->call->Claim()) continue;
    waiter->call->transport()->DeliverUnblocked(waiter->call->session_id(), std::move(waiter->reply));
  }
  waiters_.erase(due, waiters_.end());
}

void AppendOnlyFile::AnswerWhenDurable(uint64_t position, std::shared_ptr<BlockedCall> call, std::string reply) {
  MutexLock lock(mutex_);
  if (!IsDurable(position)) {
    // Those that gave up waiting are dropped when there are many.
    if (waiters_.size() == waiters_.capacity()) {
      std::erase_if(waiters_, [](const Waiter& waiter) { return waiter.call->has_ended(); });
    }
    waiters_.push_back({position, std::move(call), std::move(reply)});
    return;
  }
  if (call->Claim()) call->transport()->DeliverUnblocked(call->session_id(), std::move(reply));
}

void AppendOnlyFile::FailTo(std::string_view what, const Status& status) {
  const int64_t now_ms = engine_.clock().MonotonicMs();
  const std::string reason(SystemReason(status));
  const bool is_sync = what.starts_with("Fail to fsync");
  retry_ms_ = now_ms + kRetryPeriodMs;
  if (syncs_always()) {
    if (is_sync) {
      return Die("Can't persist AOF for fsync error when the AOF fsync policy is 'always': " + reason + ". Exiting...");
    }
    Log(LogLevel::kWarning, std::string(what) + reason);
    return Die("Can't recover from AOF write error when the AOF fsync policy is 'always'. Exiting...");
  }
  if (logged_failure_ms_ == 0 || now_ms - logged_failure_ms_ > kFailureLogPeriodMs) {
    logged_failure_ms_ = now_ms;
    Log(LogLevel::kWarning, std::string(what) + reason);
  }
  MutexLock lock(mutex_);
  (is_sync ? sync_failure_ : write_failure_) = reason;
  RefuseWrites(true);
}

void AppendOnlyFile::EndFailure(std::string_view what) {
  MutexLock lock(mutex_);
  if (write_failure_.empty()) return;
  write_failure_.clear();
  logged_failure_ms_ = 0;
  Log(LogLevel::kWarning, what);
  if (sync_failure_.empty()) RefuseWrites(false);
}

void AppendOnlyFile::RefuseWrites(bool refuses) {
  if (std::exchange(refuses_writes_, refuses) == refuses) return;
  engine_.write_refusal_count.fetch_add(refuses ? 1 : -1, std::memory_order_relaxed);
}

Status AppendOnlyFile::Check() {
  MutexLock lock(mutex_);
  const std::string& reason = write_failure_.empty() ? sync_failure_ : write_failure_;
  if (reason.empty()) return Status::Ok();
  return Status::Error("MISCONF Errors writing to the AOF file: " + reason);
}

void AppendOnlyFile::Die(std::string_view line) {
  Log(LogLevel::kWarning, line);
  if (parts_.die) return parts_.die();
  _exit(1);
}

}  // namespace kvick

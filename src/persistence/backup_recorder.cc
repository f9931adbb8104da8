#include "persistence/backup_recorder.h"

#include <utility>

#include "base/background_thread.h"

namespace kvick {
namespace {

constexpr int64_t kIdleWaitMs = 1000;
// Handed to the disk as it grows, so that its end does not take long.
constexpr uint64_t kSyncEveryBytes = uint64_t{4} << 20;

}  // namespace

BackupRecorder::BackupRecorder(CommandLog& log, std::unique_ptr<OutputFile> file, Callback on_failure)
    : log_(log),
      on_failure_(std::move(on_failure)),
      reader_(log.Attach()),
      increment_(std::move(file), reader_->position()),
      thread_([this] {
        BecomeBackgroundThread("backup");
        Run();
      }) {}

BackupRecorder::~BackupRecorder() {
  {
    MutexLock lock(mutex_);
    is_stopping_ = true;
    if (!is_over_) reader_->Wake();
  }
  thread_.join();
}

bool BackupRecorder::Finish(Callback done) {
  MutexLock lock(mutex_);
  if (is_over_) return false;
  end_position_ = log_.end_position();
  done_ = std::move(done);
  reader_->Wake();
  return true;
}

void BackupRecorder::Run() {
  while (true) {
    reader_->WaitFor(kIdleWaitMs);
    std::optional<uint64_t> end;
    {
      MutexLock lock(mutex_);
      if (is_stopping_) break;
      end = end_position_;
    }
    const CommandLog::Batch batch = reader_->Take();
    const uint64_t split = end.value_or(0);
    increment_.Take(batch, {&split, 1});
    Status status = WriteUpTo(end.value_or(reader_->position()));
    if (status.ok() && end) status = increment_.Sync();
    if (!status.ok() || end) return Conclude(status);
  }
  Conclude(Status::Error("cancelled"));
}

Status BackupRecorder::WriteUpTo(uint64_t position) {
  KVICK_RETURN_IF_ERROR(increment_.WriteUpTo(position));
  if (increment_.size_bytes() - synced_bytes_ < kSyncEveryBytes) return Status::Ok();
  synced_bytes_ = increment_.size_bytes();
  return increment_.Sync();
}

void BackupRecorder::Conclude(const Status& status) {
  Callback done;
  bool is_stopping = false;
  {
    MutexLock lock(mutex_);
    is_over_ = true;
    is_stopping = is_stopping_;
    reader_.reset();  // the log keeps nothing for it any more
    done = std::move(done_);
  }
  if (done) {
    done(status);
  } else if (!status.ok() && !is_stopping) {
    on_failure_(status);
  }
}

}  // namespace kvick

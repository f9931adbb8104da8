// BackupRecorder writes what is recorded from a cut on into a file of its own: the increment of a backup that is made
// while there is no append-only file.
//
//   recorder = std::make_unique<BackupRecorder>(engine.log(), std::move(file), on_failure);   // exclusive: the cut
//   recorder->Finish([](const Status& status) { ... });
//
// Any thread may call any method. Callbacks come from the recorder's own thread, holding nothing; they must not destroy
// the recorder.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <thread>

#include "base/status.h"
#include "base/sync.h"
#include "engine/command_log.h"
#include "persistence/aof_increment.h"
#include "persistence/file_system.h"

namespace kvick {

class BackupRecorder {
 public:
  using Callback = std::function<void(const Status&)>;

  // In an exclusive moment. `on_failure` is called once if the file cannot be written, and nothing more is recorded.
  BackupRecorder(CommandLog& log, std::unique_ptr<OutputFile> file, Callback on_failure);
  // Whatever is not written yet is not wanted any more.
  ~BackupRecorder();
  BackupRecorder(const BackupRecorder&) = delete;
  BackupRecorder& operator=(const BackupRecorder&) = delete;

  // Everything that was recorded until now is on disk when `done` is called, and nothing else. False, and it is not
  // called, when the recorder has failed. Once.
  bool Finish(Callback done) KVICK_EXCLUDES(mutex_);

 private:
  void Run() KVICK_EXCLUDES(mutex_);
  Status WriteUpTo(uint64_t position);
  void Conclude(const Status& status) KVICK_EXCLUDES(mutex_);

  CommandLog& log_;
  const Callback on_failure_;

  // The thread's own.
  std::unique_ptr<CommandLog::Reader> reader_;
  AofIncrement increment_;
  uint64_t synced_bytes_ = 0;

  Mutex mutex_;
  bool is_stopping_ KVICK_GUARDED_BY(mutex_) = false;
  bool is_over_ KVICK_GUARDED_BY(mutex_) = false;  // the reader is gone
  std::optional<uint64_t> end_position_ KVICK_GUARDED_BY(mutex_);
  Callback done_ KVICK_GUARDED_BY(mutex_);

  std::thread thread_;  // last: it uses the rest
};

}  // namespace kvick

// AppendOnlyFile keeps the command log on disk: a base, which is the data set at one moment, and increments, to which a
// thread of its own appends what is recorded (docs/concurrency.md, "The append-only file").
//
//   AppendOnlyFile& file = engine.Attach<AppendOnlyFile>(engine, parts);
//   KVICK_RETURN_IF_ERROR(file.Start(manifest));      // after what there is was loaded; before clients are served
//
// When what was written is on disk its position is durable. With `appendfsync always` replies wait for that: they are
// released by the engine's ReleaseGate, many with one sync. Otherwise they wait until the system has taken their bytes,
// so that the end of the process alone loses nothing that was acknowledged: workers write themselves at the end of a
// turn (WriteNow), and what they do not, the thread does. Only while it syncs, which may take long, nobody waits for
// it. While the file cannot be written, writes are refused.
//
// A rewrite makes a new base. At the cut of its snapshot the thread that appends goes over to a new increment; when the
// base is written, the manifest names these two, and what was before becomes history. Until then nothing is lost.
//
// Thread rule: each method says its own.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <semaphore>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/status.h"
#include "base/sync.h"
#include "config/settings.h"
#include "engine/blocking.h"
#include "engine/command_log.h"
#include "engine/engine.h"
#include "engine/hooks.h"
#include "engine/info.h"
#include "persistence/aof_base.h"
#include "persistence/aof_folder.h"
#include "persistence/aof_increment.h"
#include "persistence/aof_manifest.h"
#include "persistence/buffered_file_sink.h"
#include "persistence/file_system.h"
#include "persistence/rewrite_follower.h"
#include "persistence/snapshot_job.h"

namespace kvick {

class AppendOnlyFile final : public WriteGuard {
 public:
  struct Parts {
    FileSystem* files = &FileSystem::System();
    SnapshotJobs* snapshots = nullptr;
    AofBaseMaker make_rdb_base;  // for aof-use-rdb-preamble
    // What ends the process when it cannot go on (appendfsync always); it was logged why.
    std::function<void()> die;
  };

  enum class State : uint8_t {
    kOff,
    kWaitingForBase,  // switched on while serving: what is recorded counts when the first base is there
    kOn,
  };

  // Before executors run.
  AppendOnlyFile(Engine& engine, Parts parts);
  ~AppendOnlyFile() override;
  AppendOnlyFile(const AppendOnlyFile&) = delete;
  AppendOnlyFile& operator=(const AppendOnlyFile&) = delete;

  // Begins to append. `manifest` is of what was loaded. Outside of the gate, before clients are served.
  Status Start(AofManifest manifest) KVICK_EXCLUDES(manifest_mutex_);
  // CONFIG SET appendonly. In an exclusive moment; turning off waits until everything is on disk.
  Status TurnOn() KVICK_EXCLUDES(mutex_);
  void TurnOff() KVICK_EXCLUDES(mutex_);
  // The settings have changed. In an exclusive moment.
  void ApplySettings() KVICK_EXCLUDES(mutex_);
  // Everything that was recorded so far is on disk when it returns, or there was an attempt. In an exclusive moment.
  void Flush() KVICK_EXCLUDES(mutex_);
  // The server is to end, for which everything must be on disk. In an exclusive moment, and after it nothing is
  // recorded. An error, unless it is forced, when the first base is still being written.
  Status PrepareToEnd(bool is_forced) KVICK_EXCLUDES(mutex_);

  // Ends a rewrite, flushes, and ends its threads. Outside of the gate, when nobody executes commands any more.
  void Stop() KVICK_EXCLUDES(mutex_);

  // BGREWRITEAOF. `is_later`: not now, because of a transaction. Returns the reply. Any thread.
  Result<std::string_view> RequestRewrite(bool is_later) KVICK_EXCLUDES(mutex_);
  // Begins rewrites that are due. Ten times a second, outside of the gate.
  void RunPeriodicWork() KVICK_EXCLUDES(mutex_);
  // Waits until no rewrite is running; for tests. Outside of the gate.
  void WaitForRewrite() KVICK_EXCLUDES(mutex_);

  static constexpr std::string_view kWaitsInVain =
      "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.";
  // WAITAOF. Any thread.
  bool is_on() const { return state_.load(std::memory_order_acquire) != State::kOff; }
  bool IsDurable(uint64_t position) const { return position <= durable_position_.load(std::memory_order_acquire); }
  // Answers the call when the position is durable, at once if it is.
  void AnswerWhenDurable(uint64_t position, std::shared_ptr<BlockedCall> call, std::string reply)
      KVICK_EXCLUDES(mutex_);

  // Writes what was recorded until now, unless somebody else is at it, who then does. With `always` the thread that
  // appends is told that so many more clients wait, and does. Inside the gate.
  void WriteNow(size_t client_count) KVICK_EXCLUDES(io_mutex_, mutex_);

  // Goes over to a new increment, without a new base: for a backup. `done` is called when everything that was recorded
  // until now is on disk, with what the manifest named until then, or with the reason why not: by the thread that
  // appends, under the lock of the manifest. Any thread; one at a time.
  using RotationDone = std::function<void(const Status& status, const AofManifest& manifest)>;
  void Rotate(RotationDone done) KVICK_EXCLUDES(mutex_);
  bool is_rewriting() const { return is_rewriting_.load(std::memory_order_acquire); }
  // Before executors run.
  void set_follower(RewriteFollower* follower) { follower_ = follower; }

  // WriteGuard.
  Status Check() override KVICK_EXCLUDES(mutex_);

  // The fields of INFO persistence. Any thread.
  void WriteInfo(InfoWriter& out) KVICK_EXCLUDES(mutex_);
  const AofFolder& folder() const { return *folder_; }
  State state() const { return state_.load(std::memory_order_acquire); }

 private:
  struct Waiter {
    uint64_t position;
    std::shared_ptr<BlockedCall> call;
    std::string reply;
  };
  struct Rotation {
    uint64_t position;  // in the log
    RotationDone done;
  };
  enum class Switch : uint8_t { kNone, kWanted, kDone, kFailed };
  // Copies of settings, for threads that are outside of the gate.
  struct Rules {
    std::atomic<bool> no_sync_on_rewrite{false};
    std::atomic<bool> keeps_history{false};
    std::atomic<bool> syncs_bases{true};  // piece by piece
    std::atomic<int> rewrite_percentage{0};
    std::atomic<int64_t> rewrite_bytes_min{0};
  };

  // append_only_file.cc: the thread that appends.
  void FindFolder();
  std::shared_ptr<AofBase> MakeBase(std::shared_ptr<ByteSink> file);
  Status CreateEmptyBase(AofManifest* manifest);
  void StartWriter(std::unique_ptr<OutputFile> file);
  void StopWriter() KVICK_EXCLUDES(mutex_);
  void ForgetWork() KVICK_EXCLUDES(mutex_);
  void RunWriter();
  void WaitForWork() KVICK_EXCLUDES(io_mutex_, mutex_);
  void WaitForChange(int64_t timeout_ms) KVICK_EXCLUDES(mutex_);
  void WaitForGroup();
  void NoteGroup(int64_t sync_us);
  bool IsUrgent() const KVICK_REQUIRES(mutex_);
  // `may_turn`: goes over to other increments, too, which takes long. Whether everything was written.
  bool Append(bool may_turn) KVICK_REQUIRES(io_mutex_) KVICK_EXCLUDES(mutex_);
  void ReleaseWritten(uint64_t position) KVICK_EXCLUDES(mutex_);
  // Where the file passes to another increment, in ascending order.
  std::vector<uint64_t> Turns() KVICK_EXCLUDES(mutex_);
  void SwitchIncrement(uint64_t position) KVICK_REQUIRES(io_mutex_) KVICK_EXCLUDES(mutex_, manifest_mutex_);
  void EndRotation(uint64_t position) KVICK_REQUIRES(io_mutex_) KVICK_EXCLUDES(mutex_, manifest_mutex_);
  void FailRotation(const Status& status) KVICK_EXCLUDES(mutex_, manifest_mutex_);
  Status OpenNextIncrement() KVICK_REQUIRES(io_mutex_, manifest_mutex_);
  void SyncIfDue() KVICK_REQUIRES(io_mutex_) KVICK_EXCLUDES(mutex_);
  void Sync() KVICK_REQUIRES(io_mutex_) KVICK_EXCLUDES(mutex_);
  void BecomeDurable(uint64_t position) KVICK_EXCLUDES(mutex_);
  void FailTo(std::string_view what, const Status& status) KVICK_REQUIRES(io_mutex_) KVICK_EXCLUDES(mutex_);
  void EndFailure(std::string_view what) KVICK_REQUIRES(io_mutex_) KVICK_EXCLUDES(mutex_);
  void RefuseWrites(bool refuses) KVICK_REQUIRES(mutex_);
  void Die(std::string_view line);
  bool syncs_always() const { return sync_.load(std::memory_order_relaxed) == AppendSync::kAlways; }
  bool is_sync_suspended() const;

  // aof_rewrite.cc: rewrites.
  void StartRewrite() KVICK_REQUIRES(mutex_);
  void RunRewrite() KVICK_EXCLUDES(mutex_, manifest_mutex_);
  Status Rewrite() KVICK_EXCLUDES(mutex_, manifest_mutex_);
  Status WriteBase(const std::string& path, std::string* extension) KVICK_EXCLUDES(mutex_);
  Status StartSnapshotAlone(const std::function<Status()>& start) KVICK_EXCLUDES(mutex_);
  void PrepareCut(uint64_t log_position) KVICK_EXCLUDES(mutex_);
  Status WaitForSnapshot() KVICK_EXCLUDES(mutex_);
  // True: it was put off.
  bool EndRewrite(const Status& status) KVICK_EXCLUDES(mutex_);
  Status WaitForSwitch() KVICK_EXCLUDES(mutex_);
  Status AdoptBase(const std::string& path, std::string_view extension) KVICK_EXCLUDES(mutex_, manifest_mutex_);
  void RemoveHistory() KVICK_REQUIRES(manifest_mutex_);
  void CancelRewrite() KVICK_REQUIRES(mutex_);
  void RemoveTemporaryFiles() const;
  // Fails again and again: has to wait for its next turn.
  bool IsRewriteHeldUp() KVICK_REQUIRES(mutex_);

  Engine& engine_;
  const Parts parts_;
  std::unique_ptr<AofFolder> folder_;  // found again when it is switched on; its path does not depend on `dir`
  Rules rules_;
  RewriteFollower* follower_ = nullptr;

  std::atomic<State> state_{State::kOff};
  std::atomic<AppendSync> sync_{AppendSync::kEverySecond};
  std::atomic<uint64_t> written_position_{0};
  std::atomic<uint64_t> durable_position_{0};
  std::atomic<uint64_t> increment_bytes_{0};  // of the open increment
  std::atomic<uint64_t> other_bytes_{0};      // of the base and the older increments
  std::atomic<uint64_t> rewritten_bytes_{0};  // of all, after the last rewrite or at the start
  std::atomic<uint64_t> delayed_sync_count_{0};
  std::atomic<bool> is_syncing_{false};

  // With `always`: how many clients wait for the next sync, and for how many it is worth to wait (WaitForGroup).
  std::atomic<size_t> waiting_count_{0};
  std::atomic<size_t> expected_count_{0};
  std::counting_semaphore<> group_is_complete_{0};
  // The writer's.
  size_t group_count_ = 0;  // who waits for the sync that is under way
  int64_t sync_us_ = 0;     // what a sync took lately
  std::chrono::steady_clock::time_point group_deadline_;

  std::atomic<bool> is_rewriting_{false};
  std::atomic<State> cut_state_{State::kOff};  // at the cut of the rewrite

  // Of who starts and stops the writer, in exclusive moments. What the reader takes is taken under `io_mutex_`.
  std::thread writer_;
  std::unique_ptr<CommandLog::Reader> reader_;

  // Who writes to the open increment: the writer, which holds it while it syncs too, or a worker, which only tries to
  // get it. Before the others.
  Mutex io_mutex_;
  std::unique_ptr<AofIncrement> increment_ KVICK_GUARDED_BY(io_mutex_);
  int64_t synced_ms_ KVICK_GUARDED_BY(io_mutex_) = 0;  // monotonic
  int64_t retry_ms_ KVICK_GUARDED_BY(io_mutex_) = 0;
  int64_t logged_failure_ms_ KVICK_GUARDED_BY(io_mutex_) = 0;

  // Who writes files and changes what the manifest says: the writer when it goes over to another increment, and a
  // rewrite when it is done. Held while files are synced; nobody who holds anything else waits for it.
  Mutex manifest_mutex_;
  AofManifest manifest_ KVICK_GUARDED_BY(manifest_mutex_);

  // A leaf but for the release gate, which is told under it.
  mutable Mutex mutex_;
  ConditionVariable changed_;
  bool is_stopping_ KVICK_GUARDED_BY(mutex_) = false;   // the writer
  bool is_hurried_ KVICK_GUARDED_BY(mutex_) = false;    // by a worker that does not write itself
  uint64_t flush_wanted_ KVICK_GUARDED_BY(mutex_) = 0;  // a count
  uint64_t flush_done_ KVICK_GUARDED_BY(mutex_) = 0;
  std::vector<Waiter> waiters_ KVICK_GUARDED_BY(mutex_);
  std::optional<Rotation> rotation_ KVICK_GUARDED_BY(mutex_);
  std::string write_failure_ KVICK_GUARDED_BY(mutex_);  // the system's reason; empty: none
  std::string sync_failure_ KVICK_GUARDED_BY(mutex_);
  bool refuses_writes_ KVICK_GUARDED_BY(mutex_) = false;
  // The rewrite.
  std::thread rewriter_ KVICK_GUARDED_BY(mutex_);
  bool is_rewrite_scheduled_ KVICK_GUARDED_BY(mutex_) = false;
  bool is_rewrite_cancelled_ KVICK_GUARDED_BY(mutex_) = false;
  bool is_rewrite_postponed_ KVICK_GUARDED_BY(mutex_) = false;  // another snapshot was running
  std::weak_ptr<BufferedFileSink> rewrite_sink_ KVICK_GUARDED_BY(mutex_);
  std::optional<Status> snapshot_outcome_ KVICK_GUARDED_BY(mutex_);
  Switch switch_ KVICK_GUARDED_BY(mutex_) = Switch::kNone;
  uint64_t switch_position_ KVICK_GUARDED_BY(mutex_) = 0;
  int64_t switched_sequence_ KVICK_GUARDED_BY(mutex_) = 0;   // of the increment that begins at the cut
  int64_t rewrite_started_ms_ KVICK_GUARDED_BY(mutex_) = 0;  // monotonic
  int64_t last_rewrite_ms_ KVICK_GUARDED_BY(mutex_) = -1;    // how long it took; -1: there was none
  bool last_rewrite_failed_ KVICK_GUARDED_BY(mutex_) = false;
  uint64_t rewrite_count_ KVICK_GUARDED_BY(mutex_) = 0;
  int consecutive_failure_count_ KVICK_GUARDED_BY(mutex_) = 0;
  int64_t held_up_until_ms_ KVICK_GUARDED_BY(mutex_) = 0;
  int hold_up_minutes_ KVICK_GUARDED_BY(mutex_) = 0;
};

}  // namespace kvick

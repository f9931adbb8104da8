// SnapshotJob: one snapshot of all databases, taken by a thread of its own and written to a sink.
//
//   ... exclusive moment:
//   KVICK_RETURN_IF_ERROR(jobs.Start({.encoder = encoder, .sink = sink, .at_cut = ..., .on_done = ...}));
//
// There is one at a time (SnapshotJobs). What is written before and after the entries (headers, checksums, renaming) is
// the sink's and on_done's.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "base/status.h"
#include "engine/engine.h"
#include "keyspace/entry_encoder.h"
#include "keyspace/snapshot.h"
#include "persistence/byte_sink.h"

namespace kvick {

struct SnapshotRequest {
  std::shared_ptr<const EntryEncoder> encoder;
  std::shared_ptr<ByteSink> sink;
  // Called in the exclusive moment of the cut, with the position in the command log that it stands for; an error
  // cancels, and is returned.
  std::function<Status(uint64_t log_position)> at_cut;
  // Called in the job's thread, outside of the gate, when the last entry was given to the sink, or with the reason why
  // not. Another job may begin after it has returned.
  std::function<void(Status)> on_done;
};

class SnapshotJobs {
 public:
  explicit SnapshotJobs(Engine& engine) : engine_(engine) {}
  // Cancels the job that runs and waits for it. The thread that calls must not be inside the gate.
  ~SnapshotJobs();
  SnapshotJobs(const SnapshotJobs&) = delete;
  SnapshotJobs& operator=(const SnapshotJobs&) = delete;

  // Makes the cut and begins to write. Requires an exclusive moment; an error when a job is running.
  Status Start(SnapshotRequest request);
  // The same, done when it returns, by the thread that calls and in its exclusive moment. on_done is not called.
  Status RunAlone(SnapshotRequest request);
  // Ends the job as soon as possible: on_done gets kCancelled. Any thread.
  void Cancel();
  // The same, and when it returns nothing of the job's snapshot is left, so that RunAlone may be called, though on_done
  // is still to come. Exclusive.
  void Abandon();
  static constexpr std::string_view kCancelled = "cancelled";
  // Waits until no job runs. Not inside the gate.
  void Wait();

  // From the cut until on_done has returned. Any thread.
  bool is_running() const { return is_running_.load(std::memory_order_acquire); }
  // Of the job that runs, or ran last. Any thread.
  struct Progress {
    uint64_t key_count = 0;       // at the cut
    uint64_t captured_count = 0;  // of them
    uint64_t pending_bytes = 0;   // captured by writers, not written
    uint64_t pending_bytes_peak = 0;
    uint64_t written_bytes = 0;
  };
  Progress progress() const;

 private:
  void Run(SnapshotRequest& request);
  void NoteProgress();

  Engine& engine_;
  std::atomic<bool> is_running_{false};
  std::atomic<bool> is_cancelled_{false};
  std::atomic<uint64_t> key_count_{0};
  std::atomic<uint64_t> captured_count_{0};
  std::atomic<uint64_t> pending_bytes_{0};
  std::atomic<uint64_t> pending_bytes_peak_{0};
  std::atomic<uint64_t> written_bytes_{0};
  std::unique_ptr<Snapshot> snapshot_;  // made and destroyed in exclusive moments, walked by the job's thread inside
  std::thread thread_;                  // of the running job; joined by the next one's exclusive moment, or at the end
};

}  // namespace kvick

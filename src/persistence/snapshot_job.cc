#include "persistence/snapshot_job.h"

#include <thread>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/background_thread.h"
#include "engine/exclusive_gate.h"

namespace kvick {
namespace {

std::vector<Database*> AllDatabases(Engine& engine) {
  std::vector<Database*> databases;
  for (int i = 0; i < engine.database_count(); ++i) databases.push_back(&engine.database(i));
  return databases;
}

}  // namespace

SnapshotJobs::~SnapshotJobs() {
  Cancel();
  Wait();
}

void SnapshotJobs::Wait() {
  while (is_running()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  if (thread_.joinable()) thread_.join();
}

void SnapshotJobs::Cancel() { is_cancelled_.store(true, std::memory_order_relaxed); }

void SnapshotJobs::Abandon() {
  Cancel();
  if (snapshot_ == nullptr) return;
  snapshot_->Discard();
  for (std::string piece; snapshot_->Walk(&piece);) piece.clear();
  engine_.snapshot = nullptr;
  snapshot_.reset();
}

Status SnapshotJobs::Start(SnapshotRequest request) {
  KVICK_ASSERT(!is_running());
  if (thread_.joinable()) thread_.join();
  if (request.at_cut) KVICK_RETURN_IF_ERROR(request.at_cut(engine_.log().end_position()));
  is_cancelled_.store(false, std::memory_order_relaxed);
  is_running_.store(true, std::memory_order_release);
  pending_bytes_peak_.store(0, std::memory_order_relaxed);
  written_bytes_.store(0, std::memory_order_relaxed);
  snapshot_ = std::make_unique<Snapshot>(AllDatabases(engine_), *request.encoder);
  engine_.snapshot = snapshot_.get();
  key_count_.store(snapshot_->key_count(), std::memory_order_relaxed);
  thread_ = std::thread([this, request = std::move(request)]() mutable { Run(request); });
  return Status::Ok();
}

Status SnapshotJobs::RunAlone(SnapshotRequest request) {
  KVICK_ASSERT(snapshot_ == nullptr);
  if (request.at_cut) KVICK_RETURN_IF_ERROR(request.at_cut(engine_.log().end_position()));
  Snapshot snapshot(AllDatabases(engine_), *request.encoder);
  Status status;
  std::string piece;
  while (snapshot.Walk(&piece)) {
    if (status.ok()) status = request.sink->Write(piece);
    if (!status.ok()) snapshot.Discard();
    piece.clear();
  }
  return status;
}

void SnapshotJobs::Run(SnapshotRequest& request) {
  BecomeBackgroundThread("kvick-snapshot");
  ExclusiveGate::Slot slot;
  engine_.gate().Register(&slot);
  Status status;
  std::string piece;
  bool goes_on = true;
  // The processor is not offered to others in between: with sched_yield a thread gives up what is left of its turn, and
  // the turns of this one are long. Beside busy programs it would come to next to nothing.
  while (goes_on) {
    engine_.gate().Enter(slot);
    goes_on = snapshot_ != nullptr;  // null: abandoned
    if (goes_on) {
      // What is left after a failure is only marked, so that the next cut finds all marks alike.
      if (!status.ok()) snapshot_->Discard();
      goes_on = snapshot_->Walk(&piece);
      NoteProgress();
    }
    engine_.gate().Leave(slot);
    if (status.ok() && is_cancelled_.load(std::memory_order_relaxed)) status = Status::Error(std::string(kCancelled));
    if (status.ok()) status = request.sink->Write(piece);
    written_bytes_.fetch_add(piece.size(), std::memory_order_relaxed);
    piece.clear();
  }
  engine_.gate().Unregister(&slot);
  engine_.gate().RunExclusive([&] {
    engine_.snapshot = nullptr;
    snapshot_.reset();
  });
  request.on_done(std::move(status));
  request = {};
  is_running_.store(false, std::memory_order_release);
}

void SnapshotJobs::NoteProgress() {
  captured_count_.store(snapshot_->captured_count(), std::memory_order_relaxed);
  const uint64_t pending = snapshot_->pending_bytes();
  pending_bytes_.store(pending, std::memory_order_relaxed);
  if (pending > pending_bytes_peak_.load(std::memory_order_relaxed)) {
    pending_bytes_peak_.store(pending, std::memory_order_relaxed);
  }
}

SnapshotJobs::Progress SnapshotJobs::progress() const {
  return {key_count_.load(std::memory_order_relaxed), captured_count_.load(std::memory_order_relaxed),
          pending_bytes_.load(std::memory_order_relaxed), pending_bytes_peak_.load(std::memory_order_relaxed),
          written_bytes_.load(std::memory_order_relaxed)};
}

}  // namespace kvick

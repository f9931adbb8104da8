// Snapshot: everything that the databases held at one moment, the cut, written piece by piece while they go on
// changing.
//
//   ... exclusive moment: auto snapshot = std::make_unique<Snapshot>(databases, encoder);
//   ... one thread, inside the gate for each call: while (snapshot->Walk(&out)) { Write(out); out.clear(); }
//   ... exclusive moment: snapshot.reset();
//
// Each entry has a mark that says whether it was captured by the present cut; making a cut turns the meaning of the
// mark round, so that nothing needs to be visited. The walk visits the tables of all stripes and captures what it finds
// unmarked. Who is about to change or remove an unmarked entry captures it first (Database::WillChange): its bytes wait
// in `pending` until the walk's thread takes them. New entries are born with the mark.
//
// Large hashes, sets and sorted sets are captured part by part. The first who meets one, the walk or a writer, captures
// its head with the count and listens to its changes from then on (PartListener): a part that the walk has not reached
// is kept before it changes. So a writer never waits for more than one part. Lists, streams and arrays are captured as
// a whole by whoever meets them first.
//
// Locks: an entry and its mark are guarded by its stripe's lock, as is a collection's capture, by that of the stripe in
// which the collection lies now. `captures_mutex_` and the locks of `pending` come after stripe locks, and nothing
// after them.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/sync.h"
#include "containers/part_listener.h"
#include "keyspace/database.h"
#include "keyspace/entry_encoder.h"

namespace kvick {

class Snapshot {
 public:
  // What may wait in memory before writers are asked to wait (IsFull).
  static constexpr size_t kPendingBytesMax = size_t{32} << 20;

  // Makes the cut. Requires an exclusive moment, and that no other snapshot of these databases is alive. Stripes must
  // be locked from now on, however few threads execute commands (Engine::set_concurrent). The encoder outlives it.
  Snapshot(std::span<Database* const> databases, const EntryEncoder& encoder);
  // Requires an exclusive moment, and that Walk has returned false.
  ~Snapshot();
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;

  // Appends the next piece, some 64 KiB; false when everything was captured. One thread, which keeps exclusive moments
  // away meanwhile.
  bool Walk(std::string* out);
  // What is captured from now on is not needed: the walk only marks. Any thread.
  void Discard() { is_discarded_.store(true, std::memory_order_relaxed); }
  bool is_discarded() const { return is_discarded_.load(std::memory_order_relaxed); }

  // Too much waits to be written: who executes commands had better wait a little before the next ones. Any thread.
  bool IsFull() const { return pending_bytes_.load(std::memory_order_relaxed) > kPendingBytesMax; }
  size_t pending_bytes() const { return pending_bytes_.load(std::memory_order_relaxed); }
  // Keys at the cut, and those captured so far. Any thread.
  uint64_t key_count() const { return key_count_; }
  uint64_t captured_count() const { return captured_count_.load(std::memory_order_relaxed); }

  // The following are for Database.

  // The entry, in this stripe of what was database `cut_index` at the cut, is about to change.
  void BeforeChange(int cut_index, Stripe& stripe, Entry* entry);
  // The collection now lies in another stripe; both are locked.
  void Moved(const void* object, Stripe& stripe);
  // The collection was taken out of its entry. True: the snapshot still needs it and will destroy it.
  bool Keep(const void* object);
  // The same with all contents of a database. Exclusive moment.
  void Keep(std::unique_ptr<Database::Contents>* contents);

 private:
  class Capture;
  // What a database was at the cut.
  struct Area {
    Database* database;
    Stripe* stripes;
    int index;
    std::unique_ptr<Database::Contents> kept;
  };
  struct alignas(64) Pending {
    SpinLock lock;
    // Each names its database first, so that the walk may take any of them. Of one size: what grows by doubling would
    // hold three times of what waits while it grows, and leave holes behind.
    std::deque<std::string> blocks KVICK_GUARDED_BY(lock);
    int selected_database KVICK_GUARDED_BY(lock) = -1;  // by the last block
  };
  static constexpr size_t kPendingCount = 16;

  void Open(int cut_index, Stripe& stripe, Entry* entry);
  // Until `out` is that long.
  void TakePending(size_t size_max, std::string* out);
  bool WalkArea(std::string* out);
  void WalkStripe(Area& area, Stripe& stripe, std::string* out);
  void VisitEntry(const Area& area, Stripe& stripe, Entry* entry, std::string* out);
  bool WalkCapture(Capture& capture, std::string* out);
  Capture* NextCapture();

  const EntryEncoder& encoder_;
  bool mark_;
  std::atomic<bool> is_discarded_{false};
  uint64_t key_count_ = 0;
  std::atomic<uint64_t> captured_count_{0};
  std::array<Pending, kPendingCount> pending_;
  std::atomic<size_t> pending_bytes_{0};

  // Of the walking thread, and of exclusive moments.
  std::vector<Area> areas_;
  size_t area_ = 0;
  size_t stripe_ = 0;
  uint64_t position_ = 0;
  int selected_database_ = -1;  // by what Walk appends to `out`
  Capture* current_ = nullptr;

  Mutex captures_mutex_;
  std::unordered_map<const void*, std::unique_ptr<Capture>> captures_ KVICK_GUARDED_BY(captures_mutex_);
  std::deque<Capture*> waiting_ KVICK_GUARDED_BY(captures_mutex_);
};

}  // namespace kvick

// CommandLog: the totally ordered record of all changes, as the commands that repeat them, in protocol form. Files
// and replicas read it; positions in it are replication offsets.
//
//   auto reader = log.Attach();
//   while (reader->WaitFor(1000)) Write(reader->Take());
//
// Append is called under the locks of the stripes that the change touched, so the order of the log is the order of
// conflicting changes. With no reader nothing is recorded (`is_active` is one relaxed load). Bytes are kept until the
// slowest reader has passed them.
//
// The log is a chain of chunks. Who records writes behind its end and then moves the end, so that readers see whole
// commands, and whole groups of them; they read what lies before the end without a lock, and hold the chunk in which
// they are, which holds those behind it. Who records does so under a lock, which comes after stripe locks and is never
// held while waiting for anything; but where one thread at a time changes keys, and stripes are not locked either
// (`set_shared`), there is none, and recording is a copy of the arguments and some plain stores. A locked instruction
// would cost more than all of that: it waits until what the command has just written is out of the store buffer.
//
// Readers are not woken by each record, but when somebody who has recorded says so (WakeReaders): Executor::EndBatch.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/sync.h"

namespace kvick {

class CommandLog {
 public:
  using Arguments = std::vector<std::string>;

  // Bytes of the log, which stay while anybody holds them.
  struct Piece {
    std::shared_ptr<const void> holder;
    std::string_view bytes;
  };
  // What is recorded from `position` on, up to the next mark, was recorded in this second.
  struct TimeMark {
    uint64_t position;
    int64_t second;
  };
  // Whole commands, and whole groups of them, from one position to another.
  struct Batch {
    uint64_t begin_position = 0;
    uint64_t end_position = 0;
    std::vector<Piece> pieces;
    std::vector<TimeMark> marks;  // within the batch

    uint64_t size_bytes() const { return end_position - begin_position; }
  };

  struct Chunk;

  class Reader {
   public:
    ~Reader();
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

    // One thread at a time. Everything recorded since the last call: appended, or shared without being copied.
    uint64_t Read(std::string* out);
    Batch Take();
    // Waits until there is something to take and WakeReaders says so, somebody calls Wake, or the time is up. Whether
    // there is something.
    bool WaitFor(int64_t timeout_ms);
    // Any thread: ends the wait, or the next one.
    void Wake();
    uint64_t position() const { return position_.load(std::memory_order_relaxed); }  // behind what was taken

   private:
    friend class CommandLog;
    Reader(CommandLog* log, uint64_t position, std::shared_ptr<Chunk> chunk)
        : log_(log), position_(position), chunk_(std::move(chunk)) {}
    bool has_more() const { return log_->end_position() > position(); }

    CommandLog* const log_;
    std::atomic<uint64_t> position_;  // changed by the reading thread, under the log's lock of readers
    std::shared_ptr<Chunk> chunk_;    // in which the position lies, or at whose end; the reading thread's
    bool is_woken_ = false;           // guarded by the log's mutex of those that wait
  };

  CommandLog() = default;
  CommandLog(const CommandLog&) = delete;
  CommandLog& operator=(const CommandLog&) = delete;

  // Before anybody records: whether several threads may do so at a time.
  void set_shared(bool is_shared) { is_shared_ = is_shared; }

  bool is_active() const { return reader_count_.load(std::memory_order_relaxed) != 0; }
  uint64_t end_position() const { return end_position_.load(std::memory_order_acquire); }
  // What is kept for readers that have yet to read it.
  uint64_t kept_bytes() const {
    const uint64_t read = read_position_.load(std::memory_order_acquire);  // first: it never passes the end
    return end_position() - read;
  }

  // Must be called in an exclusive moment, so that the first thing the reader sees is a whole command.
  std::unique_ptr<Reader> Attach();

  // The next record names its database, because a file begins with it: at the position that is returned. For who may
  // record, or is alone.
  uint64_t ForgetSelectedDatabase();
  // From now on the log notes in which second it was recorded; null: no more. The same.
  void NoteTimes(const Clock* clock);

  // Records one command for database `database_index`; a SELECT precedes it when the last one was for another. Returns
  // the position behind it; 0: nothing was recorded.
  uint64_t Append(int database_index, std::span<const std::string_view> arguments);
  struct Entry {
    int database_index;
    Arguments arguments;
  };
  // Records several as one MULTI … EXEC.
  uint64_t AppendGroup(const std::vector<Entry>& entries);
  // Whoever has recorded calls this soon after, without locks: readers that wait go on.
  void WakeReaders() KVICK_EXCLUDES(wait_mutex_);

 private:
  class Recording;

  void Encode(std::span<const std::string_view> arguments) KVICK_REQUIRES(lock_);
  void AddChunk(size_t capacity) KVICK_REQUIRES(lock_);
  void MarkTime() KVICK_REQUIRES(lock_);
  void SelectDatabase(int database_index) KVICK_REQUIRES(lock_);
  uint64_t Publish() KVICK_REQUIRES(lock_);
  void NoteRead() KVICK_REQUIRES(readers_lock_);

  // What is recorded: of whoever may record.
  bool is_shared_ = true;
  SpinLock lock_;
  std::shared_ptr<Chunk> last_ KVICK_GUARDED_BY(lock_);
  uint64_t recorded_position_ KVICK_GUARDED_BY(lock_) = 0;  // not published in the midst of a record
  int selected_database_ KVICK_GUARDED_BY(lock_) = -1;
  const Clock* time_clock_ KVICK_GUARDED_BY(lock_) = nullptr;
  int64_t marked_second_ KVICK_GUARDED_BY(lock_) = 0;
  std::atomic<uint64_t> end_position_{0};

  SpinLock readers_lock_;  // behind `lock_`
  std::deque<TimeMark> marks_ KVICK_GUARDED_BY(readers_lock_);
  std::vector<Reader*> readers_ KVICK_GUARDED_BY(readers_lock_);
  std::atomic<size_t> reader_count_{0};
  std::atomic<uint64_t> read_position_{0};  // of the slowest reader

  Mutex wait_mutex_;
  ConditionVariable grown_;
  std::atomic<bool> is_awaited_{false};  // by readers that are to be woken
};

}  // namespace kvick

// CommandLog: the totally ordered record of all changes, as the commands that repeat them, in protocol form. Files
// and replicas read it; positions in it are replication offsets.
//
//   auto reader = log.Attach();
//   while (reader->WaitFor(1000)) Write(reader->Take());
//
// Append is called under the locks of the stripes that the change touched, so the order of the log is the order of
// conflicting changes. With no reader nothing is recorded (`is_active` is one relaxed load). Bytes are kept until the
// slowest reader has passed them. Lock order: the log's mutex comes after stripe locks and is never held while
// waiting for anything.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/sync.h"

namespace kvick {

class CommandLog {
 public:
  using Arguments = std::vector<std::string>;

  // Bytes of the log, which stay while anybody holds them.
  struct Piece {
    std::shared_ptr<const std::string> chunk;
    size_t begin = 0;
    size_t size = 0;

    std::string_view view() const { return std::string_view(*chunk).substr(begin, size); }
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

  class Reader {
   public:
    ~Reader();
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

    // One thread at a time. Everything recorded since the last call: appended, or shared without being copied.
    uint64_t Read(std::string* out);
    Batch Take();
    // Waits until there is something to take, somebody calls Wake, or the time is up. Whether there is something.
    bool WaitFor(int64_t timeout_ms);
    // Any thread: ends the wait, or the next one.
    void Wake();
    uint64_t position() const;  // behind what was taken

   private:
    friend class CommandLog;
    Reader(CommandLog* log, uint64_t position) : log_(log), position_(position) {}
    CommandLog* log_;
    // Guarded by the log's mutex.
    uint64_t position_;
    bool is_woken_ = false;
  };

  CommandLog() = default;
  CommandLog(const CommandLog&) = delete;
  CommandLog& operator=(const CommandLog&) = delete;

  bool is_active() const { return reader_count_.load(std::memory_order_relaxed) != 0; }
  uint64_t end_position() const { return end_position_.load(std::memory_order_relaxed); }
  // What is kept for readers that have yet to read it.
  uint64_t kept_bytes() const { return kept_bytes_.load(std::memory_order_relaxed); }

  // Must be called in an exclusive moment, so that the first thing the reader sees is a whole command.
  std::unique_ptr<Reader> Attach();

  // The next record names its database, because a file begins with it: at the position that is returned.
  uint64_t ForgetSelectedDatabase();
  // From now on the log notes in which second it was recorded; null: no more.
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

 private:
  void Encode(std::span<const std::string_view> arguments) KVICK_REQUIRES(mutex_);
  void MarkTime() KVICK_REQUIRES(mutex_);
  uint64_t FinishAppend() KVICK_REQUIRES(mutex_);
  void SelectDatabase(int database_index) KVICK_REQUIRES(mutex_);
  void Trim() KVICK_REQUIRES(mutex_);

  Mutex mutex_;
  ConditionVariable grown_;
  size_t waiting_count_ KVICK_GUARDED_BY(mutex_) = 0;  // readers
  // What a reader shares is not appended to any more: the last one is open only while nobody has taken of it.
  std::deque<std::shared_ptr<std::string>> chunks_ KVICK_GUARDED_BY(mutex_);
  bool last_is_open_ KVICK_GUARDED_BY(mutex_) = false;
  uint64_t begin_position_ KVICK_GUARDED_BY(mutex_) = 0;  // of the first chunk
  int selected_database_ KVICK_GUARDED_BY(mutex_) = -1;
  const Clock* time_clock_ KVICK_GUARDED_BY(mutex_) = nullptr;
  std::deque<TimeMark> marks_ KVICK_GUARDED_BY(mutex_);
  int64_t marked_second_ KVICK_GUARDED_BY(mutex_) = 0;
  std::vector<Reader*> readers_ KVICK_GUARDED_BY(mutex_);
  std::atomic<size_t> reader_count_{0};
  std::atomic<uint64_t> end_position_{0};
  std::atomic<uint64_t> kept_bytes_{0};
};

}  // namespace kvick

// CommandLog: the totally ordered record of all changes, as the commands that repeat them, in protocol form. Files
// and replicas read it; positions in it are replication offsets.
//
//   auto reader = log.Attach();
//   ... reader->Read(&bytes) ...
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

#include "base/sync.h"

namespace kvick {

class CommandLog {
 public:
  using Arguments = std::vector<std::string>;

  class Reader {
   public:
    ~Reader();
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;
    // Appends everything recorded since the last call, and returns the position behind it. One thread at a time.
    uint64_t Read(std::string* out);

   private:
    friend class CommandLog;
    Reader(CommandLog* log, uint64_t position) : log_(log), position_(position) {}
    CommandLog* log_;
    uint64_t position_;  // guarded by the log's mutex
  };

  CommandLog() = default;
  CommandLog(const CommandLog&) = delete;
  CommandLog& operator=(const CommandLog&) = delete;

  bool is_active() const { return reader_count_.load(std::memory_order_relaxed) != 0; }
  uint64_t end_position() const { return end_position_.load(std::memory_order_relaxed); }

  // Must be called in an exclusive moment, so that the first thing the reader sees is a whole command.
  std::unique_ptr<Reader> Attach();

  // Records one command for database `database_index`; a SELECT precedes it when the last one was for another.
  void Append(int database_index, std::span<const std::string_view> arguments);
  struct Entry {
    int database_index;
    Arguments arguments;
  };
  // Records several as one MULTI … EXEC.
  void AppendGroup(const std::vector<Entry>& entries);

 private:
  void Encode(std::span<const std::string_view> arguments) KVICK_REQUIRES(mutex_);
  void SelectDatabase(int database_index) KVICK_REQUIRES(mutex_);
  void Trim() KVICK_REQUIRES(mutex_);

  Mutex mutex_;
  std::deque<std::string> chunks_ KVICK_GUARDED_BY(mutex_);
  uint64_t begin_position_ KVICK_GUARDED_BY(mutex_) = 0;  // of the first chunk
  int selected_database_ KVICK_GUARDED_BY(mutex_) = -1;
  std::vector<Reader*> readers_ KVICK_GUARDED_BY(mutex_);
  std::atomic<size_t> reader_count_{0};
  std::atomic<uint64_t> end_position_{0};
};

}  // namespace kvick

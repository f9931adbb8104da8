// AofIncrement: the file that is appended to at present, and what of the command log is still to be written there.
//
//   increment.Take(reader->Take());
//   KVICK_RETURN_IF_ERROR(increment.WriteUpTo(limit));   // what failed is tried again by the next call
//   KVICK_RETURN_IF_ERROR(increment.Sync());
//
// A write that fails halfway is cut off again, so that the file ends behind a whole piece of the log. One thread.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>

#include "base/status.h"
#include "engine/command_log.h"
#include "persistence/file_system.h"

namespace kvick {

class AofIncrement {
 public:
  // `position`: where in the command log the file goes on.
  AofIncrement(std::unique_ptr<OutputFile> file, uint64_t position)
      : file_(std::move(file)), written_position_(position), synced_position_(position) {}

  // `splits`: positions that later calls of WriteUpTo may name, ascending. Marks of time become annotations
  // ("#TS:1700000000").
  void Take(const CommandLog::Batch& batch, std::span<const uint64_t> splits);
  // Writes what was taken, up to a position. Pieces are written one by one: those before one that fails are done with.
  Status WriteUpTo(uint64_t position);
  Status Sync();
  // From now on another file is written. What was not written yet goes there.
  void GoOnIn(std::unique_ptr<OutputFile> file);
  // Forgets what the file holds.
  Status Empty() { return file_->Truncate(0); }

  [[nodiscard]] bool has_pending() const { return !pending_.empty(); }
  [[nodiscard]] bool has_unsynced() const { return has_unsynced_; }
  // Behind what was written, and what was synced.
  [[nodiscard]] uint64_t written_position() const { return written_position_; }
  [[nodiscard]] uint64_t synced_position() const { return synced_position_; }
  [[nodiscard]] uint64_t size_bytes() const { return file_->size(); }

 private:
  struct Part {
    CommandLog::Piece piece;
    uint64_t end_position;  // in the log; an annotation ends where it stands
  };

  void Cut(uint64_t size, Part* part);

  std::unique_ptr<OutputFile> file_;
  std::deque<Part> pending_;
  uint64_t written_position_;
  uint64_t synced_position_;
  bool has_unsynced_ = false;
};

}  // namespace kvick

#include "persistence/aof_increment.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace kvick {

void AofIncrement::Take(const CommandLog::Batch& batch, std::span<const uint64_t> splits) {
  uint64_t position = batch.begin_position;
  auto mark = batch.marks.begin();
  for (CommandLog::Piece piece : batch.pieces) {
    while (piece.size > 0) {
      if (mark != batch.marks.end() && mark->position == position) {
        auto annotation = std::make_shared<std::string>("#TS:" + std::to_string(mark->second) + "\r\n");
        const size_t size = annotation->size();
        pending_.push_back({{std::move(annotation), 0, size}, position});
        ++mark;
      }
      uint64_t size = piece.size;
      if (mark != batch.marks.end()) size = std::min(size, mark->position - position);
      const auto split = std::upper_bound(splits.begin(), splits.end(), position);
      if (split != splits.end()) size = std::min(size, *split - position);
      position += size;
      pending_.push_back({{piece.chunk, piece.begin, size}, position});
      piece.begin += size;
      piece.size -= size;
    }
  }
}

Status AofIncrement::WriteUpTo(uint64_t position) {
  while (!pending_.empty() && pending_.front().end_position <= position) {
    Part& part = pending_.front();
    const uint64_t size_before = file_->size();
    has_unsynced_ = true;
    if (Status status = file_->Write(part.piece.view()); !status.ok()) {
      Cut(size_before, &part);
      return status;
    }
    written_position_ = part.end_position;
    pending_.pop_front();
  }
  return Status::Ok();
}

// When even that fails, the rest is written behind what is there.
void AofIncrement::Cut(uint64_t size, Part* part) {
  const uint64_t written = file_->size() - size;
  if (written == 0) return;
  const Status status = file_->Truncate(size);
  if (status.ok()) return;
  Log(LogLevel::kWarning,
      "Could not remove short write from the append-only file.  Redis may refuse to load the AOF the next time it "
      "starts.  ftruncate: " +
          std::string(SystemReason(status)));
  part->piece.begin += written;
  part->piece.size -= written;
}

Status AofIncrement::Sync() {
  KVICK_RETURN_IF_ERROR(file_->Sync());
  has_unsynced_ = false;
  synced_position_ = written_position_;
  return Status::Ok();
}

void AofIncrement::GoOnIn(std::unique_ptr<OutputFile> file) {
  file_ = std::move(file);
  has_unsynced_ = false;
}

}  // namespace kvick

#include "persistence/aof_increment.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace kvick {

void AofIncrement::Take(const CommandLog::Batch& batch, std::span<const uint64_t> splits) {
  uint64_t position = batch.begin_position;
  auto mark = batch.marks.begin();
  for (const CommandLog::Piece& piece : batch.pieces) {
    std::string_view rest = piece.bytes;
    while (!rest.empty()) {
      if (mark != batch.marks.end() && mark->position == position) {
        const auto annotation = std::make_shared<const std::string>("#TS:" + std::to_string(mark->second) + "\r\n");
        pending_.push_back({{annotation, *annotation}, position});
        ++mark;
      }
      uint64_t size = rest.size();
      if (mark != batch.marks.end()) size = std::min(size, mark->position - position);
      const auto split = std::upper_bound(splits.begin(), splits.end(), position);
      if (split != splits.end()) size = std::min(size, *split - position);
      position += size;
      pending_.push_back({{piece.holder, rest.substr(0, size)}, position});
      rest.remove_prefix(size);
    }
  }
}

Status AofIncrement::WriteUpTo(uint64_t position) {
  while (!pending_.empty() && pending_.front().end_position <= position) {
    Part& part = pending_.front();
    const uint64_t size_before = file_->size();
    has_unsynced_ = true;
    if (Status status = file_->Write(part.piece.bytes); !status.ok()) {
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
  part->piece.bytes.remove_prefix(written);
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

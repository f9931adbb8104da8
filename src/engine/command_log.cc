#include "engine/command_log.h"

#include <algorithm>

#include "base/numbers.h"

namespace kvick {
namespace {

constexpr size_t kChunkBytes = size_t{64} * 1024;

void AppendNumberLine(std::string* out, char type, uint64_t number) {
  char text[kInt64TextMax];
  out->push_back(type);
  out->append(text, FormatUint64(number, text));
  out->append("\r\n");
}

}  // namespace

CommandLog::Reader::~Reader() {
  MutexLock lock(log_->mutex_);
  log_->readers_.erase(std::remove(log_->readers_.begin(), log_->readers_.end(), this), log_->readers_.end());
  log_->reader_count_.store(log_->readers_.size(), std::memory_order_relaxed);
  log_->Trim();
}

uint64_t CommandLog::Reader::Read(std::string* out) {
  const Batch batch = Take();
  for (const Piece& piece : batch.pieces) out->append(piece.view());
  return batch.end_position;
}

CommandLog::Batch CommandLog::Reader::Take() {
  Batch batch;
  MutexLock lock(log_->mutex_);
  batch.begin_position = batch.end_position = position_;
  uint64_t chunk_begin = log_->begin_position_;
  for (const std::shared_ptr<std::string>& chunk : log_->chunks_) {
    const uint64_t chunk_end = chunk_begin + chunk->size();
    if (position_ < chunk_end) {
      batch.pieces.push_back({chunk, position_ - chunk_begin, chunk_end - position_});
      position_ = chunk_end;
    }
    chunk_begin = chunk_end;
  }
  batch.end_position = position_;
  if (!batch.pieces.empty()) log_->last_is_open_ = false;
  for (const TimeMark& mark : log_->marks_) {
    if (mark.position >= batch.begin_position && mark.position < batch.end_position) batch.marks.push_back(mark);
  }
  log_->Trim();
  return batch;
}

bool CommandLog::Reader::WaitFor(int64_t timeout_ms) {
  MutexLock lock(log_->mutex_);
  const auto has_more = [this] { return log_->end_position_.load(std::memory_order_relaxed) > position_; };
  if (!has_more() && !is_woken_ && timeout_ms > 0) {
    ++log_->waiting_count_;
    log_->grown_.WaitFor(log_->mutex_, timeout_ms);
    --log_->waiting_count_;
  }
  is_woken_ = false;
  return has_more();
}

void CommandLog::Reader::Wake() {
  MutexLock lock(log_->mutex_);
  is_woken_ = true;
  log_->grown_.NotifyAll();
}

uint64_t CommandLog::Reader::position() const {
  MutexLock lock(log_->mutex_);
  return position_;
}

std::unique_ptr<CommandLog::Reader> CommandLog::Attach() {
  MutexLock lock(mutex_);
  std::unique_ptr<Reader> reader(new Reader(this, end_position_.load(std::memory_order_relaxed)));
  readers_.push_back(reader.get());
  reader_count_.store(readers_.size(), std::memory_order_relaxed);
  selected_database_ = -1;  // the new reader must be told
  return reader;
}

void CommandLog::Encode(std::span<const std::string_view> arguments) {
  if (!last_is_open_ || chunks_.empty() || chunks_.back()->size() > kChunkBytes) {
    chunks_.push_back(std::make_shared<std::string>());
    last_is_open_ = true;
  }
  std::string& out = *chunks_.back();
  const size_t size_before = out.size();
  AppendNumberLine(&out, '*', arguments.size());
  for (const std::string_view argument : arguments) {
    AppendNumberLine(&out, '$', argument.size());
    out.append(argument);
    out.append("\r\n");
  }
  end_position_.store(end_position_.load(std::memory_order_relaxed) + out.size() - size_before,
                      std::memory_order_relaxed);
}

void CommandLog::SelectDatabase(int database_index) {
  if (selected_database_ == database_index) return;
  const std::string number = std::to_string(database_index);
  const std::string_view arguments[] = {"SELECT", number};
  Encode(arguments);
  selected_database_ = database_index;
}

uint64_t CommandLog::ForgetSelectedDatabase() {
  MutexLock lock(mutex_);
  selected_database_ = -1;
  return end_position_.load(std::memory_order_relaxed);
}

void CommandLog::NoteTimes(const Clock* clock) {
  MutexLock lock(mutex_);
  time_clock_ = clock;
  marked_second_ = 0;
}

void CommandLog::MarkTime() {
  if (time_clock_ == nullptr) return;
  // A clock that was set back is followed as well: the annotations of a file need not be in order.
  const int64_t second = time_clock_->NowMs() / 1000;
  if (second == marked_second_) return;
  marked_second_ = second;
  marks_.push_back({end_position_.load(std::memory_order_relaxed), second});
}

uint64_t CommandLog::FinishAppend() {
  kept_bytes_.store(end_position_.load(std::memory_order_relaxed) - begin_position_, std::memory_order_relaxed);
  if (waiting_count_ != 0) grown_.NotifyAll();
  return end_position_.load(std::memory_order_relaxed);
}

uint64_t CommandLog::Append(int database_index, std::span<const std::string_view> arguments) {
  MutexLock lock(mutex_);
  if (readers_.empty()) return 0;
  MarkTime();
  SelectDatabase(database_index);
  Encode(arguments);
  return FinishAppend();
}

uint64_t CommandLog::AppendGroup(const std::vector<Entry>& entries) {
  MutexLock lock(mutex_);
  if (readers_.empty() || entries.empty()) return 0;
  MarkTime();
  const std::string_view multi[] = {"MULTI"};
  const std::string_view exec[] = {"EXEC"};
  SelectDatabase(entries[0].database_index);
  Encode(multi);
  for (const Entry& entry : entries) {
    SelectDatabase(entry.database_index);
    const std::vector<std::string_view> views(entry.arguments.begin(), entry.arguments.end());
    Encode(views);
  }
  Encode(exec);
  return FinishAppend();
}

void CommandLog::Trim() {
  uint64_t needed = end_position_.load(std::memory_order_relaxed);
  for (const Reader* reader : readers_) needed = std::min(needed, reader->position_);
  while (!chunks_.empty() && begin_position_ + chunks_.front()->size() <= needed) {
    begin_position_ += chunks_.front()->size();
    chunks_.pop_front();
  }
  if (chunks_.empty()) begin_position_ = end_position_.load(std::memory_order_relaxed);
  while (!marks_.empty() && marks_.front().position < needed) marks_.pop_front();
  kept_bytes_.store(end_position_.load(std::memory_order_relaxed) - begin_position_, std::memory_order_relaxed);
}

}  // namespace kvick

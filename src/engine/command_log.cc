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
  MutexLock lock(log_->mutex_);
  uint64_t chunk_begin = log_->begin_position_;
  for (const std::string& chunk : log_->chunks_) {
    const uint64_t chunk_end = chunk_begin + chunk.size();
    if (position_ < chunk_end) {
      out->append(chunk, position_ - chunk_begin, std::string::npos);
      position_ = chunk_end;
    }
    chunk_begin = chunk_end;
  }
  log_->Trim();
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
  if (chunks_.empty() || chunks_.back().size() > kChunkBytes) chunks_.emplace_back();
  std::string& out = chunks_.back();
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

void CommandLog::Append(int database_index, std::span<const std::string_view> arguments) {
  MutexLock lock(mutex_);
  if (readers_.empty()) return;
  SelectDatabase(database_index);
  Encode(arguments);
}

void CommandLog::AppendGroup(const std::vector<Entry>& entries) {
  MutexLock lock(mutex_);
  if (readers_.empty() || entries.empty()) return;
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
}

void CommandLog::Trim() {
  uint64_t needed = end_position_.load(std::memory_order_relaxed);
  for (const Reader* reader : readers_) needed = std::min(needed, reader->position_);
  while (!chunks_.empty() && begin_position_ + chunks_.front().size() <= needed) {
    begin_position_ += chunks_.front().size();
    chunks_.pop_front();
  }
  if (chunks_.empty()) begin_position_ = end_position_.load(std::memory_order_relaxed);
}

}  // namespace kvick

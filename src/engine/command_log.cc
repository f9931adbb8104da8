#include "engine/command_log.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/numbers.h"

namespace kvick {
namespace {

// What comes in one turn of a busy worker or two; from the allocator's cache again and again.
constexpr size_t kChunkBytes = size_t{128} * 1024;
// A type, a number and the end of its line.
constexpr size_t kNumberLineMax = 1 + kInt64TextMax + 2;

char* PutLineEnd(char* out) {
  out[0] = '\r';
  out[1] = '\n';
  return out + 2;
}

char* PutDigit(char* out, uint64_t digit) {
  *out = static_cast<char>('0' + digit);
  return out + 1;
}

char* PutNumberLine(char* out, char type, uint64_t number) {
  *out++ = type;
  if (number < 10) {
    out = PutDigit(out, number);
  } else if (number < 100) {
    out = PutDigit(PutDigit(out, number / 10), number % 10);
  } else if (number < 1000) {
    out = PutDigit(PutDigit(PutDigit(out, number / 100), number / 10 % 10), number % 10);
  } else {
    out += FormatUint64(number, out);
  }
  return PutLineEnd(out);
}

char* PutCommand(char* out, std::span<const std::string_view> arguments) {
  out = PutNumberLine(out, '*', arguments.size());
  for (const std::string_view argument : arguments) {
    out = PutNumberLine(out, '$', argument.size());
    if (!argument.empty()) std::memcpy(out, argument.data(), argument.size());  // nothing may be at null
    out = PutLineEnd(out + argument.size());
  }
  return out;
}

size_t EncodedBytesMax(std::span<const std::string_view> arguments) {
  size_t bytes = kNumberLineMax;
  for (const std::string_view argument : arguments) bytes += kNumberLineMax + argument.size() + 2;
  return bytes;
}

}  // namespace

// Where a chunk is followed by another, its size is final, and everything of the log up to its end is in it or before.
struct CommandLog::Chunk {
  Chunk(uint64_t position, size_t room)
      : begin_position(position), capacity(room), bytes(std::make_unique_for_overwrite<char[]>(room)) {}
  Chunk(const Chunk&) = delete;
  Chunk& operator=(const Chunk&) = delete;
  // A chain is not freed by recursion: it may be long.
  ~Chunk() {
    std::shared_ptr<Chunk> rest = std::move(next);
    while (rest != nullptr && rest.use_count() == 1) {
      std::shared_ptr<Chunk> after = rest->next;
      rest = std::move(after);
    }
  }

  const uint64_t begin_position;
  const size_t capacity;
  const std::unique_ptr<char[]> bytes;
  size_t size = 0;  // of whoever records, until there is a next one
  std::shared_ptr<Chunk> next;
  std::atomic<bool> has_next{false};  // set behind both
};

// The right to record: the lock, where several threads may want it.
class KVICK_SCOPED_CAPABILITY CommandLog::Recording {
 public:
  explicit Recording(CommandLog& log) KVICK_ACQUIRE(log.lock_) KVICK_NO_THREAD_SAFETY_ANALYSIS
      : lock_(log.is_shared_ ? &log.lock_ : nullptr) {
    if (lock_ != nullptr) lock_->Lock();
  }
  ~Recording() KVICK_RELEASE() KVICK_NO_THREAD_SAFETY_ANALYSIS {
    if (lock_ != nullptr) lock_->Unlock();
  }
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;

 private:
  SpinLock* const lock_;
};

CommandLog::Reader::~Reader() {
  SpinLockHolder lock(log_->readers_lock_);
  log_->readers_.erase(std::remove(log_->readers_.begin(), log_->readers_.end(), this), log_->readers_.end());
  log_->reader_count_.store(log_->readers_.size(), std::memory_order_relaxed);
  log_->NoteRead();
}

uint64_t CommandLog::Reader::Read(std::string* out) {
  const Batch batch = Take();
  for (const Piece& piece : batch.pieces) out->append(piece.bytes);
  return batch.end_position;
}

CommandLog::Batch CommandLog::Reader::Take() {
  Batch batch;
  batch.begin_position = position();
  batch.end_position = log_->end_position();
  uint64_t from = batch.begin_position;
  while (from < batch.end_position) {
    // Without a next chunk, what was published before lies in this one.
    const bool is_full = chunk_->has_next.load(std::memory_order_acquire);
    const size_t begin = from - chunk_->begin_position;
    const size_t end = is_full ? std::min<uint64_t>(chunk_->size, batch.end_position - chunk_->begin_position)
                               : batch.end_position - chunk_->begin_position;
    if (begin < end) batch.pieces.push_back({chunk_, {chunk_->bytes.get() + begin, end - begin}});
    from = chunk_->begin_position + end;
    if (is_full && end == chunk_->size) chunk_ = std::shared_ptr<Chunk>(chunk_->next);
  }
  SpinLockHolder lock(log_->readers_lock_);
  for (const TimeMark& mark : log_->marks_) {
    if (mark.position >= batch.begin_position && mark.position < batch.end_position) batch.marks.push_back(mark);
  }
  position_.store(batch.end_position, std::memory_order_relaxed);
  log_->NoteRead();
  return batch;
}

bool CommandLog::Reader::WaitFor(int64_t timeout_ms) {
  MutexLock lock(log_->wait_mutex_);
  if (!has_more() && !is_woken_ && timeout_ms > 0) {
    // Either who records finds that a reader waits, and gets the mutex when it does; or this finds what was recorded:
    // both exchange the same flag, so one of them comes second and sees what the other did before.
    log_->is_awaited_.exchange(true, std::memory_order_acq_rel);
    if (!has_more()) log_->grown_.WaitFor(log_->wait_mutex_, timeout_ms);
  }
  is_woken_ = false;
  return has_more();
}

void CommandLog::Reader::Wake() {
  MutexLock lock(log_->wait_mutex_);
  is_woken_ = true;
  log_->grown_.NotifyAll();
}

void CommandLog::WakeReaders() {
  if (!is_active() || !is_awaited_.exchange(false, std::memory_order_acq_rel)) return;
  MutexLock lock(wait_mutex_);
  grown_.NotifyAll();
}

std::unique_ptr<CommandLog::Reader> CommandLog::Attach() {
  Recording recording(*this);
  if (last_ == nullptr) AddChunk(kChunkBytes);
  selected_database_ = -1;  // the new reader must be told
  std::unique_ptr<Reader> reader(new Reader(this, recorded_position_, last_));
  SpinLockHolder lock(readers_lock_);
  readers_.push_back(reader.get());
  reader_count_.store(readers_.size(), std::memory_order_relaxed);
  NoteRead();
  return reader;
}

void CommandLog::AddChunk(size_t capacity) {
  auto chunk = std::make_shared<Chunk>(recorded_position_, capacity);
  if (last_ != nullptr) {
    last_->next = chunk;
    last_->has_next.store(true, std::memory_order_release);
  }
  last_ = std::move(chunk);
}

void CommandLog::Encode(std::span<const std::string_view> arguments) {
  const size_t size_max = EncodedBytesMax(arguments);
  if (last_->capacity - last_->size < size_max) AddChunk(std::max(size_max, kChunkBytes));
  char* const begin = last_->bytes.get() + last_->size;
  const auto size = static_cast<size_t>(PutCommand(begin, arguments) - begin);
  last_->size += size;
  recorded_position_ += size;
  // What was made for a large command goes with its last reader.
  if (size_max > kChunkBytes) AddChunk(kChunkBytes);
}

uint64_t CommandLog::Publish() {
  end_position_.store(recorded_position_, std::memory_order_release);
  return recorded_position_;
}

void CommandLog::SelectDatabase(int database_index) {
  const std::string number = std::to_string(database_index);
  const std::string_view arguments[] = {"SELECT", number};
  Encode(arguments);
  selected_database_ = database_index;
}

uint64_t CommandLog::ForgetSelectedDatabase() {
  Recording recording(*this);
  selected_database_ = -1;
  return recorded_position_;
}

void CommandLog::NoteTimes(const Clock* clock) {
  Recording recording(*this);
  time_clock_ = clock;
  marked_second_ = 0;
}

void CommandLog::MarkTime() {
  // A clock that was set back is followed as well: the annotations of a file need not be in order.
  const int64_t second = time_clock_->NowMs() / 1000;
  if (second == marked_second_) return;
  marked_second_ = second;
  SpinLockHolder lock(readers_lock_);
  marks_.push_back({recorded_position_, second});
}

uint64_t CommandLog::Append(int database_index, std::span<const std::string_view> arguments) {
  Recording recording(*this);
  if (!is_active()) return 0;
  if (time_clock_ != nullptr) MarkTime();
  if (selected_database_ != database_index) SelectDatabase(database_index);
  Encode(arguments);
  return Publish();
}

uint64_t CommandLog::AppendGroup(const std::vector<Entry>& entries) {
  Recording recording(*this);
  if (!is_active() || entries.empty()) return 0;
  if (time_clock_ != nullptr) MarkTime();
  const std::string_view multi[] = {"MULTI"};
  const std::string_view exec[] = {"EXEC"};
  if (selected_database_ != entries[0].database_index) SelectDatabase(entries[0].database_index);
  Encode(multi);
  for (const Entry& entry : entries) {
    if (selected_database_ != entry.database_index) SelectDatabase(entry.database_index);
    const std::vector<std::string_view> views(entry.arguments.begin(), entry.arguments.end());
    Encode(views);
  }
  Encode(exec);
  return Publish();
}

// A reader has gone on, has come or gone.
void CommandLog::NoteRead() {
  uint64_t needed = end_position();
  for (const Reader* reader : readers_) needed = std::min(needed, reader->position());
  while (!marks_.empty() && marks_.front().position < needed) marks_.pop_front();
  read_position_.store(needed, std::memory_order_release);
}

}  // namespace kvick

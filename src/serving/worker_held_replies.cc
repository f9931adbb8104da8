// Replies to writes, which wait until the log is as safe as appendfsync says.
#include <sys/uio.h>

#include <chrono>
#include <iterator>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "persistence/append_only_file.h"
#include "serving/worker.h"

namespace kvick {
namespace {

// Recorded and not written, beyond which workers wait between their turns.
constexpr uint64_t kKeptLogBytesMax = uint64_t{256} << 20;
// Held replies of up to so many bytes do not keep the block in which they were made.
constexpr size_t kHeldTextMax = 4096;
// Nearly every turn holds replies for a moment: some of the memory that takes is kept for the next one.
constexpr size_t kSpareTextsMax = 64;
constexpr size_t kSpareTextBytesMax = 512;
constexpr size_t kHeldKept = 4;

// Nothing is left in `out`.
void MoveTo(std::string* text, OutputBuffer& out) {
  while (!out.empty()) {
    iovec pieces[16];
    const size_t count = out.Peek(pieces, std::size(pieces));
    const size_t size_before = text->size();
    for (size_t i = 0; i < count; ++i) text->append(static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len);
    out.Consume(text->size() - size_before);
  }
}

}  // namespace

void Worker::Hold(Connection& connection, OutputBuffer& out) {
  if (out.empty()) return;
  if (connection.held_.empty()) {
    holding_.push_back(&connection);
    ++newly_holding_count_;
    holds_replies_.store(true, std::memory_order_seq_cst);  // before ReleaseReplies looks at what is released
  }
  connection.held_bytes_ += out.size_bytes();
  Connection::HeldReplies& held = connection.held_.emplace_back();
  held.position = connection.session_.write_position;
  if (out.size_bytes() > kHeldTextMax) {
    held.replies.Swap(out);
  } else {
    if (!spare_texts_.empty()) {
      held.text = std::move(spare_texts_.back());
      spare_texts_.pop_back();
    }
    MoveTo(&held.text, out);
  }
}

// Who looks himself need not be told.
void Worker::WriteLog() {
  AppendOnlyFile* file = engine_.hooks.append_only_file;
  if (file == nullptr) return;
  holds_replies_.store(false, std::memory_order_relaxed);
  file->WriteNow(std::exchange(newly_holding_count_, 0));
  holds_replies_.store(true, std::memory_order_seq_cst);  // before ReleaseReplies looks at what is released
}

void Worker::YieldToLog() const {
  constexpr int kNapCount = 200;
  constexpr auto kNap = std::chrono::milliseconds(5);
  for (int i = 0; i < kNapCount && engine_.log().kept_bytes() > kKeptLogBytesMax && !stopping_; ++i) {
    std::this_thread::sleep_for(kNap);
  }
}

void Worker::OnRelease() {
  if (holds_replies_.load(std::memory_order_seq_cst)) mailbox_.Post([this] { ReleaseReplies(); });
}

void Worker::MoveReleased(Connection& connection, OutputBuffer& out) {
  std::vector<Connection::HeldReplies>& held = connection.held_;
  auto kept = held.begin();
  for (; kept != held.end() && engine_.release_gate().IsReleased(kept->position); ++kept) {
    connection.held_bytes_ -= kept->text.size() + kept->replies.size_bytes();
    out.Append(kept->text);
    if (!kept->replies.empty()) out.AppendAll(std::move(kept->replies));
    if (spare_texts_.size() < kSpareTextsMax && kept->text.capacity() <= kSpareTextBytesMax) {
      kept->text.clear();
      spare_texts_.push_back(std::move(kept->text));
    }
  }
  held.erase(held.begin(), kept);
  if (held.empty() && held.capacity() > kHeldKept) held = std::vector<Connection::HeldReplies>();
}

void Worker::ReleaseReplies() {
  if (holding_.empty()) return;
  size_t still_holding = 0;
  for (Connection* connection : holding_) {
    if (connection->is_doomed_) continue;
    OutputBuffer& out = connection->output_.empty() ? scratch_->reply_buffer : connection->output_;
    MoveReleased(*connection, out);
    if (!connection->held_.empty()) holding_[still_holding++] = connection;
    if (out.empty()) continue;
    Send(*connection, out);
    if (connection->session_.closing) Doom(*connection);
    UpdateInterest(*connection);
  }
  holding_.resize(still_holding);
  if (holding_.empty()) holds_replies_.store(false, std::memory_order_relaxed);
}

}  // namespace kvick

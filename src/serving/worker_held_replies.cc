// Replies to writes, which wait until the log is as safe as appendfsync says.
#include <chrono>
#include <deque>
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

}  // namespace

void Worker::Hold(Connection& connection, OutputBuffer& out) {
  if (out.empty()) return;
  if (connection.held_.empty()) {
    holding_.push_back(&connection);
    holds_replies_.store(true, std::memory_order_seq_cst);  // before ReleaseReplies looks at what is released
  }
  connection.held_bytes_ += out.size_bytes();
  Connection::HeldReplies& held = connection.held_.emplace_back();
  held.position = connection.session_.write_position;
  if (out.size_bytes() > kHeldTextMax) {
    held.replies.Swap(out);
  } else {
    held.text = out.ToString();
    out.Clear();
  }
}

// Who looks himself need not be told.
void Worker::WriteLog() {
  AppendOnlyFile* file = engine_.hooks.append_only_file;
  if (file == nullptr) return;
  holds_replies_.store(false, std::memory_order_relaxed);
  file->WriteNow();
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

void Worker::ReleaseReplies() {
  if (holding_.empty()) return;
  std::vector<Connection*> still_holding;
  for (Connection* connection : holding_) {
    if (connection->is_doomed_) continue;
    std::deque<Connection::HeldReplies>& held = connection->held_;
    OutputBuffer& out = connection->output_.empty() ? scratch_->reply_buffer : connection->output_;
    while (!held.empty() && engine_.release_gate().IsReleased(held.front().position)) {
      connection->held_bytes_ -= held.front().text.size() + held.front().replies.size_bytes();
      out.Append(held.front().text);
      out.AppendAll(std::move(held.front().replies));
      held.pop_front();
    }
    if (!held.empty()) still_holding.push_back(connection);
    if (out.empty()) continue;
    Send(*connection, out);
    if (connection->session_.closing) Doom(*connection);
    UpdateInterest(*connection);
  }
  holding_.swap(still_holding);
  if (holding_.empty()) holds_replies_.store(false, std::memory_order_relaxed);
}

}  // namespace kvick

// What goes out: replies, and the messages that others push to a connection.
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

#include "base/log.h"
#include "engine/client_line.h"
#include "serving/worker.h"

namespace kvick {
namespace {

constexpr size_t kWritePieces = 64;
constexpr int64_t kReplyPeakPeriodMs = 5000;
// Pushes of at least so many bytes are lent to the connections; below it a copy is cheaper than a piece of its own.
constexpr size_t kPushLentMin = size_t{16} * 1024;
constexpr size_t kPushesKept = 16;
// A block of replies: as many as there are buffered without anybody asking for it.
constexpr size_t kUnauthenticatedOutputBytesMax = size_t{16} * 1024;

OutputBufferClass OutputClassOf(ClientType type) {
  switch (type) {
    case ClientType::kReplica: return OutputBufferClass::kReplica;
    case ClientType::kPubSub: return OutputBufferClass::kPubSub;
    case ClientType::kNormal:
    case ClientType::kPrimary: break;
  }
  return OutputBufferClass::kNormal;
}

}  // namespace

// While replies may be held back, new ones are kept apart from those that need not be.
OutputBuffer& Worker::ReplyBufferFor(Connection& connection) {
  return connection.output_.empty() || engine_.release_gate().holds_back() || !connection.held_.empty()
             ? scratch_->reply_buffer
             : connection.output_;
}

void Worker::Answer(Connection& connection, OutputBuffer& out) {
  if (&out == &connection.output_) return Send(connection, out);
  if (!connection.held_.empty() || !engine_.release_gate().IsReleased(connection.session_.write_position)) {
    return Hold(connection, out);
  }
  if (connection.output_.empty()) return Send(connection, out);
  connection.output_.AppendAll(std::move(out));
  Send(connection, connection.output_);
}

void Worker::Send(Connection& connection, OutputBuffer& out) {
  Session& session = connection.session_;
  while (!out.empty() && !session.closing) {
    iovec pieces[kWritePieces];
    const size_t count = out.Peek(pieces, kWritePieces);
    msghdr message{};
    message.msg_iov = pieces;
    message.msg_iovlen = count;
    const ssize_t sent = connection.tls_ != nullptr ? connection.tls_->Write({pieces, count})
                         : count == 1 ? send(connection.fd(), pieces[0].iov_base, pieces[0].iov_len, MSG_NOSIGNAL)
                                      : sendmsg(connection.fd(), &message, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN) {
        out.Clear();
        return Doom(connection);
      }
      break;
    }
    const auto size = static_cast<size_t>(sent);
    session.last_active_ms = executor_.now_ms();
    connection.output_bytes_ += size;
    executor_.stats().output_bytes.Add(size);
    executor_.stats().write_count.Add(1);
    out.Consume(size);
  }
  if (session.closing) out.Clear();
  if (out.empty()) {
    connection.soft_limit_since_ms_ = 0;
    if (&out == &connection.output_) connection.output_ = OutputBuffer();
    if (session.close_after_reply && connection.held_.empty()) Doom(connection);
  } else if (&out != &connection.output_) {
    connection.output_.Swap(out);
  }
}

void Worker::OnWritable(Connection& connection) {
  Send(connection, connection.output_);
  if (connection.is_doomed_) return;
  if (connection.tls_ != nullptr && connection.tls_->read_waits_for_room()) NoteUnread(connection);
  UpdateInterest(connection);
}

void Worker::UpdateInterest(Connection& connection) {
  if (connection.is_doomed_) return;
  uint32_t events = 0;
  if (connection.session_.is_waiting()) {
    events |= EPOLLRDHUP;  // a client that leaves takes its waiting commands with it
  } else if (!connection.is_ending()) {
    events |= EPOLLIN;
  }
  if (!connection.output_.empty()) events |= EPOLLOUT;
  if (connection.tls_ != nullptr && (events & EPOLLIN) != 0) {
    if (connection.tls_->read_waits_for_room()) events |= EPOLLOUT;
    // After a wait, during which it was not read.
    if (connection.tls_->has_unread()) NoteUnread(connection);
  }
  WatchFor(connection, events);
}

void Worker::WatchFor(Connection& connection, uint32_t events) {
  if (events == connection.epoll_events_) return;
  connection.epoll_events_ = events;
  epoll_event event{};
  event.events = events;
  event.data.fd = connection.fd();
  epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, connection.fd(), &event);
}

// The peak is that of the latest period, so that a single large reply is not shown forever.
void Worker::NoteReplyPeak(Connection& connection, size_t pending_bytes) {
  const int64_t now_ms = executor_.now_ms();
  if (now_ms - connection.reply_peak_since_ms_ > kReplyPeakPeriodMs) {
    connection.reply_peak_since_ms_ = now_ms;
    connection.reply_peak_bytes_ = 0;
  }
  connection.reply_peak_bytes_ = std::max(connection.reply_peak_bytes_, pending_bytes);
}

bool Worker::IsOverOutputLimit(Connection& connection, size_t pending_bytes) {
  const Session& session = connection.session_;
  const OutputBufferLimit& limit =
      engine_.settings().client_output_buffer_limits[static_cast<size_t>(OutputClassOf(session.type()))];
  bool over = limit.hard_limit_bytes != 0 && pending_bytes >= limit.hard_limit_bytes;
  if (limit.soft_limit_bytes != 0 && pending_bytes >= limit.soft_limit_bytes) {
    const int64_t now_ms = executor_.now_ms();
    if (connection.soft_limit_since_ms_ == 0) connection.soft_limit_since_ms_ = now_ms;
    over = over || now_ms - connection.soft_limit_since_ms_ > limit.soft_limit_s * 1000;
  } else {
    connection.soft_limit_since_ms_ = 0;
  }
  // Who has not authenticated cannot make us keep replies that he does not read.
  over = over || (pending_bytes > kUnauthenticatedOutputBytesMax && engine_.MustAuthenticate(session));
  if (!over) return false;
  Log(LogLevel::kWarning, "Client " + ClientLine(session, executor_.now_ms()) +
                              " scheduled to be closed ASAP for overcoming of output buffer limits.");
  executor_.stats().output_limit_disconnections.Add(1);
  connection.session_.closing = true;
  return true;
}

void Worker::AppendPush(Mailbox::Push& push) {
  const PushMessage* const message = push.message.get();
  pushes_.push_back(std::move(push.message));
  for (const PushTarget& target : push.targets) {
    const auto found = connections_.find(target.fd);
    if (found == connections_.end()) continue;
    Connection& connection = *found->second;
    const Session& session = connection.session_;
    if (session.id != target.session_id || connection.is_doomed_ || connection.is_ending()) continue;
    SharedBytes* bytes = BytesToPush(session, *message, target);
    if (bytes == nullptr) continue;
    if (connection.pushes_.empty()) pushed_.push_back(&connection);
    connection.pushes_.push_back(bytes);
    connection.pushed_bytes_ += bytes->size();
    // Who reads too slowly must not make us keep more than the limit until the messages are all there.
    IsOverOutputLimit(connection, connection.output_.size_bytes() + connection.pushed_bytes_);
  }
}

// What many messages brought is sent at once.
void Worker::SendPushes() {
  for (Connection* connection : pushed_) {
    if (!connection->pushes_.empty()) SendPushesOf(*connection);
  }
  pushed_.clear();
  pushes_.clear();
}

// Through the buffer of replies, which is warm, and keeps only what the socket does not take.
void Worker::SendPushesOf(Connection& connection) {
  OutputBuffer& out = ReplyBufferFor(connection);
  for (SharedBytes* bytes : connection.pushes_) {
    if (bytes->size() >= kPushLentMin) {
      out.AppendShared(SharedBytesRef(bytes));
    } else {
      out.Append(bytes->view());
    }
  }
  // Room for a few is kept for the next turn.
  if (connection.pushes_.capacity() > kPushesKept) {
    connection.pushes_ = {};
  } else {
    connection.pushes_.clear();
  }
  connection.pushed_bytes_ = 0;
  NoteReplyPeak(connection, out.size_bytes());
  Answer(connection, out);
  if (connection.session_.closing) Doom(connection);
  UpdateInterest(connection);
}

}  // namespace kvick

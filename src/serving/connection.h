// Connection: a client's socket and what lies between it and the engine: bytes read but not executed, replies not yet
// sent. An idle connection holds no buffers: it reads into its worker's and replies from its worker's.
//
// Thread rule: only its worker touches it, and only inside the gate, so that others may call MeasureUsage and
// RequestClose in an exclusive moment (see SessionTransport).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/session.h"
#include "net/socket.h"
#include "net/tls_stream.h"
#include "resp/input_buffer.h"
#include "resp/output_buffer.h"
#include "resp/request_parser.h"

namespace kvick {

class Worker;

class Connection final : public SessionTransport {
 public:
  Connection(Worker& worker, FileDescriptor socket) : worker_(worker), socket_(std::move(socket)) {}
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  [[nodiscard]] Usage MeasureUsage() const override;
  void RequestClose() override;
  void DeliverUnblocked(uint64_t session_id, std::string reply) override;
  PushPort& push_port() override;
  bool HandOver(Successor successor) override;

  // Has come to its end: nothing more is read, and it is closed when its replies have been sent.
  bool is_ending() const { return session_.close_after_reply || session_.closing; }

  bool has_replies() const { return !output_.empty() || !held_.empty(); }

  Session& session() { return session_; }
  const Session& session() const { return session_; }
  int fd() const { return socket_.get(); }

 private:
  friend class Worker;

  Worker& worker_;
  FileDescriptor socket_;
  std::unique_ptr<TlsStream> tls_;  // null: plain
  Session session_;

  std::unique_ptr<RequestParser> parser_;  // only while a command is unfinished
  InputBuffer input_;                      // bytes of unfinished or postponed commands
  OutputBuffer output_;                    // what the socket did not take
  // Replies that wait until what was written before them is safe (engine/release_gate.h), and what came behind them.
  struct HeldReplies {
    uint64_t position;     // in the command log
    std::string text;      // few bytes, ...
    OutputBuffer replies;  // ... or many
  };
  std::vector<HeldReplies> held_;
  size_t held_bytes_ = 0;
  int64_t soft_limit_since_ms_ = 0;  // output over the soft limit since then; 0: it is not
  uint32_t epoll_events_ = 0;        // what epoll watches now
  uint32_t lately_sent_bytes_ = 0;   // how much came with the latest read, or reads of one batch; up to kReadBytes
  bool sends_large_ = false;         // its latest bytes ended a large argument
  bool is_doomed_ = false;           // closed at the end of the worker's turn
  Successor successor_;              // then the socket is not closed, but goes there
  bool is_unread_ = false;           // listed in Worker::unread_

  // Pushes of this turn, to be sent when the messages have been run (Worker::SendPushes).
  std::vector<SharedBytes*> pushes_;
  size_t pushed_bytes_ = 0;

  // While its commands are executed: the bytes they stand in, and where its replies go.
  std::string_view executing_;
  const OutputBuffer* replies_ = nullptr;

  // For CLIENT LIST.
  uint64_t input_bytes_ = 0;
  uint64_t output_bytes_ = 0;
  uint64_t read_count_ = 0;
  uint64_t parsed_command_count_ = 0;
  uint64_t parsed_batch_count_ = 0;
  size_t reply_peak_bytes_ = 0;
  int64_t reply_peak_since_ms_ = 0;
};

}  // namespace kvick

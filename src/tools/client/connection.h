// Connection: a blocking client connection for tools and tests.
//
//   KVICK_ASSIGN_OR_RETURN(Connection connection, Connection::Open(address));
//   KVICK_ASSIGN_OR_RETURN(Value reply, connection.Call({"GET", "key"}));
//
// Requests may be pipelined: Send several, then Receive as many replies. A push (RESP3) comes out of Receive like
// any other reply; who does not want pushes skips them. Not for large pipelines: Send waits until the kernel has
// taken everything, and a server that waits for its replies to be read never will.
//
// One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "net/tls_stream.h"
#include "resp/reply_decoder.h"
#include "resp/value.h"
#include "tools/client/server_address.h"

namespace kvick::client {

inline constexpr int kNoTimeout = -1;

class Connection {
 public:
  // The failure's text is the reason alone ("Connection refused"); the caller knows the address.
  static Result<Connection> Open(const ServerAddress& address);

  Connection(Connection&& other) noexcept;
  Connection& operator=(Connection&& other) noexcept;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  Status Send(const std::vector<std::string>& arguments);
  Status SendBytes(std::string_view bytes);

  // As much as the kernel takes without waiting.
  Result<size_t> TrySendBytes(std::string_view bytes);

  // The next reply; none when `timeout_ms` passed, or when a signal came in while waiting.
  Result<std::optional<Value>> Receive(int64_t timeout_ms);
  // Waits as long as it takes.
  Result<Value> Receive();
  // Send and Receive, pushes skipped.
  Result<Value> Call(const std::vector<std::string>& arguments);

  struct ReceivedBytes {
    std::string bytes;
    bool closed;  // by the server, behind these bytes
  };
  // The bytes as they come, undecoded: what has arrived when `size_bytes` are there, the time has passed or the
  // server has closed. Only while no reply is half decoded.
  Result<ReceivedBytes> ReceiveBytes(size_t size_bytes, int64_t timeout_ms);

  // Says goodbye and waits until the server has closed too, at most `timeout_ms`: after that nothing this client
  // had begun (a blocked command, a subscription) is still there.
  void Finish(int64_t timeout_ms);

  // A reply, or a part of one, has already been read from the socket.
  [[nodiscard]] bool has_pending_bytes() const { return !decoder_.idle() || (tls_ != nullptr && tls_->has_unread()); }
  // Something can be received without waiting longer than `timeout_ms`.
  [[nodiscard]] bool HasInput(int64_t timeout_ms) const;
  // For poll().
  [[nodiscard]] int descriptor() const { return descriptor_; }

 private:
  explicit Connection(int descriptor) : descriptor_(descriptor) {}

  // What a wait ended with; a signal counts as time passed.
  enum class Wait { kReadable, kTimePassed };
  Result<Wait> WaitReadable(int64_t timeout_ms) const;
  // Reads once, when there is something; 0: that was nothing yet. The status is an error when the server closed.
  Result<size_t> ReadSome();
  Status Shake(const ServerAddress& address);
  Status WaitFor(short events) const;

  int descriptor_ = -1;
  std::unique_ptr<TlsStream> tls_;  // null: plain. With it, the socket does not block
  ReplyDecoder decoder_;
  std::string read_buffer_;
};

}  // namespace kvick::client

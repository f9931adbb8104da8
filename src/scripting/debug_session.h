// DebugSession: a client that debugs a script. It has left its worker and has a thread of its own, which waits for what
// the client says, and runs the script: alone in the server (SCRIPT DEBUG SYNC), or on a copy of what it touches
// (SCRIPT DEBUG YES). At its end the connection is closed.
//
// Thread rule: its own thread, but for what says otherwise.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "engine/executor.h"
#include "engine/push.h"
#include "engine/session.h"
#include "net/client_socket.h"
#include "scripting/debug_store.h"
#include "scripting/script_debugger.h"

namespace kvick {

class DebugSession final : public SessionTransport, public PushPort, public DebugPort {
 public:
  struct Request {
    std::vector<std::string> words;  // EVAL …
    bool is_in_place = false;
    bool wants_reply = true;  // CLIENT REPLY
  };

  // In the thread of the worker that the client leaves, inside the gate: from here on the client is `executor`'s.
  DebugSession(std::shared_ptr<Executor> executor, MakeDebugStore make_store, Request request, const Session& former,
               std::unique_ptr<ClientSocket> socket);
  ~DebugSession() override;
  DebugSession(const DebugSession&) = delete;
  DebugSession& operator=(const DebugSession&) = delete;

  // In the same thread. The client is gone at once when the system has no room for another thread.
  void Start();
  // The client is treated as if it had left.
  void Dismiss() { is_dismissed_.store(true, std::memory_order_relaxed); }
  void Join();
  bool has_ended() const { return has_ended_.load(std::memory_order_acquire); }

  // SessionTransport. Pushes are dropped: the session is subscribed to nothing, and tracks nothing.
  [[nodiscard]] Usage MeasureUsage() const override;
  void RequestClose() override;
  void DeliverUnblocked(uint64_t /*session_id*/, std::string /*reply*/) override {}
  PushPort& push_port() override { return *this; }
  void Deliver(std::shared_ptr<const PushMessage> /*message*/, std::vector<PushTarget> /*targets*/) override {}

  // DebugPort.
  void Send(std::span<const std::string> lines) override;
  Arrival Receive(std::vector<std::string>* words) override;
  bool IsGone() override;

 private:
  void Run();
  // Inside the gate.
  void LeaveExecutor();
  void RunInPlace(OutputBuffer* out);
  void RunOnCopy(OutputBuffer* out);
  void RunDebugged(Executor& executor, Session& session, ScriptDebugger& debugger, OutputBuffer* out);
  // Before a command of the script runs on the copy.
  Status PrepareCopy(DebugStore& store, int database_index, const Command& command,
                     std::span<const std::string_view> words);
  Status Authorize(int database_index, std::span<const std::string_view> words);
  // Replies to writes are not to be overtaken by the end of the process.
  void WaitForRelease();
  void ReadMore(int wait_ms);

  const std::shared_ptr<Executor> own_executor_;
  Executor& executor_;  // the same
  const MakeDebugStore make_store_;
  const Request request_;
  std::unique_ptr<ClientSocket> socket_;
  Session session_;
  const int64_t patience_ms_;
  const int64_t idle_timeout_ms_;
  std::string input_;
  bool is_gone_ = false;
  std::atomic<bool> is_dismissed_{false};
  std::atomic<bool> has_ended_{false};
  std::thread thread_;
};

// The words of the first whole command in `input`, which is taken out of it. kGone: there is no whole one yet.
DebugPort::Arrival TakeDebuggerCommand(std::string* input, std::vector<std::string>* words);

}  // namespace kvick

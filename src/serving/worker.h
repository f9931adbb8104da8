// Worker: one thread with its epoll loop, its connections and its executor. Only it reads and writes their sockets;
// others leave messages in its mailbox.
//
// A turn of the loop: wait, run messages, serve each readable connection (read once, execute a batch, write), then
// timers. One read's worth of commands a connection a turn, so a deep pipeline does not starve the others. Connections
// that send little at a time are served in groups: all are read, their keys are prefetched together, all are run. A
// turn is a batch of the executor: everything but the wait happens inside the gate.
#pragma once

#include <sys/uio.h>

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/sync.h"
#include "engine/engine.h"
#include "engine/executor.h"
#include "net/socket.h"
#include "net/tls_context.h"
#include "resp/output_buffer.h"
#include "resp/request_parser.h"
#include "serving/connection.h"
#include "serving/mailbox.h"

namespace kvick {

class Worker final : public PushPort, public ReleaseGate::Listener {
 public:
  Worker(Engine& engine, int index, int worker_count);
  ~Worker() override;
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Fails when the system has no room for another thread.
  Status Start();
  // Any thread: lets the loop end after its turn, then Join waits for it. Connections are closed, replies that the
  // sockets take at once are sent.
  void RequestStop();
  void Join();

  // Any thread: hands a new client over. `tls`: null for plain connections.
  void Adopt(FileDescriptor socket, bool is_unix_socket, std::shared_ptr<const TlsContext> tls = nullptr);
  // Any thread. Messages run in this worker's thread, inside its executor's batch.
  void Post(std::function<void()> message) { mailbox_.Post(std::move(message)); }

  // In this worker's thread, invalidations for the client whose command runs follow its reply at once: when a client
  // hears that its change is made, it must not find the old value in its cache any more.
  void Deliver(std::shared_ptr<const PushMessage> message, std::vector<PushTarget> targets) override;

  // ReleaseGate::Listener.
  void OnRelease() override;

  // Before Start: readable events of `fd` call `ready` in this worker's thread, inside its executor's batch.
  void Watch(int fd, std::function<void()> ready);
  // In this worker's thread: stops watching.
  void Unwatch(int fd);

  int index() const { return index_; }
  Executor& executor() { return executor_; }

 private:
  friend class Connection;

  static constexpr size_t kReadBytes = size_t{64} * 1024;
  static constexpr size_t kBatchCommands = 64;
  static constexpr int kEventCount = 512;
  static constexpr size_t kGatheredMax = 32;
  static constexpr size_t kGatheredCommands = 512;            // of them all
  static constexpr size_t kGatheredBytes = size_t{4} * 1024;  // read at once of each
  // Who sent less at a time lately is served in a group; a longer pipeline is a batch of its own.
  static constexpr size_t kLittleBytes = size_t{2} * 1024;

  // Commands parsed and prepared: those of the scratch from `begin` on.
  struct Batch {
    size_t begin = 0;
    size_t count = 0;
    size_t size = 0;       // bytes that were parsed
    size_t skipped = 0;    // of these, before the first command
    bool is_brief = true;  // none of them takes long by its nature
    RequestParser::Outcome outcome = RequestParser::Outcome::kCommand;
  };
  // What one of several connections sent: read, then run, then answered.
  struct Gathered {
    Connection* connection = nullptr;
    std::string_view bytes;
    Batch batch;
    bool is_whole = false;  // `batch` is all of `bytes`
    size_t used = 0;        // of `bytes`, when it was run
    OutputBuffer* out = nullptr;
    OutputBuffer replies;  // what `out` is, unless the connection still has older ones
  };

  struct Arrival;

  // The command that runs, and the invalidations that it brought upon its own client.
  struct Running {
    Connection& connection;
    std::vector<std::shared_ptr<const PushMessage>> invalidations;
    bool crowds = false;  // it has published more than a worker gets sent: it waits before its next command
  };

  // worker_tls.cc
  Status BeginTls(Connection& connection, const TlsContext& context);
  void ContinueHandshake(Connection& connection);
  void OnEstablished(Connection& connection);
  void FailHandshake(Connection& connection);
  // A connection in the midst of its handshake that is to be given up.
  bool IsOverHandshakeTime(const Connection& connection, int64_t now_ms) const;
  // What has left the socket and is not read yet is read when the events are served.
  void NoteUnread(Connection& connection);
  void ReadOn();

  void Run();
  void Serve(int fd, uint32_t events);
  // In the middle of a turn, while a script that runs past its time keeps this thread: reads and answers the other
  // clients (Executor::RunWhileBusy). Nothing else is done meanwhile; connections are closed and messages run later.
  void ServeWhileBusy();
  void AddConnection(Arrival& arrival);
  void TakeArrivals();
  void RunMessages();
  void Doom(Connection& connection);
  void CloseDoomed();
  // A blocked command was answered: sends the reply and goes on with what the client sent meanwhile.
  void Resume(Connection& connection, std::string_view reply);
  void ResumePaused();
  void CloseIdle();
  // For ExecutorStats: what clients hold.
  void MeasureClients();
  // Sessions and connections note wall clock times. When somebody sets the clock, they are moved along.
  void FollowClock();
  int WaitMs() const;

  // worker_requests.cc
  void OnReadable(Connection& connection);
  // The rest of an argument that has memory of its own, and what comes with it.
  void ReadLargeArgument(Connection& connection);
  // Executes what is in the connection's own buffer, and what is left of that keeps no more memory than it needs.
  void ExecuteOwnInput(Connection& connection);
  // The client sent more without an end than it may, and is closed.
  bool IsOverQueryLimit(Connection& connection);
  size_t Read(Connection& connection, std::span<const iovec> targets);
  bool MayGather(const Connection& connection) const;
  void Gather(Connection& connection);
  void RunGathered();
  void RunOneGathered(Gathered& gathered);
  void AnswerGathered(std::span<Gathered> all);
  void OnEndOfInput(Connection& connection);
  std::string_view KeepUnfinished(Connection& connection, std::string_view rest);
  void Postpone(Connection& connection, std::string_view bytes, RequestParser::Command* command);
  // Its commands wait until ResumePaused.
  void Pause(Connection& connection);
  // Executes what the connection's own buffer holds, and keeps what is not used up.
  void ExecuteInput(Connection& connection);
  // Executes what `bytes` holds; returns how many bytes were used up.
  size_t ExecuteAll(Connection& connection, std::string_view bytes);
  // Parses commands of `bytes` into the scratch from `begin` on, which comes behind what is prepared there.
  Batch ParseBatch(const Session& session, RequestParser& parser, std::string_view bytes, size_t begin, size_t end);
  // Runs them; `bytes` is what was parsed. Adds what was used up to `*used`. False: nothing more is to be run now.
  bool RunBatch(Connection& connection, const Batch& batch, std::string_view bytes, size_t* used, ReplyWriter& reply);
  // Sends the replies and sees to what the commands did to their connection.
  void FinishExecution(Connection& connection, OutputBuffer& out);

  // worker_replies.cc
  // Where replies to the connection's commands go: behind what its socket did not take, or into a warm buffer.
  OutputBuffer& ReplyBufferFor(Connection& connection);
  // Sends `out`, or keeps it until it is released; nothing of it is left there.
  void Answer(Connection& connection, OutputBuffer& out);
  // Sends `out`; what the socket does not take stays in the connection.
  void Send(Connection& connection, OutputBuffer& out);
  void OnWritable(Connection& connection);
  void UpdateInterest(Connection& connection);
  // Lets epoll watch for `events`.
  void WatchFor(Connection& connection, uint32_t events);
  bool IsOverOutputLimit(Connection& connection, size_t pending_bytes);
  void NoteReplyPeak(Connection& connection, size_t pending_bytes);
  // Notes a push for those who want it.
  void AppendPush(Mailbox::Push& push);
  void SendPushes();
  void SendPushesOf(Connection& connection);

  // worker_held_replies.cc
  void Hold(Connection& connection, OutputBuffer& out);
  // Moves what is released of the connection's held replies to `out`.
  void MoveReleased(Connection& connection, OutputBuffer& out);
  // Writes what the turn has recorded, if replies wait for that.
  void WriteLog();
  // Between two turns: waits while what is recorded comes faster than it is written.
  void YieldToLog() const;
  // Sends what has been released meanwhile.
  void ReleaseReplies();

  Engine& engine_;
  const int index_;
  const int worker_count_;
  FileDescriptor epoll_;
  Mailbox mailbox_;
  Executor executor_;
  int64_t wall_ahead_ms_;  // of the monotonic clock, when last looked at
  std::thread thread_;
  std::atomic<bool> stopping_{false};

  std::unordered_map<int, std::unique_ptr<Connection>> connections_;  // by descriptor
  std::unordered_map<int, std::function<void()>> watched_;
  Running* running_ = nullptr;
  std::vector<Connection*> paused_;
  std::vector<Connection*> unread_;    // may have bytes of which epoll does not tell
  unsigned handshake_steps_left_ = 0;  // of this turn
  std::vector<Connection*> doomed_;
  std::vector<Connection*> holding_;                        // have replies that are held back
  size_t newly_holding_count_ = 0;                          // of these, those that have told nobody yet
  std::vector<std::string> spare_texts_;                    // for the next of them
  std::atomic<bool> holds_replies_{false};                  // the same, for who releases
  std::vector<Connection*> pushed_;                         // have pushes to be sent
  std::vector<std::shared_ptr<const PushMessage>> pushes_;  // of this turn: what these pushes belong to

  // Clients on their way here.
  Mutex arrivals_mutex_;
  std::vector<std::unique_ptr<Arrival>> arrivals_ KVICK_GUARDED_BY(arrivals_mutex_);

  // What executing a connection's commands needs; it is in use while a script runs, and others get another one then.
  struct Scratch {
    Scratch() : read_buffer(new char[std::max(kReadBytes, kGatheredMax * kGatheredBytes)]), batch(kGatheredCommands) {}
    std::unique_ptr<char[]> read_buffer;
    OutputBuffer reply_buffer;
    RequestParser parser;
    std::vector<RequestParser::Command> batch;
    std::vector<Executor::Prepared> prepared;
  };
  Scratch* scratch_;
  Scratch own_scratch_;
  std::unique_ptr<Scratch> busy_scratch_;
  bool serves_while_busy_ = false;
  std::array<Gathered, kGatheredMax> gathered_;
  size_t gathered_count_ = 0;
  int64_t next_expiry_us_ = 0;
  int64_t next_compaction_us_ = 0;
  int64_t next_slow_timer_us_ = 0;
  int timers_since_measure_ = 0;
  int64_t next_resume_us_ = 0;
};

}  // namespace kvick

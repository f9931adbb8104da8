// Session: what the engine knows of one client. It has no socket; the connection that owns it implements
// SessionTransport.
//
// Thread rule: a session belongs to one executor. Its thread reads and writes the fields; others may do so only in an
// exclusive moment (CLIENT LIST, CLIENT KILL).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "engine/push.h"
#include "engine/transaction.h"

namespace kvick {

class BlockedCall;
class ClientSocket;
class Fieldsets;
class Session;
class Subscriptions;
struct Command;
struct TrackingState;
class User;

// The socket side of a session, for introspection and for ending it.
class SessionTransport {
 public:
  struct Usage {
    size_t query_bytes = 0;  // read, not yet executed
    size_t query_free_bytes = 0;
    size_t argument_bytes = 0;  // of the unfinished command
    // Replies not yet sent: those in the first block of the output buffer, then the pieces behind it.
    size_t reply_buffer_bytes = 0;       // size of the first block
    size_t reply_buffer_used_bytes = 0;  // what it holds
    size_t reply_peak_bytes = 0;         // most that was pending at once lately
    size_t reply_list_count = 0;
    size_t reply_list_bytes = 0;
    size_t total_memory_bytes = 0;
    uint64_t input_bytes = 0;  // ever
    uint64_t output_bytes = 0;
    uint64_t read_count = 0;
    uint64_t parsed_command_count = 0;  // commands, and the batches in which they were parsed
    uint64_t parsed_batch_count = 0;
    int thread_index = 0;      // of the worker
    bool is_readable = false;  // epoll waits for input
    bool is_writable = false;  // epoll waits for room to write
  };

  virtual ~SessionTransport() = default;
  // In the owner's thread or an exclusive moment.
  [[nodiscard]] virtual Usage MeasureUsage() const = 0;
  // Closes the connection soon; replies not yet sent are dropped. Owner's thread or exclusive moment.
  virtual void RequestClose() = 0;
  // Any thread: the wait of the session's blocked call is over. Its owner calls Executor::FinishWaiting and sends
  // `reply` (in protocol form); nothing happens when the session is gone.
  virtual void DeliverUnblocked(uint64_t session_id, std::string reply) = 0;
  // Any thread: where pushes to the session go. The same for all sessions of a thread.
  virtual PushPort& push_port() = 0;

  // Takes a client over: called in the owner's thread, inside the gate, after the session has left its executor.
  using Successor = std::function<void(const Session& former, std::unique_ptr<ClientSocket> socket)>;
  // For a command in the owner's thread: nothing more of the client is executed, and when its replies are sent, its
  // socket goes to `successor` (a debugger of scripts, say). False when there is no socket.
  virtual bool HandOver(Successor /*successor*/) { return false; }
};

// The classes of clients that CLIENT LIST, CLIENT KILL and the output buffer limits tell apart.
enum class ClientType : uint8_t { kNormal, kReplica, kPubSub, kPrimary };

class Session {
 public:
  enum class ReplyMode : uint8_t { kOn, kOff, kSkipNext, kSkipThis };
  // Reasons for the dispatcher to look closer before it runs a command.
  enum Restriction : uint32_t {
    kUnauthenticated = 1,
    kRestrictedUser = 2,  // its user may not do everything
    kInTransaction = 4,
    kSubscriber = 8,
    kMonitor = 16
  };

  uint64_t id = 0;
  int database_index = 0;
  int protocol = 2;
  uint32_t restrictions = 0;
  ReplyMode reply_mode = ReplyMode::kOn;
  bool no_evict = false;
  bool no_touch = false;
  bool close_after_reply = false;  // QUIT and errors that end a connection
  bool closing = false;            // killed: nothing more is executed or sent
  bool is_paused = false;          // its next command waits for the end of CLIENT PAUSE
  bool is_internal = false;        // an in-process caller: no limits, not listed

  // SCRIPT DEBUG: what becomes of the client's next script.
  enum class ScriptDebugging : uint8_t { kOff, kOnCopy, kInPlace };
  ScriptDebugging script_debugging = ScriptDebugging::kOff;

  std::string user = "default";
  // security/user.h. Changes with kRestrictedUser: by the owner, inside the gate, and in exclusive moments, when users
  // change or go. Null: nobody asks.
  const User* acl_user = nullptr;
  std::string name;
  std::string library_name;
  std::string library_version;
  std::string address;  // "127.0.0.1:50000", or "/path/to/socket:0"
  std::string local_address;
  int fd = -1;
  bool is_unix_socket = false;
  bool is_local = true;  // from this machine: for settings that admit local clients only

  int64_t connected_ms = 0;
  int64_t last_active_ms = 0;
  const Command* last_command = nullptr;
  uint64_t command_count = 0;
  // Where in the command log its latest write ends; 0: it has written nothing that was recorded.
  uint64_t write_position = 0;

  ClientType type() const { return (restrictions & kSubscriber) != 0 ? ClientType::kPubSub : ClientType::kNormal; }

  std::shared_ptr<BlockedCall> blocked;  // while a command waits
  // Nothing of its input is executed at present.
  bool is_waiting() const { return is_paused || blocked != nullptr; }

  std::shared_ptr<Subscriptions> subscriptions;  // made by the first subscription
  std::shared_ptr<TrackingState> tracking;       // while CLIENT TRACKING is on
  bool is_redirect_target = false;               // of somebody who tracks. Set in an exclusive moment

  std::shared_ptr<Fieldsets> fieldsets;  // made by the first HIMPORT PREPARE

  // Made by MULTI or WATCH.
  std::unique_ptr<Transaction> transaction;

  SessionTransport* transport = nullptr;
  size_t registry_index = 0;  // in Executor::sessions
};

}  // namespace kvick

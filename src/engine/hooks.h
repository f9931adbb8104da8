// Hooks: the narrow interfaces through which the engine reaches what is built above it. server/ plugs them in; the
// defaults here allow everything and tell nobody.
//
// They are set before the workers run. Methods are called by executing threads, several at once.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace kvick {

class AppendOnlyFile;
class CallLogs;
class CommandContext;
class Database;
class HotKeys;
class LatencyMonitor;
class Migrations;
class Monitors;
class Session;
class User;
struct Command;
struct DeclaredKey;

// Where a call comes from that a user may or may not make.
enum class CallOrigin : uint8_t {
  kClient,       // sent by a client, in MULTI too
  kTransaction,  // queued long ago, and run by EXEC now
  kBlocked,      // waited until now
  kScript,
};

// Denied calls and authentications, for INFO.
struct DenialCounts {
  uint64_t authentications = 0;
  uint64_t commands = 0;
  uint64_t keys = 0;
  uint64_t channels = 0;
  uint64_t certificates = 0;  // that named nobody
};

// Knows the users: who a session's user is, and what he may do.
class Authorizer {
 public:
  virtual ~Authorizer() = default;
  // Whether the session's user may run this, on these keys. A denial is noted, and its text is the reply. Asked for
  // sessions with kRestrictedUser only.
  virtual Status Authorize(const Session& /*session*/, const Command& /*command*/,
                           std::span<const std::string_view> /*arguments*/, std::span<const DeclaredKey> /*keys*/,
                           CallOrigin /*origin*/) {
    return Status::Ok();
  }
  // The same question, without consequences.
  [[nodiscard]] virtual bool IsAllowed(const Session& /*session*/, const Command& /*command*/,
                                       std::span<const std::string_view> /*arguments*/,
                                       std::span<const DeclaredKey> /*keys*/) const {
    return true;
  }
  // Whether he may run this and thereby read keys that the request does not declare (SORT's patterns).
  [[nodiscard]] virtual bool MayReadEverything(const Session& /*session*/, const Command& /*command*/,
                                               std::span<const std::string_view> /*arguments*/,
                                               std::span<const DeclaredKey> /*keys*/) const {
    return true;
  }
  // Whether this user may read the key by some command.
  [[nodiscard]] virtual bool MayReadKey(const User& /*user*/, std::string_view /*key*/) const { return true; }
  // Checks a name and a password (AUTH, HELLO AUTH; `command_word` is the one that was sent) and makes the session
  // that user's.
  virtual Status Authenticate(Session& session, std::string_view user, std::string_view password,
                              std::string_view command_word) = 0;
  // Called for a new session and by RESET: sets its user and whether it must authenticate.
  virtual void Admit(Session& session) = 0;
  // Makes a new session the user's of this name, who has proved to be him by his certificate. False, and the session is
  // as Admit left it: there is no such enabled user.
  virtual bool AdmitAs(Session& /*session*/, std::string_view /*user*/) { return false; }
  // The default user is enabled and needs no password at present, so nobody has to authenticate.
  [[nodiscard]] virtual bool DefaultUserIsOpen() const = 0;
  // It needs no password, enabled or not.
  [[nodiscard]] virtual bool DefaultUserHasNoPassword() const = 0;
  [[nodiscard]] virtual bool HasUser(std::string_view name) const = 0;
  // What CONFIG REWRITE writes: "name rule rule ..." of each user, nothing when they are in a file of their own.
  [[nodiscard]] virtual std::vector<std::string> UserLines() const = 0;
  [[nodiscard]] virtual DenialCounts denial_counts() const { return {}; }
};

// Decides whether this node serves the slots of a command's keys.
class SlotGuard {
 public:
  virtual ~SlotGuard() = default;
  virtual Status Check(const Session& /*session*/, const Command& /*command*/, std::span<const DeclaredKey> /*keys*/) {
    return Status::Ok();
  }
};

// The classes of keyspace notifications, by their letters.
enum class KeyEventClass : char {
  kGeneric = 'g',
  kString = '$',
  kList = 'l',
  kSet = 's',
  kHash = 'h',
  kSortedSet = 'z',
  kStream = 't',
  kExpired = 'x',
  kEvicted = 'e',
  kMissed = 'm',
  kNew = 'n',
  kOverwritten = 'o',
  kTypeChanged = 'c',
  kArray = 'a',
};

// Told of what happened to keys, under the stripe's lock.
class ChangeSink {
 public:
  virtual ~ChangeSink() = default;
  virtual void OnKeyEvent(int /*database_index*/, KeyEventClass /*event_class*/, std::string_view /*event*/,
                          std::string_view /*key*/) {}
  // What happened to some parts of a key: fields of a hash. After OnKeyEvent told of the key.
  virtual void OnPartsEvent(int /*database_index*/, KeyEventClass /*event_class*/, std::string_view /*event*/,
                            std::string_view /*key*/, std::span<const std::string_view> /*parts*/) {}
};

struct CallRecord {
  const Session* session = nullptr;
  const Command* command = nullptr;
  std::span<const std::string_view> arguments;
  int64_t duration_us = 0;
  int64_t finished_us = 0;  // wall clock
  uint64_t request_bytes = 0;
  uint64_t reply_bytes = 0;
};

// Sees commands that stand out and, while Engine::shows_calls, every command that ran.
class CallObserver {
 public:
  virtual ~CallObserver() = default;
  // It ran long, or its request or reply is large: beyond at least one of the thresholds of the configuration, of which
  // each observer knows its own.
  virtual void OnNotableCall(const CallRecord& /*call*/) {}
  // Under the locks of the command's keys, so calls that touch the same keys are told in their order.
  virtual void OnCall(const Session& /*session*/, const Command& /*command*/,
                      std::span<const std::string_view> /*arguments*/, bool /*is_from_script*/) {}
  // An administrative command ran; the status is its reply when that is an error. As OnCall, but for all of them.
  virtual void OnAdministrativeCall(const Session& /*session*/, const Command& /*command*/,
                                    std::span<const std::string_view> /*arguments*/, const Status& /*status*/) {}
  // The session is reset or ends.
  virtual void ForgetSession(Session& /*session*/) {}
};

// What scripts and functions occupy.
struct ScriptUsage {
  uint64_t eval_interpreter_bytes = 0;
  uint64_t function_interpreter_bytes = 0;
  uint64_t script_bytes = 0;
  uint64_t library_bytes = 0;
  uint64_t script_count = 0;
  uint64_t library_count = 0;
  uint64_t function_count = 0;
  uint64_t evicted_script_count = 0;
};

// Refuses writes while they could not be kept: the disk is full, the last snapshot failed. Asked only while
// Engine::write_refusal_count says that somebody refuses.
class WriteGuard {
 public:
  virtual ~WriteGuard() = default;
  // Any thread.
  virtual Status Check() = 0;
};

// Runs scripts and functions.
class ScriptRunner {
 public:
  virtual ~ScriptRunner() = default;
  // Inside the gate.
  [[nodiscard]] virtual ScriptUsage MeasureUsage() { return {}; }
  // Whether a script runs past its time: who needs what it holds is answered BUSY.
  [[nodiscard]] virtual bool IsBusy() const { return false; }
  // That answer.
  [[nodiscard]] virtual std::string BusyError() const { return {}; }
  // SHUTDOWN NOSAVE: ends what runs, whatever it has changed.
  virtual void KillForShutdown() {}
  // Any thread: the process was asked to end, so nobody who thinks about a script that he debugs is waited for.
  virtual void HurryToEnd() {}
  // When clients are gone, and before executors and engine are: ends the threads that debug scripts.
  virtual void EndDebugging() {}
  // For files, alone: the texts of all function libraries, in the order of their names; and a library from its text,
  // which takes the place of one of its name only if it may.
  [[nodiscard]] virtual std::vector<std::string> LibraryTexts() const { return {}; }
  virtual Status LoadLibrary(std::string_view /*text*/, bool /*replaces*/) {
    return Status::Error("ERR functions are not available");
  }
};

// What SHUTDOWN asks of the process.
struct ShutdownRequest {
  bool save = false;
  bool no_save = false;
  bool now = false;
  bool force = false;
  bool abort = false;
};

// The process around the engine: what commands may ask of it.
class ProcessControl {
 public:
  virtual ~ProcessControl() = default;
  virtual Status Shutdown(const ShutdownRequest& request) = 0;
  [[nodiscard]] virtual std::string config_file() const = 0;
  [[nodiscard]] virtual std::string executable() const = 0;
  // Tells builds apart; hexadecimal digits. May be empty.
  [[nodiscard]] virtual std::string build_id() const { return {}; }
  // Who started the process: "no", "systemd", "upstart", "unknown".
  [[nodiscard]] virtual std::string supervisor() const { return "no"; }
};

// DEBUG RELOAD.
struct ReloadRequest {
  bool saves = true;
  bool flushes = true;
  bool merges = false;  // keys of the file replace those that are there
};

// What keeps the data when the process ends.
class DataKeeper {
 public:
  virtual ~DataKeeper() = default;
  // FLUSHALL, all of it in one exclusive moment.
  virtual void BeforeFlushAll() = 0;
  virtual void AfterFlushAll() = 0;
  // In an exclusive moment.
  virtual Status Reload(const ReloadRequest& request) = 0;
  // Empties the data and loads the append-only file, as at the start; `done` is called when it is there. In an
  // exclusive moment.
  virtual void ReloadAppendOnly(std::function<void(const Status&)> done) = 0;
};

class OffsetClock;

struct Hooks {
  Authorizer* authorizer = nullptr;  // null: everybody may do everything
  SlotGuard* slot_guard = nullptr;
  ChangeSink* change_sink =
      nullptr;  // changed in exclusive moments, unlike the others: null while it would tell nobody
  std::vector<CallObserver*> call_observers;
  std::vector<WriteGuard*> write_guards;  // asked in this order
  CallLogs* call_logs = nullptr;          // one of these, for its commands
  HotKeys* hot_keys = nullptr;            // for HOTKEYS
  LatencyMonitor* latency_monitor = nullptr;
  Monitors* monitors = nullptr;      // another
  Migrations* migrations = nullptr;  // what MIGRATE keeps between its steps
  ScriptRunner* script_runner = nullptr;
  AppendOnlyFile* append_only_file = nullptr;  // for its commands
  ProcessControl* process = nullptr;
  DataKeeper* data_keeper = nullptr;     // null: nothing is kept
  OffsetClock* movable_clock = nullptr;  // the engine's clock, when tests may move it
};

}  // namespace kvick

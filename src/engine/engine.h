// Engine: the data store without sockets: databases, commands, configuration, and the threads' executors.
//
//   Settings settings;
//   Engine engine(&settings, SystemClock::Instance());
//   RegisterAllCommands(engine);          // server/features.h
//   LocalClient client(engine);           // engine/local_client.h
//   client.Execute({"SET", "a", "1"});    // "+OK\r\n"
//
// Construction and the wiring methods come before any executor runs. Afterwards: what is marked "exclusive" changes
// only inside RunExclusive and may be read by any executor; the rest says its own rule.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/sync.h"
#include "config/option_table.h"
#include "config/settings.h"
#include "engine/channels.h"
#include "engine/command_log.h"
#include "engine/command_table.h"
#include "engine/exclusive_gate.h"
#include "engine/hooks.h"
#include "engine/info.h"
#include "engine/lazy_free.h"
#include "engine/memory_limit.h"
#include "engine/release_gate.h"
#include "engine/tracking.h"
#include "keyspace/database.h"

namespace kvick {

class Compaction;
class Executor;
struct KeyTracking;
class Session;
class Snapshot;

// CLIENT PAUSE.
struct PauseState {
  int64_t until_ms = 0;  // by the monotonic clock; 0: not paused
  bool all_commands = false;

  bool IsActive(int64_t now_ms) const { return until_ms > now_ms; }
};

class Engine {
 public:
  // `settings` and `clock` outlive the engine; settings.databases is final.
  Engine(Settings* settings, const Clock& clock);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  const Clock& clock() const { return clock_; }
  const Settings& settings() const { return *settings_; }
  OptionTable& options() { return options_; }
  const OptionTable& options() const { return options_; }
  CommandTable& commands() { return commands_; }
  const CommandTable& commands() const { return commands_; }
  ExclusiveGate& gate() { return gate_; }
  CommandLog& log() { return log_; }
  InfoRegistry& info() { return info_; }
  LazyFree& lazy_free() { return lazy_free_; }
  Compaction& compaction() { return *compaction_; }
  MemoryLimit& memory_limit() { return memory_limit_; }
  // Replies to writes wait here until they are safe, if that is asked for.
  ReleaseGate& release_gate() { return release_gate_; }
  Channels& channels() { return channels_; }
  Tracking& tracking() { return tracking_; }
  Hooks hooks;  // set before executors run
  // Makes an object that lives as long as the engine: a feature that hooks point to. Before executors run.
  template <typename Feature, typename... Arguments>
  Feature& Attach(Arguments&&... arguments) {
    auto feature = std::make_shared<Feature>(std::forward<Arguments>(arguments)...);
    attached_.push_back(feature);
    return *feature;
  }

  int database_count() const { return static_cast<int>(databases_.size()); }
  Database& database(int index) { return *databases_[static_cast<size_t>(index)]; }

  // Somebody wants to see every call (CallObserver::OnCall). Any thread.
  std::atomic<bool> shows_calls{false};

  // How many of hooks.write_guards refuse writes at present. Any thread.
  std::atomic<int> write_refusal_count{0};

  // More than one executor may run at a time: stripes must be locked. Decided before they run.
  bool is_concurrent() const { return is_concurrent_; }
  void set_concurrent(bool value) {
    is_concurrent_ = value;
    log_.set_shared(value);
  }
  // Whether stripes must be locked: a snapshot's thread reads them too. Read inside the gate.
  bool locks_stripes() const { return is_concurrent_ || snapshot != nullptr; }

  const std::string& run_id() const { return run_id_; }
  int64_t started_ms() const { return started_ms_; }

  // Exclusive state.
  PauseState pause;
  bool active_expire_enabled = true;
  std::atomic<bool> timers_paused{false};  // DEBUG PAUSE-CRON; read outside of the gate
  bool scripts_may_run_all = false;        // DEBUG SET-DISABLE-DENY-SCRIPTS: commands that refuse scripts do not
  std::string replication_id;              // names the history that the log's positions belong to
  std::atomic<bool> is_loading{false};     // may be read anywhere
  Snapshot* snapshot = nullptr;            // the one that is being taken
  // What HOTKEYS tracks, or has tracked; executors are told of another one (Executor::FollowKeyTracking).
  std::shared_ptr<const KeyTracking> key_tracking;
  bool is_ended = false;  // the process is about to end: nothing is executed any more

  // Where the server itself decides against the configuration. Exclusive.
  void set_append_only(bool is_on) { settings_->append_only = is_on; }
  // DEBUG QUICKLIST-PACKED-THRESHOLD. Exclusive.
  void set_list_packed_threshold(size_t size_bytes) { settings_->list_packed_threshold_bytes = size_bytes; }

  // Held by the one script that may wait for a stripe while it holds others (engine/executor_script.cc).
  SpinLock script_turn;

  // Executors register themselves; the list may be walked in an exclusive moment or under its mutex.
  void AddExecutor(Executor* executor) KVICK_EXCLUDES(executors_mutex_);
  void RemoveExecutor(Executor* executor) KVICK_EXCLUDES(executors_mutex_);
  // Calls `visit` for each executor, under the list's mutex: counters may be read.
  void ForEachExecutor(const std::function<void(Executor&)>& visit) KVICK_EXCLUDES(executors_mutex_);

  // The session has not authenticated, and the default user's password is asked for.
  bool MustAuthenticate(const Session& session) const;
  // RESET, and the end of a session: it gets no messages any more. In its thread.
  void EndMessages(Session& session);

  uint64_t NextSessionId() { return next_session_id_.fetch_add(1, std::memory_order_relaxed) + 1; }
  // Connected clients of all workers, for maxclients. Any thread.
  std::atomic<int64_t> client_count{0};
  std::atomic<int64_t> blocked_client_count{0};
  std::atomic<int64_t> watching_client_count{0};  // WATCH

  // The latest time at which an executor took a key for expired. Executors read the clock now and then, so their
  // times differ; whoever is behind this one reads the clock again before a command looks at its keys. So what has
  // expired for one has expired for all, and keys that expire together go together. Changed under the lock of the
  // expired key's stripe, which whoever misses the key has held since.
  std::atomic<int64_t> expiry_horizon_ms{0};

  // Work that is done about ten times a second, in a thread of the process and outside of the gate. Added before
  // executors run.
  void AddPeriodicWork(std::function<void()> work) { periodic_work_.push_back(std::move(work)); }
  void RunPeriodicWork() {
    for (const auto& work : periodic_work_) work();
  }
  // To be undone together with the engine's own counters (CONFIG RESETSTAT).
  void AddStatsReset(std::function<void()> reset) { stats_resets_.push_back(std::move(reset)); }

  // Sums and resets over all executors.
  uint64_t TotalChanges();
  void ResetStats();  // exclusive: CONFIG RESETSTAT

 private:
  Settings* settings_;
  const Clock& clock_;
  OptionTable options_;
  CommandTable commands_;
  ExclusiveGate gate_;
  CommandLog log_;
  InfoRegistry info_;
  MemoryLimit memory_limit_;  // lazy_free_ tells it what it has freed
  LazyFree lazy_free_;
  std::unique_ptr<Compaction> compaction_;
  ReleaseGate release_gate_;
  Channels channels_;
  Tracking tracking_;
  std::vector<std::unique_ptr<Database>> databases_;
  bool is_concurrent_ = true;
  std::string run_id_;
  int64_t started_ms_;
  std::vector<std::shared_ptr<void>> attached_;
  std::vector<std::function<void()>> periodic_work_;
  std::vector<std::function<void()>> stats_resets_;
  std::atomic<uint64_t> next_session_id_{0};

  Mutex executors_mutex_;
  std::vector<Executor*> executors_ KVICK_GUARDED_BY(executors_mutex_);
};

}  // namespace kvick

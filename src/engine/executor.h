// Executor: what one thread needs to execute commands. Each worker has one.
//
//   executor.BeginBatch();                                   // enters the gate, reads the clock
//   for each request: prepared.push_back(executor.Prepare(session, arguments));
//   executor.Prefetch();                                     // buckets and entries of all keys, together
//   for each request: executor.Run(session, prepared[i], reply);
//   executor.EndBatch();
//
// Run makes the promise on which every handler relies: while it runs, the stripes of the command's keys are locked
// (or, for exclusive commands, nobody else runs), and its effects are committed before they are unlocked.
//
// Thread rule: one thread uses an executor; its statistics may be read by any.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/random.h"
#include "base/shared_bytes.h"
#include "engine/command_table.h"
#include "engine/declared_key.h"
#include "engine/engine.h"
#include "engine/key_extraction.h"
#include "engine/key_usage.h"
#include "engine/recent_commands.h"
#include "engine/script_traits.h"
#include "engine/session.h"
#include "engine/stats.h"
#include "keyspace/database.h"
#include "resp/reply_writer.h"

namespace kvick {

class CommandContext;
class StripeCompaction;
class VictimSearch;

// A collection that a handler may change (CommandContext::FindValueForWrite, PutValue).
struct OpenValue {
  Database* database;
  KeyRef key;  // a view into the request
  ValueType type;
  void* object;
  bool is_unpacked;  // the entry holds its former bytes, and nobody else knows of `object`
  // Where the entry is, as long as Mutation::layout_change_count is this.
  KeyTable::Slot slot = {};
  uint64_t layout_change_count = UINT64_MAX;
  uint64_t counted_items = 0;  // with which Database::key_sizes knows it
};

// For CommandSpec::place_keys.
struct KeyPlacement {
  Engine& engine;
  int selected_database;
  std::span<const std::string_view> arguments;
  std::vector<DeclaredKey>& keys;
};

class Executor final : public KeyspaceListener {
 public:
  enum class Outcome {
    kDone,
    kPaused,  // not executed, because of CLIENT PAUSE: to be run again later
    kEnded,   // not executed, because the server ends
  };

  // A request that was looked up; its keys are hashed. Valid until EndBatch, as long as the arguments are.
  struct Prepared {
    enum class Problem : uint8_t { kNone, kUnknownCommand, kUnknownSubcommand, kArity };
    const Command* command = nullptr;
    std::span<const std::string_view> arguments;
    // Arguments that lie in memory of their own, to be kept by whoever stores them; set by the caller.
    std::span<const SharedBytesRef> large_arguments;
    uint32_t key_begin = 0;
    uint32_t key_end = 0;
    Problem problem = Problem::kNone;
  };

  // The command that the executor's thread runs at the moment, for crash reports.
  struct RunningCall {
    const Session* session = nullptr;  // null: none
    const Command* command = nullptr;
    std::span<const std::string_view> arguments;
  };

  explicit Executor(Engine& engine);
  ~Executor() override;
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  // Before its first batch: it repeats what was recorded once. Its clock stands still at the beginning of time, so that
  // nothing expires by itself; nothing is recorded or notified, and no command is refused because data is being loaded.
  void ReplayOnly();
  // Who is told of what happens to keys; may be null.
  ChangeSink* change_sink() const { return is_replaying_ ? nullptr : engine_.hooks.change_sink; }

  Engine& engine() { return engine_; }
  ExecutorStats& stats() { return stats_; }
  const ExecutorStats& stats() const { return stats_; }
  Mutation& mutation() { return mutation_; }
  Random& random() { return random_; }
  int64_t now_ms() const { return mutation_.now_ms; }
  // What is noted of a moment (a delivery, an access): now_ms, also while a log is repeated.
  int64_t wall_ms() const { return wall_ms_; }
  // Of the command that runs, behind those of the command that runs it: a stack. For CommandContext.
  std::vector<OpenValue>& open_values() { return open_values_; }

  void BeginBatch();
  Prepared Prepare(const Session& session, std::span<const std::string_view> arguments);
  void Prefetch();
  Outcome Run(Session& session, const Prepared& prepared, ReplyWriter& reply);
  // The memory that holds exactly this argument of the running command, or null.
  SharedBytes* FindLargeArgument(std::string_view argument) const;
  // Within a batch: everything prepared so far was run or is to be prepared again.
  void ForgetPrepared() { keys_.clear(); }
  void EndBatch();

  // EXEC: runs the session's queued commands as one, under the locks of all their keys, and closes the transaction.
  Status RunTransaction(Session& session, ReplyWriter& reply);
  // Scripts (executor_script.cc). RunScript calls `body`, which runs the script: its commands one by one by
  // PrepareForScript and CallFromScript. When one of them answers kUnwind, body stops and returns at once, and is
  // called again if the script can start over.
  enum class ScriptCallOutcome {
    kDone,
    kUnwind,
    kDeadlock,  // not executed, and it cannot be: two scripts wait for each other's undeclared keys
  };
  Status RunScript(Session& session, ScriptTraits& traits, const std::function<Status()>& body);
  // EVAL that somebody debugs in place: all others wait, from before it looks at its keys until it has ended.
  void RunScriptAlone(Session& session, const Prepared& prepared, ReplyWriter& reply);
  Prepared PrepareForScript(const Session& session, std::span<const std::string_view> arguments);
  // Whether what the script changes is recorded (redis.set_repl). Holds until the script ends.
  void RecordScript(bool is_recorded) { records_effects_ = is_recorded && !is_replaying_; }
  // What scripting/ keeps for this executor's thread.
  std::shared_ptr<void> script_state;
  // Called now and then while this thread cannot get on because of a script that runs past its time: answers BUSY to
  // the clients of the thread.
  std::function<void()> serve_while_busy;
  // `needs_room`: a command that takes memory is refused when the script began without any.
  ScriptCallOutcome CallFromScript(Session& session, const Prepared& prepared, bool needs_room, ReplyWriter& reply);

  // WATCH of keys whose stripes are held; UNWATCH of all of a session's, whose stripes are not.
  void Watch(Session& session, std::span<const DeclaredKey> keys);
  void UnwatchAll(Session& session);
  // DISCARD, RESET, the end of a connection.
  void DropTransaction(Session& session);

  // Ends the wait of a session's blocked call: the reply was delivered, or its connection closes. The owner's thread.
  void FinishWaiting(Session& session);
  // CLIENT UNBLOCK: an empty reply stands for the one of a timeout. False when the session does not wait. In an
  // exclusive moment.
  bool Unblock(Session& session, std::string_view reply);
  // When the next blocked call of this executor's sessions is due (INT64_MAX: none), and answering those that are.
  int64_t next_wait_deadline_ms() const;
  void EndOverdueWaits();

  // Runs `work` while no executor executes. Inside an exclusive command it runs at once.
  void RunExclusive(const std::function<void()>& work);
  // The same; false when a script runs past its time and nobody can be alone.
  bool TryRunExclusive(const std::function<void()>& work);
  bool is_exclusive() const { return is_exclusive_; }
  // A command of another client, while this executor's thread waits for a script that runs past its time, or runs it:
  // only what is allowed then, and touches nothing that the script may hold; BUSY for all else.
  Outcome RunWhileBusy(Session& session, std::span<const std::string_view> arguments, ReplyWriter& reply);
  // Before a script that runs alone lets clients be served: it holds all stripes instead, and the gate is opened.
  void ShareWhileBusy();
  bool is_in_transaction() const { return holds_places_; }
  // For handlers: runs `work` when the command is done and has let go of its locks and of the gate, before its client
  // gets the reply. For long work that others need not wait for.
  void AfterCommand(std::function<void()> work) { after_command_.push_back(std::move(work)); }

  // The sessions of this executor's thread. Others may walk them in an exclusive moment.
  void AddSession(Session* session);
  void RemoveSession(Session* session);
  const std::vector<Session*>& sessions() const { return sessions_; }
  const RunningCall& running_call() const { return running_call_; }

  // What its commands' keys cost; any thread may read it.
  KeyUsage& key_usage() { return key_usage_; }
  // Engine::key_tracking was changed. In the exclusive moment of the change.
  void FollowKeyTracking();

  // Removes due keys from one of `part_count` nearly equal parts of all stripes, for at most `budget_us`, but at least
  // once. Whether there may be more: time ran out, or it must not be done at present. Between batches only.
  bool RemoveExpired(size_t part, size_t part_count, int64_t budget_us);

  // Evicts keys while memory exceeds its limit, for at most `budget_us`. Between batches only.
  void EvictExcess(int64_t budget_us);
  // Goes on with a pass that gives memory back (engine/compaction.h), if there is one, for about `budget_us`. Between
  // batches only; the second one for work that AfterCommand runs.
  void Compact(int64_t budget_us);
  void CompactAfterCommand(int64_t budget_us);
  // The running command began while memory exceeded its limit, and nothing could be evicted.
  bool lacks_room() const { return lacks_room_; }

  // Locks for commands that walk the keyspace: one stripe at a time.
  class StripeGuard {
   public:
    StripeGuard(Executor& executor, Stripe& stripe);
    ~StripeGuard();
    StripeGuard(const StripeGuard&) = delete;
    StripeGuard& operator=(const StripeGuard&) = delete;

   private:
    Stripe* stripe_;  // null when no lock is needed
  };

  void OnExpired(Database& database, std::string_view key) override;
  void OnPartsExpired(Database& database, std::string_view key, ValueType type, std::span<const std::string> parts,
                      bool is_emptied) override;
  void OnModified(Database& database, std::string_view key) override;
  void OnAwaitedKey(Database& database, std::string_view key) override;
  void CountError(std::string_view text);

 private:
  struct StripePlace {
    Database* database;
    uint32_t stripe_index;
    bool operator==(const StripePlace&) const = default;
  };

  void RefreshClock();
  // With the keys locked: see Engine::expiry_horizon_ms.
  void CatchUpWithExpiry() {
    if (mutation_.now_ms < engine_.expiry_horizon_ms.load(std::memory_order_relaxed)) PassExpiryHorizon();
  }
  void PassExpiryHorizon();
  bool MayRemoveExpired() const;
  // What refuses writes at present.
  Status CheckWriteGuards(const Command& command) const;
  bool IsRefusable(const Session& session, const Command& command) const;
  // All other reasons not to run a command that do not depend on its keys' contents.
  Status Admit(const Session& session, const Prepared& prepared, std::span<const DeclaredKey> keys, CallOrigin origin);
  // What Admit refused. EXEC takes its transaction with it.
  void RejectUnadmitted(Session& session, const Prepared& prepared, const Status& status, ReplyWriter& reply);
  // Again for a call that was admitted long ago: its user's rights may have changed since.
  Status Reauthorize(const Session& session, const Command& command, std::span<const std::string_view> arguments,
                     std::span<const DeclaredKey> keys, CallOrigin origin) {
    if ((session.restrictions & Session::kRestrictedUser) == 0) return Status::Ok();
    return engine_.hooks.authorizer->Authorize(session, command, arguments, keys, origin);
  }
  bool IsPaused(const Session& session, const Command& command) const;
  // Memory (executor_eviction.cc). Before a command, while nothing is locked: sees that memory keeps its limit.
  void MakeRoom(const Prepared& prepared);
  bool MustLookAtMemory(const Prepared& prepared);
  bool MayEvict() const;
  enum class Room { kEnough, kSome, kNone };
  Room Evict(int64_t budget_us);
  // Whether there may be another one.
  bool EvictOne(bool frees_later);
  bool WaitForLazyFree(uint64_t limit_bytes);
  void CompactInside(int64_t budget_us);
  bool StepInCompaction(uint64_t deadline);
  Status CheckRoom(const Session& session, const Command& command) const;
  void Reject(const Prepared& prepared, const Status& status, ReplyWriter& reply);
  Status ProblemStatus(const Prepared& prepared) const;
  std::span<DeclaredKey> PlaceKeys(const Session& session, const Prepared& prepared) {
    const std::span<DeclaredKey> keys(keys_.data() + prepared.key_begin, prepared.key_end - prepared.key_begin);
    // An earlier command of the batch may have selected another database.
    Database* database = &engine_.database(session.database_index);
    for (DeclaredKey& key : keys) key.database = database;
    return prepared.command->spec->place_keys == nullptr ? keys : PlaceKeysElsewhere(session, prepared, keys);
  }
  std::span<DeclaredKey> PlaceKeysElsewhere(const Session& session, const Prepared& prepared,
                                            std::span<const DeclaredKey> keys);
  // Locks are taken for a moment, or not at all: the caller comes again after a check-in, or gives up.
  enum class LockOutcome { kLocked, kStepOut, kBusy };
  Outcome RunMuted(Session& session, const Prepared& prepared, ReplyWriter& reply);
  Outcome RunPrepared(Session& session, const Prepared& prepared, ReplyWriter& reply);
  void RejectUnknown(Session& session, const Prepared& prepared, ReplyWriter& reply);
  bool PassesChecks(Session& session, const Prepared& prepared, std::span<const DeclaredKey> keys, ReplyWriter& reply);
  Outcome Dispatch(Session& session, const Prepared& prepared, ReplyWriter& reply);
  LockOutcome RunLocked(Session& session, const Prepared& prepared, std::span<DeclaredKey> keys, ReplyWriter& reply);
  Outcome RunExclusively(Session& session, const Prepared& prepared, std::span<DeclaredKey> keys, ReplyWriter& reply);
  // SHUTDOWN NOSAVE: kills the script that runs past its time, whatever it has changed.
  bool EndsBusyScript(const Prepared& prepared);
  void RejectBusy(const Prepared& prepared, ReplyWriter& reply);
  bool IsScriptBusy() const { return engine_.hooks.script_runner != nullptr && engine_.hooks.script_runner->IsBusy(); }
  void Call(Session& session, const Prepared& prepared, std::span<DeclaredKey> keys, ReplyWriter& reply);
  // Counts what a call has changed, and records it if anybody reads the log.
  void Commit(CommandContext& context);
  void RecordEffect(CommandContext& context);
  // Puts a command behind MULTI; false when it must run now.
  bool Queue(Session& session, const Prepared& prepared, ReplyWriter& reply);
  // Blocked calls (executor_blocking.cc).
  struct ReadyKey {
    Database* database = nullptr;
    std::string name;
  };
  void StartWaiting(Session& session, CommandContext& context);
  void LeaveQueues(BlockedCall& call);
  void ForgetDeadline(int64_t time_ms, const std::shared_ptr<BlockedCall>& call);
  // Notes when a call of this executor's is to be run again without a change (BlockRequest::look_again_ms).
  void PlanLook(const std::shared_ptr<BlockedCall>& call);
  bool HoldsStripe(Database* database, uint32_t stripe_index) const;
  bool TryHoldAll(std::span<const DeclaredKey> keys);
  void ServeReadyKeys();
  // The same while no stripe is held: takes the locks.
  void ServeUnlocked() {
    places_.clear();
    ServeReadyKeys();
    RetryServing();
  }
  void ServeKey(const ReadyKey& ready);
  bool Serve(BlockedCall& call, const ReadyKey& ready);
  void RetryServing();

  // Scripts.
  struct RunningScript {
    ScriptTraits* traits = nullptr;
    std::vector<DeclaredKey> keys;  // of its running command
    std::vector<DeclaredKey> placed_keys;
    std::vector<StripePlace> wanted;  // to be held from the start, when it starts over
    bool has_changed = false;
    bool starts_over = false;
    bool wants_turn = false;
    bool became_alone = false;
  };
  LockOutcome RunScriptLocked(Session& session, const Prepared& prepared, std::span<DeclaredKey> keys,
                              ReplyWriter& reply);
  ScriptCallOutcome StartOver();
  ScriptCallOutcome ReachKeys(std::span<const DeclaredKey> keys);
  ScriptCallOutcome ReachEverything(bool alone);
  ScriptCallOutcome TakeTurnToChange();
  bool PrepareToStartOver(Session& session);
  void HoldEverything();
  void LetGoOfEverything();
  void RecordGroup();
  void EndScript();
  void ReleaseScriptHolds();
  bool TryTakeTurn();

  void AddPlaces(std::span<const DeclaredKey> keys);
  // Takes the locks of all places in ascending order, or none.
  LockOutcome LockPlaces();
  LockOutcome LockStripe(Stripe& stripe, size_t stripe_index);
  LockOutcome WaitToLockStripe(Stripe& stripe, size_t stripe_index);
  // The stripe is held by somebody: waits for a while. For the figures of contention, and out of the usual way.
  bool AwaitStripe(Stripe& stripe, size_t stripe_index);
  bool TryHold(Stripe& stripe, size_t stripe_index);
  static void LetGo(Stripe& stripe);
  // For who cannot do anything else: waits, and answers clients as long as a script is busy.
  void WaitForStripe(Stripe& stripe);
  void UnlockPlaces();
  void Record(int database_index, std::span<const std::string_view> arguments);
  // `position`: what the log returned.
  void NoteRecorded(uint64_t position) {
    if (position != 0) recorded_position_ = position;
  }
  // Tells those who see every call.
  void ShowCall(const Session& session, const Prepared& prepared);
  // The session tracks: remembers the keys that it was told of.
  void RememberReads(const Session& session, const Command& command, std::span<const DeclaredKey> keys);
  void BroadcastChanges();
  void FollowThresholds();
  // For the call that key_usage_ wants to look at.
  void ObserveKeys(const Prepared& prepared, std::span<const DeclaredKey> keys, uint64_t cycles, uint64_t reply_bytes);
  // For who shows calls that stand out.
  void ReportNotableCall(const Session& session, const Prepared& prepared, uint64_t cycles, uint64_t reply_bytes);
  void RunAfterCommand();
  // Debug builds lock always, so that what forgets to is found.
  bool LocksStripes() const {
#ifdef NDEBUG
    return engine_.locks_stripes();
#else
    return true;
#endif
  }
  bool NeedsLocks() const { return LocksStripes() && !is_exclusive_; }
  void WaitForSnapshot();

  Engine& engine_;
  ExecutorStats stats_;
  ExclusiveGate::Slot gate_slot_;
  bool is_inside_ = false;
  bool is_exclusive_ = false;

  Mutation mutation_;
  FrequencyRules frequency_rules_;
  Random random_;
  std::function<void(Entry*)> free_later_;
  uint64_t clock_cycles_ = 0;  // when the clock was read
  uint64_t call_cycles_ = 0;   // when the latest command ended, or the batch began
  const double cycles_per_us_;
  uint64_t refresh_cycles_;  // read the clock again after so many
  // Beyond one of these a call stands out, and is looked at more closely.
  uint64_t notable_cycles_ = UINT64_MAX;       // the shorter of the slow log's threshold and the latency monitor's
  uint64_t notable_reply_bytes_ = UINT64_MAX;  // the threshold of large replies
  size_t notable_argument_count_ = SIZE_MAX;   // fewer, all of them small, cannot be a large request
  struct Thresholds {
    int64_t slow_us = -1;
    int64_t latency_ms = 0;
    int64_t request_bytes = -1;
    int64_t reply_bytes = -1;
    uint64_t top_keys_sample_ratio = 0;
    bool operator==(const Thresholds&) const = default;
  };
  Thresholds thresholds_;  // of which these follow
  bool tracks_latency_ = true;

  KeyUsage key_usage_;
  uint64_t calls_to_key_look_ = UINT64_MAX;  // until key_usage_ wants to see one
  // What the commands of the running script, and of the running transaction, have cost already: not theirs. Kept while
  // keys are tracked.
  struct InnerCost {
    uint64_t cycles = 0;
    uint64_t reply_bytes = 0;
  };
  InnerCost script_inner_;
  InnerCost transaction_inner_;

  RecentCommands recent_commands_;
  std::vector<OpenValue> open_values_;
  std::vector<DeclaredKey> keys_;         // of the prepared requests
  std::vector<DeclaredKey> placed_keys_;  // of the running one, when place_keys changed them
  std::vector<KeyPosition> positions_;
  std::vector<StripePlace> places_;  // locked, in ascending order
  bool holds_places_ = false;        // a transaction or a script runs: its stripes are locked already
  bool holds_everything_ = false;    // all stripes of all databases are locked
  bool records_effects_ = true;
  bool is_replaying_ = false;
  int64_t wall_ms_ = 0;
  uint64_t recorded_position_ = 0;  // behind what the running command recorded; 0: nothing
  bool holds_turn_ = false;         // Engine::script_turn
  RunningScript script_;
  std::vector<CommandLog::Entry> group_;             // what a transaction records
  std::span<const SharedBytesRef> large_arguments_;  // of the running command
  std::set<std::string> changed_keys_;               // by the running command, while anybody wants broadcasts
  uint64_t changer_id_ = 0;                          // the session that runs it
  bool is_in_script_ = false;                        // a script's command runs
  std::vector<ReadyKey> ready_keys_;                 // changed by the running command, and somebody waits for them
  std::vector<ReadyKey> retries_;
  std::vector<StripePlace> extra_places_;  // locked beyond places_, to serve blocked calls
  // Of this executor's sessions: when their time is up, and when they are to be run again.
  std::multimap<int64_t, std::shared_ptr<BlockedCall>> deadlines_;
  OutputBuffer discarded_;  // replies of a client that asked for none
  std::vector<std::function<void()>> after_command_;
  std::vector<Session*> sessions_;
  RunningCall running_call_;
  size_t expire_cursor_ = 0;
  std::unique_ptr<VictimSearch> victim_search_;   // made with the first eviction
  std::vector<Entry*> removed_entries_;           // large ones that were evicted: freed when their stripe is let go
  std::unique_ptr<StripeCompaction> compaction_;  // of the stripe that was taken of a pass; null: none
  size_t compaction_place_ = 0;                   // which one, counted over all databases
  int commands_until_look_ = 0;                   // at memory
  bool lacks_room_ = false;
};

}  // namespace kvick

#include "engine/executor.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/compression_use.h"
#include "base/log.h"
#include "base/prefetch.h"
#include "engine/command_context.h"
#include "engine/compaction.h"
#include "engine/errors.h"
#include "keyspace/snapshot.h"
#include "keyspace/stripe_compaction.h"
#include "keyspace/victim_search.h"

namespace kvick {
namespace {

// The wall clock is read again within a batch when so much time has passed.
constexpr int64_t kClockRefreshUs = 500;
// How long a stripe is waited for before anything else is looked at. Commands hold one for microseconds.
constexpr int64_t kLockPatienceUs = 1000;
// The time at which recorded commands are repeated: before all that they say.
constexpr int64_t kReplayNowMs = 1;

// So many values of a batch tell whether the others are worth prefetching.
constexpr size_t kValuesLookedAt = 4;

// The beginning of a value that has memory of its own. Counts it.
void PrefetchValueOf(void* count, Entry* entry) {
  if (entry->form() != ValueForm::kShared && entry->form() != ValueForm::kObject) return;
  const auto* value = static_cast<const char*>(entry->object());
  PrefetchLine(value);
  PrefetchLine(value + 64);
  ++*static_cast<size_t*>(count);
}

bool IsHttpRequest(std::string_view name) { return EqualsIgnoreCase(name, "post") || EqualsIgnoreCase(name, "host:"); }

// What a client may not do that listens: in RESP2 replies and messages could not be told apart.
Status AdmitListener(const Session& session, const Command& command) {
  if ((session.restrictions & Session::kSubscriber) != 0 && session.protocol == 2 && !command.has(kForSubscribers)) {
    const std::string text =
        "Can't execute '" + command.name +
        "': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context";
    if (command.has(kRunsTransaction)) {
      return Status::Error("EXECABORT Transaction discarded because of: " + text);
    }
    return Status::Error("ERR " + text);
  }
  if ((session.restrictions & Session::kMonitor) != 0 &&
      (command.has(kWrite) || command.has(kReadonly) || command.has(kMayReplicate))) {
    return Status::Error("ERR Replica can't interact with the keyspace");
  }
  return Status::Ok();
}

std::string_view FirstWord(std::string_view text) { return text.substr(0, text.find(' ')); }

}  // namespace

Executor::Executor(Engine& engine)
    : engine_(engine),
      stats_(engine.commands().command_count(), Stripe::kCount),
      random_([] {
        uint64_t seed;
        FillWithSecretBytes(&seed, sizeof(seed));
        return seed;
      }()),
      cycles_per_us_(CycleClock::CyclesPerMicrosecond()),
      refresh_cycles_(static_cast<uint64_t>(cycles_per_us_ * kClockRefreshUs)) {
  free_later_ = [this](Entry* entry) { engine_.lazy_free().Add(1, [entry] { EntryStore::Free(entry); }); };
  mutation_.listener = this;
  mutation_.tells_changes = &engine.tracking().is_active();
  mutation_.free_later = &free_later_;
  mutation_.random = &random_;
  mutation_.compression = &engine.settings().value_compression;
  engine_.gate().Register(&gate_slot_);
  engine_.AddExecutor(this);
  // An empty batch reads the clock and the settings, the latter inside the gate: others may be running already.
  BeginBatch();
  FollowKeyTracking();
  EndBatch();
}

Executor::~Executor() {
  if (compaction_ != nullptr) engine_.compaction().FinishStripe(*compaction_);
  engine_.RemoveExecutor(this);
  engine_.gate().Unregister(&gate_slot_);
}

void Executor::ReplayOnly() {
  is_replaying_ = true;
  records_effects_ = false;
}

void Executor::RefreshClock() {
  wall_ms_ = engine_.clock().NowMs();
  mutation_.now_ms = is_replaying_ ? kReplayNowMs : wall_ms_;
  clock_cycles_ = call_cycles_ = CycleClock::Now();
  const Settings& settings = engine_.settings();
  if (IsFrequencyPolicy(settings.max_memory_policy)) {
    frequency_rules_ = {settings.lfu_log_factor, settings.lfu_decay_time_min};
    mutation_.frequency_rules = &frequency_rules_;
    mutation_.access_clock = NewFrequency(wall_ms_);
  } else {
    mutation_.frequency_rules = nullptr;
    mutation_.access_clock = RecencyClock(wall_ms_);
  }
  mutation_.touches_on_change = IsModificationPolicy(settings.max_memory_policy);
  tracks_latency_ = settings.latency_tracking;
  FollowThresholds();
}

SharedBytes* Executor::FindLargeArgument(std::string_view argument) const {
  for (const SharedBytesRef& large : large_arguments_) {
    if (large.view().data() == argument.data() && large.view().size() == argument.size()) return large.get();
  }
  return nullptr;
}

void Executor::BeginBatch() {
  KVICK_DEBUG_ASSERT(!is_inside_);
  engine_.gate().Enter(gate_slot_);
  if (engine_.snapshot != nullptr && engine_.snapshot->IsFull()) WaitForSnapshot();
  is_inside_ = true;
  RefreshClock();
}

// What writers capture for a snapshot must not grow without bound while its file takes no more. The wait is bounded
// too: a disk that hangs slows the server down, and does not stop it.
void Executor::WaitForSnapshot() {
  constexpr int kNapCount = 20;
  constexpr auto kNap = std::chrono::microseconds(500);
  for (int i = 0; i < kNapCount && engine_.snapshot != nullptr && engine_.snapshot->IsFull(); ++i) {
    engine_.gate().Leave(gate_slot_);
    std::this_thread::sleep_for(kNap);
    engine_.gate().Enter(gate_slot_);
  }
}

void Executor::EndBatch() {
  keys_.clear();
  is_inside_ = false;
  engine_.gate().Leave(gate_slot_);
  engine_.log().WakeReaders();
}

Executor::Prepared Executor::Prepare(const Session& session, std::span<const std::string_view> arguments) {
  Prepared prepared;
  prepared.arguments = arguments;
  const Command* container = nullptr;
  const Command* command = recent_commands_.Find(arguments[0]);
  if (command == nullptr) {
    command = engine_.commands().Resolve(arguments, &container);
    recent_commands_.Note(arguments[0], command);
  }
  if (command == nullptr) {
    prepared.command = container;
    prepared.problem =
        container != nullptr ? Prepared::Problem::kUnknownSubcommand : Prepared::Problem::kUnknownCommand;
    return prepared;
  }
  prepared.command = command;
  prepared.key_begin = prepared.key_end = static_cast<uint32_t>(keys_.size());
  if (!command->accepts(arguments.size())) {
    prepared.problem = Prepared::Problem::kArity;
    return prepared;
  }
  if (command->key_spec_count == 0) return prepared;
  Database* database = &engine_.database(session.database_index);
  if (command->single_key_index != 0) {
    keys_.push_back({KeyRef::Make(arguments[static_cast<size_t>(command->single_key_index)]), database,
                     command->spec->keys[0].flags});
  } else {
    positions_.clear();
    ExtractKeys(*command, arguments, &positions_);
    for (const KeyPosition& position : positions_) {
      if ((position.flags & kKeyNotKey) != 0) continue;
      keys_.push_back({KeyRef::Make(arguments[position.argument_index]), database, position.flags});
    }
  }
  prepared.key_end = static_cast<uint32_t>(keys_.size());
  return prepared;
}

// The loops are the point: a miss in one key's stripe, bucket, entry or value overlaps with the others'. Stripes are
// only tried: whoever holds one now is about to bring the same lines in. Which lock is tried is known only at run
// time, hence no analysis.
KVICK_NO_THREAD_SAFETY_ANALYSIS void Executor::Prefetch() {
  if (keys_.size() < 2) return;
  const auto misses = [](const DeclaredKey& key) { return key.database->outgrows_caches(); };
  if (std::none_of(keys_.begin(), keys_.end(), misses)) return;
  for (const DeclaredKey& key : keys_) PrefetchLine(&key.database->StripeOf(key.key));
  for (const DeclaredKey& key : keys_) {
    Stripe& stripe = key.database->StripeOf(key.key);
    if (LocksStripes() && !stripe.lock.TryLock()) continue;
    stripe.table.PrefetchBucket(key.key.hash);
    if (LocksStripes()) stripe.lock.Unlock();
  }
  for (const DeclaredKey& key : keys_) {
    Stripe& stripe = key.database->StripeOf(key.key);
    if (LocksStripes() && !stripe.lock.TryLock()) continue;
    stripe.table.PrefetchEntry(key.key.hash);
    if (LocksStripes()) stripe.lock.Unlock();
  }
  // Where the first values lie in their entries, the others probably do as well.
  size_t value_count = 0;
  for (size_t i = 0; i < keys_.size() && (i < kValuesLookedAt || value_count > 0); ++i) {
    const DeclaredKey& key = keys_[i];
    Stripe& stripe = key.database->StripeOf(key.key);
    if (LocksStripes() && !stripe.lock.TryLock()) continue;
    stripe.table.ForEachCandidate(static_cast<uint32_t>(key.key.hash), &value_count, PrefetchValueOf);
    if (LocksStripes()) stripe.lock.Unlock();
  }
}

Status Executor::ProblemStatus(const Prepared& prepared) const {
  switch (prepared.problem) {
    case Prepared::Problem::kNone: break;
    case Prepared::Problem::kArity: return errors::WrongArity(prepared.command->name);
    case Prepared::Problem::kUnknownSubcommand:
      return errors::UnknownSubcommand(prepared.arguments[1], prepared.arguments[0]);
    case Prepared::Problem::kUnknownCommand: {
      std::string text = "ERR unknown command '" + std::string(UpToZeroByte(prepared.arguments[0].substr(0, 128))) +
                         "', with args beginning with: ";
      size_t shown = 0;
      for (size_t i = 1; i < prepared.arguments.size() && shown < 128; ++i) {
        const std::string_view argument = UpToZeroByte(prepared.arguments[i].substr(0, 128 - shown));
        text += "'" + std::string(argument) + "' ";
        shown += argument.size() + 3;
      }
      return Status::Error(std::move(text));
    }
  }
  return Status::Ok();
}

Status Executor::Admit(const Session& session, const Prepared& prepared, std::span<const DeclaredKey> keys,
                       CallOrigin origin) {
  const Command& command = *prepared.command;
  if (!command.has(kNoAuth) && engine_.MustAuthenticate(session)) {
    return Status::Error("NOAUTH Authentication required.");
  }
  if (engine_.hooks.authorizer != nullptr && (session.restrictions & Session::kRestrictedUser) != 0) {
    KVICK_RETURN_IF_ERROR(engine_.hooks.authorizer->Authorize(session, command, prepared.arguments, keys, origin));
  }
  if ((session.restrictions & (Session::kSubscriber | Session::kMonitor)) != 0) {
    KVICK_RETURN_IF_ERROR(AdmitListener(session, command));
  }
  if (engine_.hooks.slot_guard != nullptr) {
    KVICK_RETURN_IF_ERROR(engine_.hooks.slot_guard->Check(session, command, keys));
  }
  if (engine_.is_loading && !command.has(kLoading)) {
    return Status::Error("LOADING Redis is loading the dataset in memory");
  }
  return Status::Ok();
}

bool Executor::IsRefusable(const Session& session, const Command& command) const {
  if (engine_.write_refusal_count.load(std::memory_order_relaxed) == 0 || is_replaying_) return false;
  if (command.has(kRunsTransaction)) {
    return session.transaction != nullptr && (session.transaction->queued_flags & kWrite) != 0;
  }
  return command.has(kWrite) || command.has(kTellsRefusals);
}

Status Executor::CheckWriteGuards(const Command& command) const {
  for (WriteGuard* guard : engine_.hooks.write_guards) {
    const Status refusal = guard->Check();
    if (refusal.ok()) continue;
    if (!command.has(kRunsTransaction)) return refusal;
    return Status::Error("EXECABORT Transaction discarded because of: " + std::string(refusal.text()));
  }
  return Status::Ok();
}

bool Executor::IsPaused(const Session& session, const Command& command) const {
  const PauseState& pause = engine_.pause;
  if (pause.until_ms == 0 || command.has(kIgnoresPause) || is_replaying_) return false;
  if (!pause.IsActive(engine_.clock().MonotonicMs())) return false;
  uint64_t flags = command.flags;
  if (command.has(kRunsTransaction) && session.transaction != nullptr) flags |= session.transaction->queued_flags;
  return pause.all_commands || (flags & (kWrite | kMayReplicate)) != 0;
}

// Under this name INFO counts the errors whose codes there is no room for.
constexpr std::string_view kErrorsOverflow = "ERRORSTATS_OVERFLOW";

void Executor::CountError(std::string_view text) {
  stats_.error_reply_count.Add(1);
  const std::string_view code = FirstWord(text);
  MutexLock lock(stats_.errors_mutex);
  auto found = stats_.errors.find(code);
  if (found == stats_.errors.end()) {
    const bool is_full = stats_.errors.size() >= ExecutorStats::kErrorCodesMax;
    const auto [place, is_new] = stats_.errors.emplace(is_full ? kErrorsOverflow : code, 0);
    if (is_full && is_new) {
      Log(LogLevel::kWarning, "Errorstats stopped adding new errors because there are " +
                                  std::to_string(ExecutorStats::kErrorCodesMax) +
                                  " of them: further ones are counted as " + std::string(kErrorsOverflow));
    }
    found = place;
  }
  ++found->second;
}

void Executor::Reject(const Prepared& prepared, const Status& status, ReplyWriter& reply) {
  if (prepared.command != nullptr && prepared.problem != Prepared::Problem::kUnknownSubcommand) {
    stats_.commands[prepared.command->index].rejected.Add(1);
  }
  CountError(status.text());
  reply.Error(status);
}

void Executor::RejectUnadmitted(Session& session, const Prepared& prepared, const Status& status, ReplyWriter& reply) {
  if (prepared.command->has(kRunsTransaction)) {
    static constexpr std::string_view kDiscarded = "EXECABORT Transaction discarded because of: ";
    Reject(prepared,
           status.text().starts_with("EXECABORT ")
               ? status
               : Status::Error(std::string(kDiscarded) + std::string(status.text())),
           reply);
    DropTransaction(session);
    return;
  }
  if (session.transaction != nullptr) session.transaction->is_aborted = true;
  Reject(prepared, status, reply);
}

std::span<DeclaredKey> Executor::PlaceKeysElsewhere(const Session& session, const Prepared& prepared,
                                                    std::span<const DeclaredKey> keys) {
  placed_keys_.assign(keys.begin(), keys.end());
  KeyPlacement placement{engine_, session.database_index, prepared.arguments, placed_keys_};
  prepared.command->spec->place_keys(placement);
  return placed_keys_;
}

Executor::Outcome Executor::Run(Session& session, const Prepared& prepared, ReplyWriter& reply) {
  engine_.gate().CheckIn(gate_slot_);
  if (engine_.is_ended) return Outcome::kEnded;
  if (session.closing) return Outcome::kDone;
  reply.set_protocol(session.protocol);
  return session.reply_mode == Session::ReplyMode::kOn ? RunPrepared(session, prepared, reply)
                                                       : RunMuted(session, prepared, reply);
}

// A client that wants no reply gets its reply where nobody reads.
Executor::Outcome Executor::RunMuted(Session& session, const Prepared& prepared, ReplyWriter& reply) {
  // Confirmations of subscriptions are messages rather than replies, and come in any case.
  const bool confirms = prepared.problem == Prepared::Problem::kNone && prepared.command->has(kPubSub) &&
                        prepared.command->has(kNoScript);
  if (confirms) return RunPrepared(session, prepared, reply);
  OutputBuffer& wanted_out = reply.out();
  if (session.reply_mode == Session::ReplyMode::kSkipNext) session.reply_mode = Session::ReplyMode::kSkipThis;
  reply.set_out(discarded_);
  const Session::ReplyMode mode_before = session.reply_mode;
  const Outcome outcome = RunPrepared(session, prepared, reply);
  reply.set_out(wanted_out);
  // What turned replies on again (CLIENT REPLY ON, RESET) is answered itself.
  if (session.reply_mode == Session::ReplyMode::kOn) wanted_out.Append(discarded_.ToString());
  discarded_.Clear();
  if (outcome == Outcome::kDone && mode_before == Session::ReplyMode::kSkipThis &&
      session.reply_mode == Session::ReplyMode::kSkipThis) {
    session.reply_mode = Session::ReplyMode::kOn;
  } else if (outcome == Outcome::kPaused && mode_before == Session::ReplyMode::kSkipThis) {
    session.reply_mode = Session::ReplyMode::kSkipNext;
  }
  return outcome;
}

inline Executor::Outcome Executor::RunPrepared(Session& session, const Prepared& prepared, ReplyWriter& reply) {
  if (prepared.problem != Prepared::Problem::kNone) [[unlikely]] {
    RejectUnknown(session, prepared, reply);
    return Outcome::kDone;
  }
  recorded_position_ = 0;
  const Outcome outcome = Dispatch(session, prepared, reply);
  if (recorded_position_ != 0) session.write_position = recorded_position_;
  if (!changed_keys_.empty()) BroadcastChanges();
  if (!after_command_.empty()) RunAfterCommand();
  return outcome;
}

void Executor::RejectUnknown(Session& session, const Prepared& prepared, ReplyWriter& reply) {
  if (prepared.problem == Prepared::Problem::kUnknownCommand && IsHttpRequest(prepared.arguments[0])) {
    // A browser was made to send commands in the body of a request: whatever follows must not run.
    Log(LogLevel::kWarning,
        "Possible SECURITY ATTACK detected. It looks like somebody is sending POST or Host: commands to Redis. This is "
        "likely due to an attacker attempting to use Cross Protocol Scripting to compromise your Redis instance. "
        "Connection from " +
            session.address + " aborted.");
    session.closing = true;
    return;
  }
  if (session.transaction != nullptr) session.transaction->is_aborted = true;
  Reject(prepared, ProblemStatus(prepared), reply);
}

Executor::Outcome Executor::RunExclusively(Session& session, const Prepared& prepared, std::span<DeclaredKey> keys,
                                           ReplyWriter& reply) {
  Outcome outcome = Outcome::kDone;
  const auto run = [&] {
    // Whoever was alone before us may have ended the server or killed the session.
    if (engine_.is_ended) {
      outcome = Outcome::kEnded;
    } else if (!session.closing) {
      const UnpackScope unpacked;
      call_cycles_ = CycleClock::Now();  // waiting for the others is not the command's time
      Call(session, prepared, keys, reply);
      if (!ready_keys_.empty()) ServeReadyKeys();
    }
  };
  while (!TryRunExclusive(run)) {
    if (!EndsBusyScript(prepared)) {
      RejectBusy(prepared, reply);
      break;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return outcome;
}

void Executor::RejectBusy(const Prepared& prepared, ReplyWriter& reply) {
  Reject(prepared, Status::Error(engine_.hooks.script_runner->BusyError()), reply);
}

void Executor::AddPlaces(std::span<const DeclaredKey> keys) {
  for (const DeclaredKey& key : keys) {
    places_.push_back({key.database, static_cast<uint32_t>(key.key.stripe_index())});
  }
}

// Takes the locks of all places in ascending order of (database, stripe), so that two executors seldom want each
// other's. A lock that is not to be had within a moment is a script's: then all others are let go meanwhile, because a
// script may reach for them (executor_script.cc). Which locks is known only at run time, hence no analysis.
KVICK_NO_THREAD_SAFETY_ANALYSIS Executor::LockOutcome Executor::LockPlaces() {
  std::sort(places_.begin(), places_.end(), [](const StripePlace& a, const StripePlace& b) {
    return a.database != b.database ? a.database->index() < b.database->index() : a.stripe_index < b.stripe_index;
  });
  places_.erase(std::unique(places_.begin(), places_.end()), places_.end());
  size_t held_count = 0;
  while (held_count < places_.size()) {
    Stripe& stripe = places_[held_count].database->StripeAt(places_[held_count].stripe_index);
    const uint32_t stripe_index = places_[held_count].stripe_index;
    if (TryHold(stripe, stripe_index)) {
      ++held_count;
      continue;
    }
    while (held_count > 0) {
      const StripePlace& place = places_[--held_count];
      place.database->StripeAt(place.stripe_index).lock.Unlock();
    }
    const LockOutcome outcome = LockStripe(stripe, stripe_index);
    if (outcome != LockOutcome::kLocked) return outcome;
    stripe.lock.Unlock();
  }
  return LockOutcome::kLocked;
}

// While holding no other stripe: waits for as long as it is good for anything.
KVICK_NO_THREAD_SAFETY_ANALYSIS inline Executor::LockOutcome Executor::LockStripe(Stripe& stripe, size_t stripe_index) {
  return stripe.lock.TryLock() ? LockOutcome::kLocked : WaitToLockStripe(stripe, stripe_index);
}

KVICK_NO_THREAD_SAFETY_ANALYSIS Executor::LockOutcome Executor::WaitToLockStripe(Stripe& stripe, size_t stripe_index) {
  while (!AwaitStripe(stripe, stripe_index)) {
    if (engine_.gate().is_closed()) return LockOutcome::kStepOut;
    if (IsScriptBusy()) return LockOutcome::kBusy;
  }
  return LockOutcome::kLocked;
}

KVICK_NO_THREAD_SAFETY_ANALYSIS void Executor::UnlockPlaces() {
  for (const StripePlace& place : places_) place.database->StripeAt(place.stripe_index).lock.Unlock();
}

// Contention is counted here, where whoever comes has to wait anyway.
KVICK_NO_THREAD_SAFETY_ANALYSIS bool Executor::AwaitStripe(Stripe& stripe, size_t stripe_index) {
  const uint64_t start_cycles = CycleClock::Now();
  const bool is_held = stripe.lock.LockFor(kLockPatienceUs);
  stats_.stripe_wait_count.Add(1);
  stats_.stripe_wait_cycles.Add(CycleClock::Now() - start_cycles);
  stats_.stripe_waits[stripe_index].Add(1);
  return is_held;
}

KVICK_NO_THREAD_SAFETY_ANALYSIS void Executor::WaitForStripe(Stripe& stripe) {
  while (!stripe.lock.TryLock() && !stripe.lock.LockFor(kLockPatienceUs)) {
    if (IsScriptBusy() && serve_while_busy) serve_while_busy();
  }
}

[[gnu::always_inline]] KVICK_NO_THREAD_SAFETY_ANALYSIS inline Executor::LockOutcome Executor::RunLocked(
    Session& session, const Prepared& prepared, std::span<DeclaredKey> keys, ReplyWriter& reply) {
  if (!NeedsLocks() || keys.empty()) {
    Call(session, prepared, keys, reply);
    if (!ready_keys_.empty()) ServeUnlocked();
    return LockOutcome::kLocked;
  }
  if (keys.size() == 1) {
    Stripe& stripe = keys[0].database->StripeOf(keys[0].key);
    const LockOutcome outcome = LockStripe(stripe, keys[0].key.stripe_index());
    if (outcome != LockOutcome::kLocked) return outcome;
    Call(session, prepared, keys, reply);
    if (!ready_keys_.empty()) {
      places_.assign(1, {keys[0].database, static_cast<uint32_t>(keys[0].key.stripe_index())});
      ServeReadyKeys();
    }
    stripe.lock.Unlock();
  } else {
    places_.clear();
    AddPlaces(keys);
    if (const LockOutcome outcome = LockPlaces(); outcome != LockOutcome::kLocked) return outcome;
    Call(session, prepared, keys, reply);
    if (!ready_keys_.empty()) ServeReadyKeys();
    UnlockPlaces();
  }
  if (!retries_.empty()) RetryServing();
  return LockOutcome::kLocked;
}

// Whether the command may run, as far as that does not depend on its keys' contents; answers what may not.
bool Executor::PassesChecks(Session& session, const Prepared& prepared, std::span<const DeclaredKey> keys,
                            ReplyWriter& reply) {
  Status admission;
  if (!is_replaying_) {
    session.last_command = prepared.command;  // what a denial shows
    admission = Admit(session, prepared, keys, CallOrigin::kClient);
  }
  if (admission.ok() && lacks_room_) admission = CheckRoom(session, *prepared.command);
  if (admission.ok() && IsRefusable(session, *prepared.command)) {
    admission = CheckWriteGuards(*prepared.command);
    if (!admission.ok() && prepared.command->has(kRunsTransaction)) DropTransaction(session);
  }
  if (admission.ok()) return true;
  RejectUnadmitted(session, prepared, admission, reply);
  return false;
}

// Part of every command, and called in one place: a frame of its own would cost more than many commands do.
[[gnu::always_inline]] inline Executor::Outcome Executor::Dispatch(Session& session, const Prepared& prepared,
                                                                   ReplyWriter& reply) {
  const Command& command = *prepared.command;
  while (true) {
    lacks_room_ = false;
    if (engine_.settings().max_memory_bytes != 0) {
      MakeRoom(prepared);
      if (engine_.is_ended) return Outcome::kEnded;
      if (session.closing) return Outcome::kDone;
    }
    const std::span<DeclaredKey> keys = PlaceKeys(session, prepared);
    const bool needs_checks = session.restrictions != 0 || engine_.is_loading || lacks_room_ ||
                              engine_.hooks.slot_guard != nullptr ||
                              engine_.write_refusal_count.load(std::memory_order_relaxed) != 0;
    if (needs_checks && !PassesChecks(session, prepared, keys, reply)) return Outcome::kDone;
    if (engine_.pause.until_ms != 0 && IsPaused(session, command)) return Outcome::kPaused;
    // Runs at EXEC.
    if ((session.restrictions & Session::kInTransaction) != 0 && Queue(session, prepared, reply)) return Outcome::kDone;
    if (command.RunsAlone(prepared.arguments)) return RunExclusively(session, prepared, keys, reply);
    std::optional<UnpackScope> unpacked;
    if (CompressionUse::WasNoted()) [[unlikely]] {
      unpacked.emplace();
    }
    const LockOutcome outcome = command.has(kScriptRunner) ? RunScriptLocked(session, prepared, keys, reply)
                                                           : RunLocked(session, prepared, keys, reply);
    unpacked.reset();
    if (outcome == LockOutcome::kLocked) return Outcome::kDone;
    if (outcome == LockOutcome::kBusy) {
      RejectBusy(prepared, reply);
      return Outcome::kDone;
    }
    // Somebody wants to be alone before the keys could be had. Nothing that was looked up holds after that.
    engine_.gate().CheckIn(gate_slot_);
    if (engine_.is_ended) return Outcome::kEnded;
    if (session.closing) return Outcome::kDone;
  }
}

void Executor::Commit(CommandContext& context) {
  stats_.change_count.Add(context.change_count());
  if (engine_.log().is_active()) RecordEffect(context);
}

void Executor::Call(Session& session, const Prepared& prepared, std::span<DeclaredKey> keys, ReplyWriter& reply) {
  const Command& command = *prepared.command;
  // A command begins where the one before it ended: one reading of the counter each.
  const uint64_t start_cycles = call_cycles_;
  // A transaction has one time for all its commands.
  if (!holds_places_) {
    if (start_cycles - clock_cycles_ > refresh_cycles_) RefreshClock();
    CatchUpWithExpiry();
  }
  mutation_.touches = !session.no_touch && !mutation_.touches_on_change;
  large_arguments_ = prepared.large_arguments;
  session.last_command = &command;
  session.last_active_ms = mutation_.now_ms;
  ++session.command_count;

  CommandContext context(*this, session, command, prepared.arguments, keys, reply);
  running_call_ = {&session, &command, prepared.arguments};
  const size_t reply_begin = reply.out().size_bytes();
  const bool shows_call = engine_.shows_calls.load(std::memory_order_relaxed);
  // A script is shown before its commands, and so is nothing else: a call may have selected another database.
  if (shows_call && command.has(kScriptRunner)) ShowCall(session, prepared);
  const Status status = command.spec->handler(context);
  context.CloseValues();
  if (context.change_count() != 0) Commit(context);
  if (session.tracking != nullptr) RememberReads(session, command, keys);
  if (shows_call && !command.has(kScriptRunner)) ShowCall(session, prepared);
  if (context.block_request() != nullptr) StartWaiting(session, context);
  running_call_.session = nullptr;

  call_cycles_ = CycleClock::Now();
  const uint64_t cycles = call_cycles_ - start_cycles;
  CommandStats& counters = stats_.commands[command.index];
  counters.calls.Add(1);
  counters.cycles.Add(cycles);
  if (tracks_latency_) counters.RecordLatency(cycles);
  stats_.command_count.Add(1);
  if (!status.ok()) {
    counters.failed.Add(1);
    CountError(status.text());
    reply.Error(status);
  }
  if (command.has(kAdmin)) {
    for (CallObserver* observer : engine_.hooks.call_observers) {
      observer->OnAdministrativeCall(session, command, prepared.arguments, status);
    }
  }
  const size_t reply_end = reply.out().size_bytes();
  const uint64_t reply_bytes = reply_end > reply_begin ? reply_end - reply_begin : 0;
  if (cycles >= notable_cycles_ || reply_bytes >= notable_reply_bytes_ || !prepared.large_arguments.empty() ||
      prepared.arguments.size() > notable_argument_count_) {
    ReportNotableCall(session, prepared, cycles, reply_bytes);
  }
  if (--calls_to_key_look_ == 0) ObserveKeys(prepared, keys, cycles, reply_bytes);
}

void Executor::Record(int database_index, std::span<const std::string_view> arguments) {
  if (!engine_.log().is_active() || !records_effects_) return;
  if (holds_places_) {
    group_.push_back({database_index, CommandLog::Arguments(arguments.begin(), arguments.end())});
  } else {
    NoteRecorded(engine_.log().Append(database_index, arguments));
  }
}

void Executor::RecordEffect(CommandContext& context) {
  if (!context.replaces_effect()) return Record(context.session().database_index, context.arguments());
  const std::vector<CommandLog::Entry>& effects = context.effects();
  if (effects.size() > 1 && !holds_places_ && records_effects_) {
    return NoteRecorded(engine_.log().AppendGroup(effects));
  }
  for (const CommandLog::Entry& effect : effects) {
    const std::vector<std::string_view> views(effect.arguments.begin(), effect.arguments.end());
    Record(effect.database_index, views);
  }
}

void Executor::OnAwaitedKey(Database& database, std::string_view key) {
  for (const ReadyKey& ready : ready_keys_) {
    if (ready.database == &database && ready.name == key) return;
  }
  ready_keys_.push_back({&database, std::string(key)});
}

bool Executor::TryRunExclusive(const std::function<void()>& work) {
  if (is_exclusive_) {
    work();
    return true;
  }
  const bool was_inside = is_inside_;
  if (was_inside) engine_.gate().Leave(gate_slot_);
  bool is_shared = false;
  const bool was_alone = engine_.gate().RunExclusiveUnless([this] { return IsScriptBusy(); },
                                                           [&] {
                                                             is_exclusive_ = mutation_.is_alone = true;
                                                             RefreshClock();  // the wait may have been long
                                                             work();
                                                             // Otherwise ShareWhileBusy made us one of many again.
                                                             is_shared = !is_exclusive_;
                                                             is_exclusive_ = mutation_.is_alone = false;
                                                             return !is_shared;
                                                           });
  if (was_inside && !is_shared) engine_.gate().Enter(gate_slot_);
  if (!was_inside && is_shared) engine_.gate().Leave(gate_slot_);
  return was_alone;
}

// A script that runs past its time keeps others from being alone, but not from answering their clients: the gate is
// open most of the time meanwhile.
void Executor::RunExclusive(const std::function<void()>& work) {
  while (!TryRunExclusive(work)) {
    if (serve_while_busy) serve_while_busy();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

void Executor::RunAfterCommand() {
  engine_.gate().Leave(gate_slot_);
  for (const auto& work : after_command_) work();
  after_command_.clear();
  engine_.gate().Enter(gate_slot_);
}

void Executor::AddSession(Session* session) {
  session->registry_index = sessions_.size();
  sessions_.push_back(session);
  stats_.session_count.Set(sessions_.size());
}

void Executor::RemoveSession(Session* session) {
  DropTransaction(*session);
  FinishWaiting(*session);
  engine_.EndMessages(*session);
  Session* last = sessions_.back();
  sessions_[session->registry_index] = last;
  last->registry_index = session->registry_index;
  sessions_.pop_back();
  stats_.session_count.Set(sessions_.size());
}

KVICK_NO_THREAD_SAFETY_ANALYSIS bool Executor::TryHold(Stripe& stripe, size_t stripe_index) {
  return stripe.lock.TryLock() || AwaitStripe(stripe, stripe_index);
}

KVICK_NO_THREAD_SAFETY_ANALYSIS void Executor::LetGo(Stripe& stripe) { stripe.lock.Unlock(); }

KVICK_NO_THREAD_SAFETY_ANALYSIS Executor::StripeGuard::StripeGuard(Executor& executor, Stripe& stripe)
    : stripe_(executor.NeedsLocks() && !executor.holds_everything_ ? &stripe : nullptr) {
  if (stripe_ != nullptr) executor.WaitForStripe(*stripe_);
}

KVICK_NO_THREAD_SAFETY_ANALYSIS Executor::StripeGuard::~StripeGuard() {
  if (stripe_ != nullptr) stripe_->lock.Unlock();
}

}  // namespace kvick

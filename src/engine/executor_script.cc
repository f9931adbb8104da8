// The scripting part of Executor: several commands as one, whose keys need not be known before.
//
// A script starts with the stripes of the keys it declared. Others are taken when it reaches them:
//
//   free                                      taken at once
//   held, and nothing was changed yet         everything is let go, and the script starts over with what it learned
//   held, and the script has the turn         waited for
//
// Nobody waits for a stripe while holding one for longer than a moment (LockPlaces lets go of all and begins again),
// with one exception: the script that has the turn, of which there is one at a time. So it gets what it waits for, and
// there is no circle. A script takes the turn before its first change, unless it is known to declare all its keys.
//
// One that was known for that and then reaches another key after it has changed something tries for the turn and the
// stripe for a while. Should the one that has the turn wait for this one meanwhile, neither could go on: the script
// fails with an error. From then on it is known to reach undeclared keys, so this happens to a script at most once.
//
// Commands that walk the keyspace or run alone make the script run alone, from the start when nothing was changed yet.

#include <utility>

#include "base/bytes.h"
#include "base/clock.h"
#include "engine/command_context.h"
#include "engine/errors.h"
#include "engine/executor.h"

namespace kvick {
namespace {

constexpr int64_t kMomentUs = 200;      // how long anybody may wait while holding stripes
constexpr int64_t kWaitUs = 2000;       // between two looks at what else is going on
constexpr int kSurprisePatience = 100;  // in units of kMomentUs and of sleeping
constexpr int64_t kAlonePatienceMs = 1000;
constexpr uint64_t kChangesSomething = kWrite | kMayReplicate | kPubSub;

}  // namespace

Executor::Prepared Executor::PrepareForScript(const Session& session, std::span<const std::string_view> arguments) {
  // The keys of prepared requests stay where they are; a script's command has a place of its own.
  keys_.swap(script_.keys);
  keys_.clear();
  const Prepared prepared = Prepare(session, arguments);
  keys_.swap(script_.keys);
  return prepared;
}

Executor::ScriptCallOutcome Executor::CallFromScript(Session& session, const Prepared& prepared, bool needs_room,
                                                     ReplyWriter& reply) {
  const Command& command = *prepared.command;
  std::span<DeclaredKey> keys(script_.keys);
  Database* database = &engine_.database(session.database_index);
  for (DeclaredKey& key : keys) key.database = database;
  if (command.spec->place_keys != nullptr) {
    script_.placed_keys.assign(keys.begin(), keys.end());
    KeyPlacement placement{engine_, session.database_index, prepared.arguments, script_.placed_keys};
    command.spec->place_keys(placement);
    keys = script_.placed_keys;
  }
  if (!is_replaying_ && (session.restrictions != 0 || engine_.hooks.slot_guard != nullptr)) {
    const Status admission = Admit(session, prepared, keys, CallOrigin::kScript);
    if (!admission.ok()) {
      Reject(prepared, admission, reply);
      return ScriptCallOutcome::kDone;
    }
  }
  if (needs_room && lacks_room_ && command.has(kDenyOom)) {
    Reject(prepared, errors::OutOfMemory(), reply);
    return ScriptCallOutcome::kDone;
  }
  // A script that has changed something goes on to its end.
  if (!script_.has_changed && IsRefusable(session, command)) {
    const Status refusal = CheckWriteGuards(command);
    if (!refusal.ok()) {
      Reject(prepared, refusal, reply);
      return ScriptCallOutcome::kDone;
    }
  }
  const bool changes_something = command.has(kChangesSomething);
  if (NeedsLocks() && !holds_everything_) {
    ScriptCallOutcome outcome = ScriptCallOutcome::kDone;
    const bool alone = command.RunsAlone(prepared.arguments);
    if (alone || command.has(kWalksKeyspace)) {
      outcome = ReachEverything(alone);
    } else {
      outcome = ReachKeys(keys);
      if (outcome == ScriptCallOutcome::kDone && changes_something && !script_.has_changed)
        outcome = TakeTurnToChange();
    }
    if (outcome != ScriptCallOutcome::kDone) return outcome;
  }
  script_.has_changed = script_.has_changed || changes_something;
  const RunningCall outer = running_call_;
  const std::span<const SharedBytesRef> outer_large_arguments = large_arguments_;
  const Command* outer_command = session.last_command;
  is_in_script_ = true;
  const UnpackScope unpacked;
  Call(session, prepared, keys, reply);
  is_in_script_ = false;
  session.last_command = outer_command;
  large_arguments_ = outer_large_arguments;
  running_call_ = outer;
  return ScriptCallOutcome::kDone;
}

Executor::ScriptCallOutcome Executor::StartOver() {
  script_.starts_over = true;
  return ScriptCallOutcome::kUnwind;
}

KVICK_NO_THREAD_SAFETY_ANALYSIS Executor::ScriptCallOutcome Executor::ReachKeys(std::span<const DeclaredKey> keys) {
  for (const DeclaredKey& key : keys) {
    const StripePlace place{key.database, static_cast<uint32_t>(key.key.stripe_index())};
    if (HoldsStripe(place.database, place.stripe_index)) continue;
    script_.traits->reaches_undeclared.store(true, std::memory_order_relaxed);
    SpinLock& lock = place.database->StripeAt(place.stripe_index).lock;
    if (lock.LockFor(kMomentUs)) {
      places_.push_back(place);
      continue;
    }
    if (!script_.has_changed && !holds_turn_) {
      script_.wanted.push_back(place);
      return StartOver();
    }
    for (int tries = 0; !lock.LockFor(kWaitUs); ++tries) {
      if (!holds_turn_) holds_turn_ = engine_.script_turn.TryLock();
      if (!holds_turn_ && tries >= kSurprisePatience) return ScriptCallOutcome::kDeadlock;
    }
    places_.push_back(place);
  }
  return ScriptCallOutcome::kDone;
}

KVICK_NO_THREAD_SAFETY_ANALYSIS Executor::ScriptCallOutcome Executor::TakeTurnToChange() {
  if (holds_turn_ || script_.traits->IsTrusted()) return ScriptCallOutcome::kDone;
  if (engine_.script_turn.LockFor(kMomentUs)) {
    holds_turn_ = true;
    return ScriptCallOutcome::kDone;
  }
  script_.wants_turn = true;
  return StartOver();
}

KVICK_NO_THREAD_SAFETY_ANALYSIS Executor::ScriptCallOutcome Executor::ReachEverything(bool alone) {
  script_.traits->needs_alone.store(true, std::memory_order_relaxed);
  if (!script_.has_changed) return StartOver();
  for (int tries = 0; !holds_turn_ && tries < kSurprisePatience; ++tries) {
    holds_turn_ = engine_.script_turn.LockFor(kWaitUs);
  }
  if (!holds_turn_) return ScriptCallOutcome::kDeadlock;
  if (!alone) {
    HoldEverything();
    return ScriptCallOutcome::kDone;
  }
  if (!engine_.gate().BecomeAlone(gate_slot_, kAlonePatienceMs)) return ScriptCallOutcome::kDeadlock;
  // Nobody else runs: the locks are not needed, and the command may give the databases other stripes.
  UnlockPlaces();
  places_.clear();
  script_.became_alone = true;
  is_exclusive_ = mutation_.is_alone = true;
  return ScriptCallOutcome::kDone;
}

KVICK_NO_THREAD_SAFETY_ANALYSIS void Executor::HoldEverything() {
  for (int i = 0; i < engine_.database_count(); ++i) {
    Database& database = engine_.database(i);
    for (uint32_t stripe_index = 0; stripe_index < Stripe::kCount; ++stripe_index) {
      if (!HoldsStripe(&database, stripe_index)) database.StripeAt(stripe_index).lock.Lock();
    }
  }
  places_.clear();
  holds_everything_ = true;
}

void Executor::ShareWhileBusy() {
  if (!is_exclusive_) return;
  const bool needed_locks = LocksStripes();
  if (script_.became_alone) {
    // Inside all the time; only the others were kept out.
    is_exclusive_ = mutation_.is_alone = false;
    if (needed_locks) HoldEverything();
    script_.became_alone = false;
    engine_.gate().EndAlone();
    return;
  }
  is_exclusive_ = mutation_.is_alone = false;
  if (needed_locks) HoldEverything();
  engine_.gate().Share(gate_slot_);
}

bool Executor::EndsBusyScript(const Prepared& prepared) {
  const std::span<const std::string_view> words = prepared.arguments;
  const bool is_allowed = prepared.command->has(kAllowBusy) && prepared.command->has(kExclusive);
  if (!is_allowed || words.size() != 2 || !EqualsIgnoreCase(words[1], "nosave")) return false;
  engine_.hooks.script_runner->KillForShutdown();
  return true;
}

Executor::Outcome Executor::RunWhileBusy(Session& session, std::span<const std::string_view> arguments,
                                         ReplyWriter& reply) {
  Prepared prepared;
  prepared.arguments = arguments;
  const Command* container = nullptr;
  prepared.command = engine_.commands().Resolve(arguments, &container);
  if (prepared.command == nullptr) {
    prepared.command = container;
    prepared.problem =
        container != nullptr ? Prepared::Problem::kUnknownSubcommand : Prepared::Problem::kUnknownCommand;
  } else if (!prepared.command->accepts(arguments.size())) {
    prepared.problem = Prepared::Problem::kArity;
  }
  Status refusal = ProblemStatus(prepared);
  if (refusal.ok()) refusal = Admit(session, prepared, {}, CallOrigin::kClient);
  if (refusal.ok()) {
    const Command& command = *prepared.command;
    // What reaches for stripes waits for the script as well, though others may call it meanwhile.
    const bool watches = session.transaction != nullptr && !session.transaction->watched.empty();
    const bool touches_stripes = command.key_spec_count != 0 || (watches && command.has(kControlsTransaction));
    // It runs again when the script is gone.
    if (EndsBusyScript(prepared)) return Outcome::kPaused;
    if (command.has(kAllowBusy) && !command.has(kExclusive) && !touches_stripes && !command.has(kRunsTransaction)) {
      const UnpackScope unpacked;
      CommandContext context(*this, session, command, arguments, {}, reply);
      const Status status = command.spec->handler(context);
      stats_.commands[command.index].calls.Add(1);
      stats_.command_count.Add(1);
      if (!status.ok()) {
        stats_.commands[command.index].failed.Add(1);
        CountError(status.text());
        reply.Error(status);
      }
      return Outcome::kDone;
    }
    std::string text = engine_.hooks.script_runner->BusyError();
    if (command.has(kRunsTransaction) && session.transaction != nullptr && !watches) {
      text.insert(0, "EXECABORT Transaction discarded because of: ");
      DropTransaction(session);
    }
    refusal = Status::Error(std::move(text));
  }
  if (session.transaction != nullptr) session.transaction->is_aborted = true;
  Reject(prepared, refusal, reply);
  return Outcome::kDone;
}

KVICK_NO_THREAD_SAFETY_ANALYSIS void Executor::LetGoOfEverything() {
  for (int i = 0; i < engine_.database_count(); ++i) {
    Database& database = engine_.database(i);
    for (uint32_t stripe_index = 0; stripe_index < Stripe::kCount; ++stripe_index) {
      database.StripeAt(stripe_index).lock.Unlock();
    }
  }
  holds_everything_ = false;
}

Status Executor::RunScript(Session& session, ScriptTraits& traits, const std::function<Status()>& body) {
  script_.traits = &traits;
  script_.starts_over = script_.wants_turn = false;
  // A transaction cannot start over. It has the turn, or runs alone.
  script_.has_changed = is_in_transaction();
  if (is_in_transaction()) return body();
  Status status;
  holds_places_ = true;
  while (true) {
    if (traits.needs_alone.load(std::memory_order_relaxed) && NeedsLocks()) {
      UnlockPlaces();
      places_.clear();
      holds_places_ = false;
      RunExclusive([&] {
        if (engine_.is_ended || session.closing) return;
        holds_places_ = true;
        status = body();
        EndScript();
      });
      return status;
    }
    status = body();
    if (!script_.starts_over) break;
    script_.starts_over = false;
    if (!PrepareToStartOver(session)) break;
  }
  if (script_.has_changed && !traits.reaches_undeclared.load(std::memory_order_relaxed)) {
    traits.clean_run_count.fetch_add(1, std::memory_order_relaxed);
  }
  return status;
}

// Nothing was changed but for keys that had expired: their removal is recorded before anybody else can touch them.
KVICK_NO_THREAD_SAFETY_ANALYSIS bool Executor::PrepareToStartOver(Session& session) {
  RecordGroup();
  UnlockPlaces();
  places_.insert(places_.end(), script_.wanted.begin(), script_.wanted.end());
  script_.wanted.clear();
  if (script_.traits->needs_alone.load(std::memory_order_relaxed)) {
    places_.clear();
    return true;
  }
  std::vector<StripePlace> wanted = places_;
  const bool wants_turn = std::exchange(script_.wants_turn, false);
  while (true) {
    places_.clear();
    if (wants_turn && !holds_turn_) holds_turn_ = engine_.script_turn.LockFor(kWaitUs);
    if (!wants_turn || holds_turn_) {
      places_ = wanted;
      if (LockPlaces() == LockOutcome::kLocked) return true;
      places_.clear();
    }
    // Whoever wants to be alone goes first, and may have ended all this.
    if (holds_turn_) {
      engine_.script_turn.Unlock();
      holds_turn_ = false;
    }
    engine_.gate().CheckIn(gate_slot_);
    if (engine_.is_ended || session.closing) return false;
    CatchUpWithExpiry();
  }
}

void Executor::RecordGroup() {
  if (group_.empty()) return;
  if (group_.size() == 1) {
    const std::vector<std::string_view> words(group_[0].arguments.begin(), group_[0].arguments.end());
    NoteRecorded(engine_.log().Append(group_[0].database_index, words));
  } else {
    NoteRecorded(engine_.log().AppendGroup(group_));
  }
  group_.clear();
}

KVICK_NO_THREAD_SAFETY_ANALYSIS void Executor::EndScript() {
  holds_places_ = false;
  records_effects_ = !is_replaying_;
  RecordGroup();
  if (!ready_keys_.empty()) ServeReadyKeys();
  ReleaseScriptHolds();
}

KVICK_NO_THREAD_SAFETY_ANALYSIS void Executor::ReleaseScriptHolds() {
  if (script_.became_alone) {
    script_.became_alone = false;
    is_exclusive_ = mutation_.is_alone = false;
    engine_.gate().EndAlone();
  }
  if (holds_everything_) LetGoOfEverything();
  if (holds_turn_) {
    holds_turn_ = false;
    engine_.script_turn.Unlock();
  }
}

void Executor::RunScriptAlone(Session& session, const Prepared& prepared, ReplyWriter& reply) {
  recorded_position_ = 0;
  RunExclusive([&] {
    if (engine_.is_ended || session.closing) return;
    lacks_room_ = false;
    call_cycles_ = CycleClock::Now();
    const std::span<DeclaredKey> keys = PlaceKeys(session, prepared);
    if (!PassesChecks(session, prepared, keys, reply)) return;
    Call(session, prepared, keys, reply);
    EndScript();
  });
  if (recorded_position_ != 0) session.write_position = recorded_position_;
  if (!changed_keys_.empty()) BroadcastChanges();
  if (!after_command_.empty()) RunAfterCommand();
}

KVICK_NO_THREAD_SAFETY_ANALYSIS Executor::LockOutcome Executor::RunScriptLocked(Session& session,
                                                                                const Prepared& prepared,
                                                                                std::span<DeclaredKey> keys,
                                                                                ReplyWriter& reply) {
  places_.clear();
  if (NeedsLocks()) {
    AddPlaces(keys);
    const LockOutcome outcome = LockPlaces();
    if (outcome != LockOutcome::kLocked) return outcome;
  }
  const bool locks = NeedsLocks();
  const UnpackScope unpacked;
  Call(session, prepared, keys, reply);
  EndScript();
  if (locks) UnlockPlaces();
  places_.clear();
  if (!retries_.empty()) RetryServing();
  return LockOutcome::kLocked;
}

}  // namespace kvick

// The transactional half of Executor: MULTI's queue, WATCH, EXEC.

#include <algorithm>
#include <optional>

#include "base/numbers.h"
#include "engine/command_context.h"
#include "engine/errors.h"
#include "engine/executor.h"

namespace kvick {
namespace {

constexpr int64_t kTurnPatienceUs = 2000;

}  // namespace

bool Executor::Queue(Session& session, const Prepared& prepared, ReplyWriter& reply) {
  const Command& command = *prepared.command;
  if (command.has(kControlsTransaction)) return false;
  Transaction& transaction = *session.transaction;
  if (command.has(kNoMulti)) {
    transaction.is_aborted = true;
    Reject(prepared, Status::Error("ERR Command not allowed inside a transaction"), reply);
    return true;
  }
  // A transaction that will be refused anyway gathers nothing more.
  if (!transaction.is_aborted) {
    transaction.queued.emplace_back(prepared.arguments.begin(), prepared.arguments.end());
    transaction.queued_flags |= command.flags;
    for (const std::string_view argument : prepared.arguments) transaction.queued_bytes += argument.size();
  }
  reply.Simple("QUEUED");
  return true;
}

void Executor::Watch(Session& session, std::span<const DeclaredKey> keys) {
  if (session.transaction == nullptr) session.transaction = std::make_unique<Transaction>();
  Transaction& transaction = *session.transaction;
  for (const DeclaredKey& key : keys) {
    const bool is_known = std::any_of(transaction.watched.begin(), transaction.watched.end(),
                                      [&key](const Transaction::WatchedKey& watched) {
                                        return watched.database == key.database && watched.name == key.key.name;
                                      });
    if (is_known) continue;
    // A key that has expired but is still stored counts as missing: removed now, so that its removal is no change.
    key.database->Peek(key.key, mutation_);
    if (transaction.watched.empty()) engine_.watching_client_count.fetch_add(1, std::memory_order_relaxed);
    transaction.watched.push_back({key.database, std::string(key.key.name)});
    key.database->Watch(key.key, &transaction.mark);
  }
}

void Executor::UnwatchAll(Session& session) {
  if (session.transaction == nullptr) return;
  Transaction& transaction = *session.transaction;
  for (const Transaction::WatchedKey& watched : transaction.watched) {
    const KeyRef key = KeyRef::Make(watched.name);
    // A queued UNWATCH runs under EXEC's locks, which are those of the watched keys too.
    std::optional<StripeGuard> guard;
    if (!holds_places_) guard.emplace(*this, watched.database->StripeOf(key));
    watched.database->Unwatch(key, &transaction.mark);
  }
  if (!transaction.watched.empty()) engine_.watching_client_count.fetch_sub(1, std::memory_order_relaxed);
  transaction.watched.clear();
  transaction.mark.touched.store(false, std::memory_order_relaxed);
}

void Executor::DropTransaction(Session& session) {
  UnwatchAll(session);
  session.transaction.reset();
  session.restrictions &= ~static_cast<uint32_t>(Session::kInTransaction);
}

// Kept until ReleaseScriptHolds, hence no analysis.
KVICK_NO_THREAD_SAFETY_ANALYSIS bool Executor::TryTakeTurn() {
  if (!holds_turn_) holds_turn_ = engine_.script_turn.LockFor(kTurnPatienceUs);
  return holds_turn_;
}

Status Executor::RunTransaction(Session& session, ReplyWriter& reply) {
  if ((session.restrictions & Session::kInTransaction) == 0) return Status::Error("ERR EXEC without MULTI");
  if (session.transaction->is_aborted) {
    DropTransaction(session);
    return Status::Error("EXECABORT Transaction discarded because of previous errors.");
  }
  const Transaction& transaction = *session.transaction;

  // What will be locked: every queued command's keys, where SELECT within the queue puts them, and the watched ones.
  // The arguments of Prepared are views of views of the queue.
  std::vector<std::vector<std::string_view>> arguments;
  std::vector<Prepared> prepared;
  const size_t keys_before = keys_.size();
  bool runs_alone = false;
  for (const std::vector<std::string>& queued : transaction.queued) {
    arguments.emplace_back(queued.begin(), queued.end());
    prepared.push_back(Prepare(session, arguments.back()));
    const Command& command = *prepared.back().command;
    runs_alone = runs_alone || command.has(kWalksKeyspace) || command.RunsAlone(prepared.back().arguments);
  }
  // Which keys scripts reach is not known; whoever has the turn gets them.
  const bool runs_scripts = (transaction.queued_flags & kScriptRunner) != 0;
  LockOutcome outcome = LockOutcome::kLocked;
  const auto run = [&] {
    const int selected_before = session.database_index;
    if (!is_exclusive_) {
      places_.clear();
      for (const Prepared& command : prepared) {
        AddPlaces(PlaceKeys(session, command));
        if (command.command->has(kSelectsDatabase)) {
          const std::optional<int64_t> index = ParseInt64(command.arguments[1]);
          if (index && *index >= 0 && *index < engine_.database_count())
            session.database_index = static_cast<int>(*index);
        }
      }
      session.database_index = selected_before;
      for (const Transaction::WatchedKey& watched : transaction.watched) {
        places_.push_back({watched.database, static_cast<uint32_t>(KeyRef::Make(watched.name).stripe_index())});
      }
      if (NeedsLocks()) {
        outcome = runs_scripts && !TryTakeTurn() ? LockOutcome::kStepOut : LockPlaces();
        if (outcome != LockOutcome::kLocked) {
          ReleaseScriptHolds();
          return;
        }
      }
    }
    CatchUpWithExpiry();
    holds_places_ = true;
    // A watched key whose time has come is a changed key.
    for (const Transaction::WatchedKey& watched : transaction.watched) {
      watched.database->Peek(KeyRef::Make(watched.name), mutation_);
    }
    if (transaction.mark.touched.load(std::memory_order_relaxed)) {
      reply.NullArray();
    } else {
      session.restrictions &= ~static_cast<uint32_t>(Session::kInTransaction);
      reply.Array(prepared.size());
      for (const Prepared& command : prepared) {
        const std::span<DeclaredKey> keys = PlaceKeys(session, command);
        const Status status = Reauthorize(session, *command.command, command.arguments, keys, CallOrigin::kTransaction);
        if (status.ok()) {
          const UnpackScope unpacked;  // not what all of them read, at once
          Call(session, command, keys, reply);
        } else {
          Reject(command, status, reply);
        }
      }
    }
    holds_places_ = false;
    NoteRecorded(engine_.log().AppendGroup(group_));
    group_.clear();
    if (!ready_keys_.empty()) ServeReadyKeys();
    ReleaseScriptHolds();
    if (!is_exclusive_ && NeedsLocks()) UnlockPlaces();
  };
  if (runs_alone) {
    RunExclusive([&] {
      // Whoever was alone before us may have ended the server or killed the session.
      if (!engine_.is_ended && !session.closing) run();
    });
  } else {
    run();
    while (outcome == LockOutcome::kStepOut) {
      engine_.gate().CheckIn(gate_slot_);
      if (engine_.is_ended || session.closing) break;
      run();
    }
    if (!retries_.empty()) RetryServing();
  }
  keys_.resize(keys_before);
  DropTransaction(session);
  if (outcome == LockOutcome::kBusy) {
    return Status::Error("EXECABORT Transaction discarded because of: " + engine_.hooks.script_runner->BusyError());
  }
  return Status::Ok();
}

}  // namespace kvick

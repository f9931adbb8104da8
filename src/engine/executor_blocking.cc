// The waiting half of Executor: queueing blocked calls, serving them, ending their wait.

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "engine/blocking.h"
#include "engine/command_context.h"
#include "engine/executor.h"

namespace kvick {

// The stripes of the call's keys are held: it was just run.
KVICK_NO_THREAD_SAFETY_ANALYSIS void Executor::StartWaiting(Session& session, CommandContext& context) {
  const BlockRequest& request = *context.block_request();
  // Waits end by the monotonic clock: somebody may set the other one by a year.
  const int64_t steady_ms = engine_.clock().MonotonicMs();
  const int64_t deadline_ms = request.timeout_ms == 0 || request.timeout_ms > INT64_MAX - steady_ms
                                  ? INT64_MAX
                                  : steady_ms + request.timeout_ms;
  auto call = std::make_shared<BlockedCall>(session, context.command(), context.arguments(), context.keys(), request,
                                            deadline_ms);
  for (size_t i = 0; i < request.waited_count; ++i) {
    DeclaredKey& key = call->keys()[request.waited_first + i];
    Stripe& stripe = key.database->StripeOf(key.key);
    if (stripe.waiters == nullptr) stripe.waiters = new KeyWaiters;
    // A key named twice is waited for once.
    const KeyWaiters::Queue* queue = stripe.waiters->Find(key.key.name);
    if (queue != nullptr && queue->back() == call) continue;
    stripe.waiters->Add(key.key.name, call);
  }
  engine_.blocked_client_count.fetch_add(1, std::memory_order_relaxed);
  if (deadline_ms != INT64_MAX) deadlines_.emplace(deadline_ms, call);
  PlanLook(call);
  session.blocked = std::move(call);
  if (request.on_waiting) request.on_waiting(session.blocked);
}

// The guard takes a lock only when there is anybody to guard against, hence no analysis.
KVICK_NO_THREAD_SAFETY_ANALYSIS void Executor::LeaveQueues(BlockedCall& call) {
  const BlockRequest& request = call.request();
  for (size_t i = 0; i < request.waited_count; ++i) {
    const DeclaredKey& key = call.keys()[request.waited_first + i];
    Stripe& stripe = key.database->StripeOf(key.key);
    StripeGuard guard(*this, stripe);
    stripe.RemoveWaiter(key.key.name, &call);
  }
}

void Executor::FinishWaiting(Session& session) {
  if (session.blocked == nullptr) return;
  const std::shared_ptr<BlockedCall> call = std::move(session.blocked);
  session.blocked = nullptr;
  call->Claim();  // of a client that left; otherwise somebody claimed it long ago
  LeaveQueues(*call);
  engine_.blocked_client_count.fetch_sub(1, std::memory_order_relaxed);
  ForgetDeadline(call->deadline_ms(), call);
  ForgetDeadline(call->planned_look_ms, call);
}

void Executor::ForgetDeadline(int64_t time_ms, const std::shared_ptr<BlockedCall>& call) {
  if (time_ms == INT64_MAX) return;
  const auto [first, last] = deadlines_.equal_range(time_ms);
  for (auto place = first; place != last; ++place) {
    if (place->second == call) {
      deadlines_.erase(place);
      return;
    }
  }
}

void Executor::PlanLook(const std::shared_ptr<BlockedCall>& call) {
  call->planned_look_ms = call->look_again_ms();
  if (call->planned_look_ms == INT64_MAX) return;
  // Never at once again: others shall have their turn.
  const int64_t wait_ms = std::max<int64_t>(call->planned_look_ms - mutation_.now_ms, 1);
  call->planned_look_ms = engine_.clock().MonotonicMs() + wait_ms;
  deadlines_.emplace(call->planned_look_ms, call);
}

bool Executor::Unblock(Session& session, std::string_view reply) {
  if (session.blocked == nullptr || !session.blocked->Claim()) return false;
  session.blocked->transport()->DeliverUnblocked(
      session.id, reply.empty() ? session.blocked->TimeoutReplyText() : std::string(reply));
  return true;
}

int64_t Executor::next_wait_deadline_ms() const { return deadlines_.empty() ? INT64_MAX : deadlines_.begin()->first; }

void Executor::EndOverdueWaits() {
  // They leave the list in FinishWaiting, when the reply has arrived: one that is being served at this moment may yet
  // have to wait on.
  if (deadlines_.empty()) return;
  const int64_t steady_ms = engine_.clock().MonotonicMs();
  std::vector<std::shared_ptr<BlockedCall>> looking;
  for (auto place = deadlines_.begin(); place != deadlines_.end() && place->first <= steady_ms;) {
    BlockedCall& call = *place->second;
    if (call.deadline_ms() > steady_ms) {
      looking.push_back(place->second);
      place = deadlines_.erase(place);
      continue;
    }
    if (call.Claim()) call.transport()->DeliverUnblocked(call.session_id(), call.TimeoutReplyText());
    ++place;
  }
  for (const auto& call : looking) {
    call->planned_look_ms = INT64_MAX;
    if (call->has_ended()) continue;
    // In the order of their queues: whoever waits longer looks first.
    for (const DeclaredKey& key : call->waited_keys()) retries_.push_back({key.database, std::string(key.key.name)});
    RetryServing();
    if (!call->has_ended()) PlanLook(call);
  }
}

bool Executor::HoldsStripe(Database* database, uint32_t stripe_index) const {
  const StripePlace place{database, stripe_index};
  return !NeedsLocks() || holds_everything_ || std::find(places_.begin(), places_.end(), place) != places_.end() ||
         std::find(extra_places_.begin(), extra_places_.end(), place) != extra_places_.end();
}

// Out of order, hence only tried: waiting here could be for somebody who waits for us.
KVICK_NO_THREAD_SAFETY_ANALYSIS bool Executor::TryHoldAll(std::span<const DeclaredKey> keys) {
  for (const DeclaredKey& key : keys) {
    const auto stripe_index = static_cast<uint32_t>(key.key.stripe_index());
    if (HoldsStripe(key.database, stripe_index)) continue;
    if (!key.database->StripeAt(stripe_index).lock.TryLock()) return false;
    extra_places_.push_back({key.database, stripe_index});
  }
  return true;
}

KVICK_NO_THREAD_SAFETY_ANALYSIS void Executor::ServeReadyKeys() {
  // Serving a call can make another key ready (BLMOVE): the list grows meanwhile. A key is taken from it before it is
  // served, so that a chain of moves that leads back makes it ready once more.
  for (size_t i = 0; i < ready_keys_.size(); ++i) {
    const ReadyKey ready = std::exchange(ready_keys_[i], {});
    ServeKey(ready);
  }
  ready_keys_.clear();
  for (const StripePlace& place : extra_places_) place.database->StripeAt(place.stripe_index).lock.Unlock();
  extra_places_.clear();
}

KVICK_NO_THREAD_SAFETY_ANALYSIS void Executor::ServeKey(const ReadyKey& ready) {
  const KeyRef key = KeyRef::Make(ready.name);
  // Found expired by a command that holds one stripe at a time.
  if (!HoldsStripe(ready.database, static_cast<uint32_t>(key.stripe_index()))) {
    retries_.push_back(ready);
    return;
  }
  Stripe& stripe = ready.database->StripeOf(key);
  size_t passed = 0;  // calls at the front that wait on
  while (stripe.waiters != nullptr) {
    const KeyWaiters::Queue* queue = stripe.waiters->Find(ready.name);
    if (queue == nullptr || passed >= queue->size()) return;
    const Entry* entry = ready.database->Peek(key, mutation_).entry;
    if (entry == nullptr && !stripe.waiters->AnyMindsEnd(ready.name)) return;
    const auto call = std::static_pointer_cast<BlockedCall>((*queue)[passed]);
    if (call->has_ended()) {
      stripe.RemoveWaiter(ready.name, call.get());
      continue;
    }
    const bool is_awaited = entry != nullptr && entry->type() == call->request().awaited;
    if (!is_awaited && !call->minds_end()) {
      ++passed;
      continue;
    }
    if (call->request().needs_all_keys && !TryHoldAll(call->keys())) {
      // It keeps its place, and those behind it wait for it: served again when all its locks can be had in order.
      retries_.push_back(ready);
      return;
    }
    if (Serve(*call, ready)) {
      stripe.RemoveWaiter(ready.name, call.get());
    } else {
      ++passed;
    }
  }
}

bool Executor::Serve(BlockedCall& call, const ReadyKey& ready) {
  size_t ordinal = call.request().waited_first;
  while (call.keys()[ordinal].database != ready.database || call.keys()[ordinal].key.name != ready.name) ++ordinal;
  // From now on its timeout, CLIENT UNBLOCK and the end of its connection have to wait for the outcome.
  if (!call.BeginServing()) return true;
  const UnpackScope unpacked;
  OutputBuffer out;
  ReplyWriter reply(out, call.session().protocol);
  CommandContext context(*this, call.session(), call.command(), call.arguments(), call.keys(), reply);
  context.ServeOnly(ordinal);
  Status status = Reauthorize(call.session(), call.command(), call.arguments(), call.keys(), CallOrigin::kBlocked);
  if (status.ok()) status = call.command().spec->handler(context);
  context.CloseValues();
  if (context.change_count() != 0) Commit(context);
  if (context.block_request() != nullptr) {
    // Not what it wanted after all (a stream entry of another group …).
    call.set_look_again_ms(context.block_request()->look_again_ms);
    call.EndServing(false);
    return false;
  }
  call.EndServing(true);
  if (!status.ok()) reply.Error(status);
  const bool wants_reply = call.session().reply_mode == Session::ReplyMode::kOn;
  call.transport()->DeliverUnblocked(call.session_id(), wants_reply ? out.ToString() : std::string());
  return true;
}

// For each key whose first waiter needs more locks than could be had at once: all of them, in order.
KVICK_NO_THREAD_SAFETY_ANALYSIS void Executor::RetryServing() {
  while (!retries_.empty()) {
    const ReadyKey ready = retries_.back();
    retries_.pop_back();
    const KeyRef key = KeyRef::Make(ready.name);
    places_.clear();
    places_.push_back({ready.database, static_cast<uint32_t>(key.stripe_index())});
    {
      Stripe& stripe = ready.database->StripeOf(key);
      StripeGuard guard(*this, stripe);
      const KeyWaiters::Queue* queue = stripe.waiters != nullptr ? stripe.waiters->Find(ready.name) : nullptr;
      if (queue == nullptr) continue;
      for (const auto& waiter : *queue) {
        auto* call = static_cast<BlockedCall*>(waiter.get());
        if (call->has_ended() || !call->request().needs_all_keys) continue;
        AddPlaces(call->keys());
        break;
      }
    }
    if (LockPlaces() != LockOutcome::kLocked) {
      retries_.push_back(ready);
      engine_.gate().CheckIn(gate_slot_);
      continue;
    }
    ready_keys_.push_back(ready);
    ServeReadyKeys();
    UnlockPlaces();
  }
}

}  // namespace kvick

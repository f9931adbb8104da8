// Commands that wait (BLPOP, BZPOPMIN, XREAD BLOCK …). A handler that finds nothing asks to wait:
//
//   for (size_t key : context.ServableKeys()) {
//     ... when the key has what is wanted: take it, reply, return Ok ...
//   }
//   return context.Block({.awaited = ValueType::kList, .timeout_ms = timeout_ms, .waited_count = key_count});
//
// The call is then queued in the stripes of its keys. Whoever changes one of them serves the queue, first come first
// served, before it unlocks: it runs the waiting call's handler again, in its own thread, for the key that became
// ready (ServableKeys has only that one then), and mails the reply to the client's worker. So nobody can come between
// the change and those who waited for it.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "engine/declared_key.h"
#include "engine/session.h"
#include "keyspace/key_waiters.h"
#include "types/value_type.h"

namespace kvick {

class BlockedCall;

// What a client is answered when its time is up, or when it may not wait (in a transaction).
enum class TimeoutReply : uint8_t { kNullArray, kNull };

struct BlockRequest {
  ValueType awaited = ValueType::kList;  // a key that holds something else is not ready
  int64_t timeout_ms = 0;                // 0: for ever
  // The declared keys it waits for: `waited_count` from `waited_first` on.
  size_t waited_first = 0;
  size_t waited_count = 1;
  // It is served with the locks of all its declared keys (BLMOVE's destination), not only of the one that is ready.
  bool needs_all_keys = false;
  TimeoutReply timeout_reply = TimeoutReply::kNullArray;
  // It is also served when the key is gone or holds something else: the handler then says what is wrong.
  bool minds_end = false;
  // It is run again at this time though nothing has changed: time itself may bring what it waits for.
  int64_t look_again_ms = INT64_MAX;
  // What is answered instead of timeout_reply, if it is set.
  std::function<std::string()> timeout_text;
  // Called when the call waits, by the thread that ran it: for waits that are not ended by a key (WAITAOF).
  std::function<void(const std::shared_ptr<BlockedCall>&)> on_waiting;
  // Arguments that mean something else later ("$"): what they mean now, by their index.
  std::vector<std::pair<size_t, std::string>> resolved_arguments;
};

// A waiting call. Shared by the queues it stands in and the session. Whoever claims it (once) ends the wait.
//
// Several threads may have something for it at one moment: the keys it waits for, its time, its client's end. Whoever
// serves it (BeginServing) may find that what there is does not suffice, and until then nobody knows whether the wait
// is over. So all others wait for the outcome: who took a call that is being served for one that has ended would never
// wake it again. It is short: one handler, which has all its locks.
class BlockedCall final : public KeyWaiter {
 public:
  BlockedCall(const Session& session, const Command& command, std::span<const std::string_view> arguments,
              std::span<const DeclaredKey> keys, const BlockRequest& request, int64_t deadline_ms);
  ~BlockedCall() override;

  // Somebody has ended the wait, for good.
  bool has_ended() const { return state_.load(std::memory_order_acquire) == State::kEnded; }
  // Ends the wait; true for exactly one caller, who owes the client an answer.
  bool Claim() { return Leave(State::kEnded); }
  // Tries to serve the call; false when its wait has ended. Others wait until EndServing.
  bool BeginServing() { return Leave(State::kBeingServed); }
  // `is_served`: it is answered; otherwise it waits on.
  void EndServing(bool is_served);

  const Command& command() const { return command_; }
  std::span<const std::string_view> arguments() const { return arguments_; }
  // Names are views into this call's own arguments.
  std::span<DeclaredKey> keys() { return keys_; }
  std::span<DeclaredKey> waited_keys() { return keys().subspan(request_.waited_first, request_.waited_count); }
  const BlockRequest& request() const { return request_; }
  int64_t deadline_ms() const { return deadline_ms_; }  // INT64_MAX: none
  // See BlockRequest. Set anew by whoever ran the call, read by its owner.
  int64_t look_again_ms() const { return look_again_ms_.load(std::memory_order_relaxed); }
  void set_look_again_ms(int64_t ms) { look_again_ms_.store(ms, std::memory_order_relaxed); }
  // The owner's: under which time it stands among those to be run again.
  int64_t planned_look_ms = INT64_MAX;
  // What handlers see in the session's place: a copy of what matters, since the session belongs to another thread.
  Session& session() { return session_; }
  // Its worker gets the reply.
  SessionTransport* transport() const { return transport_; }
  uint64_t session_id() const { return session_.id; }

  std::string TimeoutReplyText() const;

 private:
  const Command& command_;
  std::vector<std::string> words_;
  std::vector<std::string_view> arguments_;
  std::vector<DeclaredKey> keys_;
  BlockRequest request_;
  int64_t deadline_ms_;
  Session session_;
  SessionTransport* transport_;
  std::atomic<int64_t> look_again_ms_;
  enum class State : int { kWaiting, kBeingServed, kEnded };
  // From kWaiting to `next`, once nobody serves it; false when it has ended.
  bool Leave(State next);

  std::atomic<State> state_{State::kWaiting};
};

// "0.5" seconds to milliseconds, rounded up; with the error texts that blocking commands share.
Result<int64_t> ParseTimeoutMs(std::string_view seconds);

}  // namespace kvick

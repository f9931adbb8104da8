#include "engine/blocking.h"

#include <cmath>

#include "base/numbers.h"
#include "engine/errors.h"
#include "engine/executor.h"

namespace kvick {

BlockedCall::BlockedCall(const Session& session, const Command& command, std::span<const std::string_view> arguments,
                         std::span<const DeclaredKey> keys, const BlockRequest& request, int64_t deadline_ms)
    : KeyWaiter(request.minds_end),
      command_(command),
      words_(arguments.begin(), arguments.end()),
      arguments_(words_.begin(), words_.end()),
      keys_(keys.begin(), keys.end()),
      request_(request),
      deadline_ms_(deadline_ms),
      transport_(session.transport),
      look_again_ms_(request.look_again_ms) {
  // The keys' names move from the caller's bytes to ours.
  for (DeclaredKey& key : keys_) {
    for (size_t i = 0; i < arguments.size(); ++i) {
      if (arguments[i].data() == key.key.name.data()) {
        key.key.name = arguments_[i];
        break;
      }
    }
  }
  for (const auto& [index, text] : request.resolved_arguments) {
    words_[index] = text;
    arguments_[index] = words_[index];
  }
  session_.id = session.id;
  session_.database_index = session.database_index;
  session_.protocol = session.protocol;
  session_.user = session.user;
  session_.acl_user = session.acl_user;
  session_.restrictions = session.restrictions & Session::kRestrictedUser;
  session_.address = session.address;
  session_.no_touch = session.no_touch;
  session_.reply_mode = session.reply_mode;
}

BlockedCall::~BlockedCall() = default;

bool BlockedCall::Leave(State next) {
  State now = State::kWaiting;
  while (!state_.compare_exchange_weak(now, next, std::memory_order_acq_rel, std::memory_order_acquire)) {
    if (now == State::kEnded) return false;
    if (now == State::kBeingServed) state_.wait(State::kBeingServed, std::memory_order_acquire);
    now = State::kWaiting;
  }
  return true;
}

void BlockedCall::EndServing(bool is_served) {
  state_.store(is_served ? State::kEnded : State::kWaiting, std::memory_order_release);
  state_.notify_all();
}

std::string BlockedCall::TimeoutReplyText() const {
  if (request_.timeout_text) return request_.timeout_text();
  if (session_.protocol == 3) return "_\r\n";
  return request_.timeout_reply == TimeoutReply::kNull ? "$-1\r\n" : "*-1\r\n";
}

Result<int64_t> ParseTimeoutMs(std::string_view seconds) {
  const std::optional<long double> value = ParseLongDouble(seconds);
  if (!value) return errors::Generic("timeout is not a float or out of range");
  const long double milliseconds = std::ceil(*value * 1000);
  if (milliseconds > static_cast<long double>(INT64_MAX)) return errors::Generic("timeout is out of range");
  if (milliseconds < 0) return errors::Generic("timeout is negative");
  return static_cast<int64_t>(milliseconds);
}

}  // namespace kvick

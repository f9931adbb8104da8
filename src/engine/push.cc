#include "engine/push.h"

#include <algorithm>

#include "engine/channels.h"
#include "engine/session.h"

namespace kvick {
namespace {

SharedBytesRef Share(std::string_view bytes) {
  SharedBytes* made = SharedBytes::Make(bytes);
  SharedBytesRef shared(made);
  made->Drop();  // the reference that it was made with
  return shared;
}

bool WantsPublished(const Session& session, const PushMessage& message, const PushTarget& target) {
  if (session.subscriptions == nullptr) return false;
  const Subscriptions& subscriptions = *session.subscriptions;
  return subscriptions.epoch() == target.epoch || subscriptions.Holds(message.kind, message.name);
}

}  // namespace

PushMessage::PushMessage(Kind message_kind, std::string_view source, std::string_view in_resp2,
                         std::string_view in_resp3)
    : kind(message_kind), name(source), resp2(Share(in_resp2)) {
  resp3 = in_resp3.data() == in_resp2.data() ? SharedBytesRef(resp2.get()) : Share(in_resp3);
}

PushMessage::PushMessage(Kind message_kind, std::string_view source, std::string text)
    : kind(message_kind), name(source), resp2(Share(text)) {
  text[0] = '>';
  resp3 = Share(text);
}

SharedBytes* BytesToPush(const Session& session, const PushMessage& message, const PushTarget& target) {
  const bool is_resp3 = session.protocol == 3;
  SharedBytes* bytes = is_resp3 ? message.resp3.get() : message.resp2.get();
  switch (message.kind) {
    case PushMessage::Kind::kChannel:
    case PushMessage::Kind::kShardChannel:
    case PushMessage::Kind::kPattern: return WantsPublished(session, message, target) ? bytes : nullptr;
    case PushMessage::Kind::kInvalidation:
    case PushMessage::Kind::kNotice: return is_resp3 ? bytes : nullptr;
    case PushMessage::Kind::kRedirectedInvalidation:
      // In RESP2 it looks like a published message, which only a subscriber can tell from a reply.
      return is_resp3 || (session.restrictions & Session::kSubscriber) != 0 ? bytes : nullptr;
    case PushMessage::Kind::kMonitorLine: return (session.restrictions & Session::kMonitor) != 0 ? bytes : nullptr;
  }
  return nullptr;
}

PushTarget TargetOf(const Session& session) {
  return {session.id, session.fd, session.subscriptions != nullptr ? session.subscriptions->epoch() : 0};
}

void Receivers::Add(PushPort& port, const PushTarget& target) {
  ++count_;
  for (Group& group : groups_) {
    if (group.port == &port) return group.targets.push_back(target);
  }
  groups_.push_back({&port, {target}});
}

void Receivers::Remove(const PushPort& port, uint64_t session_id) {
  const auto group = std::find_if(groups_.begin(), groups_.end(), [&](const Group& g) { return g.port == &port; });
  if (group == groups_.end()) return;
  std::vector<PushTarget>& targets = group->targets;
  const auto target = std::find_if(targets.begin(), targets.end(),
                                   [session_id](const PushTarget& t) { return t.session_id == session_id; });
  if (target == targets.end()) return;
  *target = targets.back();
  targets.pop_back();
  --count_;
  if (targets.empty()) groups_.erase(group);
}

void Receivers::Deliver(const std::shared_ptr<const PushMessage>& message) const {
  for (const Group& group : groups_) group.port->Deliver(message, group.targets);
}

void AppendBulk(std::string* text, std::string_view bytes) {
  *text += '$';
  *text += std::to_string(bytes.size());
  *text += "\r\n";
  *text += bytes;
  *text += "\r\n";
}

}  // namespace kvick

#include "engine/local_client.h"

namespace kvick {

LocalClient::LocalClient(Engine& engine) : executor_(engine) {
  session_.id = engine.NextSessionId();
  session_.is_internal = true;
  session_.transport = this;
  session_.connected_ms = session_.last_active_ms = engine.clock().NowMs();
  // The list of sessions is read by others when they are alone, so it changes inside the gate.
  executor_.BeginBatch();
  executor_.AddSession(&session_);
  executor_.EndBatch();
}

std::optional<std::string> LocalClient::TakeDelivered() {
  std::optional<std::string> reply;
  {
    MutexLock lock(delivered_mutex_);
    reply.swap(delivered_);
  }
  if (reply) {
    executor_.BeginBatch();
    executor_.FinishWaiting(session_);
    executor_.EndBatch();
  }
  return reply;
}

void LocalClient::EndOverdueWaits() {
  executor_.BeginBatch();
  executor_.EndOverdueWaits();
  executor_.EndBatch();
}

void LocalClient::Deliver(std::shared_ptr<const PushMessage> message, std::vector<PushTarget> targets) {
  MutexLock lock(delivered_mutex_);
  for (const PushTarget& target : targets) pushes_.emplace_back(message, target);
}

std::string LocalClient::TakePushes() {
  std::vector<std::pair<std::shared_ptr<const PushMessage>, PushTarget>> pushes;
  {
    MutexLock lock(delivered_mutex_);
    pushes.swap(pushes_);
  }
  std::string text;
  for (const auto& [message, target] : pushes) {
    if (SharedBytes* bytes = BytesToPush(session_, *message, target)) text += bytes->view();
  }
  return text;
}

void LocalClient::DeliverUnblocked(uint64_t /*session_id*/, std::string reply) {
  MutexLock lock(delivered_mutex_);
  delivered_ = std::move(reply);
}

LocalClient::~LocalClient() {
  executor_.BeginBatch();
  executor_.RemoveSession(&session_);
  executor_.EndBatch();
}

std::string LocalClient::Execute(std::span<const std::string_view> arguments) {
  out_.Clear();
  ReplyWriter reply(out_, session_.protocol);
  executor_.BeginBatch();
  const Executor::Prepared prepared = executor_.Prepare(session_, arguments);
  executor_.Prefetch();
  executor_.Run(session_, prepared, reply);
  executor_.EndBatch();
  return out_.ToString();
}

}  // namespace kvick

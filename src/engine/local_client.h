// LocalClient executes commands in this thread, without a socket: for tests and for programs that embed the engine.
//
//   LocalClient client(engine);
//   client.Execute({"SET", "a", "1"})   // "+OK\r\n"
#pragma once

#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/executor.h"
#include "engine/session.h"
#include "resp/output_buffer.h"

namespace kvick {

class LocalClient final : public SessionTransport, public PushPort {
 public:
  explicit LocalClient(Engine& engine);
  ~LocalClient() override;
  LocalClient(const LocalClient&) = delete;
  LocalClient& operator=(const LocalClient&) = delete;

  // The reply in protocol form; empty when the client asked for none, or when the command has to wait: then
  // `session().is_waiting()`, and TakeDelivered has the reply when the wait is over.
  std::string Execute(std::initializer_list<std::string_view> arguments) {
    return Execute(std::span<const std::string_view>(arguments.begin(), arguments.size()));
  }
  std::string Execute(std::span<const std::string_view> arguments);

  // What a blocked command was answered meanwhile; ends the wait.
  std::optional<std::string> TakeDelivered() KVICK_EXCLUDES(delivered_mutex_);
  // The pushes that have come since the last call, in protocol form.
  std::string TakePushes() KVICK_EXCLUDES(delivered_mutex_);
  // Answers a blocked command whose time is up.
  void EndOverdueWaits();

  Session& session() { return session_; }
  Executor& executor() { return executor_; }

  // SessionTransport.
  [[nodiscard]] Usage MeasureUsage() const override { return {}; }
  void RequestClose() override { session_.closing = true; }
  void DeliverUnblocked(uint64_t session_id, std::string reply) override KVICK_EXCLUDES(delivered_mutex_);
  PushPort& push_port() override { return *this; }

  // PushPort.
  void Deliver(std::shared_ptr<const PushMessage> message, std::vector<PushTarget> targets) override
      KVICK_EXCLUDES(delivered_mutex_);

 private:
  Executor executor_;
  Session session_;
  OutputBuffer out_;
  Mutex delivered_mutex_;
  std::optional<std::string> delivered_ KVICK_GUARDED_BY(delivered_mutex_);
  std::vector<std::pair<std::shared_ptr<const PushMessage>, PushTarget>> pushes_ KVICK_GUARDED_BY(delivered_mutex_);
};

}  // namespace kvick

// LocalClient executes commands in this thread, without a socket: for tests and for programs that embed the engine.
//
//   LocalClient client(engine);
//   client.Execute({"SET", "a", "1"})   // "+OK\r\n"
#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include "engine/executor.h"
#include "engine/session.h"
#include "resp/output_buffer.h"

namespace kvick {

class LocalClient {
 public:
  explicit LocalClient(Engine& engine);
  ~LocalClient();
  LocalClient(const LocalClient&) = delete;
  LocalClient& operator=(const LocalClient&) = delete;

  // The reply in protocol form; empty when the client asked for none, or when the command has to wait (paused).
  std::string Execute(std::initializer_list<std::string_view> arguments) {
    return Execute(std::span<const std::string_view>(arguments.begin(), arguments.size()));
  }
  std::string Execute(std::span<const std::string_view> arguments);

  Session& session() { return session_; }
  Executor& executor() { return executor_; }

 private:
  Executor executor_;
  Session session_;
  OutputBuffer out_;
};

}  // namespace kvick

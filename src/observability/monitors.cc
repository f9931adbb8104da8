#include "observability/monitors.h"

#include <cstdio>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "engine/command_context.h"
#include "engine/secret_arguments.h"
#include "observability/features.h"

namespace kvick {
namespace {

Status Monitor(CommandContext& context) {
  if (context.executor().is_in_transaction()) {
    return errors::Generic("MONITOR isn't allowed for DENY BLOCKING client");
  }
  Session& session = context.session();
  // Who monitors already is not answered: nobody could tell the answer from a line.
  if ((session.restrictions & Session::kMonitor) != 0) return Status::Ok();
  context.engine().hooks.monitors->Add(session);
  context.Reply().Ok();
  return Status::Ok();
}

constexpr CommandSpec kCommands[] = {
    {
        .name = "MONITOR",
        .summary = "Listens for all requests received by the server in real-time.",
        .since = "1.0.0",
        .group = "server",
        .flags = kAdmin | kNoScript | kLoading | kStale,
        .handler = Monitor,
    },
};

}  // namespace

void Monitors::Add(Session& session) {
  session.restrictions |= Session::kMonitor;
  MutexLock lock(mutex_);
  receivers_.Add(session.transport->push_port(), TargetOf(session));
  engine_.shows_calls.store(true, std::memory_order_relaxed);
}

void Monitors::ForgetSession(Session& session) {
  if ((session.restrictions & Session::kMonitor) == 0) return;
  session.restrictions &= ~static_cast<uint32_t>(Session::kMonitor);
  MutexLock lock(mutex_);
  receivers_.Remove(session.transport->push_port(), session.id);
  if (receivers_.count() == 0) engine_.shows_calls.store(false, std::memory_order_relaxed);
}

// +1339518083.107412 [0 127.0.0.1:60866] "keys" "*"
void Monitors::OnCall(const Session& session, const Command& command, std::span<const std::string_view> arguments,
                      bool is_from_script) {
  std::string rest = " [" + std::to_string(session.database_index) + " ";
  if (is_from_script) {
    rest += "lua";
  } else if (session.is_unix_socket) {
    rest += "unix:" + engine_.settings().unix_socket;
  } else {
    rest += session.address;
  }
  rest += ']';
  for (size_t i = 0; i < arguments.size(); ++i) {
    rest += ' ';
    rest += IsSecretArgument(engine_, command, arguments, i) ? QuoteArgument(kRedacted) : QuoteArgument(arguments[i]);
  }
  rest += "\r\n";
  MutexLock lock(mutex_);
  const int64_t now_us = engine_.clock().NowUs();
  char time[40];
  std::snprintf(time, sizeof(time), "+%lld.%06lld", static_cast<long long>(now_us / 1'000'000),
                static_cast<long long>(now_us % 1'000'000));
  const std::string line = time + rest;
  receivers_.Deliver(std::make_shared<const PushMessage>(PushMessage::Kind::kMonitorLine, "", line, line));
}

std::span<const CommandSpec> MonitorCommands() { return kCommands; }

void AttachMonitors(Engine& engine) {
  Monitors& monitors = engine.Attach<Monitors>(engine);
  engine.hooks.call_observers.push_back(&monitors);
  engine.hooks.monitors = &monitors;
}

}  // namespace kvick

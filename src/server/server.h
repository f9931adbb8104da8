// Server: a running kvick-server: the engine, its workers and listeners, and the process's side of commands (SHUTDOWN,
// CONFIG SET port).
//
//   Server server(&settings, identity, config_path, supervisor);
//   KVICK_RETURN_IF_ERROR(server.Start());
//   return server.Serve();
//
// The thread that calls Serve is the main thread: it runs the cron and carries out requests to end.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "base/sync.h"
#include "config/settings.h"
#include "engine/engine.h"
#include "engine/hooks.h"
#include "persistence/persistence.h"
#include "server/cron.h"
#include "server/process_setup.h"
#include "server/signals.h"
#include "server/startup_log.h"
#include "server/supervision.h"
#include "serving/listener.h"
#include "serving/metrics_endpoint.h"
#include "serving/tls_contexts.h"
#include "serving/worker.h"

namespace kvick {

class Server final : public ProcessControl {
 public:
  // `settings` are final but for CONFIG SET, and outlive the server.
  Server(Settings* settings, ProgramIdentity identity, std::string config_path, Supervisor supervisor);
  ~Server() override;

  // Until clients are served. The Status is the line to log before the process ends with status 1.
  Status Start();
  // Until the end is asked for. Returns the exit status of the process.
  int Serve();

  // ProcessControl. Shutdown is called in an exclusive moment: when it returns well, no worker executes anything more.
  Status Shutdown(const ShutdownRequest& request) override;
  [[nodiscard]] std::string config_file() const override { return config_path_; }
  [[nodiscard]] std::string executable() const override { return identity_.executable; }
  [[nodiscard]] std::string build_id() const override;
  [[nodiscard]] std::string supervisor() const override;

  Engine& engine() { return engine_; }
  Cron& cron() { return cron_; }

 private:
  void PlugIn();
  void WatchOptions();
  void WatchTlsOptions();
  Status ApplyTlsOptions();
  void ApplyRenames();
  Status StartWorkers();
  void ApplyCrashRules();
  void AskToEnd(int signal);
  void EndBySignal(int signal);
  void Finish();
  void ShowOwnTitle();
  void LogClients();

  Settings* const settings_;
  const ProgramIdentity identity_;
  const std::string config_path_;
  const Supervisor supervisor_;

  OffsetClock movable_clock_;  // the engine's clock when DEBUG may be used
  Engine engine_;
  Persistence& persistence_;
  std::vector<std::unique_ptr<Worker>> workers_;
  TlsContexts tls_contexts_;
  Listeners listeners_;
  MetricsEndpoint metrics_;
  PidFile pid_file_;
  Cron cron_;

  // What wakes the main thread.
  Mutex mutex_;
  ConditionVariable wake_;
  int ending_signal_ KVICK_GUARDED_BY(mutex_) = 0;
  bool is_ending_ KVICK_GUARDED_BY(mutex_) = false;

  std::optional<SignalThread> signals_;  // last: it calls into the rest
};

}  // namespace kvick

#include "server/server.h"

#include <chrono>
#include <csignal>
#include <initializer_list>
#include <string_view>
#include <thread>
#include <utility>

#include "base/assert.h"
#include "base/block_pool.h"
#include "base/log.h"
#include "base/program_pages.h"
#include "persistence/features.h"
#include "persistence/migrations.h"
#include "security/features.h"
#include "server/build_identity.h"
#include "server/crash_report.h"
#include "server/crash_sections.h"
#include "server/features.h"
#include "server/process_title.h"

namespace kvick {
namespace {

constexpr int64_t kClientLogPeriodMs = 5000;

// What the contexts for TLS are made of, and what decides whether there are any.
const std::initializer_list<std::string_view> kTlsOptions = {"tls-auth-clients",
                                                             "tls-ca-cert-dir",
                                                             "tls-ca-cert-file",
                                                             "tls-cert-file",
                                                             "tls-ciphers",
                                                             "tls-ciphersuites",
                                                             "tls-client-cert-file",
                                                             "tls-client-key-file",
                                                             "tls-client-key-file-pass",
                                                             "tls-cluster",
                                                             "tls-dh-params-file",
                                                             "tls-key-file",
                                                             "tls-key-file-pass",
                                                             "tls-port",
                                                             "tls-prefer-server-ciphers",
                                                             "tls-protocols",
                                                             "tls-replication",
                                                             "tls-session-cache-size",
                                                             "tls-session-cache-timeout",
                                                             "tls-session-caching"};

ShutdownRequest RequestFor(unsigned flags) {
  ShutdownRequest request;
  request.save = (flags & kShutdownSave) != 0;
  request.no_save = (flags & kShutdownNoSave) != 0;
  request.now = (flags & kShutdownNow) != 0;
  request.force = (flags & kShutdownForce) != 0;
  return request;
}

}  // namespace

Server::Server(Settings* settings, ProgramIdentity identity, std::string config_path, Supervisor supervisor)
    : settings_(settings),
      identity_(std::move(identity)),
      config_path_(std::move(config_path)),
      supervisor_(supervisor),
      movable_clock_(SystemClock::Instance()),
      engine_(settings, settings->debug_command == AccessPermission::kNo ? SystemClock::Instance()
                                                                         : static_cast<const Clock&>(movable_clock_)),
      persistence_((RegisterFeatures(engine_), AttachPersistence(engine_))),
      listeners_(engine_, workers_, tls_contexts_),
      metrics_(engine_) {
  PlugIn();
  WatchTlsOptions();  // before ports are opened
  WatchOptions();
}

// Also when only some of the workers could be started.
Server::~Server() {
  signals_.reset();
  for (const auto& worker : workers_) worker->RequestStop();
}

// The one place where what is built above the engine is plugged into it.
void Server::PlugIn() {
  Hooks& hooks = engine_.hooks;
  hooks.process = this;
  if (settings_->debug_command != AccessPermission::kNo) hooks.movable_clock = &movable_clock_;
}

// What CONFIG SET must do beyond storing a value. Hooks run in an exclusive moment.
void Server::WatchOptions() {
  OptionTable& options = engine_.options();
  options.OnChange({"port"}, [this] {
    if (listeners_.ReopenTcp().ok()) return Status::Ok();
    return Status::Error("Unable to listen on this port. Check server logs.");
  });
  options.OnChange({"bind"}, [this] {
    if (listeners_.ReopenTcp().ok() && listeners_.ReopenTls().ok()) return Status::Ok();
    return Status::Error("Failed to bind to specified addresses.");
  });
  options.OnChange({"tls-port"}, [this] {
    if (listeners_.ReopenTls().ok()) return Status::Ok();
    return Status::Error("Unable to listen on this port. Check server logs.");
  });
  options.OnChange({"port", "tls-port", "bind", "proc-title-template"}, [this] {
    ShowOwnTitle();
    return Status::Ok();
  });
  options.OnChange({"metrics-bind", "metrics-port"}, [this] { return metrics_.FollowSettings(); });
  options.OnChange({"maxclients"}, [this] {
    const unsigned wanted = settings_->max_clients;
    AdjustDescriptorLimit(settings_);
    if (settings_->max_clients == wanted) return Status::Ok();
    return Status::Error("The operating system is not able to handle the specified number of clients, try with " +
                         std::to_string(settings_->max_clients));
  });
  options.OnChange({"loglevel"}, [this] {
    SetLogLevel(settings_->log_level);
    return Status::Ok();
  });
  options.OnChange({"log-format", "log-timestamp-format"}, [this] {
    SetLogFormat(settings_->log_format, settings_->log_timestamp_format);
    return Status::Ok();
  });
  options.OnChange({"locale-collate"},
                   [this] { return ApplyLocale(*settings_) ? Status::Ok() : Status::Error("Invalid locale name"); });
  options.OnChange({"crash-log-enabled", "use-exit-on-panic"}, [this] {
    ApplyCrashRules();
    return Status::Ok();
  });
  options.OnChange({"oom-score-adj", "oom-score-adj-values"}, [this] { return ApplyOomScore(*settings_); });
}

// Certificates may have been replaced by others of the same name, so the contexts are made anew whenever one of these
// is set. Who is connected already keeps what he has.
void Server::WatchTlsOptions() {
  engine_.options().OnChange(kTlsOptions, [this] {
    if (ApplyTlsOptions().ok()) return Status::Ok();
    return Status::Error("Unable to update TLS configuration. Check server logs.");
  });
}

Status Server::ApplyTlsOptions() {
  if (TlsContexts::AreNeeded(*settings_)) KVICK_RETURN_IF_ERROR(tls_contexts_.Rebuild(*settings_));
  // MIGRATE talks to the servers of a cluster.
  engine_.hooks.migrations->connections().UseTls(settings_->tls_cluster ? tls_contexts_.outgoing() : nullptr);
  return Status::Ok();
}

void Server::ApplyRenames() {
  // Each was tried when its line was read (RenameCheck).
  for (const CommandRename& rename : settings_->command_renames) {
    KVICK_ASSERT(engine_.commands().Rename(rename.name, rename.new_name));
  }
}

Status Server::StartWorkers() {
  for (const auto& worker : workers_) {
    worker->Post(InstallCrashStack);
    KVICK_RETURN_IF_ERROR(worker->Start());
  }
  return Status::Ok();
}

void Server::ApplyCrashRules() {
  InstallCrashHandlers(settings_->crash_log_enabled);
  SetExitOnPanic(settings_->use_exit_on_panic);
}

Status Server::Start() {
  AddEngineCrashSections(engine_);
  InstallCrashStack();
  ApplyCrashRules();
  Log(LogLevel::kNotice, "monotonic clock: POSIX clock_gettime");
  ApplyRenames();
  KVICK_RETURN_IF_ERROR(LoadConfiguredUsers(engine_));
  ApplyHugePageRule(*settings_);
  const int worker_count = WorkerCount(*settings_);
  engine_.set_concurrent(worker_count > 1);
  BlockPool::ChooseShardCount(static_cast<size_t>(worker_count));
  for (int i = 0; i < worker_count; ++i) workers_.push_back(std::make_unique<Worker>(engine_, i, worker_count));
  if (!ApplyTlsOptions().ok()) {
    return Status::Error("Failed to configure TLS. Check logs for more info.");
  }
  KVICK_RETURN_IF_ERROR(listeners_.Open());
  const bool daemonized = settings_->daemonize && !supervisor_.is_present();
  if (daemonized || !settings_->pid_file.empty()) pid_file_.Write(settings_->pid_file);
  RemoveOnCrash(pid_file_.path());
  ShowOwnTitle();
  LogBanner(*settings_);
  Log(LogLevel::kNotice, "Server initialized");
  LogMachineWarnings(*settings_);
  KVICK_RETURN_IF_ERROR(ApplyOomScore(*settings_));
  signals_.emplace([this](int signal) { AskToEnd(signal); });
  engine_.is_loading = true;
  KVICK_RETURN_IF_ERROR(metrics_.FollowSettings());  // it says so
  KVICK_RETURN_IF_ERROR(StartWorkers());
  KVICK_RETURN_IF_ERROR(persistence_.LoadAtStart());
  // Who is connected already may change where the server listens, in a moment like this one.
  engine_.gate().RunExclusive([this] {
    engine_.is_loading = false;
    if (listeners_.has_tcp()) Log(LogLevel::kNotice, "Ready to accept connections tcp");
    if (listeners_.has_unix()) Log(LogLevel::kNotice, "Ready to accept connections unix");
    if (listeners_.has_tls()) Log(LogLevel::kNotice, "Ready to accept connections tls");
  });
  ReleaseProgramPages();
  supervisor_.Notify("STATUS=Ready to accept connections\n");
  supervisor_.Notify("READY=1\n");
  cron_.Every(Cron::kTickMs, [this] { engine_.RunPeriodicWork(); });
  cron_.Every(kClientLogPeriodMs, [this] { LogClients(); });
  return Status::Ok();
}

int Server::Serve() {
  while (true) {
    int signal = 0;
    {
      MutexLock lock(mutex_);
      if (!is_ending_ && ending_signal_ == 0) wake_.WaitFor(mutex_, Cron::kTickMs);
      if (is_ending_) break;
      signal = std::exchange(ending_signal_, 0);
    }
    if (signal != 0) EndBySignal(signal);
    if (!engine_.timers_paused) cron_.RunDue(engine_.clock().MonotonicMs());
  }
  Finish();
  return 0;
}

std::string Server::build_id() const { return BuildId(); }
std::string Server::supervisor() const { return std::string(supervisor_.name()); }

void Server::AskToEnd(int signal) {
  MutexLock lock(mutex_);
  ending_signal_ = signal;
  persistence_.CancelLoading();
  engine_.hooks.script_runner->HurryToEnd();
  wake_.NotifyAll();
}

void Server::EndBySignal(int signal) {
  Status status;
  // A script that runs past its time is waited for, without keeping the others from answering their clients.
  const auto is_busy = [this] {
    return engine_.hooks.script_runner != nullptr && engine_.hooks.script_runner->IsBusy();
  };
  const auto shut_down = [&] {
    const bool by_terminate = signal == SIGTERM;
    status = Shutdown(RequestFor(by_terminate ? settings_->shutdown_on_sigterm : settings_->shutdown_on_sigint));
    return true;
  };
  while (!engine_.gate().RunExclusiveUnless(is_busy, shut_down)) {
    std::this_thread::sleep_for(std::chrono::milliseconds(Cron::kTickMs));
  }
  if (status.ok()) return;
  Log(LogLevel::kWarning, "Errors trying to shut down the server. Check the logs for more information.");
  signals_->RequestDeclined();
}

Status Server::Shutdown(const ShutdownRequest& request) {
  if (request.abort) return Status::Error("ERR No shutdown in progress.");
  Log(LogLevel::kNotice, "User requested shutdown...");
  KVICK_RETURN_IF_ERROR(persistence_.PrepareToEnd(request));
  supervisor_.Notify("STOPPING=1\n");
  engine_.is_ended = true;
  for (const auto& worker : workers_) worker->RequestStop();
  MutexLock lock(mutex_);
  is_ending_ = true;
  wake_.NotifyAll();
  return Status::Ok();
}

// The workers send what is left to send before they end.
void Server::Finish() {
  metrics_.Close();
  for (const auto& worker : workers_) worker->Join();
  engine_.hooks.script_runner->EndDebugging();
  persistence_.Stop();
  FlushAudit(engine_);
  RemoveOnCrash("");
  pid_file_.Remove();
  listeners_.Close();
  Log(LogLevel::kNotice, "Redis is now ready to exit, bye bye...");
}

void Server::ShowOwnTitle() { ShowTitle(*settings_, identity_.invoked_as, config_path_); }

void Server::LogClients() {
  if (!IsLogged(LogLevel::kDebug)) return;
  Log(LogLevel::kDebug, std::to_string(engine_.client_count.load(std::memory_order_relaxed)) + " clients connected");
}

}  // namespace kvick

#include "engine/engine.h"

#include <algorithm>

#include "base/log.h"
#include "base/random.h"
#include "engine/compaction.h"
#include "engine/executor.h"
#include "engine/session.h"

namespace kvick {

Engine::Engine(Settings* settings, const Clock& clock)
    : settings_(settings),
      clock_(clock),
      options_(settings),
      memory_limit_(clock, log_),
      compaction_(std::make_unique<Compaction>(clock, static_cast<size_t>(settings->databases) * Stripe::kCount)),
      run_id_(SecretHex(40)),
      started_ms_(clock.NowMs()) {
  replication_id = SecretHex(40);
  for (int i = 0; i < settings->databases; ++i) databases_.push_back(std::make_unique<Database>(i));
  compaction_->Follow(*settings_);
  options_.OnChange(
      {"activedefrag", "active-defrag-ignore-bytes", "active-defrag-threshold-lower", "active-defrag-threshold-upper",
       "active-defrag-cycle-min", "active-defrag-cycle-max", "active-defrag-max-scan-fields"},
      [this] {
        compaction_->Follow(*settings_);
        return Status::Ok();
      });
  stats_resets_.push_back([this] { compaction_->ResetStats(); });
  // A new limit is kept from now on, whether commands come or not: workers look at the state between their turns.
  options_.OnChange({"maxmemory", "maxmemory-policy"}, [this] {
    const uint64_t limit_bytes = settings_->max_memory_bytes;
    if (limit_bytes == 0 || !memory_limit_.IsExceeded(limit_bytes)) {
      memory_limit_.Note(MemoryLimit::State::kKept);
      return Status::Ok();
    }
    Log(LogLevel::kWarning,
        "The new maxmemory (" + std::to_string(limit_bytes) +
            " bytes) is smaller than the memory that is used: keys will be evicted, or writes refused, as "
            "maxmemory-policy says.");
    memory_limit_.Note(MemoryLimit::State::kEvicting);
    return Status::Ok();
  });
}

Engine::~Engine() { lazy_free_.Drain(); }

void Engine::AddExecutor(Executor* executor) {
  MutexLock lock(executors_mutex_);
  executors_.push_back(executor);
}

void Engine::RemoveExecutor(Executor* executor) {
  MutexLock lock(executors_mutex_);
  executors_.erase(std::remove(executors_.begin(), executors_.end(), executor), executors_.end());
}

void Engine::ForEachExecutor(const std::function<void(Executor&)>& visit) {
  MutexLock lock(executors_mutex_);
  for (Executor* executor : executors_) visit(*executor);
}

bool Engine::MustAuthenticate(const Session& session) const {
  if ((session.restrictions & Session::kUnauthenticated) == 0) return false;
  return hooks.authorizer == nullptr || !hooks.authorizer->DefaultUserIsOpen();
}

void Engine::EndMessages(Session& session) {
  channels_.UnsubscribeAll(session);
  tracking_.Forget(session);
  for (CallObserver* observer : hooks.call_observers) observer->ForgetSession(session);
}

uint64_t Engine::TotalChanges() {
  uint64_t sum = 0;
  ForEachExecutor([&sum](Executor& executor) { sum += executor.stats().change_count.Load(); });
  return sum;
}

void Engine::ResetStats() {
  lazy_free_.ResetFreed();
  memory_limit_.ResetStats();
  for (const auto& reset : stats_resets_) reset();
  ForEachExecutor([](Executor& executor) {
    ExecutorStats& stats = executor.stats();
    for (OwnedCounter* counter : {&stats.command_count,
                                  &stats.connection_count,
                                  &stats.rejected_connection_count,
                                  &stats.input_bytes,
                                  &stats.output_bytes,
                                  &stats.read_count,
                                  &stats.write_count,
                                  &stats.keyspace_hits,
                                  &stats.keyspace_misses,
                                  &stats.expired_keys,
                                  &stats.expired_fields,
                                  &stats.evicted_keys,
                                  &stats.error_reply_count,
                                  &stats.query_limit_disconnections,
                                  &stats.output_limit_disconnections,
                                  &stats.loop_count,
                                  &stats.loop_duration_us,
                                  &stats.message_count,
                                  &stats.client_event_count,
                                  &stats.serving_loop_count,
                                  &stats.parsed_command_count,
                                  &stats.parsed_batch_count,
                                  &stats.expiry_duration_us,
                                  &stats.expiry_cut_count,
                                  &stats.stripe_wait_count,
                                  &stats.stripe_wait_cycles}) {
      counter->Set(0);
    }
    for (OwnedCounter& waits : stats.stripe_waits) waits.Set(0);
    for (CommandStats& command : stats.commands) {
      for (OwnedCounter* counter : {&command.calls, &command.cycles, &command.rejected, &command.failed,
                                    &command.slow_calls, &command.slow_us, &command.slow_us_max}) {
        counter->Set(0);
      }
      if (LatencyHistogram* latency = command.latency.load(std::memory_order_relaxed)) latency->Reset();
    }
    MutexLock lock(stats.errors_mutex);
    stats.errors.clear();
  });
}

}  // namespace kvick

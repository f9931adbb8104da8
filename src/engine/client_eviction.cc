#include "engine/client_eviction.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/log.h"
#include "engine/client_line.h"
#include "engine/executor.h"
#include "engine/session.h"
#include "engine/transaction.h"

namespace kvick {
namespace {

// While there is no limit.
constexpr int kTurnsPerLook = 10;

struct Holder {
  Session* session;
  uint64_t bytes;
};

// What counts: replicas have limits of their own, and callers within the process hold nothing.
bool Counts(const Session& session) {
  const ClientType type = session.type();
  return session.transport != nullptr && !session.is_internal && !session.closing &&
         (type == ClientType::kNormal || type == ClientType::kPubSub);
}

uint64_t BytesOf(const Session& session) {
  const uint64_t queued_bytes = session.transaction != nullptr ? session.transaction->queued_bytes : 0;
  return session.transport->MeasureUsage().total_memory_bytes + queued_bytes;
}

}  // namespace

uint64_t ClientEviction::LimitBytes() const {
  const Settings& settings = engine_.settings();
  if (settings.max_memory_clients >= 0) return static_cast<uint64_t>(settings.max_memory_clients);
  const auto percent = static_cast<double>(-settings.max_memory_clients);
  return static_cast<uint64_t>(static_cast<double>(settings.max_memory_bytes) * percent / 100);
}

void ClientEviction::RunPeriodicWork() {
  if (engine_.client_count.load(std::memory_order_relaxed) == 0) return;
  if (!has_limit_ && --turns_until_look_ > 0) return;
  turns_until_look_ = kTurnsPerLook;
  const ScriptRunner* scripts = engine_.hooks.script_runner;
  engine_.gate().RunExclusiveUnless([scripts] { return scripts != nullptr && scripts->IsBusy(); },
                                    [this] {
                                      has_limit_ = LimitBytes() != 0;
                                      if (has_limit_) Evict();
                                      return true;
                                    });
}

void ClientEviction::Evict() {
  const uint64_t limit_bytes = LimitBytes();
  std::vector<Holder> evictable;
  uint64_t sum_bytes = 0;
  engine_.ForEachExecutor([&](const Executor& executor) {
    for (Session* session : executor.sessions()) {
      if (!Counts(*session)) continue;
      const uint64_t bytes = BytesOf(*session);
      sum_bytes += bytes;
      if (!session->no_evict) evictable.push_back({session, bytes});
    }
  });
  if (limit_bytes == 0 || sum_bytes <= limit_bytes) return;
  std::ranges::sort(evictable, std::ranges::greater{}, &Holder::bytes);
  for (const Holder& holder : evictable) {
    if (sum_bytes <= limit_bytes) break;
    sum_bytes -= holder.bytes;
    Log(LogLevel::kNotice, "Evicting client: " + ClientLine(*holder.session, engine_.clock().NowMs()));
    holder.session->transport->RequestClose();
    evicted_count_.fetch_add(1, std::memory_order_relaxed);
  }
}

void AttachClientEviction(Engine& engine) {
  auto& eviction = engine.Attach<ClientEviction>(engine);
  engine.AddPeriodicWork([&eviction] { eviction.RunPeriodicWork(); });
  engine.AddStatsReset([&eviction] { eviction.ResetStats(); });
  engine.info().Extend("stats",
                       [&eviction](InfoWriter& out) { out.Field("evicted_clients", eviction.evicted_count()); });
}

}  // namespace kvick

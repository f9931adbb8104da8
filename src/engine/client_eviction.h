// ClientEviction keeps `maxmemory-clients`: when connections together hold more, in requests that are not complete and
// replies that were not read, those that hold most are closed.
//
// It looks ten times a second, or once while there is no limit, in an exclusive moment: sessions are their workers'.
// A client that must stay whatever happens says CLIENT NO-EVICT.
#pragma once

#include <atomic>
#include <cstdint>

#include "engine/engine.h"

namespace kvick {

class ClientEviction {
 public:
  explicit ClientEviction(Engine& engine) : engine_(engine) {}

  // About ten times a second, by one thread outside of the gate.
  void RunPeriodicWork();
  // In an exclusive moment. Closes clients until the others hold no more than the limit.
  void Evict();

  // Any thread.
  [[nodiscard]] uint64_t evicted_count() const { return evicted_count_.load(std::memory_order_relaxed); }
  void ResetStats() { evicted_count_.store(0, std::memory_order_relaxed); }

 private:
  // In bytes; 0: there is none.
  [[nodiscard]] uint64_t LimitBytes() const;

  Engine& engine_;
  bool has_limit_ = false;  // when it looked last; of the thread that does the periodic work
  int turns_until_look_ = 0;
  std::atomic<uint64_t> evicted_count_{0};
};

// Makes the engine keep the limit and INFO tell of it. Before executors run.
void AttachClientEviction(Engine& engine);

}  // namespace kvick

// Cron: small periodic work that belongs to no worker, done in the main thread.
//
//   server.cron().Every(100, [&] { rates.Sample(); });
//
// Every() before the server serves. Work runs outside of the exclusive gate, beside the workers, and must be short.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

namespace kvick {

class Cron {
 public:
  // The finest period that is kept.
  static constexpr int64_t kTickMs = 100;

  void Every(int64_t period_ms, std::function<void()> work) { jobs_.push_back({period_ms, 0, std::move(work)}); }

  // Runs what is due at `now_ms` (monotonic). A process that was stopped does not catch up on what it missed.
  void RunDue(int64_t now_ms) {
    for (Job& job : jobs_) {
      if (now_ms < job.due_ms) continue;
      job.due_ms = now_ms + job.period_ms;
      job.work();
    }
  }

 private:
  struct Job {
    int64_t period_ms;
    int64_t due_ms;
    std::function<void()> work;
  };
  std::vector<Job> jobs_;
};

}  // namespace kvick

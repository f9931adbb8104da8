#include "base/sync.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <ctime>

namespace kvick {
namespace {

constexpr int kSpinCount = 200;

void PauseCpu() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

void Futex(std::atomic<uint32_t>* word, int operation, uint32_t value, const timespec* timeout = nullptr) {
  syscall(SYS_futex, reinterpret_cast<uint32_t*>(word), operation | FUTEX_PRIVATE_FLAG, value, timeout, nullptr, 0);
}

}  // namespace

void SpinLock::LockSlow() {
  for (int i = 0; i < kSpinCount; ++i) {
    if (state_.load(std::memory_order_relaxed) == kFree && TryLock()) return;
    PauseCpu();
  }
  // From here on the word says kContended whenever somebody may sleep, also after we got the lock: the price
  // is one wake-up too many, the alternative a lost one.
  while (state_.exchange(kContended, std::memory_order_acquire) != kFree) {
    Futex(&state_, FUTEX_WAIT, kContended);
  }
}

bool SpinLock::LockFor(int64_t patience_us) {
  for (int i = 0; i < kSpinCount; ++i) {
    if (state_.load(std::memory_order_relaxed) == kFree && TryLock()) return true;
    PauseCpu();
  }
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::microseconds(patience_us);
  while (state_.exchange(kContended, std::memory_order_acquire) != kFree) {
    const auto rest = deadline - std::chrono::steady_clock::now();
    const auto rest_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(rest).count();
    if (rest_ns <= 0) return false;  // the word stays kContended: one wake-up too many at most
    const timespec timeout{static_cast<time_t>(rest_ns / 1'000'000'000), static_cast<long>(rest_ns % 1'000'000'000)};
    Futex(&state_, FUTEX_WAIT, kContended, &timeout);
  }
  return true;
}

void SpinLock::WakeOne() { Futex(&state_, FUTEX_WAKE, 1); }

}  // namespace kvick

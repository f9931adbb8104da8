#include "base/sync.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

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

void Futex(std::atomic<uint32_t>* word, int operation, uint32_t value) {
  syscall(SYS_futex, reinterpret_cast<uint32_t*>(word), operation | FUTEX_PRIVATE_FLAG, value, nullptr, nullptr, 0);
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

void SpinLock::WakeOne() { Futex(&state_, FUTEX_WAKE, 1); }

}  // namespace kvick

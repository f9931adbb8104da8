#include "base/background_thread.h"

#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace kvick {
namespace {

// sched_attr of sched_setattr(2), first version. The kernel's header does not go together with <sched.h>.
struct SchedulingAttributes {
  uint32_t size = sizeof(SchedulingAttributes);
  uint32_t policy = 0;
  uint64_t flags = 0;
  int32_t nice = 0;
  uint32_t priority = 0;
  uint64_t runtime_ns = 0;
  uint64_t deadline_ns = 0;
  uint64_t period_ns = 0;
};
static_assert(sizeof(SchedulingAttributes) == 48);

// The longest the kernel takes. The later a turn ends, the sooner another thread may begin its own.
constexpr uint64_t kTurnNs = 100'000'000;

}  // namespace

void BecomeBackgroundThread(const char* name) {
  pthread_setname_np(pthread_self(), name);
  SchedulingAttributes wanted;
  // How nice it is stays as it is.
  if (syscall(SYS_sched_getattr, 0, &wanted, sizeof(wanted), 0) != 0) return;
  wanted.policy = SCHED_BATCH;
  wanted.runtime_ns = kTurnNs;
  // Where this is not allowed, it is a thread like the others.
  syscall(SYS_sched_setattr, 0, &wanted, 0);
}

}  // namespace kvick

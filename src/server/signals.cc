#include "server/signals.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <string>
#include <utility>

#include "base/assert.h"
#include "base/log.h"

namespace kvick {
namespace {

sigset_t HandledSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

}  // namespace

void BlockHandledSignals() {
  const sigset_t set = HandledSignals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGHUP, SIG_IGN);
  std::signal(SIGPIPE, SIG_IGN);
}

SignalThread::SignalThread(std::function<void(int)> ask_to_end)
    : ask_to_end_(std::move(ask_to_end)), stop_(eventfd(0, EFD_CLOEXEC)) {
  const sigset_t set = HandledSignals();
  signals_ = FileDescriptor(signalfd(-1, &set, SFD_CLOEXEC));
  KVICK_ASSERT(signals_.get() >= 0 && stop_.get() >= 0);
  thread_ = std::thread([this] { Run(); });
}

SignalThread::~SignalThread() {
  const uint64_t one = 1;
  static_cast<void>(!write(stop_.get(), &one, sizeof(one)));
  thread_.join();
}

void SignalThread::Run() {
  pthread_setname_np(pthread_self(), "signals");
  pollfd waits[] = {{signals_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
  while (true) {
    if (poll(waits, 2, -1) < 0) continue;
    if (waits[1].revents != 0) return;
    signalfd_siginfo received{};
    if (waits[0].revents != 0 && read(signals_.get(), &received, sizeof(received)) == sizeof(received)) {
      Handle(static_cast<int>(received.ssi_signo));
    }
  }
}

void SignalThread::Handle(int signal) {
  const bool was_asked = is_asked_.exchange(true);
  if (was_asked && signal == SIGINT) {
    Log(LogLevel::kWarning, "You insist... exiting now.");
    _exit(1);
  }
  Log(LogLevel::kWarning,
      std::string("Received ") + (signal == SIGINT ? "SIGINT" : "SIGTERM") + " scheduling shutdown...");
  ask_to_end_(signal);
}

}  // namespace kvick

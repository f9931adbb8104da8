// Signals that are no crashes are taken by one thread; every other thread has them blocked.
#pragma once

#include <atomic>
#include <functional>
#include <thread>

#include "net/socket.h"

namespace kvick {

// Blocks SIGTERM and SIGINT for this thread and those it starts, ignores SIGHUP and SIGPIPE. Before the first thread.
void BlockHandledSignals();

// SignalThread waits for SIGTERM and SIGINT as long as it lives.
class SignalThread {
 public:
  // `ask_to_end` is called in the thread with the signal; it must not wait for the server. A SIGINT that comes while
  // an earlier request is not decided ends the process at once.
  explicit SignalThread(std::function<void(int signal)> ask_to_end);
  ~SignalThread();
  SignalThread(const SignalThread&) = delete;
  SignalThread& operator=(const SignalThread&) = delete;

  // Any thread: the server goes on in spite of the request; the next SIGINT asks again.
  void RequestDeclined() { is_asked_.store(false); }

 private:
  void Run();
  void Handle(int signal);

  std::function<void(int)> ask_to_end_;
  std::atomic<bool> is_asked_{false};
  FileDescriptor signals_;
  FileDescriptor stop_;
  std::thread thread_;
};

}  // namespace kvick

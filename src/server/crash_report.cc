#include "server/crash_report.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <atomic>
#include <csetjmp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <new>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/log.h"
#include "base/version.h"
#include "server/stack_trace.h"
#include "server/symbol_table.h"

namespace kvick {
namespace {

constexpr int kCrashSignals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
constexpr unsigned kSectionSeconds = 3;
constexpr int kThreadWaitMs = 500;
constexpr size_t kHandlerStackBytes = size_t{256} * 1024;
// Asks a thread to show its stack and to stop. Real-time signals are used by nothing else here.
const int kShowStackSignal = SIGRTMIN + 2;

struct Section {
  std::string title;
  std::function<std::string()> write;
};

// Never destroyed: a crash may come during the end of the process.
std::vector<Section>& Sections() {
  static auto* sections = new std::vector<Section>;
  return *sections;
}

char removed_file[4096];
std::atomic<bool> exits_on_panic{false};
// The thread that writes the report; 0: none.
std::atomic<pid_t> reporter{0};
std::atomic<bool> report_is_started{false};
std::atomic<bool> stack_is_shown{false};
SymbolTable symbols;
// Where a section that hangs or crashes goes on. Only the reporter uses it.
sigjmp_buf after_section;
volatile sig_atomic_t in_section = 0;

pid_t ThreadId() { return static_cast<pid_t>(syscall(SYS_gettid)); }
void SignalThreadById(pid_t thread, int signal) { syscall(SYS_tgkill, getpid(), thread, signal); }

void WriteLine(const char* line) { LogFromSignalHandler(line); }

// With the process and the moment in front, as in the log; the date would need a lock.
template <typename... Values>
void WriteLogLine(const char* format, Values... values) {
  char text[1024];
  const int start = std::snprintf(text, sizeof(text), "%d:signal-handler (%lld) ", static_cast<int>(getpid()),
                                  static_cast<long long>(time(nullptr)));
  std::snprintf(text + start, sizeof(text) - static_cast<size_t>(start), format, values...);
  WriteLine(text);
}

uintptr_t InstructionOf(const ucontext_t* context) {
#if defined(__x86_64__)
  return static_cast<uintptr_t>(context->uc_mcontext.gregs[REG_RIP]);
#elif defined(__aarch64__)
  return context->uc_mcontext.pc;
#endif
}

void WriteRegisters(const ucontext_t* context) {
  WriteLine("\n------ REGISTERS ------");
#if defined(__x86_64__)
  const auto& registers = context->uc_mcontext.gregs;
  const auto write = [&registers](const char* a_name, int a, const char* b_name, int b) {
    char line[80];
    std::snprintf(line, sizeof(line), "%s:%016llx %s:%016llx", a_name, static_cast<unsigned long long>(registers[a]),
                  b_name, static_cast<unsigned long long>(registers[b]));
    WriteLine(line);
  };
  write("RAX", REG_RAX, "RBX", REG_RBX);
  write("RCX", REG_RCX, "RDX", REG_RDX);
  write("RDI", REG_RDI, "RSI", REG_RSI);
  write("RBP", REG_RBP, "RSP", REG_RSP);
  write("R8 ", REG_R8, "R9 ", REG_R9);
  write("R10", REG_R10, "R11", REG_R11);
  write("R12", REG_R12, "R13", REG_R13);
  write("R14", REG_R14, "R15", REG_R15);
  write("RIP", REG_RIP, "EFL", REG_EFL);
#elif defined(__aarch64__)
  char line[80];
  for (int i = 0; i < 31; ++i) {
    std::snprintf(line, sizeof(line), "X%02d:%016llx", i,
                  static_cast<unsigned long long>(context->uc_mcontext.regs[i]));
    WriteLine(line);
  }
  std::snprintf(line, sizeof(line), "SP :%016llx PC :%016llx", static_cast<unsigned long long>(context->uc_mcontext.sp),
                static_cast<unsigned long long>(context->uc_mcontext.pc));
  WriteLine(line);
#endif
}

void WriteThreadTitle(pid_t thread, const char* remark) {
  char path[64];
  char name[32] = "";
  std::snprintf(path, sizeof(path), "/proc/self/task/%d/comm", static_cast<int>(thread));
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd >= 0) {
    const ssize_t length = read(fd, name, sizeof(name) - 1);
    if (length > 0) name[length - 1] = '\0';  // without the line break
    close(fd);
  }
  char line[128];
  std::snprintf(line, sizeof(line), "\n%d %s%s", static_cast<int>(thread), name, remark);
  WriteLine(line);
}

// In each other thread: shows where it is, and stays there.
void OnShowStack(int /*signal*/, siginfo_t* /*info*/, void* context) {
  if (reporter.load() == 0) return;
  WriteThreadTitle(ThreadId(), "");
  WriteStackTrace(symbols, InstructionOf(static_cast<const ucontext_t*>(context)), WriteLine);
  stack_is_shown.store(true);
  while (true) pause();
}

// Thread by thread, so that their lines do not mix. One that does not answer, because it is in the kernel for good or
// blocks all signals, is left alone.
void StopOtherThreads() {
  // The entries are read with the system call: opendir() allocates.
  const int folder = open("/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return;
  alignas(dirent64) char entries[4096];
  long size = 0;
  while ((size = syscall(SYS_getdents64, folder, entries, sizeof(entries))) > 0) {
    for (long at = 0; at < size;) {
      const auto* entry = reinterpret_cast<const dirent64*>(entries + at);
      at += entry->d_reclen;
      const auto thread = static_cast<pid_t>(std::strtol(entry->d_name, nullptr, 10));
      if (thread <= 0 || thread == ThreadId()) continue;
      stack_is_shown.store(false);
      SignalThreadById(thread, kShowStackSignal);
      for (int waited_ms = 0; waited_ms < kThreadWaitMs && !stack_is_shown.load(); ++waited_ms) {
        const timespec pause_time = {0, 1'000'000};
        nanosleep(&pause_time, nullptr);
      }
    }
  }
  close(folder);
}

// The alarm may reach any thread; it is meant for the reporter.
void OnAlarm(int /*signal*/) {
  const pid_t thread = reporter.load();
  if (ThreadId() != thread) return SignalThreadById(thread, SIGALRM);
  if (in_section != 0) siglongjmp(after_section, SIGALRM);
}

void WriteSection(const Section& section) {
  char line[128];
  std::snprintf(line, sizeof(line), "\n------ %.80s ------", section.title.c_str());
  WriteLine(line);
  const int trouble = sigsetjmp(after_section, 1);
  if (trouble == 0) {
    in_section = 1;
    alarm(kSectionSeconds);
    const std::string text = section.write();
    in_section = 0;
    alarm(0);
    WriteLine(text.c_str());
    return;
  }
  in_section = 0;
  alarm(0);
  WriteLine(trouble == SIGALRM ? "(not written: it took too long, probably a lock is held by what crashed)"
                               : "(not written: it crashed too)");
}

void StartReport() {
  if (report_is_started.exchange(true)) return;
  WriteLine("\n\n=== REDIS BUG REPORT START: Cut & paste starting from here ===");
}

void WriteReport(int signal, const siginfo_t* info, const ucontext_t* context) {
  StartReport();
  symbols.Open();
  WriteLogLine("kvick %s crashed by signal: %d, si_code: %d", kKvickVersion, signal, info->si_code);
  const bool is_sent = info->si_code <= 0;  // by kill(), not by an instruction
  const uintptr_t instruction = InstructionOf(context);
  if (is_sent) {
    WriteLogLine("Killed by PID: %ld, UID: %d", static_cast<long>(info->si_pid), static_cast<int>(info->si_uid));
  } else {
    WriteLogLine("Accessing address: %p", info->si_addr);
  }
  WriteLogLine("Crashed running the instruction at: 0x%lx", static_cast<unsigned long>(instruction));
  WriteLine("\n------ STACK TRACE ------\nEIP:");
  WriteFrame(symbols, instruction, WriteLine);
  WriteThreadTitle(ThreadId(), " *");
  WriteStackTrace(symbols, instruction, WriteLine);
  WriteRegisters(context);
  WriteLine("\n------ OTHER THREADS ------");
  StopOtherThreads();
  for (const Section& section : Sections()) WriteSection(section);
  WriteLine(
      "\n=== REDIS BUG REPORT END. Make sure to include from START to END. ===\n\n"
      "       Please report the crash by opening an issue with this text.\n\n"
      "  Suspect RAM error? Use kvick-server --test-memory to verify it.\n\n"
      "  Some other issues could be detected by kvick-server --check-system\n");
}

void HandleWith(int signal, void (*handler)(int, siginfo_t*, void*), int flags) {
  struct sigaction action {};
  action.sa_sigaction = handler;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | flags;
  sigemptyset(&action.sa_mask);
  if (signal == kShowStackSignal) sigfillset(&action.sa_mask);
  sigaction(signal, &action, nullptr);
}

// Ends the process as if nobody had taken the signal: exit status, core file.
[[noreturn]] void DieOf(int signal) {
  std::signal(signal, SIG_DFL);
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, signal);
  pthread_sigmask(SIG_UNBLOCK, &one, nullptr);
  SignalThreadById(ThreadId(), signal);
  _exit(1);
}

void OnCrash(int signal, siginfo_t* info, void* context) {
  pid_t nobody = 0;
  if (!reporter.compare_exchange_strong(nobody, ThreadId())) {
    if (reporter.load() == ThreadId()) {
      if (in_section != 0) siglongjmp(after_section, signal);
      DieOf(signal);  // the first steps of the report crashed themselves
    }
    while (true) pause();  // a second thread crashed; the first one ends the process
  }
  std::signal(SIGALRM, OnAlarm);
  HandleWith(kShowStackSignal, OnShowStack, 0);
  WriteReport(signal, info, static_cast<const ucontext_t*>(context));
  if (removed_file[0] != '\0') unlink(removed_file);
  if (signal == SIGABRT && exits_on_panic.load()) _exit(1);
  DieOf(signal);
}

void OnAssertion(const char* line) noexcept {
  StartReport();
  WriteLogLine("%s", line);
}

// Running out of memory ends the process: there is no handler that could do without.
void OnOutOfMemory() {
  StartReport();
  WriteLogLine("%s", "Out Of Memory: the system gives no more memory");
  std::abort();
}

}  // namespace

void AddCrashSection(std::string title, std::function<std::string()> write) {
  Sections().push_back({std::move(title), std::move(write)});
}

void RemoveOnCrash(const std::string& path) { std::snprintf(removed_file, sizeof(removed_file), "%s", path.c_str()); }

void SetExitOnPanic(bool value) { exits_on_panic.store(value); }

void InstallCrashHandlers(bool enabled) {
  PrepareStackTraces();
  SetAssertionHandler(enabled ? OnAssertion : nullptr);
  std::set_new_handler(enabled ? OnOutOfMemory : nullptr);
  for (const int signal : kCrashSignals) {
#ifdef KVICK_SANITIZED
    if (signal != SIGABRT) continue;  // the sanitizer's own report says more
#endif
    if (enabled) {
      // SA_NODEFER: a section that crashes must reach the handler again.
      HandleWith(signal, OnCrash, SA_NODEFER);
    } else {
      std::signal(signal, SIG_DFL);
    }
  }
}

void InstallCrashStack() {
  // Freed with its thread.
  struct Stack {
    Stack() {
      memory = mmap(nullptr, kHandlerStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      if (memory == MAP_FAILED) return;
      stack_t stack{};
      stack.ss_sp = memory;
      stack.ss_size = kHandlerStackBytes;
      sigaltstack(&stack, nullptr);
    }
    ~Stack() {
      if (memory == MAP_FAILED) return;
      stack_t none{};
      none.ss_flags = SS_DISABLE;
      sigaltstack(&none, nullptr);
      munmap(memory, kHandlerStackBytes);
    }
    void* memory = MAP_FAILED;
  };
  thread_local const Stack stack;
}

}  // namespace kvick

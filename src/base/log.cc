#include "base/log.h"

#include <fcntl.h>
#include <sys/time.h>
#include <syslog.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstring>
#include <ctime>

#include "base/sync.h"

namespace kvick {
namespace {

struct State {
  Mutex mutex;
  LogTarget target KVICK_GUARDED_BY(mutex);
};

State& TheState() {
  static State* state = new State;  // never destroyed: threads may log until the end
  return *state;
}

std::atomic<LogLevel> level_min{LogLevel::kNotice};
std::atomic<char> role{'M'};
// For the signal handler, which may not take the mutex.
char handler_path[4096];

std::string FormatLine(LogLevel level, std::string_view text) {
  timeval now{};
  gettimeofday(&now, nullptr);
  tm parts{};
  localtime_r(&now.tv_sec, &parts);
  char moment[64];
  const size_t length = std::strftime(moment, sizeof(moment), "%d %b %Y %H:%M:%S.", &parts);
  std::snprintf(moment + length, sizeof(moment) - length, "%03d", static_cast<int>(now.tv_usec / 1000));
  std::string line = std::to_string(getpid());
  line += ':';
  line += role.load(std::memory_order_relaxed);
  line += ' ';
  line += moment;
  line += ' ';
  line += ".-*#"[static_cast<int>(level)];
  line += ' ';
  line += text;
  line += '\n';
  return line;
}

void WriteAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written <= 0) return;
    text.remove_prefix(static_cast<size_t>(written));
  }
}

// `line` goes to the file, `text` to syslog, which knows time and process itself.
void Write(LogLevel level, std::string_view line, std::string_view text) {
  State& state = TheState();
  MutexLock lock(state.mutex);
  if (state.target.path.empty()) {
    WriteAll(STDOUT_FILENO, line);
  } else {
    // Opened for each line, so that a rotated file is let go without being told.
    const int fd = open(state.target.path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    if (fd >= 0) {
      WriteAll(fd, line);
      close(fd);
    }
  }
  if (state.target.to_syslog) {
    static constexpr int kPriorities[] = {LOG_DEBUG, LOG_INFO, LOG_NOTICE, LOG_WARNING};
    syslog(kPriorities[static_cast<int>(level)], "%.*s", static_cast<int>(text.size()), text.data());
  }
}

}  // namespace

void SetLogTarget(const LogTarget& target) {
  State& state = TheState();
  MutexLock lock(state.mutex);
  if (target.to_syslog) openlog(target.syslog_ident.c_str(), LOG_PID | LOG_NDELAY | LOG_NOWAIT, target.syslog_facility);
  state.target = target;
  std::snprintf(handler_path, sizeof(handler_path), "%s", target.path.c_str());
  level_min.store(target.level, std::memory_order_relaxed);
}

void SetLogLevel(LogLevel level) { level_min.store(level, std::memory_order_relaxed); }
bool IsLogged(LogLevel level) { return level >= level_min.load(std::memory_order_relaxed); }
void SetLogRole(char new_role) { role.store(new_role, std::memory_order_relaxed); }

void Log(LogLevel level, std::string_view text) {
  if (!IsLogged(level) || level == LogLevel::kNothing) return;
  Write(level, FormatLine(level, text), text);
}

void LogRaw(LogLevel level, std::string_view text) {
  if (!IsLogged(level) || level == LogLevel::kNothing) return;
  Write(level, text, text);
}

void LogFromSignalHandler(std::string_view text) noexcept {
  int fd = STDOUT_FILENO;
  if (handler_path[0] != '\0') fd = open(handler_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return;
  WriteAll(fd, text);
  WriteAll(fd, "\n");
  if (fd != STDOUT_FILENO) close(fd);
}

}  // namespace kvick

#include "base/log.h"

#include <fcntl.h>
#include <sys/time.h>
#include <syslog.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
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
std::atomic<LogFormat> format{LogFormat::kText};
std::atomic<LogTimestampFormat> timestamp_format{LogTimestampFormat::kLegacy};
// For the signal handler, which may not take the mutex.
char handler_path[4096];

// By LogLevel.
constexpr std::string_view kLevelNames[] = {"debug", "verbose", "notice", "warning"};

std::string_view RoleName(char role_letter) {
  switch (role_letter) {
    case 'S': return "replica";
    case 'X': return "sentinel";
    default: return "master";  // as collectors of such logs know it
  }
}

// "+01:00" of a zone that is 3600 seconds ahead.
std::string FormatZone(long offset_s) {
  const long minutes = std::labs(offset_s) / 60;
  char text[32];
  std::snprintf(text, sizeof(text), "%c%02ld:%02ld", offset_s < 0 ? '-' : '+', minutes / 60, minutes % 60);
  return text;
}

std::string FormatTimestamp(int64_t now_us, LogTimestampFormat format) {
  const int64_t now_ms = now_us / 1000;
  if (format == LogTimestampFormat::kMilliseconds) return std::to_string(now_ms);
  const auto seconds = static_cast<time_t>(now_ms / 1000);
  tm parts{};
  localtime_r(&seconds, &parts);
  const bool is_iso = format == LogTimestampFormat::kIso8601;
  char moment[64];
  const size_t length =
      std::strftime(moment, sizeof(moment), is_iso ? "%Y-%m-%dT%H:%M:%S." : "%d %b %Y %H:%M:%S.", &parts);
  std::snprintf(moment + length, sizeof(moment) - length, "%03d", static_cast<int>(now_ms % 1000));
  return is_iso ? moment + FormatZone(parts.tm_gmtoff) : moment;
}

// Between quotes. What is not printable, quotes and backslashes are escaped.
std::string QuoteForLogfmt(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    switch (c) {
      case '"': quoted += "\\\""; break;
      case '\\': quoted += "\\\\"; break;
      case '\n': quoted += "\\n"; break;
      case '\r': quoted += "\\r"; break;
      case '\t': quoted += "\\t"; break;
      default:
        if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) {
          quoted += c;
        } else {
          char escape[8];
          std::snprintf(escape, sizeof(escape), "\\x%02x", static_cast<unsigned char>(c));
          quoted += escape;
        }
    }
  }
  return quoted + '"';
}

// The bytes of the UTF-8 sequence at the beginning of `text`; 0: there is none.
size_t Utf8Length(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  size_t length = 0;
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead <= 0xdf) length = 2;
  if (lead >= 0xe0 && lead <= 0xef) length = 3;
  if (lead >= 0xf0 && lead <= 0xf4) length = 4;
  if (length == 0 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) return 0;
  }
  const auto second = static_cast<unsigned char>(text[1]);
  const bool is_overlong = (lead == 0xe0 && second < 0xa0) || (lead == 0xf0 && second < 0x90);
  const bool is_outside = (lead == 0xed && second >= 0xa0) || (lead == 0xf4 && second >= 0x90);
  return is_overlong || is_outside ? 0 : length;
}

// Names of files may be any bytes; a line of JSON may not.
std::string QuoteForJson(std::string_view text) {
  std::string quoted = "\"";
  while (!text.empty()) {
    const size_t length = Utf8Length(text);
    const char c = text[0];
    if (length == 0) {
      quoted += "\\ufffd";
    } else if (c == '"' || c == '\\') {
      quoted += {'\\', c};
    } else if (c == '\n') {
      quoted += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof(escape), "\\u%04x", static_cast<unsigned char>(c));
      quoted += escape;
    } else {
      quoted += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return quoted + '"';
}

std::string FormatNow(LogLevel level, std::string_view text) {
  timeval now{};
  gettimeofday(&now, nullptr);
  return FormatLogLine({level, role.load(std::memory_order_relaxed), getpid(),
                        static_cast<int64_t>(now.tv_sec) * 1'000'000 + now.tv_usec, text},
                       format.load(std::memory_order_relaxed), timestamp_format.load(std::memory_order_relaxed));
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

void SetLogFormat(LogFormat new_format, LogTimestampFormat new_timestamp_format) {
  format.store(new_format, std::memory_order_relaxed);
  timestamp_format.store(new_timestamp_format, std::memory_order_relaxed);
}

std::string FormatLogLine(const LogLine& line, LogFormat line_format, LogTimestampFormat line_timestamp_format) {
  const std::string pid = std::to_string(line.pid);
  const std::string timestamp = FormatTimestamp(line.now_us, line_timestamp_format);
  const auto level = static_cast<size_t>(line.level);
  const std::string level_name(kLevelNames[level]);
  const std::string role_name(RoleName(line.role));
  switch (line_format) {
    case LogFormat::kText: break;
    case LogFormat::kLogfmt:
      return "pid=" + pid + " role=" + role_name + " timestamp=\"" + timestamp + "\" level=" + level_name +
             " message=" + QuoteForLogfmt(line.text) + "\n";
    case LogFormat::kJson: {
      const bool is_number = line_timestamp_format == LogTimestampFormat::kMilliseconds;
      return "{\"pid\":" + pid + ",\"role\":\"" + role_name +
             "\",\"timestamp\":" + (is_number ? timestamp : "\"" + timestamp + "\"") + ",\"level\":\"" + level_name +
             "\",\"message\":" + QuoteForJson(line.text) + "}\n";
    }
  }
  return pid + ":" + line.role + " " + timestamp + " " + ".-*#"[level] + " " + std::string(line.text) + "\n";
}

void Log(LogLevel level, std::string_view text) {
  if (!IsLogged(level) || level == LogLevel::kNothing) return;
  Write(level, FormatNow(level, text), text);
}

void LogRaw(LogLevel level, std::string_view text) {
  if (!IsLogged(level) || level == LogLevel::kNothing) return;
  if (format.load(std::memory_order_relaxed) != LogFormat::kText) return;
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

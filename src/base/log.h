// The server's log. Any thread may write; lines are whole.
//
// Levels are those of the configuration. Line form: "<pid>:<role> <dd Mon yyyy hh:mm:ss.mmm> <mark> <text>".
#pragma once

#include <string>
#include <string_view>

namespace kvick {

enum class LogLevel { kDebug, kVerbose, kNotice, kWarning, kNothing };

void Log(LogLevel level, std::string_view text);
// Without the beginning of the line: for text that is drawn, such as the banner.
void LogRaw(LogLevel level, std::string_view text);

// What decides whether and where lines are written. Set before threads start, and by CONFIG SET.
struct LogTarget {
  std::string path;  // empty: standard output
  LogLevel level = LogLevel::kNotice;
  bool to_syslog = false;
  std::string syslog_ident;
  int syslog_facility = 0;
};
void SetLogTarget(const LogTarget& target);
void SetLogLevel(LogLevel level);
bool IsLogged(LogLevel level);
// 'M' primary, 'S' replica, 'X' sentinel.
void SetLogRole(char role);

// For signal handlers: writes without locks and without allocating.
void LogFromSignalHandler(std::string_view text) noexcept;

}  // namespace kvick

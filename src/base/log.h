// The server's log. Any thread may write; lines are whole.
//
// Levels are those of the configuration. A line is, by log-format,
//
//   text    <pid>:<role> <dd Mon yyyy hh:mm:ss.mmm> <mark> <text>
//   logfmt  pid=1 role=master timestamp="..." level=notice message="..."
//   json    {"pid":1,"role":"master","timestamp":"...","level":"notice","message":"..."}
//
// What a crash leaves behind is text in any case.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace kvick {

enum class LogLevel { kDebug, kVerbose, kNotice, kWarning, kNothing };

enum class LogFormat { kText, kLogfmt, kJson };
enum class LogTimestampFormat { kLegacy, kIso8601, kMilliseconds };

void Log(LogLevel level, std::string_view text);
// Without the beginning of the line: for text that is drawn, such as the banner. Only in the text format; where every
// line has fields, nothing is drawn.
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
void SetLogFormat(LogFormat format, LogTimestampFormat timestamp_format);
// One line with its end, as it is written at `now_us` (wall clock) in the machine's time zone. For tests.
struct LogLine {
  LogLevel level = LogLevel::kNotice;
  char role = 'M';
  int pid = 0;
  int64_t now_us = 0;
  std::string_view text;
};
std::string FormatLogLine(const LogLine& line, LogFormat format, LogTimestampFormat timestamp_format);
// 'M' primary, 'S' replica, 'X' sentinel.
void SetLogRole(char role);

// For signal handlers: writes without locks and without allocating.
void LogFromSignalHandler(std::string_view text) noexcept;

}  // namespace kvick

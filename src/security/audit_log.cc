#include "security/audit_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <utility>

#include "base/log.h"
#include "engine/secret_arguments.h"
#include "engine/session.h"

namespace kvick {
namespace {

constexpr size_t kPendingBytesMax = 16u << 20;
constexpr size_t kArgumentsMax = 32;
constexpr size_t kArgumentBytesMax = 128;
constexpr mode_t kFileMode = 0600;

void AppendString(std::string* json, std::string_view text) {
  *json += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      *json += '\\';
      *json += c;
    } else if (byte < 0x20 || byte >= 0x7f) {
      char escaped[8];
      std::snprintf(escaped, sizeof(escaped), "\\u%04x", byte);
      *json += escaped;
    } else {
      *json += c;
    }
  }
  *json += '"';
}

void AppendField(std::string* json, std::string_view name, std::string_view text) {
  *json += ",\"";
  *json += name;
  *json += "\":";
  AppendString(json, text);
}

std::string TimeText(int64_t now_ms) {
  const auto seconds = static_cast<time_t>(now_ms / 1000);
  tm parts{};
  gmtime_r(&seconds, &parts);
  char text[40];
  const size_t length = std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(text + length, sizeof(text) - length, ".%03dZ", static_cast<int>(now_ms % 1000));
  return text;
}

bool AppendToFile(const std::string& path, std::string_view text) {
  // Opened each time, so that a rotated file is let go without being told.
  const int fd = open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, kFileMode);
  if (fd < 0) return false;
  while (!text.empty()) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) break;
    text.remove_prefix(static_cast<size_t>(written));
  }
  const int error = errno;
  close(fd);
  errno = error;
  return text.empty();
}

}  // namespace

std::string AuditLog::BeginLine(const Session& session, std::string_view event) const {
  std::string line = "{\"time\":\"" + TimeText(engine_.clock().NowMs()) + "\"";
  AppendField(&line, "event", event);
  AppendField(&line, "user", session.user);
  AppendField(&line, "client", session.address);
  line += ",\"id\":" + std::to_string(session.id);
  return line;
}

void AuditLog::AppendCall(std::string* line, const Command& command,
                          std::span<const std::string_view> arguments) const {
  AppendField(line, "command", command.name);
  *line += ",\"arguments\":[";
  const bool hides_all = engine_.settings().hide_user_data_from_log;
  const size_t name_words = command.parent != nullptr ? 2 : 1;
  for (size_t i = 0; i < arguments.size() && i < kArgumentsMax; ++i) {
    if (i > 0) *line += ',';
    const bool is_hidden = (hides_all && i >= name_words) || IsSecretArgument(engine_, command, arguments, i);
    AppendString(line, is_hidden ? kRedacted : arguments[i].substr(0, kArgumentBytesMax));
  }
  *line += ']';
  if (arguments.size() > kArgumentsMax) *line += ",\"argument_count\":" + std::to_string(arguments.size());
}

void AuditLog::OnAdministrativeCall(const Session& session, const Command& command,
                                    std::span<const std::string_view> arguments, const Status& status) {
  if (!is_on()) return;
  std::string line = BeginLine(session, "command");
  AppendCall(&line, command, arguments);
  AppendField(&line, "result", status.ok() ? "ok" : status.text());
  Add(std::move(line));
}

void AuditLog::OnDeniedCall(const Session& session, const Command& command, std::span<const std::string_view> arguments,
                            std::string_view reason, std::string_view object) {
  if (!is_on()) return;
  std::string line = BeginLine(session, "denied");
  AppendCall(&line, command, arguments);
  AppendField(&line, "reason", reason);
  const bool is_data = object != command.name;
  AppendField(&line, "object", is_data && engine_.settings().hide_user_data_from_log ? kRedacted : object);
  Add(std::move(line));
}

void AuditLog::OnRefusedAuthentication(const Session& session, std::string_view user, std::string_view why) {
  if (!is_on()) return;
  std::string line = BeginLine(session, "denied");
  AppendField(&line, "reason", "auth");
  AppendField(&line, "object", user.substr(0, kArgumentBytesMax));
  AppendField(&line, "result", why);
  Add(std::move(line));
}

void AuditLog::Add(std::string line) {
  line += "}\n";
  MutexLock lock(mutex_);
  if (lines_.size() + line.size() > kPendingBytesMax) {
    ++dropped_count_;
  } else {
    lines_ += line;
  }
}

void AuditLog::Flush() {
  std::string lines;
  {
    MutexLock lock(mutex_);
    if (lines_.empty()) return;
    lines.swap(lines_);
    if (dropped_count_ != 0) {
      lines += "{\"time\":\"" + TimeText(engine_.clock().NowMs()) +
               "\",\"event\":\"dropped\",\"count\":" + std::to_string(std::exchange(dropped_count_, 0)) + "}\n";
    }
  }
  const bool fails = !AppendToFile(engine_.settings().audit_file, lines);
  if (fails && !has_failed_) {
    Log(LogLevel::kWarning,
        "The audit file cannot be written, what happens is not recorded: " + std::string(std::strerror(errno)));
  }
  has_failed_ = fails;
}

}  // namespace kvick

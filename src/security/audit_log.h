// AuditLog writes administrative commands and what was denied into a file of its own (audit-file), one JSON object a
// line:
//
//   {"time":"2026-11-21T15:53:08.123Z","event":"command","user":"ada","client":"127.0.0.1:50000","id":7,
//    "command":"config|set","arguments":["CONFIG","SET","requirepass","(redacted)"],"result":"ok"}
//   {..., "event":"denied","command":"get","arguments":["GET","a"],"reason":"key","object":"a"}
//   {..., "event":"denied","reason":"auth","object":"ada","result":"wrong password, or no such user"}
//
// Secrets are left out as they are in the slow log; with hide-user-data-from-log all arguments are, and keys. Bytes
// that are no ASCII are written as \u00XX.
//
// Recording waits for no file: lines are gathered, and the process's own thread writes them ten times a second and at
// the end. When the file cannot keep up, or cannot be written, lines are dropped, and a line says how many.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/sync.h"
#include "engine/engine.h"
#include "engine/hooks.h"

namespace kvick {

class AuditLog final : public CallObserver {
 public:
  // `engine` outlives it.
  explicit AuditLog(const Engine& engine) : engine_(engine) {}

  // Inside the gate.
  void OnAdministrativeCall(const Session& session, const Command& command, std::span<const std::string_view> arguments,
                            const Status& status) override;
  void OnDeniedCall(const Session& session, const Command& command, std::span<const std::string_view> arguments,
                    std::string_view reason, std::string_view object);
  void OnRefusedAuthentication(const Session& session, std::string_view user, std::string_view why);

  // Outside of the gate; one thread at a time.
  void Flush() KVICK_EXCLUDES(mutex_);

 private:
  bool is_on() const { return !engine_.settings().audit_file.empty(); }
  std::string BeginLine(const Session& session, std::string_view event) const;
  void AppendCall(std::string* line, const Command& command, std::span<const std::string_view> arguments) const;
  void Add(std::string line) KVICK_EXCLUDES(mutex_);

  const Engine& engine_;
  bool has_failed_ = false;  // the last time it was written
  Mutex mutex_;
  std::string lines_ KVICK_GUARDED_BY(mutex_);
  uint64_t dropped_count_ KVICK_GUARDED_BY(mutex_) = 0;
};

}  // namespace kvick

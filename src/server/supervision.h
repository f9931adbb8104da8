// Supervisor: who started this process and waits to hear of it: systemd, upstart, or nobody.
#pragma once

#include <string>
#include <string_view>

#include "config/settings.h"

namespace kvick {

class Supervisor {
 public:
  Supervisor() = default;
  // As `supervised` says, from the environment. With upstart the process stops itself until it is continued.
  static Supervisor Find(SupervisedMode mode);

  [[nodiscard]] bool is_present() const { return kind_ != Kind::kNone; }
  // "no", "systemd", "upstart".
  [[nodiscard]] std::string_view name() const {
    return kind_ == Kind::kSystemd ? "systemd" : kind_ == Kind::kUpstart ? "upstart" : "no";
  }
  // A line of the service's state ("STATUS=...", "READY=1"); for systemd only. Any thread.
  void Notify(std::string_view state) const;

 private:
  enum class Kind { kNone, kSystemd, kUpstart };

  Kind kind_ = Kind::kNone;
};

}  // namespace kvick

// Who may use what a directive opens to nobody, to everybody, or to clients of this machine.
#pragma once

#include "config/settings.h"
#include "engine/session.h"

namespace kvick {

inline bool Permits(AccessPermission permission, const Session& session) {
  return permission == AccessPermission::kYes || (permission == AccessPermission::kLocal && session.is_local);
}

}  // namespace kvick

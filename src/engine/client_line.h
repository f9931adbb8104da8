// The line that describes a client: in CLIENT LIST and CLIENT INFO, and in the log.
//
//   id=3 addr=127.0.0.1:50000 laddr=127.0.0.1:6379 fd=9 name= age=12 idle=0 flags=N db=0 ...
#pragma once

#include <cstdint>
#include <string>

#include "engine/session.h"

namespace kvick {

// Without a line break. `argument_bytes`: of the command that the client is executing right now. In the session's
// thread or in an exclusive moment.
std::string ClientLine(const Session& session, int64_t now_ms, size_t argument_bytes = 0);

}  // namespace kvick

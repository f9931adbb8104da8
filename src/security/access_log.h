// AccessLog: who was denied what lately (ACL LOG). Denials of the same kind within a minute are one entry.
//
// Any thread. Recording is linear in the number of entries, which acllog-max-len bounds.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "base/sync.h"
#include "security/selector.h"

namespace kvick {

struct DeniedAccess {
  uint64_t count = 1;
  Denial::Reason reason = Denial::Reason::kCommand;
  std::string context;  // "toplevel", "multi", "lua"
  std::string object;
  std::string user;
  std::string client_line;
  uint64_t id = 0;
  int64_t created_ms = 0;
  int64_t updated_ms = 0;
};

class AccessLog {
 public:
  // `access.updated_ms` is now. Keeps at most `entry_count_max`.
  void Record(DeniedAccess access, uint64_t entry_count_max) KVICK_EXCLUDES(mutex_);
  // The latest first.
  [[nodiscard]] std::vector<DeniedAccess> Latest(size_t count_max) const KVICK_EXCLUDES(mutex_);
  void Clear() KVICK_EXCLUDES(mutex_);

 private:
  mutable Mutex mutex_;
  std::deque<DeniedAccess> entries_ KVICK_GUARDED_BY(mutex_);  // the latest first
  uint64_t next_id_ KVICK_GUARDED_BY(mutex_) = 0;
};

}  // namespace kvick

// FailedAttempts counts failed authentications by the address that they came from, for auth-failures-max.
//
// Any thread. Bounded: when too many addresses fail at once, the one that failed first is forgotten.
#pragma once

#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/sync.h"

namespace kvick {

class FailedAttempts {
 public:
  // A minute begins with an address's first failure.
  void Add(std::string_view address, int64_t now_ms) KVICK_EXCLUDES(mutex_);
  [[nodiscard]] uint64_t CountOf(std::string_view address, int64_t now_ms) const KVICK_EXCLUDES(mutex_);

 private:
  struct Attempts {
    std::string address;
    int64_t first_ms;
    uint64_t count;
  };

  mutable Mutex mutex_;
  std::list<Attempts> attempts_ KVICK_GUARDED_BY(mutex_);  // those that began first are in front
  // Views of the addresses in `attempts_`.
  std::unordered_map<std::string_view, std::list<Attempts>::iterator> by_address_ KVICK_GUARDED_BY(mutex_);
};

}  // namespace kvick

#include "security/access_log.h"

#include <algorithm>
#include <utility>

namespace kvick {
namespace {

constexpr int64_t kSameEventMs = 60'000;

bool IsSameEvent(const DeniedAccess& a, const DeniedAccess& b) {
  return a.reason == b.reason && a.context == b.context && a.updated_ms - b.updated_ms <= kSameEventMs &&
         a.object == b.object && a.user == b.user;
}

}  // namespace

void AccessLog::Record(DeniedAccess access, uint64_t entry_count_max) {
  MutexLock lock(mutex_);
  const auto known = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const DeniedAccess& entry) { return IsSameEvent(access, entry); });
  if (known != entries_.end()) {
    access.count = known->count + 1;
    access.id = known->id;
    access.created_ms = known->created_ms;
    entries_.erase(known);
  } else {
    access.id = next_id_++;
    access.created_ms = access.updated_ms;
  }
  entries_.push_front(std::move(access));
  while (entries_.size() > entry_count_max) entries_.pop_back();
}

std::vector<DeniedAccess> AccessLog::Latest(size_t count_max) const {
  MutexLock lock(mutex_);
  const size_t count = std::min(count_max, entries_.size());
  return {entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(count)};
}

void AccessLog::Clear() {
  MutexLock lock(mutex_);
  entries_.clear();
}

}  // namespace kvick

#include "security/failed_attempts.h"

#include <iterator>

namespace kvick {
namespace {

constexpr int64_t kPeriodMs = 60'000;
constexpr size_t kAddressesMax = 10'000;

}  // namespace

void FailedAttempts::Add(std::string_view address, int64_t now_ms) {
  MutexLock lock(mutex_);
  while (!attempts_.empty() && (now_ms - attempts_.front().first_ms >= kPeriodMs || attempts_.size() > kAddressesMax)) {
    by_address_.erase(attempts_.front().address);
    attempts_.pop_front();
  }
  const auto found = by_address_.find(address);
  if (found != by_address_.end()) {
    ++found->second->count;
    return;
  }
  attempts_.push_back({std::string(address), now_ms, 1});
  by_address_.emplace(attempts_.back().address, std::prev(attempts_.end()));
}

uint64_t FailedAttempts::CountOf(std::string_view address, int64_t now_ms) const {
  MutexLock lock(mutex_);
  const auto found = by_address_.find(address);
  if (found == by_address_.end() || now_ms - found->second->first_ms >= kPeriodMs) return 0;
  return found->second->count;
}

}  // namespace kvick

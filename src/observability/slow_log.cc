#include "observability/slow_log.h"

#include <algorithm>
#include <utility>

#include "engine/command_table.h"
#include "engine/secret_arguments.h"
#include "engine/session.h"

namespace kvick {

std::vector<std::string> SlowLog::ShortenedArguments(const CallRecord& call) const {
  const auto argument_max = static_cast<size_t>(engine_.settings().slowlog_entry_arguments_max);
  const auto size_max = static_cast<size_t>(engine_.settings().slowlog_entry_string_max_bytes);
  const size_t count = call.arguments.size();
  // The last place tells how many are left out, itself among them.
  const size_t shown_count = count > argument_max ? argument_max - 1 : count;
  std::vector<std::string> shown;
  for (size_t i = 0; i < shown_count; ++i) {
    const std::string_view argument = call.arguments[i];
    if (IsSecretArgument(engine_, *call.command, call.arguments, i)) {
      shown.emplace_back(kRedacted);
    } else if (argument.size() > size_max) {
      shown.push_back(std::string(argument.substr(0, size_max)) + "... (" + std::to_string(argument.size() - size_max) +
                      " more bytes)");
    } else {
      shown.emplace_back(argument);
    }
  }
  if (shown_count < count) shown.push_back("... (" + std::to_string(count - shown_count) + " more arguments)");
  return shown;
}

void SlowLog::OnSlowCall(const CallRecord& call) {
  SlowCall slow;
  slow.finished_s = call.finished_us / 1'000'000;
  slow.duration_us = call.duration_us;
  slow.arguments = ShortenedArguments(call);
  slow.argument_count = call.arguments.size();
  slow.address = call.session->address;
  slow.client_name = call.session->name;
  const auto entry_count_max = static_cast<size_t>(engine_.settings().slowlog_entries_max);
  MutexLock lock(mutex_);
  slow.id = next_id_++;
  calls_.push_front(std::move(slow));
  TrimTo(entry_count_max);
}

std::vector<SlowCall> SlowLog::Latest(int64_t count_max) const {
  MutexLock lock(mutex_);
  const size_t count = count_max < 0 ? calls_.size() : std::min(calls_.size(), static_cast<size_t>(count_max));
  return {calls_.begin(), calls_.begin() + static_cast<std::ptrdiff_t>(count)};
}

size_t SlowLog::size() const {
  MutexLock lock(mutex_);
  return calls_.size();
}

void SlowLog::Clear() {
  MutexLock lock(mutex_);
  calls_.clear();
}

void SlowLog::Trim() {
  const auto entry_count_max = static_cast<size_t>(engine_.settings().slowlog_entries_max);
  MutexLock lock(mutex_);
  TrimTo(entry_count_max);
}

void SlowLog::TrimTo(size_t entry_count_max) {
  while (calls_.size() > entry_count_max) calls_.pop_back();
}

}  // namespace kvick

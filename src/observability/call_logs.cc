#include "observability/call_logs.h"

#include <algorithm>
#include <utility>

#include "engine/command_table.h"
#include "engine/secret_arguments.h"
#include "engine/session.h"

namespace kvick {
namespace {

constexpr CallLogKind kKinds[] = {CallLogKind::kSlow, CallLogKind::kLargeRequest, CallLogKind::kLargeReply};

int64_t AmountOf(const CallRecord& call, CallLogKind kind) {
  switch (kind) {
    case CallLogKind::kSlow: return call.duration_us;
    case CallLogKind::kLargeRequest: return static_cast<int64_t>(call.request_bytes);
    case CallLogKind::kLargeReply: return static_cast<int64_t>(call.reply_bytes);
  }
  return 0;
}

}  // namespace

CallLogs::Rule CallLogs::RuleOf(CallLogKind kind) const {
  const Settings& settings = engine_.settings();
  switch (kind) {
    case CallLogKind::kSlow:
      return {settings.slowlog_log_slower_than_us, static_cast<size_t>(settings.slowlog_entries_max)};
    case CallLogKind::kLargeRequest:
      return {settings.large_request_bytes_min, static_cast<size_t>(settings.large_request_entries_max)};
    case CallLogKind::kLargeReply:
      return {settings.large_reply_bytes_min, static_cast<size_t>(settings.large_reply_entries_max)};
  }
  return {-1, 0};
}

std::vector<std::string> CallLogs::ShortenedArguments(const CallRecord& call) const {
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

void CallLogs::OnNotableCall(const CallRecord& call) {
  if (call.command->has(kSkipSlowlog)) return;
  for (const CallLogKind kind : kKinds) {
    const int64_t threshold = RuleOf(kind).threshold;
    const int64_t amount = AmountOf(call, kind);
    if (threshold < 0 || amount < threshold) continue;
    LoggedCall logged;
    logged.finished_s = call.finished_us / 1'000'000;
    logged.amount = amount;
    logged.arguments = ShortenedArguments(call);
    logged.argument_count = call.arguments.size();
    logged.address = call.session->address;
    logged.client_name = call.session->name;
    Add(kind, std::move(logged));
  }
}

void CallLogs::Add(CallLogKind kind, LoggedCall call) {
  const size_t entry_count_max = RuleOf(kind).entry_count_max;
  MutexLock lock(mutex_);
  Log& log = LogOf(kind);
  call.id = log.next_id++;
  log.calls.push_front(std::move(call));
  while (log.calls.size() > entry_count_max) log.calls.pop_back();
}

std::vector<LoggedCall> CallLogs::Latest(CallLogKind kind, int64_t count_max) const {
  MutexLock lock(mutex_);
  const std::deque<LoggedCall>& calls = LogOf(kind).calls;
  const size_t count = count_max < 0 ? calls.size() : std::min(calls.size(), static_cast<size_t>(count_max));
  return {calls.begin(), calls.begin() + static_cast<std::ptrdiff_t>(count)};
}

size_t CallLogs::size(CallLogKind kind) const {
  MutexLock lock(mutex_);
  return LogOf(kind).calls.size();
}

int64_t CallLogs::last_id(CallLogKind kind) const {
  MutexLock lock(mutex_);
  return LogOf(kind).next_id - 1;
}

void CallLogs::Clear(CallLogKind kind) {
  MutexLock lock(mutex_);
  LogOf(kind).calls.clear();
}

void CallLogs::Trim() {
  for (const CallLogKind kind : kKinds) {
    const size_t entry_count_max = RuleOf(kind).entry_count_max;
    MutexLock lock(mutex_);
    Log& log = LogOf(kind);
    while (log.calls.size() > entry_count_max) log.calls.pop_back();
  }
}

}  // namespace kvick

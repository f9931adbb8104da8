// The trimming options that XADD and XTRIM share: MAXLEN | MINID [= | ~] threshold [LIMIT count].
#pragma once

#include <cstddef>
#include <optional>

#include "base/status.h"
#include "commands/stream_access.h"

namespace kvick {

struct StreamTrimOptions {
  StreamTrim trim;
  std::optional<StreamRefPolicy> policy;
  std::optional<int64_t> limit;

  bool trims() const { return trim.strategy != StreamTrim::Strategy::kNone; }
  StreamRefPolicy ref_policy() const { return policy.value_or(StreamRefPolicy::kKeep); }
};

// Reads the option at `*index`, if it is one of these, and moves `*index` to its last argument. False when it is not.
Result<bool> ParseTrimOption(CommandContext& context, size_t* index, StreamTrimOptions* options);
// What can be said only of all options together. Sets the limit.
Status FinishTrimOptions(CommandContext& context, StreamTrimOptions* options);

// Trims; announces it. Returns what was done.
StreamTrimmed TrimStream(CommandContext& context, StreamValue& stream, const StreamTrimOptions& options);
// The words that trim exactly what was trimmed: "MAXLEN", "=", "100".
struct TrimWords {
  std::string_view strategy;
  std::string threshold;
};
TrimWords ExactTrim(const StreamTrimOptions& options, const StreamTrimmed& trimmed, size_t count_before);

}  // namespace kvick

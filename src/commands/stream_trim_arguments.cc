#include "commands/stream_trim_arguments.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/numbers.h"

namespace kvick {
namespace {

using Strategy = StreamTrim::Strategy;

// Without LIMIT an approximate trim ends after so many nodes' worth of entries, within these bounds.
constexpr int64_t kDefaultLimitNodes = 100;
constexpr int64_t kDefaultLimitMax = 1'000'000;
constexpr int64_t kDefaultLimitIfNone = 10'000;

}  // namespace

Result<bool> ParseTrimOption(CommandContext& context, size_t* index, StreamTrimOptions* options) {
  const size_t last = context.argument_count() - 1;
  size_t at = *index;
  if (at < last && (context.ArgIs(at, "MAXLEN") || context.ArgIs(at, "MINID"))) {
    if (options->trims()) {
      return errors::Generic("syntax error, MAXLEN and MINID options at the same time are not compatible");
    }
    options->trim.strategy = context.ArgIs(at, "MAXLEN") ? Strategy::kMaxLength : Strategy::kMinId;
    ++at;
    if (at < last && (context.Arg(at) == "~" || context.Arg(at) == "=")) {
      options->trim.is_approximate = context.Arg(at) == "~";
      ++at;
    }
    if (options->trim.strategy == Strategy::kMaxLength) {
      KVICK_ASSIGN_OR_RETURN(const int64_t length_max, context.IntegerArg(at));
      if (length_max < 0) return errors::Generic("The MAXLEN argument must be >= 0.");
      options->trim.length_max = static_cast<size_t>(length_max);
    } else {
      KVICK_ASSIGN_OR_RETURN(options->trim.id_min, ParseExactStreamId(context.Arg(at)));
    }
  } else if (at < last && context.ArgIs(at, "LIMIT")) {
    ++at;
    KVICK_ASSIGN_OR_RETURN(options->limit, context.IntegerArg(at));
    if (*options->limit < 0) return errors::Generic("The LIMIT argument must be >= 0.");
  } else if (const std::optional<StreamRefPolicy> policy = FindRefPolicy(context, at)) {
    if (options->policy) return errors::Syntax();
    options->policy = policy;
  } else {
    return false;
  }
  *index = at;
  return true;
}

Status FinishTrimOptions(CommandContext& context, StreamTrimOptions* options) {
  if (options->limit.value_or(0) != 0 && !options->trims()) {
    return errors::Generic("syntax error, LIMIT cannot be used without specifying a trimming strategy");
  }
  if (options->limit && !options->trim.is_approximate) {
    return errors::Generic("syntax error, LIMIT cannot be used without the special ~ option");
  }
  if (!options->trim.is_approximate) return Status::Ok();
  int64_t limit = 0;
  if (options->limit) {
    limit = *options->limit;
  } else {
    const int64_t entries_max = context.settings().stream_node_entries_max;
    limit = entries_max > kDefaultLimitMax ? kDefaultLimitMax : entries_max * kDefaultLimitNodes;
    limit = limit <= 0 ? kDefaultLimitIfNone : std::min(limit, kDefaultLimitMax);
  }
  options->trim.limit = static_cast<size_t>(limit);
  return Status::Ok();
}

StreamTrimmed TrimStream(CommandContext& context, StreamValue& stream, const StreamTrimOptions& options) {
  const StreamTrimmed trimmed = stream.Trim(options.trim, options.ref_policy());
  if (trimmed.removed_count > 0) context.Notify(KeyEventClass::kStream, "xtrim", 0);
  return trimmed;
}

TrimWords ExactTrim(const StreamTrimOptions& options, const StreamTrimmed& trimmed, size_t count_before) {
  if (options.trim.strategy == Strategy::kMaxLength) {
    const size_t length_max =
        options.trim.is_approximate ? count_before - trimmed.considered_count : options.trim.length_max;
    return {"MAXLEN", std::to_string(length_max)};
  }
  return {"MINID", (options.trim.is_approximate ? trimmed.end : options.trim.id_min).ToString()};
}

}  // namespace kvick

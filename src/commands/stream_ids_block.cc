#include "commands/stream_ids_block.h"

namespace kvick {

Result<std::vector<StreamId>> ParseIdsBlock(CommandContext& context, size_t* index, const IdsBlockErrors& texts) {
  const size_t count_index = *index + 1;
  if (count_index >= context.argument_count()) return errors::Generic(texts.bad_count);
  const Result<int64_t> count = context.IntegerArg(count_index);
  if (!count.ok() || *count <= 0) return errors::Generic(texts.bad_count);
  const size_t rest = context.argument_count() - count_index - 1;
  if (static_cast<uint64_t>(*count) > rest) return errors::Generic(texts.count_mismatch);
  std::vector<StreamId> ids;
  ids.reserve(static_cast<size_t>(*count));
  for (size_t i = 0; i < static_cast<size_t>(*count); ++i) {
    KVICK_ASSIGN_OR_RETURN(const StreamId id, ParseExactStreamId(context.Arg(count_index + 1 + i)));
    ids.push_back(id);
  }
  *index = count_index + static_cast<size_t>(*count);
  return ids;
}

Result<PolicyAndIds> ParsePolicyAndIds(CommandContext& context, size_t index) {
  PolicyAndIds request;
  bool has_policy = false;
  for (size_t i = index; i < context.argument_count(); ++i) {
    if (context.ArgIs(i, "IDS") && request.ids.empty()) {
      KVICK_ASSIGN_OR_RETURN(request.ids, ParseIdsBlock(context, &i,
                                                        {"Number of IDs must be a positive integer",
                                                         "The `numids` parameter must match the number of arguments"}));
    } else if (const std::optional<StreamRefPolicy> policy = FindRefPolicy(context, i); policy && !has_policy) {
      request.policy = *policy;
      has_policy = true;
    } else {
      return errors::Syntax();
    }
  }
  if (request.ids.empty()) return errors::Syntax();
  return request;
}

}  // namespace kvick

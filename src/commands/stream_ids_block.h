// "IDS numids id [id ...]", as XDELEX, XACKDEL and XNACK take it.
#pragma once

#include <cstddef>
#include <vector>

#include "base/status.h"
#include "commands/stream_access.h"

namespace kvick {

// What commands answer when the block is wrong; they differ.
struct IdsBlockErrors {
  std::string_view bad_count;
  std::string_view count_mismatch;
};

// Reads the block whose IDS stands at `*index` and moves `*index` to its last id.
Result<std::vector<StreamId>> ParseIdsBlock(CommandContext& context, size_t* index, const IdsBlockErrors& texts);

struct PolicyAndIds {
  StreamRefPolicy policy = StreamRefPolicy::kKeep;
  std::vector<StreamId> ids;
};
// "[KEEPREF | DELREF | ACKED] IDS numids id [id ...]", in either order, to the end of the arguments.
Result<PolicyAndIds> ParsePolicyAndIds(CommandContext& context, size_t index);

}  // namespace kvick

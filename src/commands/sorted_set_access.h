// What the command files of sorted sets share: limits, the texts of scores and ranges, replies, emptied keys.
#pragma once

#include <string_view>

#include "base/status.h"
#include "config/settings.h"
#include "engine/command_context.h"
#include "types/sorted_set_value.h"

namespace kvick {

inline SortedSetLimits SortedSetLimitsOf(const Settings& settings) {
  return {.listpack_entries_max = settings.zset_listpack_entries_max,
          .listpack_value_max_bytes = settings.zset_listpack_value_max_bytes};
}

// "1.5", "(1.5", "-inf"; "ERR min or max is not a float".
Result<ScoreRange> ParseScoreRange(std::string_view min, std::string_view max);
// "[a", "(a", "-", "+"; "ERR min or max not valid string range item".
Result<LexRange> ParseLexRange(std::string_view min, std::string_view max);

enum class WithScores : bool { kNo, kYes };

// The header of `count` members, each by ReplyMember: flat in RESP2, an array of pairs in RESP3 when scores are wanted.
void BeginMembers(ReplyWriter& reply, size_t count, WithScores with_scores);
void ReplyMember(ReplyWriter& reply, std::string_view member, double score, WithScores with_scores);

// An emptied sorted set is no key.
void EraseIfEmpty(CommandContext& context, const SortedSetValue& set, size_t ordinal);

// Stores the result of a command under its first key, which goes when there is nothing to store. Replies the count.
void StoreSortedSet(CommandContext& context, std::unique_ptr<SortedSetValue> result, std::string_view event);

}  // namespace kvick

// Ranges of sorted sets, by rank, score or name: reading, counting, storing and removing them.
#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "commands/families.h"
#include "commands/sorted_set_access.h"

namespace kvick {
namespace {

enum class RangeBy : uint8_t { kRank, kScore, kLex };

// What one of the many commands that read a range is asked for.
struct RangeRequest {
  RangeBy by = RangeBy::kRank;
  Order order = Order::kAscending;
  WithScores with_scores = WithScores::kNo;
  int64_t offset = 0;
  int64_t limit = -1;  // negative: all

  // One of them, by `by`.
  int64_t first_rank = 0;
  int64_t last_rank = 0;
  ScoreRange scores;
  LexRange names;
};

// Ranks that may count from the end.
RankRange ResolveRanks(int64_t first, int64_t last, size_t count) {
  const auto size = static_cast<int64_t>(count);
  if (first < 0) first = std::max<int64_t>(first + size, 0);
  if (last < 0) last += size;
  if (first > last || first >= size) return {};
  return {static_cast<size_t>(first), static_cast<size_t>(std::min(last, size - 1)) + 1};
}

Status ParseBounds(std::string_view min, std::string_view max, RangeRequest* request) {
  switch (request->by) {
    case RangeBy::kRank: {
      const std::optional<int64_t> first = ParseInt64(min);
      const std::optional<int64_t> last = ParseInt64(max);
      if (!first || !last) return errors::NotInteger();
      request->first_rank = *first;
      request->last_rank = *last;
      break;
    }
    case RangeBy::kScore: {
      KVICK_ASSIGN_OR_RETURN(request->scores, ParseScoreRange(min, max));
      break;
    }
    case RangeBy::kLex: {
      KVICK_ASSIGN_OR_RETURN(request->names, ParseLexRange(min, max));
      break;
    }
  }
  return Status::Ok();
}

// Which options a command leaves open.
enum class FreeOptions : uint8_t { kNone = 0, kByAndOrder = 1, kScores = 2, kAll = 3 };

bool Has(FreeOptions options, FreeOptions option) {
  return (static_cast<unsigned>(options) & static_cast<unsigned>(option)) != 0;
}

// `request` comes with what the command's name fixes; the bounds are the arguments `bounds` and behind it.
Status ParseRange(const CommandContext& context, size_t bounds, FreeOptions free, RangeRequest* request) {
  for (size_t i = bounds + 2; i < context.argument_count(); ++i) {
    if (context.ArgIs(i, "WITHSCORES") && Has(free, FreeOptions::kScores)) {
      request->with_scores = WithScores::kYes;
    } else if (context.ArgIs(i, "LIMIT") && i + 2 < context.argument_count()) {
      KVICK_ASSIGN_OR_RETURN(request->offset, context.IntegerArg(i + 1));
      KVICK_ASSIGN_OR_RETURN(request->limit, context.IntegerArg(i + 2));
      i += 2;
    } else if (context.ArgIs(i, "REV") && Has(free, FreeOptions::kByAndOrder) && request->order == Order::kAscending) {
      request->order = Order::kDescending;
    } else if (context.ArgIs(i, "BYLEX") && Has(free, FreeOptions::kByAndOrder) && request->by == RangeBy::kRank) {
      request->by = RangeBy::kLex;
    } else if (context.ArgIs(i, "BYSCORE") && Has(free, FreeOptions::kByAndOrder) && request->by == RangeBy::kRank) {
      request->by = RangeBy::kScore;
    } else {
      return errors::Syntax();
    }
  }
  if (request->limit != -1 && request->by == RangeBy::kRank) {
    return errors::Generic("syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX");
  }
  if (request->with_scores == WithScores::kYes && request->by == RangeBy::kLex) {
    return errors::Generic("syntax error, WITHSCORES not supported in combination with BYLEX");
  }
  // From the end, the higher bound comes first.
  const bool is_swapped = request->order == Order::kDescending && request->by != RangeBy::kRank;
  return ParseBounds(context.Arg(bounds + (is_swapped ? 1 : 0)), context.Arg(bounds + (is_swapped ? 0 : 1)), request);
}

RankRange Resolve(const RangeRequest& request, const SortedSetValue& set) {
  RankRange range;
  switch (request.by) {
    case RangeBy::kRank: {
      range = ResolveRanks(request.first_rank, request.last_rank, set.count());
      // Ranks from the end count from there.
      if (request.order == Order::kDescending && !range.empty()) {
        range = {set.count() - range.end, set.count() - range.begin};
      }
      return range;
    }
    case RangeBy::kScore: range = set.RanksOf(request.scores); break;
    case RangeBy::kLex: range = set.RanksOf(request.names, request.order); break;
  }
  if (range.empty() || request.offset < 0 || static_cast<uint64_t>(request.offset) >= range.count()) return {};
  const auto skipped = static_cast<size_t>(request.offset);
  const size_t left = range.count() - skipped;
  const size_t taken = request.limit < 0 ? left : std::min(left, static_cast<size_t>(request.limit));
  if (request.order == Order::kAscending) return {range.begin + skipped, range.begin + skipped + taken};
  return {range.end - skipped - taken, range.end - skipped};
}

Status ReplyRange(CommandContext& context, RangeRequest request, FreeOptions free) {
  KVICK_RETURN_IF_ERROR(ParseRange(context, 2, free, &request));
  KVICK_ASSIGN_OR_RETURN(const SortedSetValue* set, context.FindValue<SortedSetValue>(0));
  ReplyWriter& reply = context.Reply();
  const RankRange range = set == nullptr ? RankRange{} : Resolve(request, *set);
  if (range.empty()) {
    reply.Array(0);
    return Status::Ok();
  }
  BeginMembers(reply, range.count(), request.with_scores);
  set->ForEachInRange(range, request.order, [&](std::string_view member, double score) {
    ReplyMember(reply, member, score, request.with_scores);
  });
  return Status::Ok();
}

RangeRequest Fixed(RangeBy by, Order order) {
  RangeRequest request;
  request.by = by;
  request.order = order;
  return request;
}

Status ZRange(CommandContext& context) {
  return ReplyRange(context, Fixed(RangeBy::kRank, Order::kAscending), FreeOptions::kAll);
}
Status ZRevRange(CommandContext& context) {
  return ReplyRange(context, Fixed(RangeBy::kRank, Order::kDescending), FreeOptions::kScores);
}
Status ZRangeByScore(CommandContext& context) {
  return ReplyRange(context, Fixed(RangeBy::kScore, Order::kAscending), FreeOptions::kScores);
}
Status ZRevRangeByScore(CommandContext& context) {
  return ReplyRange(context, Fixed(RangeBy::kScore, Order::kDescending), FreeOptions::kScores);
}
Status ZRangeByLex(CommandContext& context) {
  return ReplyRange(context, Fixed(RangeBy::kLex, Order::kAscending), FreeOptions::kScores);
}
Status ZRevRangeByLex(CommandContext& context) {
  return ReplyRange(context, Fixed(RangeBy::kLex, Order::kDescending), FreeOptions::kScores);
}

// Packing makes 0 of -0. A result of few members is packed until it meets one that is too long, in the order in which
// they come: those before keep no sign. Whoever looks at the scores of zeros sees that.
void DropSignsBeforeUnpacking(std::vector<ScoredText>* members, Order order, const SortedSetLimits& limits) {
  if (members->size() > limits.listpack_entries_max) return;
  for (size_t i = 0; i < members->size(); ++i) {
    ScoredText& item = (*members)[order == Order::kAscending ? i : members->size() - 1 - i];
    if (item.member.size() > limits.listpack_value_max_bytes) return;
    item.score += 0.0;
  }
}

Status ZRangeStore(CommandContext& context) {
  RangeRequest request;
  KVICK_RETURN_IF_ERROR(ParseRange(context, 3, FreeOptions::kByAndOrder, &request));
  KVICK_ASSIGN_OR_RETURN(const SortedSetValue* source, context.FindValue<SortedSetValue>(1));
  const RankRange range = source == nullptr ? RankRange{} : Resolve(request, *source);
  std::vector<ScoredText> members;
  if (!range.empty()) {
    members.reserve(range.count());
    source->ForEachInRange(range, Order::kAscending, [&members](std::string_view member, double score) {
      members.push_back({std::string(member), score});
    });
  }
  const SortedSetLimits limits = SortedSetLimitsOf(context.settings());
  DropSignsBeforeUnpacking(&members, request.order, limits);
  StoreSortedSet(context, std::make_unique<SortedSetValue>(std::move(members), limits), "zrangestore");
  return Status::Ok();
}

Status ReplyCount(CommandContext& context, RangeBy by) {
  RangeRequest request = Fixed(by, Order::kAscending);
  KVICK_RETURN_IF_ERROR(ParseBounds(context.Arg(2), context.Arg(3), &request));
  KVICK_ASSIGN_OR_RETURN(const SortedSetValue* set, context.FindValue<SortedSetValue>(0));
  const RankRange range = set == nullptr ? RankRange{} : Resolve(request, *set);
  context.Reply().Integer(range.empty() ? 0 : static_cast<int64_t>(range.count()));
  return Status::Ok();
}

Status ZCount(CommandContext& context) { return ReplyCount(context, RangeBy::kScore); }
Status ZLexCount(CommandContext& context) { return ReplyCount(context, RangeBy::kLex); }

Status RemoveRange(CommandContext& context, RangeBy by, std::string_view event) {
  RangeRequest request = Fixed(by, Order::kAscending);
  KVICK_RETURN_IF_ERROR(ParseBounds(context.Arg(2), context.Arg(3), &request));
  KVICK_ASSIGN_OR_RETURN(SortedSetValue * set, context.FindValueForWrite<SortedSetValue>(0));
  const RankRange range = set == nullptr ? RankRange{} : Resolve(request, *set);
  if (!range.empty()) {
    set->EraseRange(range);
    context.Modified(0);
    context.Changed(range.count());
    context.Notify(KeyEventClass::kSortedSet, event, 0);
    EraseIfEmpty(context, *set, 0);
  }
  context.Reply().Integer(range.empty() ? 0 : static_cast<int64_t>(range.count()));
  return Status::Ok();
}

Status ZRemRangeByRank(CommandContext& context) { return RemoveRange(context, RangeBy::kRank, "zremrangebyrank"); }
Status ZRemRangeByScore(CommandContext& context) { return RemoveRange(context, RangeBy::kScore, "zremrangebyscore"); }
Status ZRemRangeByLex(CommandContext& context) { return RemoveRange(context, RangeBy::kLex, "zremrangebylex"); }

constexpr std::string_view kLog = "O(log(N)) with N being the number of elements in the sorted set.";
constexpr std::string_view kLogPlusReturned =
    "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements returned.";
constexpr std::string_view kLogPlusLimited =
    "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements being returned. If "
    "M is constant (e.g. always asking for the first 10 elements with LIMIT), you can consider it O(log(N)).";
constexpr std::string_view kLogPlusRemoved =
    "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements removed by the "
    "operation.";

constexpr CommandSpec CountRow(std::string_view name, std::string_view notes, std::string_view summary,
                               std::string_view since, CommandHandler handler) {
  return {
      .name = name,
      .syntax = "key min max",
      .argument_notes = notes,
      .summary = summary,
      .since = since,
      .group = "sorted-set",
      .complexity = kLog,
      .flags = kReadonly | kFast,
      .categories = kAclSortedSet,
      .keys = {OneKey(1, kKeyReadOnly | kKeyAccess)},
      .handler = handler,
  };
}

constexpr CommandSpec RemoveRow(std::string_view name, std::string_view syntax, std::string_view notes,
                                std::string_view summary, std::string_view since, CommandHandler handler) {
  return {
      .name = name,
      .syntax = syntax,
      .argument_notes = notes,
      .summary = summary,
      .since = since,
      .group = "sorted-set",
      .complexity = kLogPlusRemoved,
      .flags = kWrite,
      .categories = kAclSortedSet,
      .keys = {OneKey(1, kKeyReadWrite | kKeyDelete)},
      .handler = handler,
  };
}

// For what ZRANGE does as well since it has options.
constexpr CommandSpec OldReadRow(std::string_view name, std::string_view syntax, std::string_view notes,
                                 std::string_view summary, std::string_view since, std::string_view complexity,
                                 std::string_view replaced_by, CommandHandler handler) {
  return {
      .name = name,
      .syntax = syntax,
      .argument_notes = notes,
      .summary = summary,
      .since = since,
      .group = "sorted-set",
      .complexity = complexity,
      .flags = kReadonly,
      .categories = kAclSortedSet,
      .keys = {OneKey(1, kKeyReadOnly | kKeyAccess)},
      .deprecated_since = "6.2.0",
      .replaced_by = replaced_by,
      .handler = handler,
  };
}

constexpr CommandSpec kCommands[] = {
    CountRow("ZCOUNT", "min(double) max(double)", "Returns how many members have scores within a range.", "2.0.0",
             ZCount),
    CountRow("ZLEXCOUNT", "", "Returns how many members lie within a lexicographical range.", "2.8.9", ZLexCount),
    {
        .name = "ZRANGE",
        .syntax = "key start stop [BYSCORE | BYLEX] [REV] [LIMIT offset count] [WITHSCORES]",
        .argument_notes = "start(string) stop(string) byscore=sortby@6.2.0 rev@6.2.0 limit@6.2.0",
        .summary = "Returns the members within a range of ranks, scores or names.",
        .since = "1.2.0",
        .group = "sorted-set",
        .complexity = kLogPlusReturned,
        .flags = kReadonly,
        .categories = kAclSortedSet,
        .keys = {OneKey(1, kKeyReadOnly | kKeyAccess)},
        .handler = ZRange,
    },
    OldReadRow("ZRANGEBYLEX", "key min max [LIMIT offset count]", "",
               "Returns the members within a lexicographical range.", "2.8.9", kLogPlusLimited,
               "ZRANGE with the BYLEX argument", ZRangeByLex),
    OldReadRow("ZRANGEBYSCORE", "key min max [WITHSCORES] [LIMIT offset count]",
               "min(double) max(double) withscores@2.0.0", "Returns the members within a range of scores.", "1.0.5",
               kLogPlusLimited, "ZRANGE with the BYSCORE argument", ZRangeByScore),
    {
        .name = "ZRANGESTORE",
        .syntax = "dst src min max [BYSCORE | BYLEX] [REV] [LIMIT offset count]",
        .argument_notes = "dst(key)#0 src(key)#1 byscore=sortby",
        .summary = "Stores a range of members of a sorted set in a key.",
        .since = "6.2.0",
        .group = "sorted-set",
        .complexity = "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements "
                      "stored into the destination key.",
        .flags = kWrite | kDenyOom,
        .categories = kAclSortedSet,
        .keys = {OneKey(1, kKeyOverwrite | kKeyUpdate), OneKey(2, kKeyReadOnly | kKeyAccess)},
        .handler = ZRangeStore,
    },
    RemoveRow("ZREMRANGEBYLEX", "key min max", "", "Removes the members within a lexicographical range.", "2.8.9",
              ZRemRangeByLex),
    RemoveRow("ZREMRANGEBYRANK", "key start stop", "", "Removes the members within a range of ranks.", "2.0.0",
              ZRemRangeByRank),
    RemoveRow("ZREMRANGEBYSCORE", "key min max", "min(double) max(double)",
              "Removes the members within a range of scores.", "1.2.0", ZRemRangeByScore),
    OldReadRow("ZREVRANGE", "key start stop [WITHSCORES]", "",
               "Returns the members within a range of ranks, in reverse order.", "1.2.0", kLogPlusReturned,
               "ZRANGE with the REV argument", ZRevRange),
    OldReadRow("ZREVRANGEBYLEX", "key max min [LIMIT offset count]", "",
               "Returns the members within a lexicographical range, in reverse order.", "2.8.9", kLogPlusLimited,
               "ZRANGE with the REV and BYLEX arguments", ZRevRangeByLex),
    OldReadRow("ZREVRANGEBYSCORE", "key max min [WITHSCORES] [LIMIT offset count]", "max(double) min(double)",
               "Returns the members within a range of scores, in reverse order.", "2.2.0", kLogPlusLimited,
               "ZRANGE with the REV and BYSCORE arguments", ZRevRangeByScore),
};

}  // namespace

std::span<const CommandSpec> SortedSetRangeCommands() { return kCommands; }

}  // namespace kvick
